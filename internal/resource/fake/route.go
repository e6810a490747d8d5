package fake

import "strings"

// route is a documented call. A part of the path that begins with a colon
// stands for anything.
type route struct {
	method, path string
	do           func(*GoLogin, call) answer
}

// name is how records and faults call it, as "DELETE /browser/:id".
func (r *route) name() string {
	if r == nil {
		return ""
	}
	return r.method + " " + r.path
}

// routes are all there are; the first that fits counts.
func routes() []route {
	return []route{
		{"GET", "/user", (*GoLogin).user},
		{"POST", "/browser/quick", (*GoLogin).createQuick},
		{"POST", "/browser/custom", (*GoLogin).createCustom},
		{"GET", "/browser/v2", (*GoLogin).list},
		{"PATCH", "/browser/proxy/many/v2", (*GoLogin).setProxies},
		{"DELETE", "/browser", (*GoLogin).deleteMany},
		{"GET", "/browser/:id", (*GoLogin).show},
		{"DELETE", "/browser/:id", (*GoLogin).deleteOne},
		{"PATCH", "/browser/:id/name", (*GoLogin).rename},
		{"PATCH", "/browser/:id/notes", (*GoLogin).annotate},
		{"PATCH", "/browser/:id/proxy", (*GoLogin).setProxy},
		{"PUT", "/browser/:id/custom", (*GoLogin).updateCustom},
		{"POST", "/browser/:id/web", (*GoLogin).startWeb},
		{"DELETE", "/browser/:id/web", (*GoLogin).stopWeb},
		{"GET", "/deleted-profiles/v2", (*GoLogin).listTrash},
		{"POST", "/deleted-profiles/restore", (*GoLogin).restore},
		{"POST", "/users-proxies/mobile-proxy", (*GoLogin).addVendorProxy},
		{"GET", "/users-proxies/geolocation/traffic", (*GoLogin).traffic},
	}
}

// routeOf finds the call and what stands for :id in its path; nil is none.
func routeOf(method, path string) (*route, string) {
	for _, r := range routes() {
		if id, ok := fits(r.path, path); ok && r.method == method {
			return &r, id
		}
	}
	return nil, ""
}

func fits(pattern, path string) (id string, ok bool) {
	want, have := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return "", false
	}
	for i, part := range want {
		switch {
		case part == ":id" && have[i] != "":
			id = have[i]
		case part != have[i]:
			return "", false
		}
	}
	return id, true
}

// isID tells whether it is a Mongo ObjectId, as all ids are (§1).
func isID(id string) bool {
	return len(id) == 24 && strings.Trim(strings.ToLower(id), "0123456789abcdef") == ""
}
