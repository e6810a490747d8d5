package pages_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// logged writes lines into an agent's log, and tells of them.
func (w *world) logged(id fleet.AgentID, lines ...fleet.LogLine) {
	w.t.Helper()
	w.write(func(tx *store.Tx) error {
		for i := range lines {
			if lines[i].At.IsZero() {
				lines[i].At = w.app.Now()
			}
		}
		if err := tx.AddLogs(id, lines); err != nil {
			return err
		}
		return tx.AddEvent(fleet.Event{TeamID: w.team, AgentID: id, Type: fleet.EventLog, At: w.app.Now()})
	})
}

func logLine(epoch int64, level, text string) fleet.LogLine {
	return fleet.LogLine{Epoch: epoch, Level: level, Text: text}
}

// follow reads what a link of the page leads to.
func (a answer) follow(p person, testid string) answer {
	href, ok := a.Find("[data-testid=" + testid + "]").Attr("href")
	if !ok {
		p.w.t.Fatalf("there is no link %s: %s", testid, a.words("#logs .foot"))
	}
	return p.get(href)
}

func (a answer) lines() (texts []string) {
	for _, n := range a.Find("[data-testid=log-line] > span").EachIter() {
		texts = append(texts, n.Text())
	}
	return texts
}

func TestLogIsPaged(t *testing.T) {
	w := newWorld(t)
	id := w.agent("Ada", "assistant")
	tab := "/fleet/" + string(id) + "?tab=logs"
	viewer := w.as(fleet.RoleViewer)
	if a := viewer.get(tab); a.status != 200 || a.words("[data-testid=empty] b") != "No lines" {
		t.Errorf("an empty log: %s", a.words("#logs"))
	}
	var lines []fleet.LogLine
	for i := range 450 {
		lines = append(lines, logLine(int64(1+i/300), []string{"info", "error"}[i%2], fmt.Sprint(i)))
	}
	w.logged(id, lines...)
	check := func(a answer, first, last, n int, links string) {
		t.Helper()
		got := a.lines()
		var have []string
		for _, link := range []string{"older", "newer", "newest"} {
			if a.Find("[data-testid="+link+"]").Length() == 1 {
				have = append(have, link)
			}
		}
		if len(got) != n || got[0] != fmt.Sprint(first) || got[n-1] != fmt.Sprint(last) || strings.Join(have, " ") != links {
			t.Fatalf("%d lines, %q to %q, links %v; want %d to %d and %s", len(got), got[0], got[len(got)-1], have, first, last, links)
		}
	}
	newest := viewer.get(tab)
	check(newest, 250, 449, 200, "older newest")
	if got := newest.words("[data-testid=log-run]"); got != "Run 1Run 2" {
		t.Errorf("runs %q", got)
	}
	older := newest.follow(viewer, "older")
	check(older, 50, 249, 200, "older newer newest")
	if older.Find("[data-tail]").Length() != 0 || newest.Find("[data-tail]").Length() != 1 {
		t.Error("the wrong part grows")
	}
	oldest := older.follow(viewer, "older")
	check(oldest, 0, 49, 50, "newer newest")
	check(oldest.follow(viewer, "newer"), 50, 249, 200, "older newer newest")
	check(older.follow(viewer, "newer"), 250, 449, 200, "older newest")
	check(older.follow(viewer, "newest"), 250, 449, 200, "older newest")
	errors := viewer.get(tab + "&level=error")
	check(errors, 51, 449, 200, "older newest")
	check(errors.follow(viewer, "older"), 1, 49, 25, "newer newest")
	if a := viewer.get(tab + "&level=loud"); a.status != http.StatusBadRequest {
		t.Errorf("an unknown level: %d", a.status)
	}

	// What the script fetches: the lines behind one, the run said where it changes.
	first := oldest.Find("[data-id]").First().AttrOr("data-id", "")
	part := viewer.script("logs").get("/fleet/" + string(id) + "/logs?level=error&epoch=1&after=" + first)
	if got := part.lines(); len(got) != 200 || got[0] != "1" || part.words("[data-testid=log-run]") != "Run 2" || part.Find("main, header").Length() != 0 {
		t.Errorf("%d lines, runs %q", len(got), part.words("[data-testid=log-run]"))
	}
	if a := viewer.get("/fleet/" + string(id) + "/logs"); a.status != http.StatusSeeOther || a.header.Get("Location") != tab {
		t.Errorf("for a person: %d %s", a.status, a.header.Get("Location"))
	}
}

func TestHostileLogLines(t *testing.T) {
	w := newWorld(t)
	id := w.agent("Ada", "assistant")
	hostile := []string{
		"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "</span></li></ol>&amp;", "\u202eevil\u202c end", "سطر من اليمين 42",
		strings.Repeat("x", 4096), "👩\u200d💻 ❤\ufe0f", "first\nsecond", "2026-01-01T00:00:00.000Z  run 9  error  forged", "{{.}} ${x} {x}",
	}
	for _, text := range hostile {
		w.logged(id, logLine(1, "warn", text))
	}
	a := w.as(fleet.RoleViewer).get("/fleet/" + string(id) + "?tab=logs")
	got := a.lines()
	for i, text := range hostile {
		if got[i] != text {
			t.Errorf("%.40q is shown as %.40q", text, got[i])
		}
	}
	if strings.Contains(a.body, "<script>alert") || a.Find("#logs img, #logs script").Length() != 0 || a.Find("[data-testid=log-line] > span[dir=auto]").Length() != len(hostile) {
		t.Error("a line is more than text")
	}
	if a.Find("[data-testid=log-line] b svg").Length() != len(hostile) || a.words("[data-testid=log-line] b") != strings.TrimSpace(strings.Repeat("warn", len(hostile))) {
		t.Errorf("a level is a word and a shape: %q", a.words("[data-testid=log-line] b"))
	}
}

func TestLogDownload(t *testing.T) {
	w := newWorld(t)
	id := w.agent("نور ☕", "assistant")
	at := time.Date(2026, 3, 12, 9, 29, 0, 120_000_000, time.UTC)
	var lines []fleet.LogLine
	for i := range 1300 {
		lines = append(lines, fleet.LogLine{At: at, Epoch: 7, Level: []string{"info", "error"}[i%2], Text: fmt.Sprintf("line %d\nforged", i)})
	}
	w.logged(id, lines...)
	a := w.as(fleet.RoleViewer).get("/fleet/" + string(id) + "/logs.txt?level=error")
	if got := a.header.Get("Content-Type") + " " + a.header.Get("Content-Disposition"); a.status != 200 || got != `text/plain; charset=utf-8 attachment; filename="`+string(id)[28:]+`-log.txt"` {
		t.Errorf("%d %s", a.status, got)
	}
	text := strings.Split(strings.TrimSuffix(a.body, "\n"), "\n")
	if len(text) != 1300 || text[0] != "2026-03-12T09:29:00.120Z  run 7  error  line 1" || text[1] != "    forged" || text[1298] != "2026-03-12T09:29:00.120Z  run 7  error  line 1299" {
		t.Errorf("%d lines: %q, %q … %q", len(text), text[0], text[1], text[len(text)-2])
	}
	if none := w.as(fleet.RoleViewer).get("/fleet/" + string(w.agent("Bo", "assistant")) + "/logs.txt"); none.status != 200 || none.body != "" {
		t.Errorf("an empty log: %d %q", none.status, none.body)
	}
	if bad := w.as(fleet.RoleViewer).get("/fleet/" + string(id) + "/logs.txt?level=loud"); bad.status != 400 {
		t.Errorf("an unknown level: %d", bad.status)
	}
}
