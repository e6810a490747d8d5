package arch

import (
	"fmt"
	"strings"
	"testing"
)

func imports(pkg string, paths ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "package %s\n", pkg)
	for _, p := range paths {
		fmt.Fprintf(&b, "import _ %q\n", p)
	}
	return b.String()
}

func TestImportsOfExamples(t *testing.T) {
	try(t, checkImports, map[string]example{
		"standard library":       {"internal/fleet/a.go", imports("fleet", "time", "net/http"), ""},
		"fleet looks up":         {"internal/fleet/a.go", imports("fleet", "agentry/internal/store"), "internal/fleet/a.go:2: internal/fleet may not import internal/store"},
		"fleet knows a module":   {"internal/fleet/a.go", imports("fleet", "github.com/google/uuid"), "may not know github.com/google/uuid"},
		"test files are exempt":  {"internal/fleet/a_test.go", imports("fleet", "agentry/internal/store", "pgregory.net/rapid"), ""},
		"unknown package":        {"internal/news/a.go", imports("news"), "package internal/news is not in the import table: add one line to rules()"},
		"too deep":               {"internal/store/sub/a.go", imports("sub"), "not in the import table"},
		"store knows SQLite":     {"internal/store/a.go", imports("store", "agentry/internal/fleet", "modernc.org/sqlite", "modernc.org/sqlite/lib"), ""},
		"app knows SQLite":       {"internal/app/a.go", imports("app", "modernc.org/sqlite"), "may not know"},
		"app's interfaces":       {"internal/app/a.go", imports("app", "agentry/internal/runtime", "github.com/riverqueue/river"), ""},
		"app knows a driver":     {"internal/app/a.go", imports("app", "agentry/internal/runtime/process"), "may not import internal/runtime/process"},
		"app knows River's":      {"internal/app/a.go", imports("app", "github.com/riverqueue/river/riverdriver/riversqlite"), "may not know"},
		"supervisor":             {"internal/runtime/supervisor/a.go", imports("supervisor", "agentry/internal/app", "agentry/internal/runtime"), ""},
		"driver looks up":        {"internal/runtime/process/a.go", imports("process", "agentry/internal/app"), "may not import internal/app"},
		"driver knows a driver":  {"internal/runtime/process/a.go", imports("process", "agentry/internal/runtime/fake"), "may not import"},
		"config knows kinds":     {"internal/config/a.go", imports("config", "agentry/internal/fleet"), ""},
		"a face and views":       {"web/pages/a.go", imports("pages", "agentry/internal/app", "agentry/views", "agentry/views/ui", "github.com/gofiber/fiber/v2"), ""},
		"a face and store":       {"web/pages/a.go", imports("pages", "agentry/internal/store"), "may not import internal/store"},
		"a face and a face":      {"web/pages/a.go", imports("pages", "agentry/web/v1"), "may not import web/v1"},
		"web and its faces":      {"web/a.go", imports("web", "agentry/web/v1"), ""},
		"session file":           {"web/session.go", imports("web", "github.com/gorilla/sessions"), ""},
		"sessions elsewhere":     {"web/guard.go", imports("web", "github.com/gorilla/sessions"), "only web/session.go may know"},
		"ui knows no domain":     {"views/ui/a.go", imports("ui", "agentry/internal/fleet"), "may not import internal/fleet"},
		"generated counts":       {"views/ui/a_templ.go", imports("ui", "agentry/internal/fleet"), "may not import internal/fleet"},
		"cmd knows all":          {"cmd/score/a.go", imports("main", "agentry/internal/store", "github.com/spf13/cobra"), ""},
		"like a module":          {"internal/secret/a.go", imports("secret", "golang.org/x/cryptography"), "may not know"},
		"like the module's name": {"internal/fleet/a.go", imports("fleet", "agentryx.dev/y"), "may not know"},
		"cgo":                    {"internal/fleet/a.go", imports("fleet", "C"), "cgo"},
	})
}

func TestFakesOfExamples(t *testing.T) {
	fakes := imports("main", "agentry/internal/resource/fake")
	try(t, checkFakes, map[string]example{
		"the server":         {"cmd/agentry/serve.go", fakes, "cmd/agentry/serve.go:2: a stand-in may be known by"},
		"the demo":           {"cmd/agentry/demo.go", fakes, ""},
		"a part of the demo": {"cmd/agentry/demovendor.go", fakes, ""},
		"a use-case's demo":  {"internal/app/demo.go", imports("app", "agentry/internal/runtime/fake"), "internal/app/demo.go:2"},
		"a judge":            {"cmd/score/r6.go", fakes, ""},
		"a test":             {"cmd/agentry/serve_test.go", fakes, ""},
		"somebody's fake":    {"internal/app/a.go", imports("app", "example.org/fake"), ""},
	})
}

func lines(n int) string { return strings.Repeat("//\n", n) }

