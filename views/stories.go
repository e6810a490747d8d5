package views

import (
	"time"

	"agentry/views/ui"
)

// tones are all of them, with a word each.
func tones() []struct {
	tone ui.Tone
	word string
} {
	return []struct {
		tone ui.Tone
		word string
	}{{ui.Mute, "nothing special"}, {ui.Info, "going on"}, {ui.OK, "well"}, {ui.Warn, "needs somebody"}, {ui.Bad, "broken"}}
}

func storiesOfWords(now time.Time) []partStory {
	pills := partStory{component: "StatusPill", text: "A status: shape, word and colour. The shape alone tells it apart in print and forced colours."}
	for _, s := range []string{"dot", "diamond", "triangle", "bars", "ring", "square", "half", "slash"} {
		pills.cases = append(pills.cases, storyCase{s, ui.StatusPill(ui.Pill{Tone: ui.Info, Shape: s, Word: "status"})})
	}
	badges := partStory{component: "Badge", text: "A small word in a box."}
	for _, t := range tones() {
		pills.cases = append(pills.cases, storyCase{string(t.tone), ui.StatusPill(ui.Pill{Tone: t.tone, Shape: "dot", Word: t.word})})
		badges.cases = append(badges.cases, storyCase{string(t.tone), ui.Badge(t.tone, t.word)})
	}
	icons := partStory{component: "Icon", text: "Decoration of the 16 px grid; the word is beside it."}
	for _, i := range []string{"bell", "lock", "menu", "more", "theme", "copy", "check"} {
		icons.cases = append(icons.cases, storyCase{i, ui.Icon(i)})
	}
	return []partStory{
		pills, badges, icons,
		{"Shape", "The shape of a status or a level where the word stands apart.", []storyCase{{"dot", ui.Shape("dot")}, {"triangle", ui.Shape("triangle")}, {"diamond", ui.Shape("diamond")}}},
		{"Avatar", "The initials of a name.", []storyCase{
			{"two words", ui.Avatar("Ada Lindqvist")}, {"one", ui.Avatar("Ada")}, {"none", ui.Avatar("")}, {"right to left", ui.Avatar(storyRTL)}, {"emoji", ui.Avatar(storyEmoji)},
		}},
		{"Address", "A line breaks behind the @ first.", []storyCase{{"e-mail", ui.Address("ada@northwind.example")}, {"other", ui.Address("ada")}, {"none", ui.Address("")}}},
		{"When", "How far an instant is; hover shows it with its zone.", []storyCase{
			{"now", ui.When(now, now)}, {"seconds", ui.When(now.Add(-3*time.Second), now)}, {"hours", ui.When(now.Add(-5*time.Hour), now)}, {"days", ui.When(now.AddDate(0, 0, -400), now)},
			{"to come", ui.When(now.Add(90*time.Minute), now)}, {"never", ui.When(time.Time{}, now)},
		}},
		{"At", "An instant with its zone, where it matters when.", []storyCase{{"in UTC", ui.At(now, now.UTC())}, {"in another zone", ui.At(now, now.In(time.FixedZone("UTC+5:30", 19800)))}}},
		{"Copy", "A text to take away; without a script it is selected by a click.", []storyCase{
			{"short", ui.Copy("agy_3f9c")}, {"long", ui.Copy(storyLong)}, {"right to left", ui.Copy(storyRTL)}, {"hidden direction", ui.Copy(storyBidi)},
		}},
	}
}

func storiesOfAmounts() []partStory {
	progress := func(p ui.Progress) ui.Progress {
		p.Label = "Relaunching 200 agents"
		return p
	}
	return []partStory{
		{"Bar", "How much of something is used.", []storyCase{
			{"nothing", ui.Bar(ui.Meter{Max: 25, Label: "0 of 25 messages"})}, {"some", ui.Bar(ui.Meter{Value: 18, Max: 25, Label: "18 of 25 messages"})},
			{"with a least", ui.Bar(ui.Meter{Value: 4, Max: 25, Min: 10, Label: "4 of 25 messages"})}, {"full", ui.Bar(ui.Meter{Value: 25, Max: 25, Label: "25 of 25 messages"})},
			{"over", ui.Bar(ui.Meter{Value: 31, Max: 25, Label: "31 of 25 messages"})}, {"no limit", ui.Bar(ui.Meter{Value: 4310, Label: "4,310 messages"})},
		}},
		{"Spark", "A small line of daily values, the last is today.", []storyCase{
			{"14 days", ui.Spark("Messages", []int{3, 5, 2, 8, 9, 4, 0, 0, 6, 7, 12, 9, 4, 8})}, {"none", ui.Spark("Messages", make([]int, 14))},
			{"one peak", ui.Spark("Messages", []int{0, 0, 0, 0, 0, 0, 10000, 0, 0, 0, 0, 0, 0, 0})}, {"two days", ui.Spark("Messages", []int{1, 4})},
		}},
		{"ProgressBar", "How far a long work is, with counts and an estimate.", []storyCase{
			{"counting", ui.ProgressBar(ui.Progress{Label: "Looking for the agents"})}, {"at the start", ui.ProgressBar(progress(ui.Progress{Total: 200}))},
			{"at work", ui.ProgressBar(progress(ui.Progress{Total: 200, Done: 137, Left: 95 * time.Second}))},
			{"some failed", ui.ProgressBar(progress(ui.Progress{Total: 200, Done: 137, Failed: 3, Skipped: 12, Left: 40 * time.Second}))},
			{"stopped", ui.ProgressBar(progress(ui.Progress{Total: 200, Done: 60, Failed: 3, Note: "stopped by Mara Reyes"}))},
			{"over, all done", ui.ProgressBar(progress(ui.Progress{Total: 200, Done: 200}))}, {"over, not all", ui.ProgressBar(progress(ui.Progress{Total: 200, Done: 185, Failed: 3, Skipped: 12}))},
			{"one of 100,000", ui.ProgressBar(progress(ui.Progress{Total: 100_000, Failed: 1, Left: 26 * time.Hour}))},
		}},
	}
}

