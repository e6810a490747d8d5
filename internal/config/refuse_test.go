package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestRefusals(t *testing.T) {
	cases := map[string]struct {
		args, environ []string
		file          string
		want          string
	}{
		"unknown variable":      {environ: []string{"AGENTRY_ADR=x"}, want: "AGENTRY_ADR is not an option of agentry; did you mean AGENTRY_ADDR?"},
		"unknown, empty":        {environ: []string{"AGENTRY_LOGLEVEL="}, want: "did you mean AGENTRY_LOG_LEVEL?"},
		"kinds as a variable":   {environ: []string{"AGENTRY_KINDS=x"}, want: "AGENTRY_KINDS is not an option"},
		"default kind likewise": {environ: []string{"AGENTRY_DEFAULT_KIND=x"}, want: "AGENTRY_DEFAULT_KIND is not an option"},
		"lower case":            {environ: []string{"AGENTRY_addr=x"}, want: "AGENTRY_addr is not an option"},
		"unknown flag":          {args: []string{"--llm-api-key", "x"}, want: "not defined"},
		"file's path in a file": {file: "config = 'x'", want: "config: is not a key"},
		"unknown key":           {file: "rate_limit = 5", want: "did you mean rate_limit_read?"},
		"file absent":           {args: []string{"--config", "/absent/x"}, want: "cannot be read"},
		"not TOML":              {file: "addr = 'x'\nllm_api_key = canary", want: "line 2"},
		"key is a table":        {file: "[addr]\nx = 1", want: "addr: must be a text"},
		"comma in a list":       {file: "disable = ['a,b']", want: "comma"},
		"address":               {environ: []string{"AGENTRY_ADDR=localhost"}, want: "AGENTRY_ADDR: \"localhost\" is not host:port"},
		"empty address":         {args: []string{"--addr="}, want: "must not be empty"},
		"port name":             {args: []string{"--addr", "127.0.0.1:http"}, want: "port"},
		"port too high":         {file: "addr = '127.0.0.1:65536'", want: "addr: \"127.0.0.1:65536\" has no port"},
		"data":                  {args: []string{"--data="}, want: "must not be empty"},
		"base path":             {environ: []string{"AGENTRY_BASE_PATH=agentry"}, want: "is not a path"},
		"base path climbs":      {environ: []string{"AGENTRY_BASE_PATH=/a/../b"}, want: "is not a path"},
		"base path in HTML":     {environ: []string{"AGENTRY_BASE_PATH=/a\"b"}, want: "is not a path"},
		"level":                 {environ: []string{"AGENTRY_LOG_LEVEL=loud"}, want: "debug, info"},
		"format":                {environ: []string{"AGENTRY_LOG_FORMAT=xml"}, want: "auto, text, json"},
		"name too long":         {environ: []string{"AGENTRY_ENV_NAME=" + strings.Repeat("é", 41)}, want: "at most 40"},
		"name with control":     {environ: []string{"AGENTRY_ENV_NAME=a\nb"}, want: "printable"},
		"colour":                {environ: []string{"AGENTRY_ENV_COLOR=red;x:y"}, want: "colour"},
		"proxy":                 {environ: []string{"AGENTRY_TRUSTED_PROXIES=proxy.lan"}, want: "neither an address nor a network"},
		"proxy everyone":        {environ: []string{"AGENTRY_TRUSTED_PROXIES=::/0"}, want: "everyone"},
		"check URL empty":       {environ: []string{"AGENTRY_PROXY_CHECK_URL= ,"}, want: "must not be empty"},
		"check URL with a key":  {environ: []string{"AGENTRY_PROXY_CHECK_URL=https://a.example,https://b.example/?key=canary"}, want: "must hold no user"},
		"private network":       {environ: []string{"AGENTRY_PROXY_ALLOW_PRIVATE=10.0.0.0/33"}, want: "neither an address nor a network"},
		"all private":           {environ: []string{"AGENTRY_PROXY_ALLOW_PRIVATE=0.0.0.0/0"}, want: "name the networks"},
		"bool":                  {environ: []string{"AGENTRY_READ_ONLY=maybe"}, want: "neither true nor false"},
		"negative rate":         {environ: []string{"AGENTRY_RATE_LIMIT_READ=-1"}, want: "whole number"},
		"fractional rate":       {file: "rate_limit_write = 1.5", want: "rate_limit_write: must be"},
		"vendor in the open":    {environ: []string{"AGENTRY_GOLOGIN_API_BASE=http://api.example.com"}, want: "https"},
		"vendor's rate none":    {environ: []string{"AGENTRY_GOLOGIN_RATE=0"}, want: "from 1 to 1200"},
		"vendor's rate above":   {file: "gologin_rate = 1201", want: "gologin_rate: \"1201\" is not a whole number from 1 to 1200"},
		"vendor empty":          {file: "gologin_api_base = ''", want: "must not be empty"},
		"URL with a password":   {environ: []string{"AGENTRY_LLM_BASE_URL=http://u:canary@x/"}, want: "must hold no user"},
		"URL with a key":        {environ: []string{"AGENTRY_LLM_BASE_URL=http://x/?key=canary"}, want: "must hold no user"},
		"URL unreadable":        {environ: []string{"AGENTRY_LLM_BASE_URL=http://canary@%zz"}, want: "is not an http"},
		"URL scheme":            {environ: []string{"AGENTRY_LLM_BASE_URL=file:///etc"}, want: "is not an http"},
		"URL of the call":       {environ: []string{"AGENTRY_LLM_BASE_URL=https://x/v1/chat/completions/"}, want: "leave that away"},
		"key with a space":      {environ: []string{"AGENTRY_LLM_API_KEY=canary b"}, want: "without spaces"},
		"key too long":          {environ: []string{"AGENTRY_LLM_API_KEY=" + strings.Repeat("canary", 400)}, want: "at most 2048"},
		"action":                {environ: []string{"AGENTRY_DISABLE=delete,detele"}, want: "did you mean \"delete\"?"},
		"default kind unknown":  {file: "default_kind = 'x'", want: "assistant, rehearsal"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, c.args, c.environ, c.file)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want one with %q", err, c.want)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

func TestListenAddressRules(t *testing.T) {
	cases := []struct {
		addr, extra string
		want        string
	}{
		{"127.0.0.1:0", "", ""},
		{"127.9.9.9:80", "", ""},
		{"localhost:3000", "", ""},
		{"[::1]:3000", "", ""},
		{"[::ffff:127.0.0.1]:3000", "", ""},
		{"0.0.0.0:3000", "", "INSECURE_HTTP"},
		{":3000", "", "INSECURE_HTTP"},
		{"[::]:3000", "", "INSECURE_HTTP"},
		{"192.0.2.1:3000", "", "INSECURE_HTTP"},
		{"example.com:3000", "", "INSECURE_HTTP"},
		{"localhost.example.com:3000", "", "INSECURE_HTTP"},
		{"0.0.0.0:3000", "insecure_http = true", ""},
		{"0.0.0.0:3000", "trusted_proxies = '10.0.0.1'", ""},
		{"127.0.0.1:3000", "trust_loopback = true", ""},
		{"0.0.0.0:3000", "trust_loopback = true\ninsecure_http = true", "TRUST_LOOPBACK is refused"},
		{"127.0.0.1:3000", "trust_loopback = true\ntrusted_proxies = '127.0.0.1'", "TRUST_LOOPBACK is refused"},
		{"127.0.0.1:3000", "metrics_addr = '127.0.0.1:3000'", "METRICS_ADDR"},
		{"127.0.0.1:0", "metrics_addr = '127.0.0.1:0'", ""},
	}
	for _, c := range cases {
		t.Run(c.addr+" "+c.extra, func(t *testing.T) {
			_, err := load(t, nil, nil, fmt.Sprintf("addr = '%s'\n%s", c.addr, c.extra))
			if (c.want == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestEditsIsADistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"ADDR", "ADR", 1}, {"flaw", "lawn", 2}} {
		if got := edits(c.a, c.b); got != c.want {
			t.Errorf("edits(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
	word := rapid.StringMatching(`[abc]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := word.Draw(t, "a"), word.Draw(t, "b"), word.Draw(t, "c")
		if edits(a, b) != edits(b, a) || (edits(a, b) == 0) != (a == b) || edits(a, c) > edits(a, b)+edits(b, c) {
			t.Fatalf("edits of %q, %q, %q is no distance", a, b, c)
		}
	})
}

func TestActionsAreSortedAndKnown(t *testing.T) {
	if a := Actions(); !slices.IsSorted(a) || !slices.Contains(a, "delete") || len(slices.Compact(a)) != len(Actions()) {
		t.Errorf("actions %v", a)
	}
}
