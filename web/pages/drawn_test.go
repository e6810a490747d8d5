package pages_test

import (
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// The rows of a list are kept as they were drawn: here nothing is written and
// no time passes between the looks, and yet each sees what is theirs.
func TestRowsAreOfWhoLooks(t *testing.T) {
	now := time.Now()
	w := worldWith(t, func(c *app.Config) { c.Now = func() time.Time { return now } })
	id := w.agent("Ada", "assistant")
	for range 2 {
		for role, want := range map[fleet.Role]int{fleet.RoleOwner: 1, fleet.RoleAdmin: 1, fleet.RoleOperator: 1, fleet.RoleViewer: 0} {
			a := w.as(role).get("/fleet")
			if n := a.Find("[data-testid=row] [data-testid=start]").Length(); n != want {
				t.Errorf("%s: %d buttons to start", role, n)
			}
			if n := a.Find("[data-testid=row] [data-testid=disable]").Length(); role == fleet.RoleOperator && n != 0 || role == fleet.RoleAdmin && n != 1 {
				t.Errorf("%s: %d to disable", role, n)
			}
		}
	}
	var titles []string
	for _, zone := range []string{"utc", "Asia/Tokyo", "utc"} {
		titles = append(titles, w.as(fleet.RoleOwner).in(zone).get("/fleet").title("[data-testid=row] time"))
	}
	if titles[0] == titles[1] || titles[0] != titles[2] {
		t.Errorf("times in UTC, Tokyo and UTC: %q", titles)
	}
	name := "Grace"
	_, err := w.app.Update(t.Context(), fleet.System(w.team, "test"), id, app.UpdateInput{Name: &name})
	must(t, err)
	if got := w.as(fleet.RoleOwner).get("/fleet").words("[data-testid=row] .name"); got != name {
		t.Errorf("renamed, it is shown as %q", got)
	}
}
