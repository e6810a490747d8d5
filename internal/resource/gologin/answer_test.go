package gologin

import (
	"strings"
	"testing"

	"agentry/internal/resource"
)

const (
	textHTML   = "text/html; charset=UTF-8"
	cloudflare = "<!DOCTYPE html><title>Attention Required! | Cloudflare</title>canary"
	// constraints is a validation error that repeats what was sent.
	constraints = `{"statusCode":400,"error":"Bad Request","message":[{"property":"proxy","value":{"password":"canary-value"},` +
		`"target":{"password":"canary-target"},"children":[{"property":"port","value":"canary","constraints":{"isNumber":"port must be a number"},"children":[],"target":{}}]},` +
		`{"property":"id","constraints":{"isLength":"id must be longer than or equal to 24 characters"}}]}`
)

// TestAnswers goes through the reference's table of statuses and bodies, for a
// read, a creation and a deletion. unclear is what it is for the last two.
func TestAnswers(t *testing.T) {
	const fine = ""
	cases := map[string]struct {
		reply   reply
		read    resource.Reason // of GET /browser/v2
		create  resource.Reason
		deleted resource.Reason
		unclear bool
		says    string
	}{
		"fault in JSON":          {refusal(500, "Internal server error"), resource.Unreachable, resource.Unreachable, resource.Unreachable, true, "500: Internal server error"},
		"gateway's HTML":         {reply{502, textHTML, "<html>canary</html>"}, resource.Unreachable, resource.Unreachable, resource.Unreachable, true, "not GoLogin itself (502)"},
		"unavailable, empty":     {reply{503, "", ""}, resource.Unreachable, resource.Unreachable, resource.Unreachable, true, "(503)"},
		"gateway's time-out":     {refusal(504, "Gateway Timeout"), resource.Unreachable, resource.Unreachable, resource.Unreachable, true, "504"},
		"time-out as 408":        {refusal(408, "Request Timeout"), resource.Unreachable, resource.Unreachable, resource.Unreachable, true, "408"},
		"text error code, 403":   {reply{403, "text/plain", "error code: 1015\n"}, resource.Unreachable, resource.Unreachable, resource.Unreachable, true, "turns this server's address away for now (403, error code: 1015)"},
		"text error code, 200":   {reply{200, "text/plain", "error code: 1015"}, resource.Unreachable, resource.Unreachable, resource.Unreachable, true, "error code: 1015"},
		"HTML with 200":          {reply{200, textHTML, cloudflare}, resource.Unreachable, resource.Unreachable, resource.Unreachable, true, "not GoLogin itself (200)"},
		"HTML with 403":          {reply{403, textHTML, cloudflare}, resource.Unreachable, resource.Unreachable, resource.Unreachable, true, "not GoLogin itself (403)"},
		"HTML with 404":          {reply{404, textHTML, cloudflare}, resource.Unreachable, resource.Unreachable, resource.Unreachable, true, "not GoLogin itself (404)"},
		"HTML with 401":          {reply{401, textHTML, cloudflare}, resource.Unreachable, resource.Unreachable, resource.Unreachable, true, "not GoLogin itself (401)"},
		"HTML called JSON":       {reply{403, "application/json", cloudflare}, resource.Unreachable, resource.Unreachable, resource.Unreachable, true, "not GoLogin itself"},
		"JSON called text":       {reply{404, "text/plain", `{"statusCode":404,"message":"canary"}`}, resource.Unreachable, resource.Unreachable, resource.Unreachable, true, "not GoLogin itself"},
		"empty 404":              {reply{404, "", ""}, resource.Unreachable, resource.Unreachable, resource.Unreachable, true, "not GoLogin itself (404)"},
		"JSON of others":         {reply{404, "", `{"detail":"canary"}`}, resource.Unreachable, resource.Unreachable, resource.Unreachable, true, "not GoLogin itself"},
		"JSON of another shape":  {reply{404, "", `["canary"]`}, resource.Unreachable, resource.Unreachable, resource.Unreachable, true, "not GoLogin itself"},
		"no such route":          {refusal(404, "Cannot DELETE /browser/"+testID), resource.Unreachable, resource.Unreachable, resource.Unreachable, true, "set AGENTRY_GOLOGIN_API_BASE"},
		"redirect":               {reply{302, textHTML, "canary"}, resource.Unreachable, resource.Unreachable, resource.Unreachable, true, "sends elsewhere (302)"},
		"no such profile":        {refusal(404, "Profile canary not found"), resource.Missing, resource.Missing, fine, false, "no such profile"},
		"missing, status alone":  {reply{404, "", `{"statusCode":404}`}, resource.Missing, resource.Missing, fine, false, "no such profile"},
		"validation, a text":     {refusal(400, "countryCode is not supported"), resource.Invalid, resource.Invalid, resource.Invalid, false, "wrong (400): countryCode is not supported"},
		"validation, a list":     {reply{400, "", constraints}, resource.Invalid, resource.Invalid, resource.Invalid, false, "(400): port must be a number; id must be longer than or equal to 24 characters"},
		"validation, of texts":   {reply{400, "", `{"statusCode":400,"message":["name must be shorter"],"error":"Bad Request"}`}, resource.Invalid, resource.Invalid, resource.Invalid, false, "(400): name must be shorter"},
		"validation, no message": {reply{400, "", `{"statusCode":400,"error":"Bad Request"}`}, resource.Invalid, resource.Invalid, resource.Invalid, false, "(400): Bad Request"},
		"unprocessable":          {refusal(422, "os is wrong"), resource.Invalid, resource.Invalid, resource.Invalid, false, "(422): os is wrong"},
		"bad token":              {refusal(401, "Unauthorized"), resource.Unauthorized, resource.Unauthorized, resource.Unauthorized, false, "does not accept the API token"},
		"bad token, bare":        {reply{401, "text/plain", "Unauthorized canary"}, resource.Unauthorized, resource.Unauthorized, resource.Unauthorized, false, "make a new one"},
		"bad token, empty":       {reply{401, "", ""}, resource.Unauthorized, resource.Unauthorized, resource.Unauthorized, false, "AGENTRY_GOLOGIN_TOKEN_FILE"},
		"too many":               {refusal(429, "canary"), resource.Revoked, resource.Revoked, resource.Revoked, false, "takes the API token away"},
		"too many, bare":         {reply{429, "text/plain", "Too Many Requests canary"}, resource.Revoked, resource.Revoked, resource.Revoked, false, "make a new token"},
		"too many, empty":        {reply{429, "", ""}, resource.Revoked, resource.Revoked, resource.Revoked, false, "make a new token"},
		"too many on the way":    {reply{429, "text/plain", "error code: 1015"}, resource.Unreachable, resource.Unreachable, resource.Unreachable, true, "turns this server's address away for now (429, error code: 1015)"},
		"too many, HTML":         {reply{429, textHTML, cloudflare}, resource.Unreachable, resource.Unreachable, resource.Unreachable, true, "not GoLogin itself (429)"},
		"profiles used up":       {refusal(403, "You've reached max profiles number. To create more update your plan"), resource.Quota, resource.Quota, resource.Quota, false, "no profile left: delete profiles there or take a larger plan"},
		"API requests used up":   {refusal(403, "You have reached your free API requests limit"), resource.Quota, resource.Quota, resource.Quota, false, "no API requests left"},
		"browsers used up":       {refusal(403, "You've reached max parallel cloud launches"), resource.Quota, resource.Quota, resource.Quota, false, "no more cloud browsers"},
		"not allowed":            {refusal(403, "Forbidden resource"), resource.Refused, resource.Refused, resource.Refused, false, "does not allow it (403): Forbidden resource"},
		"not allowed, bare":      {reply{403, "", `{"statusCode":403,"message":"","error":"Forbidden"}`}, resource.Refused, resource.Refused, resource.Refused, false, "(403): Forbidden"},
		"conflict":               {refusal(409, "Profile is being edited"), resource.Refused, resource.Refused, resource.Refused, false, "refuses (409): Profile is being edited"},
		"payment":                {refusal(402, "Payment Required"), resource.Refused, resource.Refused, resource.Refused, false, "refuses (402)"},
		"JSON of another 2xx":    {reply{200, "", `{}`}, resource.Unreachable, resource.Unreachable, fine, true, "does not answer as GoLogin does"},
		"empty 2xx":              {reply{204, "", ""}, resource.Unreachable, resource.Unreachable, fine, true, "does not answer as GoLogin does"},
		"broken JSON, 2xx":       {reply{200, "", `{"id":"canary`}, resource.Unreachable, resource.Unreachable, resource.Unreachable, true, "not GoLogin itself (200)"},
		"too large":              {reply{200, "", `{"profiles":[],"x":"` + strings.Repeat("canary", maxAnswer/6) + `"}`}, resource.Unreachable, resource.Unreachable, resource.Unreachable, true, "says more than GoLogin does"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			path := "/browser/" + testID
			// A refusal of the deletion stands: the profile is there.
			w := newWorld(t, map[string][]reply{
				"GET /browser/v2": {c.reply}, "POST /browser/quick": {c.reply}, "DELETE " + path: {c.reply},
				"GET " + path: {{200, "", profileBody(`{"mode":"none"}`)}}, "PATCH " + path + "/proxy": {{204, "", ""}}, "DELETE " + path + "/web": {{204, "", ""}},
			})
			_, err := w.client().Find(t.Context(), testName)
			says(t, wantError(t, err, c.read, false), c.says)
			_, err = w.client().Create(t.Context(), testName)
			says(t, wantError(t, err, c.create, c.unclear), c.says)
			err = w.client().Delete(t.Context(), testID, resource.Deletion{})
			if c.deleted == fine {
				if err != nil {
					t.Errorf("the deletion failed: %v", err)
				}
				return
			}
			says(t, wantError(t, err, c.deleted, c.unclear), c.says)
		})
	}
}

func says(t *testing.T, got, want string) {
	t.Helper()
	if !strings.Contains(got, want) {
		t.Errorf("the error says %q, want it to say %q", got, want)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := newWorld(t, nil)
	w := newWorld(t, nil)
	c := newClient(t, Config{Base: w.server.URL, Token: fixed(testToken), Transport: redirecting(elsewhere.server.URL)})
	says(t, wantError(t, c.Check(t.Context()), resource.Unreachable, false), "sends elsewhere (307)")
	elsewhere.wantRequests()
}

func TestWordsOfTheVendorAreCut(t *testing.T) {
	w := newWorld(t, map[string][]reply{"POST /browser/quick": {refusal(400, strings.Repeat("é wrong \n\x1b[31m", 200))}})
	_, err := w.client().Create(t.Context(), testName)
	got := wantError(t, err, resource.Invalid, false)
	if len(got) > maxWords+60 || strings.ContainsAny(got, "\n\x1b") || !strings.HasSuffix(got, "…") {
		t.Errorf("the error is %d bytes: %q", len(got), got)
	}
}
