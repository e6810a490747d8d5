package arch

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// tree is a repository, read once: every file that is neither ignored nor
// binary.
type tree struct {
	module string
	top    []string
	files  []file
}

// file is a text file of the repository; syntax is nil for what is not Go.
type file struct {
	path   string
	text   string
	fset   *token.FileSet
	syntax *ast.File
}

func (f file) dir() string       { return path.Dir(f.path) }
func (f file) isTest() bool      { return strings.HasSuffix(f.path, "_test.go") }
func (f file) isGenerated() bool { return strings.HasSuffix(f.path, "_templ.go") }
func (f file) lines() int        { return len(strings.Split(strings.TrimSuffix(f.text, "\n"), "\n")) }

func (f file) at(p token.Pos) string {
	return fmt.Sprintf("%s:%d", f.path, f.fset.Position(p).Line)
}

// ignored lists what version control leaves out.
func ignored() []string {
	return []string{".git", "bin", "data", "artifacts", "static/node_modules", "static/vendor", "internal/runtime/eliza/testdata/peers/node_modules", "web/testdata/lighthouse/node_modules"}
}

func readTree(fsys fs.FS) (tree, error) {
	var t tree
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case slices.Contains(ignored(), name):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case name != "." && !strings.Contains(name, "/"):
			t.top = append(t.top, name)
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		f, isText, err := readOne(fsys, name)
		if isText {
			t.files = append(t.files, f)
		}
		return err
	})
	if err != nil {
		return tree{}, err
	}
	mod, err := fs.ReadFile(fsys, "go.mod")
	if err != nil {
		return tree{}, err
	}
	first, _, _ := strings.Cut(string(mod), "\n")
	t.module = strings.TrimSpace(strings.TrimPrefix(first, "module "))
	return t, nil
}

func readOne(fsys fs.FS, name string) (f file, isText bool, err error) {
	b, err := fs.ReadFile(fsys, name)
	if err != nil || !utf8.Valid(b) || bytes.IndexByte(b, 0) >= 0 {
		return file{}, false, err
	}
	f = file{path: name, text: string(b)}
	if path.Ext(name) == ".go" && !strings.Contains(name, "testdata/") {
		f.fset = token.NewFileSet()
		f.syntax, err = parser.ParseFile(f.fset, name, b, parser.ParseComments)
	}
	return f, true, err
}

// goFiles returns the files that the compiler sees.
func (t tree) goFiles() []file {
	var out []file
	for _, f := range t.files {
		if f.syntax != nil {
			out = append(out, f)
		}
	}
	return out
}
