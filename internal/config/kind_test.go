package config

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"agentry/internal/fleet"
)

func TestKindsOfTheFile(t *testing.T) {
	c := mustLoad(t, nil, nil, `
default_kind = "mybot"

[kinds.mybot]
driver  = "process"
command = ["/opt/bot/run.sh", "@agentry"]
env     = { REGION = "eu", AGENTRY_LLM_MODEL = "small" }
setup   = ["login", "country"]
profile = "required"
proxy   = "none"
token   = "env"
restart = { backoff = "500ms..2m", give_up_after = 3, within = "1h" }
grace   = "5s"
limits  = { memory = "512MiB", pids = 64, output = "1MiB/min" }

[kinds.eliza]
driver = "elizaos"
url    = "http://127.0.0.1:3001/"
restart = { give_up_after = 9 }
grace = "3s"
api_key_file = "/etc/agentry/eliza.key"

[kinds.assistant]
driver  = "process"
command = ["/bin/mine"]
`)
	want := map[string]fleet.Kind{
		"mybot": {
			Name: "mybot", Driver: "process", Command: []string{"/opt/bot/run.sh", "@agentry"},
			Env:   map[string]string{"REGION": "eu", "AGENTRY_LLM_MODEL": "small"},
			Setup: []string{"login", "country"}, Profile: fleet.NeedRequired, TokenInEnv: true,
			Restart: fleet.Restart{BackoffMin: 500 * time.Millisecond, BackoffMax: 2 * time.Minute, GiveUpAfter: 3, Within: time.Hour},
			Grace:   5 * time.Second,
			Limits:  fleet.ProgramLimits{MemoryBytes: 512 << 20, Pids: 64, OutputBytesPerMinute: 1 << 20},
		},
		"eliza": {
			Name: "eliza", Driver: "elizaos", URL: "http://127.0.0.1:3001", APIKeyFile: "/etc/agentry/eliza.key",
			Restart: fleet.Restart{BackoffMin: time.Second, BackoffMax: time.Minute, GiveUpAfter: 9, Within: 10 * time.Minute}, Grace: 3 * time.Second,
		},
		"assistant": {
			Name: "assistant", Driver: "process", Command: []string{"/bin/mine"},
			Restart: fleet.DefaultRestart(), Grace: fleet.DefaultGrace, Limits: fleet.ProgramLimits{Pids: fleet.DefaultPids},
		},
		"rehearsal": shippedKinds()["rehearsal"],
	}
	if !reflect.DeepEqual(c.Kinds, want) || c.DefaultKind != "mybot" {
		t.Errorf("kinds, default %q:\n%#v\nwant:\n%#v", c.DefaultKind, c.Kinds, want)
	}
}

func TestShippedKinds(t *testing.T) {
	kinds := shippedKinds()
	if k := kinds["assistant"]; k.NeedsSetup() || strings.Join(k.Command, " ") != "@agentry agent" || k.Proxy != fleet.NeedNone {
		t.Errorf("assistant: %#v", k)
	}
	k := kinds["rehearsal"]
	if strings.Join(k.Setup, " ") != "login password country" || strings.Join(k.Command, " ") != "@agentry agent --rehearse" ||
		k.Proxy != fleet.NeedOptional || k.Profile != fleet.NeedOptional {
		t.Errorf("rehearsal: %#v", k)
	}
	for name, k := range kinds {
		if k.Name != name || k.Driver != "process" || k.Grace != 10*time.Second || k.Restart.GiveUpAfter != 5 || k.Limits.Pids != 1024 {
			t.Errorf("%s: %#v", name, k)
		}
	}
}

