package arch

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// moveFile holds the one function that changes an agent's status.
const moveFile = "internal/store/move.go"

// The shapes of SQL, looked for in what plainSQL returns.
var (
	statement = regexp.MustCompile(`^(select .+ from \S|select [0-9*(]|insert (or \w+ )?into \S|update (or \w+ )?\S+ set \S+ ?=|delete from \S|with (recursive )?\w+ ?(\([^)]*\) ?)?as ?\(|pragma \w|(create|drop|alter) (temp |virtual |unique )?(table|index|trigger|view) )`)
	update    = regexp.MustCompile(`(update (or \w+ )?(\w+\.)?agents( (as )?\w+)? set|insert (or \w+ )?into (\w+\.)?agents\b.* do update set) (.*)`)
	rowAssign = regexp.MustCompile(`\(([^()]*)\) ?= ?`)
	group     = regexp.MustCompile(`\([^()]*\)`)
	afterSet  = regexp.MustCompile(` (where|from|returning) .*`)
	comment   = regexp.MustCompile(`(?m)--.*$|(?s:/\*.*?\*/)`)
)

// literal is a text in the code, concatenations made one.
type literal struct {
	at   string
	text string
}

// checkStatus finds statements that change an agent's status outside the one
// place, in tests and migrations too.
func checkStatus(t tree) []string {
	var out []string
	for _, f := range t.files {
		if f.path == moveFile || f.dir() == "internal/arch" {
			continue
		}
		texts := []literal{{f.path, f.text}}
		switch {
		case f.syntax != nil:
			texts = literals(f)
		case path.Ext(f.path) != ".sql":
			continue
		}
		for _, l := range texts {
			if changesStatus(l.text) {
				out = append(out, fmt.Sprintf("%s: changes an agent's status; only %s may, through the moves table", l.at, moveFile))
			}
		}
	}
	return out
}

// checkSQL finds SQL outside the store. Tests may look into the database.
func checkSQL(t tree) []string {
	var out []string
	for _, f := range t.goFiles() {
		if f.isTest() || f.dir() == "internal/store" || strings.HasPrefix(f.path, "internal/store/") {
			continue
		}
		for _, l := range literals(f) {
			if isSQL(l.text) {
				out = append(out, fmt.Sprintf("%s: SQL outside internal/store", l.at))
			}
		}
	}
	return out
}

// isSQL tells a statement from a sentence such as "Delete the agent" or
// "Update available".
func isSQL(text string) bool {
	return statement.MatchString(plainSQL(text))
}

// changesStatus tells whether a text holds an UPDATE of agents, or an upsert
// into it, that sets the column status. What concatenation leaves open is not
// seen.
func changesStatus(text string) bool {
	for part := range strings.SplitSeq(plainSQL(text), ";") {
		m := update.FindStringSubmatch(part)
		if m == nil {
			continue
		}
		set := rowAssign.ReplaceAllString(m[len(m)-1], "$1 = ")
		for group.MatchString(set) {
			set = group.ReplaceAllString(set, "")
		}
		set = strings.ReplaceAll(set, "distinct from", "=")
		set = afterSet.ReplaceAllString(set, "")
		if assigns(set, "status") {
			return true
		}
	}
	return false
}

// assigns tells whether the column stands on the left of an assignment, alone
// or in the list of a row assignment that lost its parentheses.
func assigns(set, column string) bool {
	for part := range strings.SplitSeq(set, ",") {
		left, _, _ := strings.Cut(part, "=")
		if strings.TrimSpace(left) == column {
			return true
		}
	}
	return false
}

// plainSQL is the text in lower case without comments and quotes of names, with
// single spaces.
func plainSQL(text string) string {
	text = comment.ReplaceAllString(text, " ")
	text = strings.NewReplacer(`"`, "", "`", "", "[", "", "]", "").Replace(text)
	return strings.ToLower(strings.Join(strings.Fields(text), " "))
}

// literals returns the texts of a file: "a" + "b" is one, and what is not a
// text within it is a question mark.
func literals(f file) []literal {
	var out []literal
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		e, ok := n.(ast.Expr)
		if !ok {
			return true
		}
		text, found := textOf(e)
		if found {
			out = append(out, literal{f.at(e.Pos()), text})
		}
		return !found
	})
	return out
}

func textOf(e ast.Expr) (text string, found bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind != token.STRING {
			return "", false
		}
		s, err := strconv.Unquote(e.Value)
		return s, err == nil
	case *ast.ParenExpr:
		return textOf(e.X)
	case *ast.BinaryExpr:
		left, inLeft := textOf(e.X)
		right, inRight := textOf(e.Y)
		if e.Op != token.ADD || (!inLeft && !inRight) {
			return "", false
		}
		return orOpen(left, inLeft) + orOpen(right, inRight), true
	}
	return "", false
}

func orOpen(text string, found bool) string {
	if found {
		return text
	}
	return "?"
}
