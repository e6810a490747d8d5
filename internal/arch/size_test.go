package arch

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strings"
)

// The hard limits; as a rule files have 300 lines and functions 45.
const (
	maxFileLines = 500
	maxFuncLines = 80
)

// checkSizes finds own files and functions that are too long.
func checkSizes(t tree) []string {
	var out []string
	for _, f := range t.files {
		if f.isGenerated() || !isOwnCode(f.path) {
			continue
		}
		if n := f.lines(); n > maxFileLines {
			out = append(out, fmt.Sprintf("%s has %d lines, more than %d: split it by noun", f.path, n, maxFileLines))
		}
		if f.syntax != nil {
			out = append(out, longFunctions(f)...)
		}
	}
	return out
}

func isOwnCode(name string) bool {
	top, _, _ := strings.Cut(name, "/")
	return path.Ext(name) == ".go" ||
		(top == "views" || top == "static") && slices.Contains([]string{".templ", ".css", ".js", ".mjs"}, path.Ext(name))
}

func longFunctions(f file) []string {
	var out []string
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		name := "a function literal"
		switch fn := n.(type) {
		case *ast.FuncDecl:
			name = fn.Name.Name
		case *ast.FuncLit:
		default:
			return true
		}
		if lines := f.fset.Position(n.End()).Line - f.fset.Position(n.Pos()).Line + 1; lines > maxFuncLines {
			out = append(out, fmt.Sprintf("%s: %s has %d lines, more than %d", f.at(n.Pos()), name, lines, maxFuncLines))
			return false
		}
		return true
	})
	return out
}
