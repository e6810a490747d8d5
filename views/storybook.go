package views

import (
	"fmt"
	"slices"
	"time"

	"github.com/a-h/templ"

	"agentry/static"
)

// Storybook is /storybook: every part of the design system in every state.
type Storybook struct {
	Shell Shell
}

// partStory is one component of views/ui.
type partStory struct {
	// component is its name there; text says when to use it.
	component, text string
	cases           []storyCase
}

// storyCase is a component in one state.
type storyCase struct {
	state string
	show  templ.Component
}

// Names of people and agents are anything: these are the worst.
const (
	storyLong  = "Bartholomew-Maximilian-Featherstonehaugh-Cholmondeley-Marjoribanks-of-the-Northern-Fleet-Number-0042"
	storyRTL   = "نور الهدى عبد الرحمن"
	storyEmoji = "👩🏽‍🚀🦊 Reineke 🧪👩‍👩‍👧‍👦"
	storyBidi  = "in\u202Evoice\u2067gnp.exe"
)

// partStories are in the order of the page.
func partStories(now time.Time) []partStory {
	return slices.Concat(storiesOfWords(now), storiesOfAmounts(), storiesOfBoxes(), storiesOfForms(), storiesOfLinks())
}

// swatches are the tokens that are colours; sizes are the others.
func swatches() (colours []static.Token, sizes []static.Token) {
	for _, t := range static.Tokens() {
		if t.Colour() {
			colours = append(colours, t)
		} else {
			sizes = append(sizes, t)
		}
	}
	return colours, sizes
}

// ratio writes the contrast of a pair in one theme and whether it is enough.
func ratio(front, back string, least float64) string {
	got := static.Contrast(front, back)
	if got < least {
		return fmt.Sprintf("%.1f: too little", got)
	}
	return fmt.Sprintf("%.1f", got)
}

// pairRow is a pair with its contrast in both themes.
type pairRow struct {
	static.Pair
	light, dark string
}

func pairRows() []pairRow {
	tokens := map[string]static.Token{}
	for _, t := range static.Tokens() {
		tokens[t.Name] = t
	}
	var out []pairRow
	for _, p := range static.Pairs() {
		f, b := tokens[p.Front], tokens[p.Back]
		out = append(out, pairRow{p, ratio(f.Light, b.Light, p.Least), ratio(f.Dark, b.Dark, p.Least)})
	}
	return out
}

// typeSteps are the steps of the type scale with what they are for.
func typeSteps() [][2]string {
	return [][2]string{
		{"--t-2xl", "A page's title"}, {"--t-xl", "A dialog's title"}, {"--t-l", "A section's title"}, {"1rem", "Text"},
		{"--t-m", "Small controls"}, {"--t-s", "What stands beside: why, when, hints"}, {"--t-xs", "Labels of columns, badges, tags"},
	}
}
