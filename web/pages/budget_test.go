package pages_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

// Bytes as a browser gets them, compressed.
const (
	pageBudget   = 14 << 10
	styleBudget  = 12 << 10
	scriptBudget = 40 << 10
)

// visitor is somebody signed in to a real program, without a browser.
type visitor struct {
	t    *testing.T
	base string
	http *http.Client
}

func visitDemo(t *testing.T) (*visitor, string) {
	t.Helper()
	demo := run(t, regexp.MustCompile(`API key +\S+`), "demo", "--addr", "127.0.0.1:0")
	jar, err := cookiejar.New(nil)
	must(t, err)
	v := &visitor{t: t, base: demo.url, http: &http.Client{Jar: jar}}
	found := regexp.MustCompile(`sign in +(\S+) +(\S+)`).FindStringSubmatch(demo.printed)
	res, err := v.http.PostForm(demo.url+"/login", url.Values{"email": {found[1]}, "password": {found[2]}})
	must(t, err)
	must(t, res.Body.Close())
	if res.Request.URL.Path != "/fleet" {
		t.Fatalf("signing in led to %s", res.Request.URL)
	}
	return v, regexp.MustCompile(`API key +(\S+)`).FindStringSubmatch(demo.printed)[1]
}

// get is what a path answers: as sent, which is compressed, and as it is.
func (v *visitor) get(path string) (sent int, text string, header http.Header) {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), "GET", v.base+path, nil)
	must(v.t, err)
	req.Header.Set("Accept-Encoding", "gzip")
	res, err := v.http.Do(req)
	must(v.t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	must(v.t, err)
	if res.Header.Get("Content-Encoding") != "gzip" {
		if len(raw) > 500 {
			v.t.Errorf("%s: %d bytes are sent as they are", path, len(raw))
		}
		return len(raw), string(raw), res.Header
	}
	r, err := gzip.NewReader(bytes.NewReader(raw))
	must(v.t, err)
	plain, err := io.ReadAll(r)
	must(v.t, err)
	return len(raw), string(plain), res.Header
}

func (v *visitor) agentIn(status string) string {
	v.t.Helper()
	_, text, _ := v.get("/fleet?sort=name&status=" + status)
	found := regexp.MustCompile(`id="agent-([0-9a-f-]+)"`).FindStringSubmatch(text)
	if found == nil {
		v.t.Fatalf("no agent is %s", status)
	}
	return found[1]
}

// Every page keeps its budgets, measured from what it asks the browser to load,
// under a policy without exceptions, and has no style or script in itself.
func TestEveryPageKeepsItsBudget(t *testing.T) {
	v, key := visitDemo(t)
	v.fill(key, 50)
	sizes := map[string]int{}
	size := func(ref string) int {
		if _, ok := sizes[ref]; !ok {
			sizes[ref], _, _ = v.get(ref)
		}
		return sizes[ref]
	}
	done := map[string]bool{}
	for _, look := range looks() {
		path := look.path
		if look.status != "" {
			path = fmt.Sprintf(path, v.agentIn(look.status))
		}
		if done[path] {
			continue
		}
		done[path] = true
		html, text, header := v.get(path)
		d, err := goquery.NewDocumentFromReader(strings.NewReader(text))
		must(t, err)
		if look.path == "/fleet" {
			if n := d.Find("[data-testid=row]").Length(); n != 50 {
				t.Errorf("the fleet page has %d rows, not 50", n)
			}
		}
		loaded := map[string]int{}
		d.Find("link[rel=stylesheet], script[src], link[rel=icon], img, use").Each(func(_ int, s *goquery.Selection) {
			ref := s.AttrOr("href", s.AttrOr("src", ""))
			if !strings.HasPrefix(ref, "/static/") {
				t.Errorf("%s: %s is asked for elsewhere", look.name, ref)
				return
			}
			ref, _, _ = strings.Cut(ref, "#")
			loaded[ref] = size(ref)
		})
		// Those behind a key press too.
		for _, ref := range regexp.MustCompile(`/static/[\w.-]+\.js`).FindAllString(text, -1) {
			loaded[ref] = size(ref)
		}
		styles, scripts := 0, 0
		for ref, n := range loaded {
			switch {
			case strings.HasSuffix(ref, ".css"):
				styles += n
			case strings.HasSuffix(ref, ".js"):
				scripts += n
			}
		}
		t.Logf("%-22s html %5d, styles %5d, scripts %5d", look.name, html, styles, scripts)
		if html > pageBudget || styles > styleBudget || scripts > scriptBudget || scripts == 0 || styles == 0 {
			t.Errorf("%s: html %d of %d, styles %d of %d, scripts %d of %d bytes", look.name, html, pageBudget, styles, styleBudget, scripts, scriptBudget)
		}
		strict(t, look.name, header, d)
	}
}

// strict tells what the policy of a page or the page itself lets in that it
// should not.
func strict(t *testing.T, name string, header http.Header, d *goquery.Document) {
	t.Helper()
	policy := header.Get("Content-Security-Policy")
	if strings.Contains(policy, "unsafe") || !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "script-src 'self';") || !strings.Contains(policy, "style-src 'self';") {
		t.Errorf("%s: its policy is %q", name, policy)
	}
	if found := d.Find("[style], style, script:not([src])"); found.Length() > 0 {
		t.Errorf("%s: a style or script stands in the page: %.120s", name, outer(found.First()))
	}
	d.Find("*").Each(func(_ int, s *goquery.Selection) {
		for _, a := range s.Nodes[0].Attr {
			if strings.HasPrefix(a.Key, "on") || strings.HasPrefix(strings.TrimSpace(strings.ToLower(a.Val)), "javascript:") {
				t.Errorf("%s: %s=%q runs a script", name, a.Key, a.Val)
			}
		}
	})
}

func outer(s *goquery.Selection) string {
	html, err := goquery.OuterHtml(s)
	if err != nil {
		return err.Error()
	}
	return html
}

// fill creates agents until as many as wanted are in the list, with names,
// countries and tags of the usual lengths.
func (v *visitor) fill(key string, wanted int) {
	v.t.Helper()
	_, text, _ := v.get("/fleet")
	for i := strings.Count(text, `data-testid="row"`); i < wanted; i++ {
		body, err := json.Marshal(map[string]any{"name": fmt.Sprintf("Wilhelmina Okonkwo-Lindqvist %d", i), "country": "SE", "tags": []string{"spring campaign", "vip"}})
		must(v.t, err)
		req, err := http.NewRequestWithContext(v.t.Context(), "POST", v.base+"/v1/agents", bytes.NewReader(body))
		must(v.t, err)
		req.Header.Set("Authorization", "Bearer "+key)
		req.Header.Set("Content-Type", "application/json")
		res, err := v.http.Do(req)
		must(v.t, err)
		raw, err := io.ReadAll(res.Body)
		must(v.t, err)
		must(v.t, res.Body.Close())
		if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusCreated {
			v.t.Fatalf("create: %d %s", res.StatusCode, raw)
		}
	}
}
