package gologin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"agentry/internal/resource"
)

// rows is a page of a search; the names of the first n are others'.
func rows(n int, own ...string) reply {
	list := []string{}
	for i := range n {
		list = append(list, fmt.Sprintf(`{"id":"%024x","name":"other %d","os":{"name":"lin"}}`, i, i))
	}
	return reply{200, "", `{"profiles":[` + strings.Join(append(list, own...), ",") + `],"allProfilesCount":` + fmt.Sprint(n+len(own)) + `}`}
}

func TestFindTakesTheExactNameOldestFirst(t *testing.T) {
	w := newWorld(t, map[string][]reply{"GET /browser/v2": {
		rows(27,
			`{"id":"`+otherID+`","name":"`+testName+`","createdAt":"2026-11-22T10:00:00.000Z","os":"lin"}`,
			`{"id":"aaaaaaaaaaaaaaaaaaaaaaaa","name":"`+testName+`-copy","createdAt":"2020-01-01T00:00:00Z"}`,
			`{"_id":"bbbbbbbbbbbbbbbbbbbbbbbb","name":"`+strings.ToUpper(testName)+`"}`),
		rows(0,
			`{"id":"`+otherID+`","name":"`+testName+`","createdAt":"2026-11-22T10:00:00.000Z"}`,
			`{"_id":"`+testID+`","name":"`+testName+`","createdAt":"2026-11-22T09:00:00+01:00"}`,
			`{"id":"no id","name":"other"}`),
	}})
	got, err := w.client().Find(t.Context(), testName)
	want := []resource.Profile{
		{ID: testID, Name: testName, CreatedAt: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)},
		{ID: otherID, Name: testName, CreatedAt: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("found %v, %v; want %v", got, err, want)
	}
	w.wantRequests("GET /browser/v2?page=1&search="+testName, "GET /browser/v2?page=2&search="+testName)
}

func TestFindEndsThoughPagesDoNot(t *testing.T) {
	asked := 0
	full := rows(pageSize)
	c := newClient(t, Config{Base: "https://api.gologin.com", Token: fixed(testToken), Transport: transport(func(*http.Request) (*http.Response, error) {
		asked++
		return respond(full.status, "application/json", full.body), nil
	})})
	c.bucket.SetLimit(1e9)
	_, err := c.Find(t.Context(), testName)
	wantError(t, err, resource.Refused, false)
	if asked != maxPages {
		t.Errorf("asked %d times, want %d", asked, maxPages)
	}
}

func TestListOfAPrefix(t *testing.T) {
	w := newWorld(t, map[string][]reply{"GET /browser/v2": {
		rows(29, `{"id":"`+testID+`","name":"`+testName+`"}`),
		rows(28, `{"id":"`+otherID+`","name":"agentry-2"}`),
	}})
	c := w.client()
	for page, want := range []struct {
		id   string
		more bool
	}{{testID, true}, {otherID, false}} {
		list, more, err := c.List(t.Context(), "agentry-", page+1)
		if err != nil || len(list) != 1 || list[0].ID != want.id || more != want.more {
			t.Errorf("page %d: %v, more %v, %v; want %s, %v", page+1, list, more, err, want.id, want.more)
		}
	}
	w.wantRequests("GET /browser/v2?page=1&search=agentry-", "GET /browser/v2?page=2&search=agentry-")
}

