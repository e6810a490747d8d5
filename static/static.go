// Package static holds what the pages load: styles, scripts, the icon. Each
// file is served under a URL that carries a hash of its content, so that a
// browser may keep it for ever. htmx, uPlot and our own scripts minified come
// from npm into vendor/ at build; the package builds, and the pages work, with
// that folder empty.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"path"
	"strings"
	"sync"
)

// Prefix is where the router mounts the files.
const Prefix = "/static/"

// The pattern takes the kept placeholder, htmx, our own scripts and uPlot, and
// leaves out what is only for tests.
//
//go:embed *.css *.js *.svg vendor/[.hou]*
var files embed.FS

// served maps the only names that are answered to where they lie. A file may be
// made of several: what every page runs is one, which compresses better than
// its parts.
func served() map[string]string {
	return map[string]string{
		"app.css":  "tokens.css app.css media.css",
		"theme.js": "theme.js",
		"page.js":  "vendor/htmx.min.js app.js live.js",
		"icon.svg": "icon.svg",
		// The sprite of every page.
		"icons.svg": "icons.svg",
		// For who opens the palette.
		"palette.js": "palette.js",
		// For one page or tab each.
		"select.js":     "select.js",
		"log.js":        "log.js",
		"usage.js":      "usage.js",
		"uplot.js":      "vendor/uplot.min.js",
		"storybook.css": "storybook.css",
		"usage.css":     "vendor/uplot.min.css usage.css",
	}
}

// Asset is one file as it is sent. Its bytes are shared: do not change them.
type Asset struct {
	Body []byte
	// Gzip is Body compressed.
	Gzip        []byte
	ContentType string
	// Immutable: the name carries the hash of the content, so caches may keep
	// it for ever.
	Immutable bool
}

type shelf struct {
	urls   map[string]string
	assets map[string]Asset
}

var load = sync.OnceValue(func() shelf { return stock(files, served()) })

// URL returns the hashed URL of a served file, such as
// "/static/app.0123456789ab.css" for "app.css". A file that is not there (htmx
// or uPlot before the first build of the assets) keeps its plain name, which answers 404.
func URL(name string) string {
	if url, ok := load().urls[name]; ok {
		return url
	}
	return Prefix + name
}

// File returns the asset behind what follows Prefix in a request's path, with
// or without the hash. ok is false for everything that is not on the list; the
// name is only ever looked up, never opened.
func File(name string) (asset Asset, ok bool) {
	asset, ok = load().assets[name]
	return asset, ok
}

func stock(from fs.FS, names map[string]string) shelf {
	s := shelf{urls: map[string]string{}, assets: map[string]Asset{}}
	for name, parts := range names {
		body := join(from, strings.Fields(parts))
		if len(body) == 0 {
			continue
		}
		a := Asset{Body: body, Gzip: squeeze(body), ContentType: contentType(name)}
		s.assets[name] = a
		a.Immutable = true
		hashed := hashedName(name, body)
		s.assets[hashed] = a
		s.urls[name] = Prefix + hashed
	}
	return s
}

// join puts files in a row, our own scripts as small as they are to be had.
// What is not there is left out.
func join(from fs.FS, parts []string) []byte {
	var out []byte
	for _, file := range parts {
		body, err := fs.ReadFile(from, file)
		if err != nil {
			continue
		}
		if path.Ext(file) == ".js" && path.Dir(file) == "." {
			body = small(from, file, body)
		}
		if len(out) > 0 {
			out = append(out, '\n')
		}
		out = append(out, body...)
	}
	return out
}

// small is a script of our own as `npm run vendor` minified it. The name of the
// minified one carries the hash of what it was made of, so that an older one is
// never sent: without one for just this script it only gets lean.
func small(from fs.FS, name string, script []byte) []byte {
	if body, err := fs.ReadFile(from, "vendor/own/"+hashedName(name, script)); err == nil {
		return body
	}
	return lean(script)
}

// lean leaves the margin and the lines that are comments out of a script of our
// own. A text may not go on over lines.
func lean(script []byte) []byte {
	var out bytes.Buffer
	for line := range bytes.Lines(script) {
		line = bytes.TrimLeft(line, " \t")
		if !bytes.HasPrefix(line, []byte("//")) && len(bytes.TrimSpace(line)) > 0 {
			out.Write(line)
		}
	}
	return out.Bytes()
}

func hashedName(name string, body []byte) string {
	sum := sha256.Sum256(body)
	ext := path.Ext(name)
	return strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
}

func contentType(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return "application/octet-stream"
}

func squeeze(body []byte) []byte {
	var out bytes.Buffer
	// Writing to a buffer at a known level cannot fail.
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression)
	_, _ = w.Write(body)
	_ = w.Close()
	return out.Bytes()
}
