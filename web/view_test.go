package web

import (
	"testing"

	"agentry/internal/fleet"
)

func TestViewCalls(t *testing.T) {
	w := newWorld(t)
	const path = "/v1/views"
	made := w.do("POST", path, w.keys[fleet.ScopeOperate], `{"name":"Sick","query":"?status=attention&cursor=x","shared":true}`)
	id, _ := made.json(t)["id"].(string)
	one := func(name, query string) string {
		return `{"id":"ID","name":"` + name + `","query":"` + query + `","shared":true,"by":"key operate","url":"/fleet?view=ID","createdAt":"TIME","updatedAt":"TIME"}`
	}
	const missing = `{"error":"not_found","message":"View not found"}`
	for _, s := range []scenario{
		{name: "guest", method: "GET", path: path, guest: true, status: 401, want: `{"error":"missing_api_key","message":"An API key is needed: send Authorization: Bearer YOUR_API_KEY"}`},
		{name: "list", method: "GET", path: path, key: fleet.ScopeRead, status: 200, want: `[` + one("Sick", "status=attention") + `]`},
		{name: "another team's list", method: "GET", path: path, foreign: true, status: 200, want: `[]`},
		{name: "another team", method: "DELETE", path: path + "/" + id, foreign: true, status: 404, want: missing},
		{name: "too small a scope", method: "POST", path: path, key: fleet.ScopeRead, body: `{"name":"x","shared":true}`, status: 403,
			want: `{"error":"forbidden","message":"This needs the operate scope; yours is read","requiredScope":"operate"}`},
		{name: "not shared", method: "POST", path: path, key: fleet.ScopeOperate, body: `{"name":"x"}`, status: 400,
			want: `{"error":"validation_error","message":"shared: must be true: an API key has no views of its own","fields":{"shared":"must be true: an API key has no views of its own"}}`},
		{name: "overwritten", method: "POST", path: path, key: fleet.ScopeOperate, body: `{"name":"Sick","query":"sort=-name","shared":true}`, status: 200, want: one("Sick", "sort=-name")},
		{name: "renamed", method: "PUT", path: path + "/" + id, key: fleet.ScopeOperate, body: `{"name":"Last"}`, status: 200, want: one("Last", "sort=-name")},
		{name: "an unknown field", method: "PUT", path: path + "/" + id, key: fleet.ScopeOperate, body: `{"colour":"red"}`, status: 400,
			want: `{"error":"validation_error","message":"colour: is not a field of this call","fields":{"colour":"is not a field of this call"}}`},
		{name: "delete", method: "DELETE", path: path + "/" + id, key: fleet.ScopeOperate, status: 200, want: `{"message":"View deleted successfully"}`},
		{name: "delete again", method: "DELETE", path: path + "/" + id, key: fleet.ScopeOperate, status: 404, want: missing},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, w) })
	}
	if made.status != 201 || made.header.Get("Location") != path+"/"+id {
		t.Errorf("%d at %q", made.status, made.header.Get("Location"))
	}
}
