package gologin

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"agentry/internal/resource"
)

const (
	// pageSize is how many profiles GoLogin lists on a page.
	pageSize = 30
	// maxPages bounds a search.
	maxPages = 500
)

// Check asks who the token belongs to and reads nothing of it; where nobody can
// say, it asks for the list of profiles, which every token opens. After a
// refusal it reads the token again first.
func (c *Client) Check(ctx context.Context) error {
	if _, failure := c.access.renew(); failure != nil {
		return failure
	}
	err := c.probe(ctx)
	if reason := resource.ReasonOf(err); reason != resource.Unauthorized && reason != resource.Revoked {
		return err
	}
	// It may have been replaced before anybody knew that it is refused.
	if changed, _ := c.access.renew(); !changed {
		return err
	}
	return c.probe(ctx)
}

func (c *Client) probe(ctx context.Context) error {
	err := c.user(ctx)
	if err == nil || ctx.Err() != nil || resource.ReasonOf(err) != resource.Unreachable {
		return err
	}
	_, listErr := c.ask(ctx, call{method: http.MethodGet, path: "/browser/v2", query: url.Values{"page": {"1"}}, probe: true})
	if listErr != nil && resource.ReasonOf(listErr) == resource.Unreachable {
		return err
	}
	return listErr
}

func (c *Client) user(ctx context.Context) error {
	a, err := c.ask(ctx, call{method: http.MethodGet, path: "/user", probe: true})
	if err != nil {
		return err
	}
	var user struct{}
	if json.Unmarshal(a.body, &user) != nil {
		return c.notUnderstood(false)
	}
	return nil
}

// Create makes a profile with a generated fingerprint and no proxy.
func (c *Client) Create(ctx context.Context, name string) (resource.Profile, error) {
	a, err := c.ask(ctx, call{method: http.MethodPost, path: "/browser/quick", body: struct {
		OS     string `json:"os"`
		OSSpec string `json:"osSpec"`
		Name   string `json:"name"`
	}{"lin", "", name}})
	if err != nil {
		return resource.Profile{}, err
	}
	var r row
	if json.Unmarshal(a.body, &r) != nil || !r.hasID() {
		return resource.Profile{}, c.notUnderstood(true)
	}
	p := r.profile()
	// Another name is another profile, which is nobody's here to keep.
	if p.Name = cmp.Or(p.Name, name); p.Name != name {
		return resource.Profile{}, c.notUnderstood(true)
	}
	return p, nil
}

// Find returns the profiles with exactly the name, oldest first. It never
// returns a part of them.
func (c *Client) Find(ctx context.Context, name string) ([]resource.Profile, error) {
	seen := map[string]bool{}
	var found []resource.Profile
	for page := 1; page <= maxPages; page++ {
		list, more, err := c.page(ctx, name, page, func(r row) bool { return string(r.Name) == name })
		if err != nil {
			return nil, err
		}
		for _, p := range list {
			if !seen[p.ID] { // a profile made meanwhile moves others to the next page
				seen[p.ID] = true
				found = append(found, p)
			}
		}
		if !more {
			slices.SortFunc(found, older)
			return found, nil
		}
	}
	return nil, &resource.Error{Reason: resource.Refused, Message: fmt.Sprintf("GoLogin's search for one name has more than %d pages", maxPages)}
}

// List returns a page of the profiles whose name begins with the prefix.
func (c *Client) List(ctx context.Context, prefix string, page int) (list []resource.Profile, more bool, err error) {
	return c.page(ctx, prefix, max(1, page), func(r row) bool { return strings.HasPrefix(string(r.Name), prefix) })
}

// page asks for one page of a search and returns those that fit. GoLogin's
// search finds parts of names.
func (c *Client) page(ctx context.Context, search string, page int, fits func(row) bool) (list []resource.Profile, more bool, err error) {
	a, err := c.ask(ctx, call{method: http.MethodGet, path: "/browser/v2", query: url.Values{
		"page": {strconv.Itoa(page)}, "search": {search},
	}})
	if err != nil {
		return nil, false, err
	}
	var body struct {
		Profiles *[]row `json:"profiles"`
	}
	// A list that is not there is not an empty one.
	if json.Unmarshal(a.body, &body) != nil || body.Profiles == nil {
		return nil, false, c.notUnderstood(false)
	}
	for _, r := range *body.Profiles {
		if !fits(r) {
			continue
		}
		if !r.hasID() {
			return nil, false, c.notUnderstood(false)
		}
		list = append(list, r.profile())
	}
	return list, len(*body.Profiles) >= pageSize, nil
}

// notUnderstood is a 2xx that does not say what GoLogin's would.
func (c *Client) notUnderstood(unclear bool) *resource.Error {
	return &resource.Error{
		Reason: resource.Unreachable, Unclear: unclear,
		Message: fmt.Sprintf("What answers at %s does not answer as GoLogin does: see whether AGENTRY_GOLOGIN_API_BASE is right", c.base),
	}
}

// row is what is read of a profile in a list or of a new one.
type row struct {
	ID        text    `json:"id"`
	OtherID   text    `json:"_id"`
	Name      text    `json:"name"`
	CreatedAt instant `json:"createdAt"`
}

func (r row) id() string { return string(cmp.Or(r.ID, r.OtherID)) }

func (r row) hasID() bool { return isID(r.id()) }

func (r row) profile() resource.Profile {
	return resource.Profile{ID: r.id(), Name: string(r.Name), CreatedAt: r.CreatedAt.Time}
}

// isID tells whether it is an id of GoLogin's: nothing else gets into a path.
func isID(id string) bool { return regexp.MustCompile(`^[a-f0-9]{24}$`).MatchString(id) }

// older orders by age. An id begins with the second of its making, which
// counts where GoLogin does not say when that was.
func older(a, b resource.Profile) int {
	return cmp.Or(madeAt(a).Compare(madeAt(b)), strings.Compare(a.ID, b.ID))
}

func madeAt(p resource.Profile) time.Time {
	if !p.CreatedAt.IsZero() || len(p.ID) < 8 {
		return p.CreatedAt
	}
	seconds, err := strconv.ParseInt(p.ID[:8], 16, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}

// text is a JSON string or number; anything else is "".
type text string

// UnmarshalJSON never fails.
func (t *text) UnmarshalJSON(raw []byte) error {
	var s string
	var n json.Number
	switch {
	case json.Unmarshal(raw, &s) == nil:
		*t = text(s)
	case json.Unmarshal(raw, &n) == nil:
		*t = text(n)
	default:
		*t = ""
	}
	return nil
}

// instant is a time as RFC 3339 or as a count of seconds or milliseconds;
// anything else is zero.
type instant struct{ time.Time }

// UnmarshalJSON never fails.
func (i *instant) UnmarshalJSON(raw []byte) error {
	const milliseconds = 100_000_000_000 // more than any count of seconds
	i.Time = time.Time{}
	var t text
	if err := t.UnmarshalJSON(raw); err != nil {
		return err
	}
	if at, err := time.Parse(time.RFC3339, string(t)); err == nil {
		i.Time = at.UTC()
	} else if n, err := strconv.ParseInt(string(t), 10, 64); err == nil && n > 0 {
		if n < milliseconds {
			n *= 1000
		}
		i.Time = time.UnixMilli(n).UTC()
	}
	return nil
}
