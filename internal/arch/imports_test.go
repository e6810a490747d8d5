package arch

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// rule is one line of the import table. Patterns are those of path.Match; an
// outside module counts with its packages when it ends in "/...".
type rule struct {
	packages string
	inside   []string
	outside  []string
	// only names the one file that may import an outside module.
	only map[string]string
}

// everything marks the rooms that may import all.
const everything = "*"

// rules is the house's import table: the first line that fits a package holds.
// Test files are exempt; the compiler refuses cycles among them too.
func rules() []rule {
	const templ = "github.com/a-h/templ/..."
	// web/stream is what the faces share: writing a live stream.
	faces := []string{"internal/app", "internal/fleet", "internal/api", "internal/live", "views", "views/*", "static", "web/stream"}
	fiber := []string{"github.com/gofiber/fiber/v2/...", "github.com/valyala/fasthttp/...", "github.com/gorilla/sessions", templ}
	session := map[string]string{"github.com/gorilla/sessions": "web/session.go"}
	river := []string{"github.com/riverqueue/river/..."}
	return []rule{
		{packages: "internal/fleet"},
		{packages: "internal/api"},
		{packages: "internal/arch"},
		{packages: "static"},
		{packages: "static/examples/*"},
		{packages: "internal/secret", outside: []string{"golang.org/x/crypto/..."}},
		{packages: "internal/config", inside: []string{"internal/fleet"}, outside: []string{"github.com/pelletier/go-toml/v2"}},
		{packages: "internal/live", inside: []string{"internal/fleet"}},
		{packages: "internal/brain", inside: []string{"internal/brain/llm", "internal/runtime/protocol"}},
		{packages: "internal/brain/*"},
		{packages: "internal/fault"},
		{packages: "views/ui", inside: []string{"static"}, outside: []string{templ}},
		{packages: "views", inside: []string{"internal/fleet", "static", "views/ui"}, outside: []string{templ}},
		{packages: "internal/store", inside: []string{"internal/fault", "internal/fleet"}, outside: []string{"modernc.org/sqlite/...", "github.com/pressly/goose/v3/..."}},
		{packages: "internal/runtime", inside: []string{"internal/fleet"}},
		{packages: "internal/runtime/protocol"},
		{packages: "internal/runtime/eliza", inside: []string{"internal/fleet", "internal/runtime", "internal/runtime/protocol"}},
		{packages: "internal/runtime/eliza/fake"},
		{packages: "internal/runtime/supervisor", inside: []string{"internal/app", "internal/fleet", "internal/runtime"}, outside: river},
		{packages: "internal/runtime/*", inside: []string{"internal/fault", "internal/fleet", "internal/runtime"}, outside: []string{"golang.org/x/sys/unix"}},
		{packages: "internal/resource", inside: []string{"internal/fleet"}},
		{packages: "internal/resource/gologin", inside: []string{"internal/fleet", "internal/resource"}, outside: []string{"golang.org/x/time/rate"}},
		{packages: "internal/resource/*", inside: []string{"internal/fleet", "internal/resource"}},
		{packages: "internal/webhook", inside: []string{"internal/fleet"}},
		{
			packages: "internal/app",
			inside:   []string{"internal/fault", "internal/fleet", "internal/store", "internal/live", "internal/secret", "internal/runtime", "internal/resource", "internal/webhook"},
			outside:  []string{"github.com/riverqueue/river", "github.com/riverqueue/river/rivertype", "golang.org/x/sync/singleflight"},
		},
		{packages: "internal/worker", inside: []string{"internal/app", "internal/fleet", "internal/runtime", "internal/store"}, outside: river},
		{packages: "internal/client", inside: []string{"internal/api"}},
		{packages: "web", inside: append([]string{"web/*"}, faces...), outside: fiber, only: session},
		{packages: "web/*", inside: faces, outside: fiber, only: session},
		{packages: "cmd/*", inside: []string{everything}, outside: []string{everything}},
	}
}

// checkImports compares what each package imports with the table.
func checkImports(t tree) []string {
	var out []string
	for _, f := range t.goFiles() {
		if f.isTest() {
			continue
		}
		i := slices.IndexFunc(rules(), func(r rule) bool { return fits(r.packages, f.dir()) })
		if i < 0 {
			out = append(out, fmt.Sprintf("%s: package %s is not in the import table: add one line to rules() in internal/arch that says what it may import, and one to the package table of the README", f.path, f.dir()))
			continue
		}
		out = append(out, rules()[i].wrong(t.module, f)...)
	}
	return out
}

func (r rule) wrong(module string, f file) []string {
	var out []string
	for _, spec := range f.syntax.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			name = spec.Path.Value
		}
		inside, ours := strings.CutPrefix(name, module+"/")
		first, _, _ := strings.Cut(name, "/")
		switch {
		case ours && !slices.ContainsFunc(r.inside, func(p string) bool { return fits(p, inside) }):
			out = append(out, fmt.Sprintf("%s: %s may not import %s", f.at(spec.Pos()), f.dir(), inside))
		case ours:
		case name == "C":
			out = append(out, fmt.Sprintf("%s: cgo is not used: the binary builds anywhere", f.at(spec.Pos())))
		case !strings.Contains(first, "."):
		case !slices.ContainsFunc(r.outside, func(p string) bool { return covers(p, name) }):
			out = append(out, fmt.Sprintf("%s: %s may not know %s", f.at(spec.Pos()), f.dir(), name))
		case r.only[name] != "" && r.only[name] != f.path:
			out = append(out, fmt.Sprintf("%s: only %s may know %s", f.at(spec.Pos()), r.only[name], name))
		}
	}
	return out
}

func fits(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return pattern == everything || (err == nil && ok)
}

func covers(pattern, name string) bool {
	module, deep := strings.CutSuffix(pattern, "/...")
	return pattern == everything || name == module || (deep && strings.HasPrefix(name, module+"/"))
}
