package arch

import (
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
)

// checkNames finds packages that are named after nothing, Get prefixes and
// init functions.
func checkNames(t tree) []string {
	vague := []string{"util", "utils", "common", "helper", "helpers", "model", "models", "pkg", "misc"}
	var out []string
	for _, f := range t.goFiles() {
		name := strings.TrimSuffix(f.syntax.Name.Name, "_test")
		if slices.Contains(vague, name) || slices.Contains(vague, path.Base(f.dir())) {
			out = append(out, fmt.Sprintf("%s: a package %s can hold anything: name it after what it does", f.path, name))
		}
		if f.isGenerated() {
			continue
		}
		for _, d := range f.syntax.Decls {
			fn, ok := d.(*ast.FuncDecl)
			switch {
			case !ok:
			case regexp.MustCompile(`^Get[A-Z0-9]`).MatchString(fn.Name.Name):
				out = append(out, fmt.Sprintf("%s: %s has the prefix Get: name what is returned", f.at(fn.Pos()), fn.Name.Name))
			case fn.Recv == nil && fn.Name.Name == "init":
				out = append(out, fmt.Sprintf("%s: init runs before anyone asks: call it where it is needed", f.at(fn.Pos())))
			}
		}
	}
	return out
}

// checkTop compares the top of the repository with what belongs there; names
// that begin with a dot are free.
func checkTop(t tree) []string {
	want := []string{"Makefile", "README.md", "cmd", "go.mod", "go.sum", "internal", "static", "views", "web"}
	var out []string
	for _, name := range t.top {
		if !strings.HasPrefix(name, ".") && !slices.Contains(want, name) {
			out = append(out, name+" does not belong at the top of the repository")
		}
	}
	for _, name := range want {
		if !slices.Contains(t.top, name) {
			out = append(out, name+" is missing at the top of the repository")
		}
	}
	return out
}

// checkPlaces finds texts that hold only on one machine: folders of somebody's
// home or work, and the registry that one machine happens to use.
func checkPlaces(t tree) []string {
	folder := regexp.MustCompile("(^|[\\s\"'`=(:,])(/(root|home|Users|work)/|[A-Z]:\\\\Users\\\\)")
	registry := regexp.MustCompile(`"resolved": *"https?:|(?m:^\s*(\S+:)?registry *=)|\b(registry|proxy|goproxy|npm|artifactory|nexus)\.[a-z0-9-]+\.[a-z]{2,}|GOPROXY *[?:]?=|\.pkg\.dev/`)
	var out []string
	for _, f := range t.files {
		for i, line := range strings.Split(f.text, "\n") {
			if m := folder.FindString(line); m != "" {
				out = append(out, fmt.Sprintf("%s:%d: names a folder of one machine (%s)", f.path, i+1, strings.TrimSpace(m)))
			}
			if m := registry.FindString(line); m != "" {
				out = append(out, fmt.Sprintf("%s:%d: names a registry (%s); which one is used is the machine's matter", f.path, i+1, strings.TrimSpace(m)))
			}
		}
	}
	return out
}
