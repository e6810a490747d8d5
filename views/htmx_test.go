package views

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// static/htmx.mjs leaves out what no page uses: pages and scripts use what is
// there alone, and a boosted part never writes the history.
func TestOnlyTheHtmxThatIsThere(t *testing.T) {
	attributes := []string{"hx-boost", "hx-target", "hx-push-url", "hx-get", "hx-post", "hx-swap", "hx-select", "hx-include", "hx-confirm"}
	functions := []string{"ajax", "process", "trigger", "config"}
	read := func(pattern string, use func(file, text string)) {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: no files (%v)", pattern, err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			use(name, string(text))
		}
	}
	var boosted int
	read("*.templ", func(file, text string) {
		for _, m := range regexp.MustCompile(`\b(hx-[a-z-]+)=`).FindAllStringSubmatch(text, -1) {
			if !slices.Contains(attributes, m[1]) {
				t.Errorf("%s: %s is left out of htmx: see static/htmx.mjs", file, m[1])
			}
		}
		for _, tag := range regexp.MustCompile(`<[^>]*hx-boost="true"[^>]*>`).FindAllString(text, -1) {
			boosted++
			if !regexp.MustCompile(`hx-push-url="false"`).MatchString(tag) {
				t.Errorf("%s: %s would write the history: say hx-push-url=\"false\"", file, tag)
			}
		}
	})
	if boosted < 5 {
		t.Errorf("%d boosted parts were found", boosted)
	}
	read("../static/*.js", func(file, text string) {
		for _, m := range regexp.MustCompile(`\bhtmx\.(\w+)`).FindAllStringSubmatch(text, -1) {
			if !slices.Contains(functions, m[1]) {
				t.Errorf("%s: htmx.%s is left out: see static/htmx.mjs", file, m[1])
			}
		}
	})
}
