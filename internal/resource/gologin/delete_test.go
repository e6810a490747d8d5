package gologin

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"agentry/internal/resource"
)

func TestDelete(t *testing.T) {
	path := "/browser/" + testID
	look, clear, stop, remove := "GET "+path, "PATCH "+path+"/proxy", "DELETE "+path+"/web", "DELETE "+path
	done, gone, there := reply{204, "", ""}, refusal(404, "Profile not found"), reply{200, "", profileBody(`{"mode":"none"}`)}
	denied, fault := refusal(403, "Forbidden resource"), refusal(500, "x")
	noRoute := refusal(404, "Cannot DELETE "+path)
	cases := map[string]struct {
		again, bare               bool
		look, clear, stop, remove reply // what has no reply is not asked
		reason                    resource.Reason
		unclear                   bool
	}{
		"deleted":                       {clear: done, stop: done, remove: done},
		"deleted, 200":                  {clear: reply{200, "", `{}`}, stop: reply{200, "", ""}, remove: reply{200, "", `{"ok":true}`}},
		"never had a proxy":             {bare: true, stop: done, remove: done},
		"again, gone":                   {again: true, look: gone},
		"again, there":                  {again: true, look: there, clear: done, stop: done, remove: done},
		"again, fault":                  {again: true, look: fault, reason: resource.Unreachable},
		"again, wrong address":          {again: true, look: noRoute, reason: resource.Unreachable},
		"again, no token":               {again: true, look: refusal(401, "x"), reason: resource.Unauthorized},
		"gone meanwhile":                {clear: gone, stop: gone, remove: gone},
		"nothing runs":                  {clear: done, stop: gone, remove: done},
		"cannot be cleared or stopped":  {clear: refusal(400, "x"), stop: denied, remove: done},
		"clearing meets a fault":        {clear: fault, reason: resource.Unreachable},
		"stopping meets a fault":        {clear: done, stop: fault, reason: resource.Unreachable},
		"stopping asks the wrong place": {clear: done, stop: noRoute, reason: resource.Unreachable},
		"too many while stopping":       {clear: done, stop: refusal(429, "x"), reason: resource.Revoked},
		"deleting meets a fault":        {clear: done, stop: done, remove: fault, reason: resource.Unreachable, unclear: true},
		"deleting asks the wrong place": {clear: done, stop: done, remove: noRoute, reason: resource.Unreachable, unclear: true},
		"denied, and gone":              {clear: done, stop: done, remove: denied, look: gone},
		"denied, and there":             {clear: done, stop: done, remove: denied, look: there, reason: resource.Refused},
		"denied, and nobody knows":      {clear: done, stop: done, remove: denied, look: fault, reason: resource.Unreachable, unclear: true},
		"denied, and the wrong place":   {clear: done, stop: done, remove: denied, look: noRoute, reason: resource.Unreachable, unclear: true},
		"quota, and there":              {clear: done, stop: done, remove: refusal(403, "free API requests limit"), look: there, reason: resource.Quota},
		"wrong id":                      {clear: refusal(400, "x"), stop: refusal(400, "x"), remove: refusal(400, "x"), reason: resource.Invalid},
		"accepted, and gone":            {clear: done, stop: done, remove: reply{202, "", ""}, look: gone},
		"accepted, and there":           {clear: done, stop: done, remove: reply{202, "", ""}, look: there, reason: resource.Refused, unclear: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			routes := map[string][]reply{}
			for key, r := range map[string]reply{look: c.look, clear: c.clear, stop: c.stop, remove: c.remove} {
				if r.status != 0 {
					routes[key] = []reply{r}
				}
			}
			w := newWorld(t, routes)
			err := w.client().Delete(t.Context(), testID, resource.Deletion{Again: c.again, Bare: c.bare})
			if c.reason == "" {
				if err != nil {
					t.Errorf("failed: %v", err)
				}
			} else {
				wantError(t, err, c.reason, c.unclear)
			}
			if got := len(w.requests()); got != len(routes) {
				t.Errorf("%d requests, want one of each of %d: %v", got, len(routes), w.requests())
			}
		})
	}
}

func TestARefusedClearingIsTold(t *testing.T) {
	path := "/browser/" + testID
	w := newWorld(t, map[string][]reply{
		"PATCH " + path + "/proxy": {refusal(403, "no, u:canary@proxy")}, "DELETE " + path + "/web": {{204, "", ""}}, "DELETE " + path: {{204, "", ""}},
	})
	var log bytes.Buffer
	c := newClient(t, Config{Base: w.server.URL, Token: fixed(testToken), Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err := c.Delete(t.Context(), testID, resource.Deletion{}); err != nil {
		t.Fatal(err)
	}
	if got := log.String(); strings.Count(got, "refused a step") != 1 || strings.Contains(got, "canary") || strings.Contains(got, testToken) {
		t.Errorf("log %s", got)
	}
}
