package fleet

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

// MaxViews is how many views a member may have, and how many nobody in
// particular has in a team.
const MaxViews = 50

// View is a name for a filter and order of the fleet's list.
type View struct {
	ID     string
	TeamID TeamID
	// OwnerID is whose it is; "" is nobody's: an API key made it.
	OwnerID UserID
	// By is the name of who saved it.
	By   string
	Name string
	// Query is what stands behind the ? of the list's address, as ViewQuery
	// writes it.
	Query string
	// Shared: the whole team sees it.
	Shared    bool
	CreatedAt time.Time
	UpdatedAt time.Time
}

// SeenBy tells whether somebody of its team sees the view.
func (v View) SeenBy(by Actor) bool { return v.Shared || v.ownedBy(by) }

func (v View) ownedBy(by Actor) bool {
	return by.Kind == ActorMember && v.OwnerID == UserID(by.ID)
}

// ChangedBy returns nil when somebody of its team may change or delete the
// view: its owner may, and of a shared one every admin; what is nobody's may
// everybody who may share.
func (v View) ChangedBy(by Actor) error {
	switch {
	case v.ownedBy(by):
		return by.May(ScopeRead)
	case v.OwnerID == "":
		return by.May(ScopeOperate)
	}
	return by.May(ScopeAdmin)
}

// viewFields are what a view may hold of the list's address.
func viewFields() []string {
	return []string{"alerts", "country", "kind", "q", "sort", "status", "tag"}
}

// ViewQuery reads a filter and order of the fleet's list, as it stands behind
// the ? of its address, and writes it in one order, without the page that is
// shown. An empty one is the list as it always is.
func ViewQuery(raw string) (string, error) {
	values, err := url.ParseQuery(strings.TrimPrefix(raw, "?"))
	if err != nil || len(raw) > 4*MaxText {
		return "", Invalid("query", "must be what stands behind the ? of the list's address")
	}
	kept := url.Values{}
	for name, list := range values {
		if slices.Contains([]string{"cursor", "at", "view"}, name) {
			continue // where the list stands, not what is in it
		}
		if !slices.Contains(viewFields(), name) {
			return "", Invalid("query", "may have %s, and nothing called %q", strings.Join(viewFields(), ", "), name)
		}
		if err := CheckText("query", list[0], 0, 200); err != nil {
			return "", err
		}
		if v := strings.TrimSpace(list[0]); v != "" {
			kept.Set(name, v)
		}
	}
	if s := kept.Get("status"); s != "" && s != "attention" && !Status(s).Valid() {
		return "", Invalid("query", "has a status that there is not")
	}
	if a := kept.Get("alerts"); a != "" && a != "open" {
		return "", Invalid("query", "may have alerts=open, and no other alerts")
	}
	if s := kept.Get("sort"); s != "" && s != "attention" && !slices.Contains([]string{"name", "createdAt", "updatedAt"}, strings.TrimPrefix(s, "-")) {
		return "", Invalid("query", "has an order that there is not")
	}
	return kept.Encode(), nil
}
