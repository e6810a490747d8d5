package arch

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

// check is one rule of the house.
type check struct {
	name string
	find func(tree) []string
}

func checks() []check {
	return []check{
		{"imports", checkImports},
		{"fakes", checkFakes},
		{"sizes", checkSizes},
		{"status", checkStatus},
		{"SQL", checkSQL},
		{"names", checkNames},
		{"places", checkPlaces},
		{"top", checkTop},
	}
}

func TestTheHouseIsInOrder(t *testing.T) {
	house, err := readTree(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	if house.module != "agentry" || len(house.goFiles()) < 20 {
		t.Fatalf("read module %q with %d Go files: this is not the repository", house.module, len(house.goFiles()))
	}
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) {
			for _, problem := range c.find(house) {
				t.Error(problem)
			}
		})
	}
}

// small makes a tree of the given files and everything that the top needs.
func small(t *testing.T, files map[string]string) tree {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range map[string]string{
		"go.mod": "module agentry\n", "go.sum": "", "Makefile": "", "README.md": "", ".gitignore": "",
		"cmd/agentry/main.go": "package main\n", "web/web.go": "package web\n", "views/views.go": "package views\n",
		"static/app.css": "", "internal/fleet/fleet.go": "package fleet\n",
	} {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text), Mode: fs.FileMode(0o644)}
	}
	out, err := readTree(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestASmallHouseIsInOrder(t *testing.T) {
	house := small(t, nil)
	for _, c := range checks() {
		if problems := c.find(house); problems != nil {
			t.Errorf("%s: %v", c.name, problems)
		}
	}
}

// example is a file and what the check must say of it; "" is nothing.
type example struct {
	path, text, want string
}

func try(t *testing.T, find func(tree) []string, examples map[string]example) {
	t.Helper()
	for name, e := range examples {
		t.Run(name, func(t *testing.T) {
			problems := find(small(t, map[string]string{e.path: e.text}))
			switch {
			case e.want == "" && problems != nil:
				t.Errorf("a good example is refused: %v", problems)
			case e.want != "" && (len(problems) != 1 || !strings.Contains(problems[0], e.want)):
				t.Errorf("problems %q, want one with %q", problems, e.want)
			}
		})
	}
}

func brokenFS() fs.FS {
	return fstest.MapFS{"a.go": &fstest.MapFile{Data: []byte("package")}}
}
