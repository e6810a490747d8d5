package static

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestFileAnswersOnlyTheList(t *testing.T) {
	for _, name := range []string{"", ".", "vendor/axe.min.js", "axe.min.js", "vendor/.keep", "static.go", "package.json", "../go.mod", "vendor.mjs"} {
		if _, ok := File(name); ok {
			t.Errorf("File(%q) is served", name)
		}
	}
}

func TestURLCarriesTheHashOfTheContent(t *testing.T) {
	names := map[string]string{"app.css": "app.css", "gone.js": "gone.js"}
	one := stock(fstest.MapFS{"app.css": {Data: []byte("a{}")}}, names)
	two := stock(fstest.MapFS{"app.css": {Data: []byte("b{}")}}, names)
	if one.urls["app.css"] == two.urls["app.css"] {
		t.Errorf("two contents share the URL %s", one.urls["app.css"])
	}
	if _, ok := one.urls["gone.js"]; ok {
		t.Error("a missing file has a hashed URL")
	}
	got := one.assets[strings.TrimPrefix(one.urls["app.css"], Prefix)]
	if !got.Immutable || string(got.Body) != "a{}" || got.ContentType != "text/css; charset=utf-8" {
		t.Errorf("hashed asset is %+v", got)
	}
	if one.assets["app.css"].Immutable {
		t.Error("the plain name is immutable")
	}
}

func TestEveryServedFileIsThere(t *testing.T) {
	for name := range served() {
		a, ok := File(strings.TrimPrefix(URL(name), Prefix))
		if !ok {
			if strings.HasPrefix(served()[name], "vendor/") {
				continue // before `npm run vendor`
			}
			t.Errorf("%s is missing", name)
			continue
		}
		r, err := gzip.NewReader(bytes.NewReader(a.Gzip))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		plain, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(plain, a.Body) {
			t.Errorf("%s: compressed and plain differ (%v)", name, err)
		}
	}
}

// The budget is for what one page loads: what every page has, and what the
// heaviest tab adds.
func TestSizeBudget(t *testing.T) {
	every := []string{"app.css", "theme.js", "page.js", "icon.svg", "icons.svg"}
	tabs := map[string][]string{"usage": {"usage.css", "uplot.js", "usage.js"}, "storybook": {"storybook.css"}, "logs": {"log.js"}, "fleet": {"select.js"}}
	// Behind a key press: counted with every tab.
	later := []string{"palette.js"}
	counted := slices.Clone(every)
	counted = append(counted, later...)
	for tab, own := range tabs {
		counted = append(counted, own...)
		sum := map[string]int{}
		for _, name := range slices.Concat(every, own) {
			a, _ := File(name)
			sum[path.Ext(name)] += len(a.Gzip)
		}
		t.Logf("%s: %d bytes of scripts, %d of styles", tab, sum[".js"], sum[".css"])
		if over := sum[".js"] - 40<<10; over > 0 {
			t.Errorf("the scripts of the %s tab are %d bytes over their budget (are they minified? make assets)", tab, over)
		}
		if over := sum[".css"] - 12<<10; over > 0 {
			t.Errorf("the styles of the %s tab are %d bytes over their budget", tab, over)
		}
	}
	for name := range served() {
		if !slices.Contains(counted, name) {
			t.Errorf("%s counts for no page: say which loads it", name)
		}
	}
}

// A minified script is taken for the very source it was made of and no other,
// and every script works without.
func TestMinifiedScripts(t *testing.T) {
	const source = "// Says hello.\nhello();\n"
	names := map[string]string{"a.js": "vendor/lib.min.js a.js b.js"}
	folder := fstest.MapFS{"a.js": {Data: []byte(source)}, "b.js": {Data: []byte("  b();\n")}, "vendor/lib.min.js": {Data: []byte("lib()")}}
	for _, c := range []struct{ made, want string }{
		{"", "lib()\nhello();\n\nb();\n"},
		{hashedName("a.js", []byte("older")), "lib()\nhello();\n\nb();\n"},
		{hashedName("a.js", []byte(source)), "lib()\nsmall()\nb();\n"},
	} {
		if c.made != "" {
			folder["vendor/own/"+c.made] = &fstest.MapFile{Data: []byte("small()")}
		}
		if got := string(stock(folder, names).assets["a.js"].Body); got != c.want {
			t.Errorf("with %q: %q, want %q", c.made, got, c.want)
		}
	}
	delete(folder, "vendor/lib.min.js")
	if got := string(stock(folder, names).assets["a.js"].Body); got != "small()\nb();\n" {
		t.Errorf("without the library: %q", got)
	}
}

func TestLeanScripts(t *testing.T) {
	got := string(lean([]byte("// What it does.\n(() => {\n  const a = \"// not a comment\"; // why\n\n    // more\n  say(`a ${b}`);\n})();\n")))
	if want := "(() => {\nconst a = \"// not a comment\"; // why\nsay(`a ${b}`);\n})();\n"; got != want {
		t.Errorf("%q", got)
	}
	own, err := fs.Glob(files, "*.js")
	if err != nil || len(own) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range own {
		body, err := files.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for n, line := range strings.Split(string(body), "\n") {
			if strings.Count(line, "`")%2 != 0 || strings.Contains(line, "/*") && !strings.Contains(line, "*/") {
				t.Errorf("%s:%d: a text or comment goes on in the next line; it would lose its margin", file, n+1)
			}
		}
	}
}
