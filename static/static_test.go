package static

import (
	"bytes"
	"compress/gzip"
	"io"
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
			if name == "htmx.js" {
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

func TestSizeBudget(t *testing.T) {
	budget := map[string]int{"css": 12 << 10, "js": 40 << 10}
	for name := range served() {
		a, _ := File(name)
		ext := name[strings.LastIndex(name, ".")+1:]
		if _, counted := budget[ext]; counted {
			budget[ext] -= len(a.Gzip)
		}
	}
	for ext, left := range budget {
		if left < 0 {
			t.Errorf("%s is %d bytes over its budget", ext, -left)
		}
	}
}
