# Every target does its own set-up; `make help` lists them.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help build run dev assets generate test lint check e2e bench score score-long lighthouse compiler browser clients peers

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOTEST := go test -shuffle=on -count=1 -timeout 14m
# The race detector watches everything but the database engine, which is C that was
# translated to Go: its every access to memory would be checked, at five times the cost of all the tests.
RACE := -race -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc/...=-race=false
GODIRS := cmd internal views web static/examples $(wildcard static/*.go)
NODE_STAMP := static/node_modules/.installed
LIGHTHOUSE := web/testdata/lighthouse
PEERS := internal/runtime/eliza/testdata/peers
NEEDS_NPM = @command -v npm >/dev/null || { echo 'npm is missing: install Node 20 or newer (Debian: apt-get install nodejs npm).' >&2; exit 1; }

help: ## list what make can do
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: assets ## make bin/agentry
	CGO_ENABLED=0 go build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/agentry ./cmd/agentry

run: build ## start the demo on http://127.0.0.1:3000 (ARGS adds options)
	exec bin/agentry demo $(ARGS)

dev: assets ## the demo again after every change of a template or Go file
	go tool templ generate -path . -watch -ignore-pattern 'node_modules' -cmd 'go run ./cmd/agentry demo $(ARGS)'

assets: $(NODE_STAMP) ## fetch what the pages load from npm and copy it to static/vendor
	cd static && npm run --silent vendor

$(NODE_STAMP): static/package-lock.json static/package.json
	$(NEEDS_NPM)
	cd static && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

generate: ## make Go code of the templates
	go tool templ generate -path views

test: assets compiler browser clients peers ## run every test, with the race detector
	$(GOTEST) $(RACE) ./...

e2e: assets compiler browser ## run the journeys in the browser alone
	$(GOTEST) $(RACE) -run Journey ./web/...

bench: assets ## run the benchmarks
	go test -run '^$$' -bench . -benchmem -timeout 14m ./...

score: assets ## run the promises against the built program: the table
	go run ./cmd/score

score-long: assets ## the same with more rounds, and every control
	go run ./cmd/score -long
	go run ./cmd/score -control

lighthouse: build browser $(LIGHTHOUSE)/node_modules/.installed ## measure the demo's pages with Lighthouse; fails under 95
	node $(LIGHTHOUSE)/measure.mjs bin/agentry

$(LIGHTHOUSE)/node_modules/.installed: $(LIGHTHOUSE)/package-lock.json $(LIGHTHOUSE)/package.json
	$(NEEDS_NPM)
	cd $(LIGHTHOUSE) && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

lint: assets ## gofmt, vet and staticcheck
	@unformatted=$$(gofmt -l $(GODIRS)); test -z "$$unformatted" || { echo "not formatted by gofmt:"; echo "$$unformatted"; exit 1; } >&2
	go vet ./...
	go run $(STATICCHECK) ./...

check: lint ## the one gate: lint, tidy, templates without a diff, tests
	go mod tidy -diff
	go tool templ generate -path views -check
	go tool templ fmt -fail views
	$(MAKE) test

# The race detector links with C. Where it cannot be had, go test says so.
compiler:
	@command -v "$$(go env CC)" >/dev/null || $(call install,gcc libc6-dev) || \
		echo 'The race detector needs a C compiler: install gcc (Debian: apt-get install gcc libc6-dev).' >&2

# Tests that need the browser fail without it, and say so.
browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
		$(call install,chromium fonts-liberation) || \
		echo 'The tests in a browser need Chromium: install it (Debian: apt-get install chromium) and run make again.' >&2

# Client code of the API documents runs in its own languages. A Python of
# another source may stand before the system's.
clients:
	@{ command -v curl && { python3 -c 'import requests' || /usr/bin/python3 -c 'import requests'; }; } >/dev/null 2>&1 || \
		$(call install,curl python3-requests) || \
		echo 'The tests of client code need curl and Python 3 with requests: install them (Debian: apt-get install curl python3-requests) and run make again.' >&2

# The ElizaOS server, client and command line that the tests run against.
peers: $(PEERS)/node_modules/.installed

$(PEERS)/node_modules/.installed: $(PEERS)/package-lock.json $(PEERS)/package.json
	$(NEEDS_NPM)
	cd $(PEERS) && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

# install adds Debian packages where that is possible without asking: as root.
install = { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(1); }
