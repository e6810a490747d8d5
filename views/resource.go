package views

import (
	"strings"
	"time"

	"agentry/internal/fleet"
	"agentry/views/ui"
)

// Resources is /resources: the vendors and the ledger, what needs people first.
type Resources struct {
	Shell   Shell
	Tabs    []ui.Tab
	Vendors []Vendor
	Chips   []Chip
	// Groups are the parts of the ledger; with a filter there is one.
	Groups []ResourceGroup
	Pager  ui.Pager
	// Filtered: only one state is shown. Never: nothing was ever held.
	Filtered, Never bool
	// CanAdd: the member may add proxies.
	CanAdd bool
}

// Vendor is somebody outside who keeps resources, with what may be done.
type Vendor struct {
	fleet.Vendor
	Check *Deed
	Now   time.Time
}

// ResourceGroup are rows under one heading.
type ResourceGroup struct {
	// Name is attention, underway, held, forgotten, released or found.
	Name, Title string
	Rows        []Resource
	// MoreHref leads to all Total of them; "" is that all are shown.
	MoreHref string
	Total    int
}

// Resource is one row of the ledger.
type Resource struct {
	fleet.Resource
	// AgentName is "" for an agent that is gone.
	AgentName string
	// VendorState is how its vendor is now; "" is nobody's.
	VendorState fleet.VendorState
	Deeds       []Deed
	Now         time.Time
}

// Deed is something that may be done with a thing of a list.
type Deed struct {
	// Name is the last part of Href, for tests; Label is on the button.
	Name, Label, Href string
	// About completes the label for who cannot see the row.
	About string
	// Ask: there is a form first (GET); else it is posted at once.
	Ask bool
	// Fields are sent along.
	Fields []ui.Option
	// Why is the sentence for why it cannot be done now; "" is: it can.
	Why string
}

// ResourcePill draws a state of the ledger.
func ResourcePill(r fleet.Resource) ui.Pill {
	word := string(r.State)
	switch r.State {
	case fleet.ResourceWanted:
		return warned(r, ui.Pill{Tone: ui.Mute, Shape: "ring", Word: word})
	case fleet.ResourceAcquiring:
		return warned(r, ui.Pill{Tone: ui.Info, Shape: "half", Word: word})
	case fleet.ResourceHeld:
		return ui.Pill{Tone: ui.OK, Shape: "dot", Word: word}
	case fleet.ResourceReleasing:
		return warned(r, ui.Pill{Tone: ui.Info, Shape: "triangle", Word: word})
	case fleet.ResourceReleased:
		return ui.Pill{Tone: ui.Mute, Shape: "square", Word: word}
	case fleet.ResourceLeaked:
		if r.Forgotten != nil {
			return ui.Pill{Tone: ui.Mute, Shape: "slash", Word: "given up"}
		}
		return ui.Pill{Tone: ui.Bad, Shape: "diamond", Word: word}
	}
	return ui.Pill{Tone: ui.Mute, Shape: "ring", Word: word}
}

func warned(r fleet.Resource, p ui.Pill) ui.Pill {
	if r.Stuck() {
		p.Tone = ui.Warn
	}
	return p
}

// kind names the type at the beginning of a line.
func (r Resource) kind() string {
	word := r.Type.Word()
	return strings.ToUpper(word[:min(1, len(word))]) + word[min(1, len(word)):]
}

// from says whose it is: "GoLogin", "GB, decodo-gb-1".
func (r Resource) from() string { return resourceFrom(r.Resource) }

func resourceFrom(r fleet.Resource) string {
	switch {
	case r.Type == fleet.ResourceAgent:
		return "kind " + r.Vendor
	case r.Label == "" && r.Country == "":
		return r.Vendor
	case r.Country == "":
		return r.Label
	case r.Label == "":
		return r.Country + " pool"
	}
	return r.Country + ", " + r.Label
}

// tries says how often it failed, "" is never.
func (r Resource) tries() string {
	if r.Tries == 0 || !r.Open() {
		return ""
	}
	return "failed " + ui.Plural(r.Tries, "time", "times")
}

