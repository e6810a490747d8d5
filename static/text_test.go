package static

import (
	"regexp"
	"testing"
)

// Text follows the size that a person has set, and pages fold by it: no size of
// text is in pixels but in drawings, which grow as a whole, and no window is
// measured in them.
func TestTextFollowsThePerson(t *testing.T) {
	seen := 0
	for _, name := range []string{"tokens.css", "app.css", "media.css"} {
		raw, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, rule := range regexp.MustCompile(`(?m)^.*(font:|font-size:|--t-|@media).*$`).FindAllString(string(raw), -1) {
			seen++
			drawn := regexp.MustCompile(`^\.(life|edge) `).MatchString(rule)
			least := regexp.MustCompile(`max\(16px, 1rem\)`).ReplaceAllString(rule, "")
			if !drawn && regexp.MustCompile(`(font(-size)?:|--t-\w+:)[^;}]*[\d.]px|@media[^{]*\dpx`).MatchString(least) {
				t.Errorf("%s: %s", name, rule)
			}
		}
	}
	if seen < 40 {
		t.Errorf("only %d rules were seen", seen)
	}
}