func storiesOfBoxes() []partStory {
	notices := partStory{component: "NoticeBox", text: "A message that stays where it belongs; an error is announced at once."}
	for _, t := range tones() {
		notices.cases = append(notices.cases, storyCase{string(t.tone), ui.NoticeBox(ui.Notice{Tone: t.tone, Text: "The facts moved while this was open."})})
	}
	notices.cases = append(notices.cases,
		storyCase{"in full", ui.NoticeBox(ui.Notice{Tone: ui.Bad, Title: "This was not done", Text: "The agent is not paused.", Todo: "Pause it first.", RequestID: "018f3c1e-7a2b"})},
		storyCase{"long", ui.NoticeBox(ui.Notice{Tone: ui.Warn, Title: storyLong, Text: storyRTL, Todo: storyEmoji})})
	return []partStory{
		notices,
		{"EmptyBox", "What stands where a list would be: what to do first.", []storyCase{
			{"something to do", ui.EmptyBox(ui.Empty{Title: "No agents yet", Text: "Create the first one, then set it up.", Href: "/fleet/new", Action: "Create an agent"})},
			{"nothing to do", ui.EmptyBox(ui.Empty{Title: "No lines", Text: "What the agent's program writes appears here while it runs."})},
		}},
	}
}

func storiesOfForms() []partStory {
	field := func(in string, f ui.Field) storyCase {
		state := in
		f.In, f.Name = "story-"+in+"-", "field"
		if f.Label == "" {
			f.Label = "Name"
		}
		if f.Type == "" {
			f.Type = "text"
		}
		return storyCase{state, ui.FieldBox(f)}
	}
	return []partStory{
		{"FieldBox", "A label, a control, a hint, and what is wrong with the value.", []storyCase{
			field("empty", ui.Field{Placeholder: "nightly report"}), field("required", ui.Field{Required: true, Value: "Ada", MaxLength: 100}), field("hint", ui.Field{Hint: "Empty: a name is made up."}),
			field("wrong", ui.Field{Value: "Ada", Error: "Another agent is called so. Choose another name."}), field("draft", ui.Field{Label: "Country", Value: "FR", Mark: "from incarnation 2"}),
			field("number", ui.Field{Label: "Messages a day", Type: "number", Value: "25", Min: 1, Max: 500}), field("password", ui.Field{Label: "Password", Type: "password", Autocomplete: "off"}),
			field("select", ui.Field{Label: "Reason", Type: "select", Value: "b", Options: []ui.Option{{Value: "a", Label: "It crashed"}, {Value: "b", Label: "New credentials"}}}),
			field("textarea", ui.Field{Label: "Note", Type: "textarea", Value: "Two lines,\nof which this is the second."}), field("mono", ui.Field{Label: "User", Value: "u-{cc}-{sid}", Mono: true}),
			field("time", ui.Field{Label: "Resume by itself at", Type: "datetime-local"}), field("long", ui.Field{Label: storyLong, Value: storyLong, Hint: storyLong, Error: storyLong}),
			field("rtl", ui.Field{Value: storyRTL}), field("emoji", ui.Field{Value: storyEmoji}),
		}},
		{"OffButton", "What cannot be done now: it can be reached, and focus, hover or a tap says why.", []storyCase{
			{"button", ui.OffButton(ui.Off{Class: "btn", Label: "Delete", Why: "Needs an admin; you are an operator", Name: "story-off"})},
			{"small", ui.OffButton(ui.Off{Class: "btn s", Label: "Retry", About: " of the proxy", Why: "It is held: there is nothing to try again"})},
			{"in a menu", ui.OffButton(ui.Off{Class: "item", Label: "Disable", Why: "Needs an admin; you are an operator"})},
		}},
	}
}

func storiesOfLinks() []partStory {
	tabs := func(current int, words ...string) (out []ui.Tab) {
		for i, w := range words {
			out = append(out, ui.Tab{Href: "/storybook", Label: w, Count: i * 1200, Current: i == current})
		}
		return out
	}
	return []partStory{
		{"TabBar", "Links of which one is the current page; a narrow one scrolls.", []storyCase{
			{"counts", ui.TabBar("Counts", tabs(1, "Overview", "Usage", "Tasks"))}, {"one", ui.TabBar("One", tabs(0, "Overview"))},
			{"many", ui.TabBar("Many", tabs(7, "Overview", "Usage", "Tasks", "Alerts", "Messages", "Resources", "History", "Logs"))},
		}},
		{"PageLinks", "The foot of a list that comes in pages.", []storyCase{
			{"none", ui.PageLinks(ui.Pager{Text: "0 agents"})}, {"first", ui.PageLinks(ui.Pager{Label: "First pages", Text: "1–50 of 381", NextHref: "/storybook"})},
			{"between", ui.PageLinks(ui.Pager{Label: "Pages between", Text: "51–100 of 381", PrevHref: "/storybook", NextHref: "/storybook"})}, {"last", ui.PageLinks(ui.Pager{Label: "Last pages", Text: "351–381 of 381 · 31 ended hidden", PrevHref: "/storybook"})},
			{"in time", ui.PageLinks(ui.Pager{Text: "50 shown, newest first", PrevHref: "/storybook", PrevLabel: "Newest", NextHref: "/storybook", NextLabel: "Older"})},
		}},
	}
}
