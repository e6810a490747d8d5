package fleet_test

import (
	"strings"
	"testing"

	"agentry/internal/fleet"
)

func TestViewQuery(t *testing.T) {
	for raw, want := range map[string]string{
		"":                               "",
		"?status=running":                "status=running",
		"tag=b&q=+a+&cursor=x&at=51&q=z": "q=a&tag=b",
		"sort=-updatedAt&country=&kind=assistant&view=1": "kind=assistant&sort=-updatedAt",
		"status=attention&alerts=open":                   "alerts=open&status=attention",
		"q=%D7%A9%26%3D%20%F0%9F%A6%8A":                  "q=%D7%A9%26%3D+%F0%9F%A6%8A",
	} {
		got, err := fleet.ViewQuery(raw)
		if err != nil || got != want {
			t.Errorf("%q: %q (%v), want %q", raw, got, err, want)
		}
		if again, err := fleet.ViewQuery(got); err != nil || again != got {
			t.Errorf("%q read again is %q (%v)", got, again, err)
		}
	}
	for _, raw := range []string{"status=asleep", "sort=luck", "sort=-attention", "sort=-", "alerts=all", "stauts=running", "q=%ff", "q=%00", "%zz", "q=" + strings.Repeat("x", 201), strings.Repeat("&", 5000)} {
		if got, err := fleet.ViewQuery(raw); fleet.CodeOf(err) != fleet.CodeValidation {
			t.Errorf("%.20q: %q, %v", raw, got, err)
		}
	}
}

func TestWhoSeesAndChangesAView(t *testing.T) {
	member := func(id string, scope fleet.Scope) fleet.Actor {
		return fleet.Actor{Kind: fleet.ActorMember, ID: id, TeamID: "t", Scope: scope}
	}
	key := func(scope fleet.Scope) fleet.Actor {
		// An id that happens to be a member's makes no key the owner.
		return fleet.Actor{Kind: fleet.ActorKey, ID: "ann", TeamID: "t", Scope: scope}
	}
	own, shared, nobodys := fleet.View{OwnerID: "ann"}, fleet.View{OwnerID: "ann", Shared: true}, fleet.View{Shared: true}
	for _, c := range []struct {
		what          string
		v             fleet.View
		by            fleet.Actor
		sees, changes bool
	}{
		{"own", own, member("ann", fleet.ScopeRead), true, true},
		{"another's", own, member("bob", fleet.ScopeOperate), false, false},
		{"another's, a key", own, key(fleet.ScopeOperate), false, false},
		{"shared, its owner", shared, member("ann", fleet.ScopeRead), true, true},
		{"shared, another", shared, member("bob", fleet.ScopeOperate), true, false},
		{"shared, an admin", shared, member("bob", fleet.ScopeAdmin), true, true},
		{"nobody's, a viewer", nobodys, member("bob", fleet.ScopeRead), true, false},
		{"nobody's, an operator", nobodys, member("bob", fleet.ScopeOperate), true, true},
		{"nobody's, a key", nobodys, key(fleet.ScopeOperate), true, true},
		{"nobody's, a key that reads", nobodys, key(fleet.ScopeRead), true, false},
	} {
		if got := c.v.SeenBy(c.by); got != c.sees {
			t.Errorf("%s: seen %t", c.what, got)
		}
		if got := c.v.ChangedBy(c.by) == nil; got != c.changes {
			t.Errorf("%s: changed %t", c.what, got)
		}
	}
}
