package gologin

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"agentry/internal/resource"
)

func TestWhatLooksSecretIsHidden(t *testing.T) {
	r := newRedactor("s3cr&t p@ss", "tok-123", "xy")
	for in, want := range map[string]string{
		"the s3cr&t p@ss is wrong":                            "the [secret] is wrong",
		"S3CR&T P@SS":                                         "[secret]",
		"s3cr%26t+p%40ss and s3cr%26t%20p%40ss":               "[secret] and [secret]",
		"s3cr&amp;t p@ss":                                     "[secret]",
		base64.StdEncoding.EncodeToString([]byte("tok-123")):  "[secret]",
		"xy marks xyz":                                        "[secret] marks xyz",
		"http://user:pa:ss@w@gate.example.com:80":             "[secret]@gate.example.com:80",
		"proxy u:p@h, v:q@i":                                  "proxy [secret]@h, [secret]@i",
		"Authorization: Bearer abc.def":                       "Authorization: [secret] [secret]",
		"sent Basic dXNlcg==":                                 "sent Basic [secret]",
		"token eyJhbGciOi.eyJzdWIi.sig_n-1 is old":            "token [secret] is old",
		`{"password":"hunter2","port":1}`:                     `{"password":"[secret]","port":1}`,
		"accessToken=abc&x=1, api_key: k":                     "accessToken=[secret]&x=1, api_key: [secret]",
		"key 0123456789abcdef0123456789abcdef":                "key [secret]",
		"password must be a string; port must be a number":    "password must be a string; port must be a number",
		"Cannot DELETE /browser/" + testID + "/web":           "Cannot DELETE /browser/" + testID + "/web",
		"id must be longer than or equal to 24 characters":    "id must be longer than or equal to 24 characters",
		"You've reached max profiles number. To create more…": "You've reached max profiles number. To create more…",
	} {
		if got := r.clean(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
	if got := newRedactor("", "\xff\xfe", "(").clean("a ( b \xff c"); strings.Contains(got, "\xff") {
		t.Errorf("invalid text stays: %q", got)
	}
}

// FuzzSecretsInAnswers puts a token and a password into whatever the vendor
// says: they never come out.
func FuzzSecretsInAnswers(f *testing.F) {
	const token, password, user = "canary.Token_0123-x", "canary p@ss/w:rd", "proxy-user"
	f.Add(400, "proxy ", " is wrong", "isString", byte(0))
	f.Add(403, "http://u:", "@host", "x", byte(1))
	f.Add(404, "Cannot PATCH /", "", "", byte(2))
	f.Add(500, "\x00\xff\u202e", "\n", "k", byte(3))
	f.Add(200, "error code: ", "", "", byte(4))
	f.Add(302, strings.Repeat("é", 149), "x", "", byte(5))
	f.Fuzz(func(t *testing.T, status int, before, after, key string, shape byte) {
		for _, secret := range []string{token, password, url.QueryEscape(password), user + ":" + password, base64.StdEncoding.EncodeToString([]byte(user + ":" + password))} {
			said := before + secret + after
			raw, kind := shaped(shape, said, key)
			j := judge{base: "https://api.gologin.com", changes: true, words: newRedactor(password, user+":"+password, token)}
			var failure error
			if e := j.failure(status, kind, raw); e != nil {
				failure = e
			}
			c := &Client{base: j.base}
			broke := c.unreached(t.Context(), call{method: "POST"}, &url.Error{Op: "Post", URL: said, Err: fmt.Errorf("read %s", said)}, j.words)
			for _, err := range []error{failure, broke} {
				if err != nil {
					shows(t, err, secret)
				}
			}
		}
	})
}

// shows fails when any way to print the error has the secret.
func shows(t *testing.T, err error, secret string) {
	t.Helper()
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Error("failed", "error", err)
	slog.New(slog.NewJSONHandler(&log, nil)).Error("failed", "error", err)
	out := fmt.Sprintf("%v %+v %#v %s", err, err, err, err) + log.String()
	if e, ok := err.(*resource.Error); ok {
		out += fmt.Sprintf("%+v %#v", *e, e.Cause)
		if len(e.Message) > maxWords+200 {
			t.Errorf("%d bytes", len(e.Message))
		}
	}
	if strings.Contains(strings.ToLower(out), strings.ToLower(secret)) {
		t.Errorf("shows %q: %s", secret, out)
	}
}

// shaped is one of the ways in which a text can come back.
func shaped(shape byte, said, key string) (raw []byte, kind string) {
	kind = "application/json"
	var body any
	switch shape % 6 {
	case 0:
		body = map[string]any{"statusCode": 400, "message": said, "error": "x"}
	case 1:
		body = map[string]any{"message": []any{said, map[string]any{"property": said, "value": said, "constraints": map[string]string{key: said}, "children": []any{}, "target": map[string]string{key: said}}}}
	case 2:
		body = map[string]any{"message": map[string]any{"constraints": map[string]string{said: key + said}, "children": []any{said, []any{said}}}}
	case 3:
		body = map[string]any{"error": said}
	case 4:
		return []byte("error code: " + said), "text/plain"
	default:
		return []byte("<html>" + said), "text/html"
	}
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return raw, kind
}

func TestNothingPrintsTheToken(t *testing.T) {
	config := Config{Base: "https://api.gologin.com", Token: fixed(testToken)}
	c := newClient(t, config)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "client", c, "config", config)
	out := log.String() + c.String() + c.Mark()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		out += fmt.Sprintf(verb, c) + fmt.Sprintf(verb, config)
	}
	if strings.Contains(out, testToken) || strings.Contains(out, "canary") {
		t.Errorf("the token shows: %s", out)
	}
	if !strings.Contains(out, "GoLogin at https://api.gologin.com") {
		t.Errorf("the address does not show: %s", out)
	}
}
