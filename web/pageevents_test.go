package web

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"agentry/internal/fleet"
)

// watch opens a page's stream with a session's cookie.
func (w *world) watch(cookie, last string) (events <-chan string, res *http.Response) {
	w.t.Helper()
	return w.stream("/events", last, "Cookie", cookie)
}

// ends waits for the end of a stream, which comes without a beat's help.
func ends(t *testing.T, what string, events <-chan string) {
	t.Helper()
	ended := make(chan bool)
	go func() {
		for range events {
		}
		close(ended)
	}()
	within(t, what, ended)
}

func TestPagesHearABeatWhenAllThatWasMissedIsSent(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	id := w.agent("assistant", fleet.SetupNeeded)
	for last, first := range map[string]string{"": "", "0": string(id), "999-x": "reset"} {
		events, res := w.watch(w.cookies[fleet.RoleViewer], last)
		if as := res.Header.Get("Agentry-As"); !regexp.MustCompile(`^[0-9a-f-]{36} ` + string(w.team.ID) + ` viewer$`).MatchString(as) {
			t.Errorf("made for %q", as)
		}
		var got []string
		for e := range events {
			if got = append(got, e); e == " beat {}" {
				break
			}
		}
		if all := strings.Join(got, "\n"); !strings.Contains(all, first) || first == "" && len(got) != 1 {
			t.Errorf("behind %q: %s, want %s before the beat", last, all, first)
		}
		w.agent("assistant", fleet.SetupNeeded)
		if e := within(t, "a later event", events); !strings.Contains(e, "agent.created") {
			t.Errorf("after the beat: %s", e)
		}
	}
}

func TestEndedSessionLosesItsStreams(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	mine, _ := w.watch(w.cookies[fleet.RoleOwner], "")
	theirs, _ := w.watch(w.cookies[fleet.RoleViewer], "")
	within(t, "a beat", mine)
	within(t, "a beat", theirs)
	_, token, _ := strings.Cut(w.cookies[fleet.RoleOwner], "=")
	must(t, w.app.DropSession(t.Context(), token))
	ends(t, "the end of its stream", mine)
	if e := within(t, "the event at the other's", theirs); !strings.Contains(e, "session.changed") {
		t.Errorf("the other heard %s", e)
	}
	_, res := w.watch(w.cookies[fleet.RoleOwner], "")
	if res.Request.URL.Path != "/login" && res.StatusCode != http.StatusSeeOther {
		t.Errorf("the stream of no session: %d at %s", res.StatusCode, res.Request.URL)
	}
}

// Who may not look any more, or may do something else now, loses the stream at
// once, not at a beat; the others keep theirs.
func TestStreamsEndWithTheRightToThem(t *testing.T) {
	for name, act := range map[string]func(w *world, owner fleet.Actor, user fleet.UserID) error{
		"role lowered": func(w *world, owner fleet.Actor, user fleet.UserID) error {
			_, err := w.app.SetRole(w.t.Context(), owner, user, fleet.RoleViewer)
			return err
		},
		"role raised": func(w *world, owner fleet.Actor, user fleet.UserID) error {
			_, err := w.app.SetRole(w.t.Context(), owner, user, fleet.RoleAdmin)
			return err
		},
		"member removed": func(w *world, owner fleet.Actor, user fleet.UserID) error {
			return w.app.RemoveMember(w.t.Context(), owner, user)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.signIn()
			theirs, _ := w.watch(w.cookies[fleet.RoleOperator], "")
			own, _ := w.watch(w.cookies[fleet.RoleOwner], "")
			key, _ := w.listen(w.keys[fleet.ScopeRead], "")
			within(t, "a beat", theirs)
			within(t, "a beat", own)
			owner, user := w.memberOf(w.cookies[fleet.RoleOwner]), w.memberOf(w.cookies[fleet.RoleOperator])
			must(t, act(w, owner, fleet.UserID(user.ID)))
			ends(t, "the end of the stream", theirs)
			for _, other := range []<-chan string{own, key} {
				if e := within(t, "the event", other); !strings.Contains(e, "member.changed") {
					t.Errorf("another stream heard %q", e)
				}
			}
		})
	}
}

func (w *world) memberOf(cookie string) fleet.Actor {
	w.t.Helper()
	_, token, _ := strings.Cut(cookie, "=")
	by, _, _, err := w.app.ActorForSession(w.t.Context(), token)
	must(w.t, err)
	return by
}

// An API key has a hundred streams; one more is refused clearly and costs the
// others nothing, and one that is closed makes room.
func TestKeysHaveAHundredStreams(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.RateRead = 0 })
	key := w.keys[fleet.ScopeRead]
	var first <-chan string
	var close1 func() error
	for i := range 100 {
		events, res := w.listen(key, "")
		if res.StatusCode != http.StatusOK {
			t.Fatalf("stream %d: %d", i, res.StatusCode)
		}
		if i == 0 {
			first = events
		}
		close1 = res.Body.Close
	}
	a := w.do("GET", "/v1/events", key, "")
	refused(t, a, 429, "rate_limit_exceeded")
	if a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "100 streams") {
		t.Errorf("%v %s", a.header, a.body)
	}
	other, res := w.listen(w.keys[fleet.ScopeAdmin], "")
	if res.StatusCode != http.StatusOK {
		t.Errorf("another key: %d", res.StatusCode)
	}
	w.agent("assistant", fleet.SetupNeeded)
	within(t, "the event at the first", first)
	within(t, "the event at the other key", other)
	must(t, close1())
	wait(t, "room after one was closed", func() bool {
		// A stream sees that its reader has gone when it writes.
		w.agent("assistant", fleet.SetupNeeded)
		_, res := w.listen(key, "")
		return res.StatusCode == http.StatusOK
	})
}

// A person's eleventh page takes the place of the oldest, which is told.
func TestOldestPageGivesWay(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	var all []<-chan string
	for range 11 {
		events, _ := w.watch(w.cookies[fleet.RoleOwner], "")
		within(t, "a beat", events)
		all = append(all, events)
	}
	if e := within(t, "the word that it has to go", all[0]); e != " crowded {}" {
		t.Errorf("the oldest heard %q", e)
	}
	ends(t, "the oldest's end", all[0])
	w.agent("assistant", fleet.SetupNeeded)
	for _, events := range all[1:] {
		within(t, "the event at the others", events)
	}
}