func TestSizesOfExamples(t *testing.T) {
	body := func(n int) string { return "package a\n" + "func F() {\n" + lines(n-2) + "}\n" }
	literal := "package a\nvar f = func() {\n" + lines(79) + "}\n"
	try(t, checkSizes, map[string]example{
		"500 lines":        {"web/a.go", "package web\n" + lines(499), ""},
		"501 lines":        {"web/a.go", "package web\n" + lines(500), "web/a.go has 501 lines"},
		"tests count":      {"web/a_test.go", "package web\n" + lines(500), "501 lines"},
		"generated is not": {"views/a_templ.go", "package views\n" + lines(900), ""},
		"function of 80":   {"web/a.go", body(80), ""},
		"function of 81":   {"web/a.go", body(81), "web/a.go:2: F has 81 lines"},
		"literal of 81":    {"web/a.go", literal, "a function literal has 81 lines"},
		"long template":    {"views/a.templ", lines(501), "501 lines"},
		"long style":       {"static/a.css", lines(501), "501 lines"},
		"long script":      {"static/a.js", lines(501), "501 lines"},
		"lock file":        {"static/package-lock.json", lines(5000), ""},
		"vendored script":  {"static/vendor/a.js", lines(5000), ""},
		"node's script":    {"static/node_modules/x/a.js", lines(5000), ""},
		"long reading":     {"README.md", lines(5000), ""},
	})
}

func code(text string) string { return "package x\n\nvar q = " + text + "\n" }

func TestStatusOfExamples(t *testing.T) {
	const found = "changes an agent's status"
	try(t, checkStatus, map[string]example{
		"plain":               {"internal/store/agent.go", code("`UPDATE agents SET status = $1`"), found},
		"in its place":        {"internal/store/move.go", code("`UPDATE agents SET status = $1`"), ""},
		"case and space":      {"internal/app/a.go", code("`update\n\t Agents  set name=$1,\n\tSTATUS=$2 where id=$3`"), "internal/app/a.go:3"},
		"in a test":           {"internal/app/a_test.go", code("`UPDATE agents SET status = 'ended'`"), found},
		"concatenated":        {"web/a.go", code(`"UPDATE agents" + " SET " + ("status" + "=$1")`), found},
		"beside a variable":   {"web/a.go", code(`"UPDATE agents SET status = '" + string(rune(65)) + "'"`), found},
		"quoted names":        {"web/a.go", code("`UPDATE \"agents\" SET \"status\" = 1`"), found},
		"alias":               {"web/a.go", code("`UPDATE main.agents AS a SET status = 1`"), found},
		"or ignore":           {"web/a.go", code("`UPDATE OR IGNORE agents SET status = 1`"), found},
		"row assignment":      {"web/a.go", code("`UPDATE agents SET (version, status) = (1, 2)`"), found},
		"comment between":     {"web/a.go", code("`UPDATE agents /* x */ SET -- y\n status = 1`"), found},
		"upsert":              {"web/a.go", code("`INSERT INTO agents (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET status = 1`"), found},
		"second statement":    {"web/a.go", code("`SELECT 1; UPDATE agents SET status = 1`"), found},
		"after a subquery":    {"web/a.go", code("`UPDATE agents SET n = (SELECT count(*) FROM x WHERE y = 1), status = 2`"), found},
		"after a comparison":  {"web/a.go", code("`UPDATE agents SET n = a IS DISTINCT FROM b, status = 2`"), found},
		"migration":           {"internal/store/migrations/1.sql", "CREATE TABLE x (y);\nUPDATE agents SET status = 'paused';", found},
		"compared in where":   {"internal/store/agent.go", code("`UPDATE agents SET name = $1 WHERE id = $2 AND status = $3`"), ""},
		"compared inside":     {"internal/store/agent.go", code("`UPDATE agents SET n = (SELECT 1 FROM t WHERE status = 'open') WHERE id = 1`"), ""},
		"another column":      {"internal/store/agent.go", code("`UPDATE agents SET status_at = $1, observed_status = 2`"), ""},
		"another table":       {"internal/store/run.go", code("`UPDATE agents_runs SET status = $1`"), ""},
		"reading":             {"internal/store/run.go", code("`SELECT status FROM agents WHERE status = $1`"), ""},
		"insert":              {"internal/store/run.go", code("`INSERT INTO agents (id, status) VALUES ($1, $2)`"), ""},
		"prose in the README": {"README.md", "UPDATE agents SET status = 1", ""},
	})
}