func TestKindRefusals(t *testing.T) {
	const process = "driver = 'process'\ncommand = ['x']\n"
	cases := map[string]struct{ text, want string }{
		"no driver":          {"command = ['x']", "kinds.bot: driver is missing"},
		"unknown driver":     {"driver = 'docker'", "kinds.bot.driver: \"docker\" is not one of process, elizaos"},
		"no command":         {"driver = 'process'", "kinds.bot: command is missing"},
		"empty command":      {"driver = 'process'\ncommand = []", "kinds.bot.command: must name a program"},
		"command is a text":  {"driver = 'process'\ncommand = 'x y'", "kinds.bot.command: must be a list of texts"},
		"command of numbers": {"driver = 'process'\ncommand = ['x', 1]", "kinds.bot.command: item 2"},
		"unknown key":        {process + "graze = '1s'", "kinds.bot.graze: is not a key of the configuration; did you mean kinds.bot.grace?"},
		"other driver's":     {process + "url = 'http://x'", "kinds.bot.url: is for the driver elizaos"},
		"command for eliza":  {"driver = 'elizaos'\nurl = 'http://x'\ncommand = ['x']", "kinds.bot.command: is for the driver process"},
		"setup for eliza":    {"driver = 'elizaos'\nurl = 'http://x'\nsetup = ['login']", "kinds.bot.setup: is for the driver process"},
		"proxy for eliza":    {"driver = 'elizaos'\nurl = 'http://x'\nproxy = 'optional'", "kinds.bot.proxy: is for the driver process"},
		"no url":             {"driver = 'elizaos'", "kinds.bot: url is missing"},
		"bad url":            {"driver = 'elizaos'\nurl = 'x'", "kinds.bot.url: is not an http"},
		"setup field":        {process + "setup = ['login', 'shoe']", "kinds.bot.setup: \"shoe\""},
		"setup twice":        {process + "setup = ['login', 'login']", "twice"},
		"need":               {process + "proxy = true", "kinds.bot.proxy: must be none, optional or required"},
		"token":              {process + "token = 'argv'", "kinds.bot.token: must be fd"},
		"env name":           {process + "env = { 'A-B' = 'x' }", "kinds.bot.env: \"A-B\""},
		"env of the run":     {process + "env = { AGENTRY_URL = 'x' }", "AGENTRY_URL is set for each run"},
		"env of numbers":     {process + "env = { A = 1 }", "kinds.bot.env.A: must be a text"},
		"env with NUL":       {process + "env = { A = \"x\\u0000\" }", "kinds.bot.env.A: must be a text"},
		"restart key":        {process + "restart = { backof = '1s..2s' }", "did you mean kinds.bot.restart.backoff?"},
		"restart text":       {process + "restart = '1s'", "kinds.bot.restart: must be a table"},
		"backoff single":     {process + "restart = { backoff = '1s' }", "kinds.bot.restart.backoff: \"1s\" is not a range like 1s..60s"},
		"backoff reversed":   {process + "restart = { backoff = '60s..1s' }", "60s is longer than 1s"},
		"backoff zero":       {process + "restart = { backoff = '0s..1s' }", "kinds.bot.restart.backoff: \"0s\""},
		"give up":            {process + "restart = { give_up_after = 0 }", "kinds.bot.restart.give_up_after: must be a whole number"},
		"within":             {process + "restart = { within = 10 }", "kinds.bot.restart.within: \"10\" is not a time"},
		"grace":              {process + "grace = '10'", "kinds.bot.grace: \"10\" is not a time like 10s"},
		"grace too long":     {process + "grace = '25h'", "at most 24h"},
		"memory number":      {process + "limits = { memory = 512 }", "kinds.bot.limits.memory: \"512\" is not a size like 512MiB"},
		"memory unit":        {process + "limits = { memory = '512mib' }", "kinds.bot.limits.memory"},
		"memory sign":        {process + "limits = { memory = '+5MiB' }", "kinds.bot.limits.memory"},
		"memory zero":        {process + "limits = { memory = '0MiB' }", "kinds.bot.limits.memory"},
		"memory too large":   {process + "limits = { memory = '9999999999999999GiB' }", "too large"},
		"pids":               {process + "limits = { pids = -1 }", "kinds.bot.limits.pids: must be a whole number from 1"},
		"output":             {process + "limits = { output = '1MiB' }", "kinds.bot.limits.output: \"1MiB\" is not a size like 1MiB/min"},
		"limit key":          {process + "limits = { cpu = 1 }", "kinds.bot.limits.cpu: is not a key"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := load(t, nil, nil, "[kinds.bot]\n"+c.text); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
	for text, want := range map[string]string{
		"kinds = 1":       "kinds: must be a table",
		"kinds.bot = 1":   "kinds.bot: must be a table",
		"[kinds.Bot]":     "kinds.Bot: a kind's name",
		"[kinds.'a b']":   "a kind's name",
		"[kinds.'../up']": "a kind's name",
	} {
		if _, err := load(t, nil, nil, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", text, err, want)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{"1B": 1, "3KB": 3000, "4MB": 4e6, "1GB": 1e9, "2KiB": 2048, "512MiB": 512 << 20, "8GiB": 8 << 30} {
		if got, err := sizeOf("at", text, "", "x"); err != nil || got != want {
			t.Errorf("sizeOf(%s) = %d, %v; want %d", text, got, err, want)
		}
	}
}
