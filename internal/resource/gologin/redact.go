package gologin

import (
	"encoding/base64"
	"errors"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

const (
	// hidden stands where a secret was.
	hidden = "[secret]"
	// maxWords bounds what is repeated of the vendor's own words, in bytes.
	maxWords = 300
)

// redactor takes secrets out of texts: those it was given, in the forms in
// which they may come back, and what looks like one. Empty ones do not count.
type redactor struct{ secrets []string }

func newRedactor(secrets ...string) redactor { return redactor{secrets} }

type look struct {
	pattern *regexp.Regexp
	instead string
}

// looksSecret are the shapes of secrets of others: an account's proxies, a
// token in a URL.
func looksSecret() []look {
	return []look{
		{regexp.MustCompile(`\S+:\S*@`), hidden + "@"},
		{regexp.MustCompile(`(?i)\b(bearer|basic)\s+\S+`), "$1 " + hidden},
		{regexp.MustCompile(`\beyJ[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)*`), hidden},
		{regexp.MustCompile(`(?i)(pass|pwd|token|secret|auth|api[_-]?key)([a-z]*["'\\]*\s*[=:]\s*["'\\]*)[^\s"',;&}]+`), "${1}${2}" + hidden},
		{regexp.MustCompile(`[A-Za-z0-9+=_-]{32,}`), hidden},
	}
}

// forms returns patterns of the known secrets, the longest first. Short ones
// count as words of their own, or nothing would be left of a text.
func (r redactor) forms() []string {
	const short = 4
	var forms []string
	for _, s := range r.secrets {
		s = strings.ToValidUTF8(s, "�")
		for _, form := range []string{
			s, strings.Join(strings.Fields(s), " "), html.EscapeString(s),
			url.QueryEscape(s), strings.ReplaceAll(url.QueryEscape(s), "+", "%20"), url.PathEscape(s), url.User(s).String(),
			base64.StdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s)),
		} {
			switch {
			case form == "":
			case len(form) < short:
				forms = append(forms, `\b`+regexp.QuoteMeta(form)+`\b`)
			default:
				forms = append(forms, regexp.QuoteMeta(form))
			}
		}
	}
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	return forms
}

// looks returns the known secrets and the shapes of others'.
func (r redactor) looks() []look {
	all := looksSecret()
	if forms := r.forms(); len(forms) > 0 {
		all = append([]look{{regexp.MustCompile(`(?i)` + strings.Join(forms, "|")), hidden}}, all...)
	}
	return all
}

// clean makes a vendor's words fit for one line of people's, without secrets.
func (r redactor) clean(s string) string {
	looks := r.looks()
	s = hide(strings.ToValidUTF8(s, "�"), looks)
	s = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, s)
	s = hide(strings.Join(strings.Fields(s), " "), looks)
	if len(s) > maxWords {
		s = strings.ToValidUTF8(s[:maxWords], "") + " …"
	}
	return s
}

// cause is clean for an error of the network, without what it quotes: that is
// what somebody answered.
func (r redactor) cause(err error) error {
	return errors.New(r.clean(regexp.MustCompile(`"[^"]*"?`).ReplaceAllString(err.Error(), `"…"`)))
}

func hide(s string, looks []look) string {
	for _, l := range looks {
		s = l.pattern.ReplaceAllString(s, l.instead)
	}
	return s
}