func TestSQLOfExamples(t *testing.T) {
	const found = "SQL outside internal/store"
	try(t, checkSQL, map[string]example{
		"select":            {"internal/app/a.go", code("`\n SELECT id\n FROM agents`"), "internal/app/a.go:3: " + found},
		"select of nothing": {"web/a.go", code("`select 1`"), found},
		"insert":            {"web/a.go", code("`INSERT INTO agents VALUES (1)`"), found},
		"update":            {"web/a.go", code("`UPDATE agents SET name = 1`"), found},
		"delete":            {"web/a.go", code("`DELETE FROM agents`"), found},
		"with":              {"web/a.go", code("`WITH x AS (SELECT 1) SELECT * FROM x`"), found},
		"pragma":            {"cmd/agentry/a.go", code("`PRAGMA integrity_check`"), found},
		"table":             {"web/a.go", code("`CREATE TABLE x (y)`"), found},
		"concatenated":      {"web/a.go", code(`"SELECT " + "id" + " FROM agents"`), found},
		"in the store":      {"internal/store/a.go", code("`SELECT id FROM agents`"), ""},
		"in a test":         {"internal/app/a_test.go", code("`SELECT id FROM agents`"), ""},
		"words":             {"web/a.go", code(`[]string{"select", "DELETE", "update", "insert", "Delete the agent", "Update available", "select an agent", "with care"}`), ""},
	})
}

func TestNamesOfExamples(t *testing.T) {
	try(t, checkNames, map[string]example{
		"util":            {"internal/util/a.go", "package util\n", "a package util"},
		"by folder":       {"internal/helpers/a.go", "package x\n", "can hold anything"},
		"by clause":       {"internal/x/a.go", "package common\n", "a package common"},
		"its tests":       {"internal/x/a_test.go", "package models_test\n", "a package models"},
		"Get function":    {"web/a.go", "package web\nfunc GetAgent() {}\n", "web/a.go:2: GetAgent has the prefix Get"},
		"Get method":      {"web/a.go", "package web\ntype t int\nfunc (t) GetX() {}\n", "GetX has the prefix Get"},
		"Get in a test":   {"web/a_test.go", "package web\nfunc GetX() {}\n", "GetX"},
		"Get alone":       {"web/a.go", "package web\ntype t int\nfunc (t) Get() {}\n", ""},
		"Getter":          {"web/a.go", "package web\nfunc Getaway() {}\nfunc getX() {}\n", ""},
		"generated":       {"views/a_templ.go", "package views\nfunc GetX() {}\n", ""},
		"init":            {"web/a.go", "package web\nfunc init() {}\n", "web/a.go:2: init"},
		"a method init":   {"web/a.go", "package web\ntype t int\nfunc (t) init() {}\n", ""},
		"named utilities": {"internal/utility/a.go", "package utility\n", ""},
	})
}

// The bad texts are made at run time, so that this file passes the check.
func TestPlacesOfExamples(t *testing.T) {
	const folder, registry = "names a folder of one machine", "names a registry"
	try(t, checkPlaces, map[string]example{
		"root's home":      {"README.md", "cd " + "/ro" + "ot/agentry", "README.md:1: " + folder},
		"somebody's home":  {"web/a.go", "package web\n// see \"" + "/ho" + "me/anna/x\"\n", "web/a.go:2: " + folder},
		"a work folder":    {"Makefile", "DIR=" + "/wo" + "rk/main", folder},
		"a Mac's home":     {".ci/run", "cd " + "/Us" + "ers/anna/x", folder},
		"a Windows home":   {"README.md", "cd " + `C:\Us` + `ers\anna`, folder},
		"part of a URL":    {"README.md", "https://example.com" + "/ho" + "me/x and docs" + "/wo" + "rk/", ""},
		"system folders":   {"README.md", "/etc/agentry/key, /opt/bot/run.sh, /usr/bin/env, /tmp/x", ""},
		"lock file":        {"static/package-lock.json", `  "resolved": ` + `"https://example.com/x.tgz"`, registry},
		"npm setting":      {"static/.npmrc", "registry" + "=https://example.com/", registry},
		"scoped setting":   {"static/.npmrc", "@x:" + "registry" + "=https://example.com/", registry},
		"registry's host":  {"README.md", "from registry" + ".example.org", registry},
		"module proxy":     {"Makefile", "export GOPRO" + "XY=direct", registry},
		"omits the origin": {"static/.npmrc", "omit-lockfile-registry-resolved=true", ""},
		"words":            {"README.md", "the registry. A proxy. Behind proxy.go one", ""},
		"binary":           {"static/a.ico", "\x00 /ro" + "ot/x", ""},
	})
}

func TestTopOfExamples(t *testing.T) {
	try(t, checkTop, map[string]example{
		"a folder of its own": {"docs/a.md", "x", "docs does not belong"},
		"a file of its own":   {"package.json", "{}", "package.json does not belong"},
		"ignored":             {"bin/agentry", "x", ""},
		"dotfile":             {".ci/run", "x", ""},
	})
	if got := checkTop(tree{top: []string{"cmd", "web", "views", "static", "internal", "go.mod", "go.sum", "Makefile"}}); len(got) != 1 || got[0] != "README.md is missing at the top of the repository" {
		t.Errorf("a missing README: %q", got)
	}
}

func TestGoThatDoesNotParseIsAnError(t *testing.T) {
	if _, _, err := readOne(brokenFS(), "a.go"); err == nil {
		t.Error("broken Go is read without an error")
	}
}
