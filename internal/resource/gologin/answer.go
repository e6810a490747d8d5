package gologin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"agentry/internal/resource"
)

// judge tells what an answer means.
type judge struct {
	base    string
	changes bool // the request may have had an effect
	words   redactor
}

// failure is why an answer is not what was asked for; nil for GoLogin's own
// 2xx. Only GoLogin's own words count: what is not JSON, or JSON of another
// shape, comes from something on the way, whatever its status.
func (j judge) failure(status int, contentType string, raw []byte) *resource.Error {
	raw = bytes.TrimSpace(raw)
	isJSON := isJSON(contentType) && json.Valid(raw)
	said, own := readRefusal(raw)
	switch {
	case status == http.StatusTooManyRequests && !isForeign(contentType, raw):
		return revoked()
	case status/100 == 2 && (len(raw) == 0 || isJSON):
		return nil
	case status == http.StatusUnauthorized && !isForeign(contentType, raw):
		return unauthorized()
	case status/100 == 3:
		return j.unreachable("What answers at %s sends elsewhere (%d): set AGENTRY_GOLOGIN_API_BASE to GoLogin's own address", j.base, status)
	case strings.HasPrefix(string(raw), cloudflareCode):
		return j.unreachable("GoLogin's network turns this server's address away for now (%d, %s)", status, j.words.clean(string(raw[:min(len(raw), 20)])))
	case !isJSON || !own:
		return j.unreachable("What answers at %s is not GoLogin itself (%d); see whether AGENTRY_GOLOGIN_API_BASE is right and what is on the way there", j.base, status)
	}
	words := j.words.clean(said)
	switch {
	case status >= 500 || status == http.StatusRequestTimeout:
		return j.unreachable("GoLogin has a fault of its own (%d: %s)", status, words)
	case status == http.StatusNotFound && noRoute().MatchString(said):
		return j.unreachable("What answers at %s does not know this call (404: %s): set AGENTRY_GOLOGIN_API_BASE to GoLogin's own address", j.base, words)
	case status == http.StatusNotFound:
		return &resource.Error{Reason: resource.Missing, Message: "GoLogin has no such profile"}
	case status == http.StatusBadRequest || status == http.StatusUnprocessableEntity:
		return &resource.Error{Reason: resource.Invalid, Message: fmt.Sprintf("GoLogin finds the request wrong (%d): %s", status, words)}
	case status == http.StatusForbidden:
		return forbidden(said, words)
	}
	return &resource.Error{Reason: resource.Refused, Message: fmt.Sprintf("GoLogin refuses (%d): %s", status, words)}
}

func (j judge) unreachable(format string, args ...any) *resource.Error {
	return &resource.Error{Reason: resource.Unreachable, Unclear: j.changes, Message: fmt.Sprintf(format, args...)}
}

// forbidden tells the meanings of 403 apart; GoLogin's words alone do.
func forbidden(said, words string) *resource.Error {
	said = strings.ToLower(said)
	switch {
	case strings.Contains(said, "max profiles number"):
		return &resource.Error{Reason: resource.Quota, Message: "GoLogin's plan has no profile left: delete profiles there or take a larger plan"}
	case strings.Contains(said, "free api requests limit"):
		return &resource.Error{Reason: resource.Quota, Message: "GoLogin's plan has no API requests left: take a larger plan, or wait until GoLogin counts anew"}
	case strings.Contains(said, "max parallel cloud"):
		return &resource.Error{Reason: resource.Quota, Message: "GoLogin's plan lets no more cloud browsers run at once: stop one there or take a larger plan"}
	}
	return &resource.Error{Reason: resource.Refused, Message: "GoLogin does not allow it (403): " + words}
}

func revoked() *resource.Error {
	return &resource.Error{
		Reason: resource.Revoked,
		Message: "GoLogin has had too many requests (429) and takes the API token away for that: make a new token in GoLogin's settings, " +
			"put it where AGENTRY_GOLOGIN_TOKEN_FILE says, and check the connection",
	}
}

func unauthorized() *resource.Error {
	return &resource.Error{
		Reason: resource.Unauthorized,
		Message: "GoLogin does not accept the API token (401): make a new one in GoLogin's settings, " +
			"put it where AGENTRY_GOLOGIN_TOKEN_FILE says, and check the connection",
	}
}

// cloudflareCode begins the text with which GoLogin's network turns clients
// away, as "error code: 1015".
const cloudflareCode = "error code: "

// isForeign tells whether something on the way answers in GoLogin's place: that
// says nothing of the token.
func isForeign(contentType string, raw []byte) bool {
	return strings.Contains(strings.ToLower(contentType), "html") || bytes.HasPrefix(raw, []byte("<")) || bytes.HasPrefix(raw, []byte(cloudflareCode))
}

func isJSON(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == "application/json" || strings.HasSuffix(media, "+json"))
}

// noRoute is what the API's framework says of a path that nobody serves.
func noRoute() *regexp.Regexp { return regexp.MustCompile(`^Cannot [A-Z]+ /`) }

// readRefusal reads {statusCode, message, error}; message is a text, a
// constraint or a list of both. own is false for anything else. Of a
// constraint only its sentences are read: beside them stands what was sent.
func readRefusal(raw []byte) (said string, own bool) {
	var r struct {
		StatusCode text            `json:"statusCode"`
		Message    json.RawMessage `json:"message"`
		Error      json.RawMessage `json:"error"`
	}
	if json.Unmarshal(raw, &r) != nil {
		return "", false
	}
	said = strings.Join(sentences(r.Message, 0), "; ")
	if said == "" {
		said = strings.Join(sentences(r.Error, 0), "; ")
	}
	return said, r.StatusCode != "" || said != ""
}

func sentences(raw json.RawMessage, depth int) []string {
	const deepest, most = 4, 20
	if len(raw) == 0 || depth > deepest {
		return nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if text == "" {
			return nil
		}
		return []string{text}
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		var out []string
		for _, item := range list {
			if out = append(out, sentences(item, depth+1)...); len(out) > most {
				return out[:most]
			}
		}
		return out
	}
	var constraint struct {
		Constraints map[string]string `json:"constraints"`
		Children    json.RawMessage   `json:"children"`
	}
	if json.Unmarshal(raw, &constraint) != nil {
		return nil
	}
	var out []string
	for _, key := range slices.Sorted(maps.Keys(constraint.Constraints)) {
		out = append(out, constraint.Constraints[key])
	}
	return append(out, sentences(constraint.Children, depth+1)...)
}
