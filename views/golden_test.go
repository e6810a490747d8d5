package views

import (
	"bytes"
	"compress/gzip"
	"context"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

func render(t *testing.T, c templ.Component) string {
	t.Helper()
	var b bytes.Buffer
	if err := c.Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// plain takes the content hashes out of asset URLs and puts each block on a
// line of its own, so that a change of style changes no golden file and a
// change of a page is readable.
func plain(html string) string {
	html = regexp.MustCompile(`/static/(\w+)(?:\.[0-9a-f]{12})?\.(\w+)`).ReplaceAllString(html, "/static/$1.$2")
	return regexp.MustCompile(`(<(?:/?(?:section|main|header|footer|form|table|tr|ul|ol|dl|nav|dialog|details|svg|head|body)|div|td|li|p|h[1-3]|label|input|a|button|option|meta|link|script|symbol|g)\b)`).ReplaceAllString(html, "\n$1") + "\n"
}

func TestGolden(t *testing.T) {
	for name, c := range stories() {
		t.Run(name, func(t *testing.T) {
			got := plain(render(t, c))
			file := filepath.Join("testdata", name+".html")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("differs; look at it and run with -update (-want +got):\n%s", d)
			}
		})
	}
}

func TestNoInlineStyleOrScript(t *testing.T) {
	inline := regexp.MustCompile(`(?i)<style|\sstyle=|<script>|\son\w+=|hx-on|javascript:`)
	for name, c := range stories() {
		if found := inline.FindString(render(t, c)); found != "" {
			t.Errorf("%s has %q: the content security policy forbids it", name, found)
		}
	}
}

func TestFleetPageOfFiftyIsSmall(t *testing.T) {
	m := Fleet{Shell: sampleShell("Fleet", "fleet"), List: manyRows(50)}
	html := render(t, FleetPage(m))
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(html)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	const budget = 14 << 10
	t.Logf("%d bytes, %d compressed", len(html), b.Len())
	if b.Len() > budget {
		t.Errorf("50 agents take %d bytes compressed, more than %d", b.Len(), budget)
	}
}

// manyRows makes rows that share as little as real ones: ids and daily counts
// differ in every place.
func manyRows(n int) FleetList {
	l := sampleList()
	samples := sampleRows()[:9]
	seed := uint64(7)
	next := func(below int) int {
		seed = seed*6364136223846793005 + 1442695040888963407
		return int(seed>>33) % below
	}
	word := func(letters string, n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte(letters[next(len(letters))])
		}
		return b.String()
	}
	var rows []Row
	for i := range n {
		r := samples[i%len(samples)]
		const hex, abc = "0123456789abcdef", "abcdefghijklmnoprstuvwz"
		r.ID = "018f3c1e-" + word(hex, 4) + "-7" + word(hex, 3) + "-8" + word(hex, 3) + "-" + word(hex, 12)
		first, last := word(abc, 5), word(abc, 7)
		r.Name, r.Login = "A"+first+" B"+last, first+"@northwind.example"
		r.Spark = make([]int, 14)
		for d := range r.Spark {
			r.Spark[d] = next(26)
		}
		r.LastHeard = ago(time.Duration(next(90)) * time.Second)
		rows = append(rows, r)
	}
	l.Rows = FleetRows(rows)
	return l
}
