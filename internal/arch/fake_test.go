package arch

import (
	"fmt"
	"path"
	"strconv"
	"strings"
)

// checkFakes finds what a server could reach of the stand-ins: beside tests,
// only the demo and the judge of the promises know them.
func checkFakes(t tree) []string {
	var out []string
	for _, f := range t.goFiles() {
		name := path.Base(f.path)
		if f.isTest() || f.dir() == "cmd/score" || f.dir() == "cmd/agentry" && strings.HasPrefix(name, "demo") {
			continue
		}
		for _, spec := range f.syntax.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err == nil && strings.HasPrefix(imported, t.module+"/") && path.Base(imported) == "fake" {
				out = append(out, fmt.Sprintf("%s: a stand-in may be known by tests, cmd/score and cmd/agentry/demo*.go alone", f.at(spec.Pos())))
			}
		}
	}
	return out
}
