package views

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"agentry/static"
)

// parsed are the parsed Go files of a folder that match and are no tests.
func parsed(t *testing.T, pattern string) []*ast.File {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: no files (%v)", pattern, err)
	}
	var out []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}

// exported are the components of views/ui, and its structs with their fields.
func exported(t *testing.T) (components []string, fields map[string][]string) {
	fields = map[string][]string{}
	for _, f := range parsed(t, "ui/*.go") {
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.IsExported() && d.Type.Results != nil && isComponent(d.Type.Results.List[0].Type) {
					components = append(components, d.Name.Name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					spec, ok := s.(*ast.TypeSpec)
					if !ok || !spec.Name.IsExported() {
						continue
					}
					if st, ok := spec.Type.(*ast.StructType); ok {
						for _, field := range st.Fields.List {
							for _, name := range field.Names {
								fields[spec.Name.Name] = append(fields[spec.Name.Name], name.Name)
							}
						}
					}
				}
			}
		}
	}
	return components, fields
}

func isComponent(e ast.Expr) bool {
	s, ok := e.(*ast.SelectorExpr)
	return ok && s.Sel.Name == "Component"
}

// told are the components that the stories call, and the fields of structs of
// views/ui that they set.
func told(t *testing.T) (components []string, fields map[string][]string) {
	fields = map[string][]string{}
	for _, f := range parsed(t, "stories*.go") {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if s, ok := n.Fun.(*ast.SelectorExpr); ok {
					components = append(components, s.Sel.Name)
				}
			case *ast.CompositeLit:
				of := "Option" // in a list of them, which says so before
				if s, ok := n.Type.(*ast.SelectorExpr); ok {
					of = s.Sel.Name
				}
				for _, e := range n.Elts {
					if kv, ok := e.(*ast.KeyValueExpr); ok {
						if key, ok := kv.Key.(*ast.Ident); ok {
							fields[of] = append(fields[of], key.Name)
						}
					}
				}
			case *ast.AssignStmt: // f.In, f.Name = …, of a Field
				for _, l := range n.Lhs {
					if s, ok := l.(*ast.SelectorExpr); ok {
						for _, of := range []string{"Field", "Progress"} {
							fields[of] = append(fields[of], s.Sel.Name)
						}
					}
				}
			}
			return true
		})
	}
	return components, fields
}

// Every component of views/ui has a story that draws it, and every field of what
// it takes is set in one: a new component or state without a story fails.
func TestEveryComponentHasAStory(t *testing.T) {
	components, fields := exported(t)
	drawn, set := told(t)
	var named []string
	for _, s := range partStories(time.Now()) {
		named = append(named, s.component)
		if len(s.cases) < 2 {
			t.Errorf("%s has one state: show its others", s.component)
		}
	}
	if len(components) < 10 {
		t.Fatalf("only %v were found in views/ui", components)
	}
	for _, name := range components {
		if !slices.Contains(named, name) || !slices.Contains(drawn, name) {
			t.Errorf("ui.%s has no story: add one to views/stories.go", name)
		}
	}
	for _, name := range named {
		if !slices.Contains(components, name) {
			t.Errorf("a story tells of %s, which is no component of views/ui", name)
		}
	}
	for of, names := range fields {
		for _, name := range names {
			// Autofocus looks like nothing, and a page has one.
			if of+"."+name != "Field.Autofocus" && !slices.Contains(set[of], name) {
				t.Errorf("ui.%s.%s is set in no story: show what it does in views/stories.go", of, name)
			}
		}
	}
}

// The storybook draws every story, every status and every colour.
func TestStorybookShowsAll(t *testing.T) {
	d := doc(t, StorybookPage(Storybook{Shell: Shell{Title: "Storybook", Now: time.Now()}}))
	for _, s := range partStories(time.Now()) {
		if got := d.Find(`[data-story="` + s.component + `"] .cases > div`).Length(); got != len(s.cases) {
			t.Errorf("%s shows %d of %d states", s.component, got, len(s.cases))
		}
	}
	if got := find(d, "lifecycle").Length(); got != 8 {
		t.Errorf("%d drawings of the lifecycle", got)
	}
	colours, sizes := swatches()
	if len(colours) < 20 || len(sizes) < 10 || d.Find(".swatches li").Length() != len(colours) {
		t.Errorf("%d colours and %d sizes", len(colours), len(sizes))
	}
	if strings.Contains(d.Text(), "too little") {
		t.Error("a pair of colours has too little contrast")
	}
}

// Every symbol that a page asks for is in the sprite, and every symbol is shown.
func TestEverySymbolIsThere(t *testing.T) {
	sprite, ok := static.File("icons.svg")
	if !ok {
		t.Fatal("no sprite")
	}
	page := render(t, StorybookPage(Storybook{Shell: Shell{Title: "Storybook", Now: time.Now()}}))
	for _, m := range regexp.MustCompile(`#([si]-[a-z]+)"`).FindAllStringSubmatch(page, -1) {
		if !strings.Contains(string(sprite.Body), `id="`+m[1]+`"`) {
			t.Errorf("%s is not in the sprite", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`id="([si]-[a-z]+)"`).FindAllStringSubmatch(string(sprite.Body), -1) {
		if !strings.Contains(page, "#"+m[1]+`"`) {
			t.Errorf("%s is in no story", m[1])
		}
	}
}
