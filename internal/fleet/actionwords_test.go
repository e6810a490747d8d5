package fleet

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Every action that the use-cases write into the audit, and every move of an
// agent, has words of its own and its group a name.
func TestEveryActionHasWords(t *testing.T) {
	words, groups := actionWords(), map[string]bool{}
	for action, where := range actionsIn(t, "../app", ".") {
		if words[action] == "" {
			t.Errorf("%s: the action %q has no words", where, action)
		}
		groups[AuditGroup(action)] = true
	}
	if len(groups) < 10 {
		t.Errorf("only the groups %v were found", groups)
	}
	for group := range groups {
		if AuditGroupWords(group) == capital(group) && group != "audit" && group != "credentials" && group != "team" {
			t.Errorf("the group %q has no words", group)
		}
	}
}

// actionsIn are the actions that the folders' sources name, with a place of
// each: texts such as "task.add", the field action and the constants of Move.
func actionsIn(t *testing.T, folders ...string) map[string]string {
	t.Helper()
	dotted, file := regexp.MustCompile(`^[a-z]+\.[a-z_]+$`), regexp.MustCompile(`\.(json|jsonl|csv)$`)
	files, found := token.NewFileSet(), map[string]string{}
	for _, folder := range folders {
		add := func(e ast.Expr, fits func(string) bool) {
			if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil && fits(s) {
					found[s] = files.Position(lit.Pos()).String()
				}
			}
		}
		some := func(s string) bool { return s != "" }
		paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil || len(paths) == 0 {
			t.Fatal("no sources in", folder, err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			source, err := parser.ParseFile(files, path, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(source, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.KeyValueExpr:
					if id, ok := n.Key.(*ast.Ident); ok && id.Name == "action" {
						add(n.Value, some)
					}
				case *ast.ValueSpec:
					if id, ok := n.Type.(*ast.Ident); ok && id.Name == "Move" {
						add(n.Values[0], some)
					}
				case *ast.BasicLit:
					if folder == "../app" {
						add(n, func(s string) bool { return dotted.MatchString(s) && !file.MatchString(s) })
					}
				}
				return true
			})
		}
	}
	return found
}