// TestListsThatCannotBeRead: what is not there must never look like nothing.
func TestListsThatCannotBeRead(t *testing.T) {
	for name, body := range map[string]string{
		"no list": `{"allProfilesCount":0}`, "null": `{"profiles":null}`, "another shape": `{"profiles":{"0":{}}}`, "bare": `[]`,
		"no id": `{"profiles":[{"name":"` + testName + `"}]}`, "path for an id": `{"profiles":[{"id":"../../user/canary/xxxxxxx","name":"` + testName + `"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string][]reply{"GET /browser/v2": {{200, "", body}}})
			list, err := w.client().Find(t.Context(), testName)
			wantError(t, err, resource.Unreachable, false)
			if list != nil {
				t.Errorf("found %v all the same", list)
			}
		})
	}
}

func TestCreateReadsTheID(t *testing.T) {
	for name, c := range map[string]struct {
		reply reply
		want  resource.Profile
	}{
		"id":           {reply{201, "", `{"id":"` + testID + `","name":"` + testName + `"}`}, resource.Profile{ID: testID, Name: testName}},
		"_id, no name": {reply{200, "", `{"_id":"` + testID + `","os":{"x":1}}`}, resource.Profile{ID: testID, Name: testName}},
		"with a time":  {reply{201, "", `{"id":"` + testID + `","createdAt":1795341600000}`}, resource.Profile{ID: testID, Name: testName, CreatedAt: time.UnixMilli(1795341600000).UTC()}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string][]reply{"POST /browser/quick": {c.reply}})
			got, err := w.client().Create(t.Context(), testName)
			if err != nil || got != c.want {
				t.Errorf("made %v, %v; want %v", got, err, c.want)
			}
			w.wantRequests(`POST /browser/quick {"os":"lin","osSpec":"","name":"` + testName + `"}`)
		})
	}
	for name, body := range map[string]string{
		"no id": `{"name":"x"}`, "short": `{"id":"65f0"}`, "upper case": `{"id":"65F0C0FFEE0123456789ABCD"}`, "another's name": `{"id":"` + testID + `","name":"mine"}`, "line": `{"id":"` + testID + `\n"}`, "list": `[{"id":"` + testID + `"}]`, "empty": ``,
	} {
		w := newWorld(t, map[string][]reply{"POST /browser/quick": {{201, "application/json", body}}})
		_, err := w.client().Create(t.Context(), testName)
		t.Run(name, func(t *testing.T) { wantError(t, err, resource.Unreachable, true) })
	}
}

func TestTimesAreReadLeniently(t *testing.T) {
	want := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for raw, ok := range map[string]bool{
		`"2026-11-22T10:00:00.000Z"`: true, `"2026-11-22T11:00:00+01:00"`: true, `1795341600`: true, `1795341600000`: true, `"1795341600000"`: true,
		`"yesterday"`: false, `null`: false, `{}`: false, `[1]`: false, `-5`: false, `1e400`: false, `true`: false, `""`: false,
	} {
		var r row
		if err := json.Unmarshal([]byte(`{"createdAt":`+raw+`}`), &r); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
		if ok && !r.CreatedAt.Equal(want) || !ok && !r.CreatedAt.IsZero() {
			t.Errorf("%s is %v", raw, r.CreatedAt)
		}
	}
	// Where nothing is said, the id's own second counts.
	older1, newer := resource.Profile{ID: "00000001" + testID[8:]}, resource.Profile{ID: "7fffffff" + testID[8:]}
	said := resource.Profile{ID: "ffffffff" + testID[8:], CreatedAt: time.Unix(1000, 0)}
	list := []resource.Profile{newer, said, older1}
	slices.SortFunc(list, older)
	if !slices.Equal(list, []resource.Profile{older1, said, newer}) {
		t.Errorf("order %v", list)
	}
}

// TestCheckWhereNobodyKnowsTheUser: the list of profiles tells as well whether
// the token opens anything.
func TestCheckWhereNobodyKnowsTheUser(t *testing.T) {
	noUser := reply{404, "", `{"statusCode":404,"message":"Cannot GET /user","error":"Not Found"}`}
	for name, c := range map[string]struct {
		list reply
		want resource.Reason
	}{
		"it opens":     {rows(0), ""},
		"it does not":  {refusal(401, "Unauthorized"), resource.Unauthorized},
		"it is away":   {reply{502, "text/html", "<html>"}, resource.Unreachable},
		"revoked just": {refusal(429, "Too Many Requests"), resource.Revoked},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string][]reply{"GET /user": {noUser, noUser}, "GET /browser/v2": {c.list, c.list}})
			err := newClient(t, Config{Base: w.server.URL, Token: fixed(testToken)}).Check(t.Context())
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantError(t, err, c.want, false)
		})
	}
}