// waits says what an open row without a next try waits for.
func (r Resource) waits() string {
	if !r.Open() || !r.NextTry.IsZero() {
		return ""
	}
	switch {
	case r.VendorState == fleet.VendorStopped:
		return "goes on when the access to " + r.Label + " works again"
	case r.VendorState == fleet.VendorDown:
		return "goes on when " + r.Label + " answers again"
	case r.Type == fleet.ResourceProxy && r.State == fleet.ResourceReleasing:
		return "waits until the browser profile that uses it is gone"
	case r.Type == fleet.ResourceProfile && r.Pending():
		return "waits for the proxy of the agent"
	}
	return ""
}

// ResourceLines names rows that a relaunch or delete lets go, the same ones
// together: "1 browser profile (GoLogin)", "1 proxy (GB pool)".
func ResourceLines(list []fleet.Resource, more int) []string {
	var lines []string
	at, counts := map[string]int{}, []int{}
	for _, r := range list {
		from := resourceFrom(r)
		if r.Type == fleet.ResourceProxy && r.Country != "" {
			from = r.Country + " pool"
		}
		key := string(r.Type) + from
		i, known := at[key]
		if !known {
			i = len(counts)
			at[key], counts, lines = i, append(counts, 0), append(lines, "")
		}
		counts[i]++
		one, many := r.Type.Word(), r.Type.Word()+"s"
		switch r.Type {
		case fleet.ResourceProxy:
			many = "proxies"
		case fleet.ResourceAgent:
			many = "agents in another server"
		}
		lines[i] = ui.Plural(counts[i], one, many) + " (" + from + ")"
	}
	if more > 0 {
		lines = append(lines, ui.Number(more)+" more")
	}
	return lines
}

// vendorPill draws how a vendor is.
func vendorPill(v fleet.Vendor) ui.Pill {
	switch v.State {
	case fleet.VendorDown:
		return ui.Pill{Tone: ui.Warn, Shape: "triangle", Word: v.State.Word()}
	case fleet.VendorStopped:
		return ui.Pill{Tone: ui.Bad, Shape: "diamond", Word: v.State.Word()}
	}
	return ui.Pill{Tone: ui.OK, Shape: "dot", Word: v.State.Word()}
}

// todo says what to do about a vendor that is not asked.
func (v Vendor) todo() string {
	switch v.State {
	case fleet.VendorDown:
		return "Nothing is lost: what is to be made or released there waits, and goes on by itself when it answers."
	case fleet.VendorStopped:
		return "Nothing is made or released there until the access works again. The host replaces the token that this server has, or mends the access at " +
			v.Label + "; then check again."
	}
	return ""
}

// Forget asks why a resource is given up: POST /resources/{id}/forget with
// reason.
type Forget struct {
	Form
	// Page: it stands alone, not in a dialog; ForgetPage sets it.
	Page     bool
	Resource Resource
	Reason   string
}

func (m Forget) lead() string {
	if m.Resource.Type == fleet.ResourceProxy {
		return "Nothing waits for it any more, and its place in the pool is free for another agent."
	}
	return "It is not asked for any more. It may still exist at " + m.Resource.from() + " and cost money: delete it there by hand first."
}

func (m Forget) alone() Forget {
	m.Page = true
	return m
}

// trackStep is one place of a resource's life: class is past, here or "".
type trackStep struct {
	word, class string
	at          time.Time // zero is not known
}

// track is how far a row has come. What never came to be held shows no time
// there.
func (r Resource) track() []trackStep {
	steps := []trackStep{
		{word: "wanted", at: r.CreatedAt}, {word: "acquiring"}, {word: "held", at: r.HeldAt}, {word: "releasing"}, {word: "released", at: r.ReleasedAt},
	}
	place := map[fleet.ResourceState]int{
		fleet.ResourceWanted: 0, fleet.ResourceAcquiring: 1, fleet.ResourceHeld: 2, fleet.ResourceReleasing: 3, fleet.ResourceLeaked: 3, fleet.ResourceReleased: 4,
	}[r.State]
	for i := range steps {
		switch {
		case i == place:
			steps[i].class, steps[i].at = "here", r.StateAt
		case i < place && !(i == 2 && r.HeldAt.IsZero()):
			steps[i].class = "past"
		}
	}
	if r.State == fleet.ResourceLeaked {
		steps[3].word = "leaked"
	}
	return steps
}
