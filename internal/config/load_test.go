package config

import (
	"flag"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// load runs all layers; file is the text of the configuration file, or "".
func load(t *testing.T, args, environ []string, file string) (Config, error) {
	t.Helper()
	if file != "" {
		args = append([]string{"--config", write(t, file)}, args...)
	}
	fs := flag.NewFlagSet("test", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	flags := Register(fs)
	if err := fs.Parse(args); err != nil {
		return Config{}, err
	}
	return flags.Load(environ, nil)
}

func mustLoad(t *testing.T, args, environ []string, file string) Config {
	t.Helper()
	c, err := load(t, args, environ, file)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaults(t *testing.T) {
	got := mustLoad(t, nil, []string{"HOME=/x", "PATH=/bin"}, "")
	want := Config{
		Addr: "127.0.0.1:3000", Data: "./data", LogLevel: slog.LevelInfo, LogFormat: "auto",
		RateLimitRead: 600, RateLimitWrite: 60, EventBeat: 15, MasterKeyFile: "data/master.key",
		GoLoginAPIBase: "https://api.gologin.com", GoLoginRate: 120, DefaultKind: "rehearsal", Kinds: shippedKinds(),
		ProxyCheckURLs: []string{"https://geo.myip.link"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("defaults:\n%v\nwant:\n%v", got, want)
	}
}

// example gives every option a value that is not its default, for all layers.
func examples() map[string]string {
	return map[string]string{
		"ADDR": "[::1]:8080", "DATA": "/srv/agentry", "BASE_PATH": "/fleet/eu", "LOG_LEVEL": "debug", "LOG_FORMAT": "json",
		"ENV_NAME": "staging é", "ENV_COLOR": "#c0392b", "TRUSTED_PROXIES": "10.0.0.0/8,192.0.2.7/32",
		"INSECURE_HTTP": "true", "TRUST_LOOPBACK": "true", "METRICS_ADDR": "127.0.0.1:9100", "READ_ONLY": "true",
		"RATE_LIMIT_READ": "0", "RATE_LIMIT_WRITE": "7", "EVENT_BEAT": "5", "MASTER_KEY_FILE": "/etc/agentry/key",
		"GOLOGIN_API_BASE": "http://127.0.0.1:4000/x", "GOLOGIN_TOKEN": "canary-gologin", "GOLOGIN_RATE": "300",
		"LLM_BASE_URL": "http://model.lan/v1", "LLM_MODEL": "small", "LLM_API_KEY": "canary-llm",
		"DISABLE": "delete,relaunch", "PROXY_CHECK_URL": "https://ip.example.com/json,http://127.0.0.1:9/ip", "PROXY_ALLOW_PRIVATE": "10.9.0.0/16,127.0.0.1/32",
	}
}

func TestEveryOptionInEveryLayer(t *testing.T) {
	ex := examples()
	for _, s := range settings() {
		if s.fileOnly {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			value, ok := ex[s.name]
			if !ok {
				t.Fatal("no example of this option")
			}
			var want Config
			if err := s.set(&want, value); err != nil {
				t.Fatal(err)
			}
			flagArgs := []string{"--" + s.flagName() + "=" + value}
			if s.secret {
				flagArgs = []string{"--" + s.flagName() + "-file", write(t, value+"\n")}
			}
			for layer, c := range map[string]Config{
				"flag":        mustLoad(t, flagArgs, nil, ""),
				"environment": mustLoad(t, nil, []string{"AGENTRY_" + s.name + "=" + value}, ""),
				"file":        mustLoad(t, nil, nil, s.fileKey()+" = '"+value+"'"),
			} {
				if s.show(c) != s.show(want) || s.show(c) == s.show(mustLoad(t, nil, nil, "")) {
					t.Errorf("from the %s: %q, want %q", layer, s.show(c), s.show(want))
				}
				if s.secret && c.GoLoginToken.Reveal()+c.LLMAPIKey.Reveal() != value {
					t.Errorf("from the %s: the secret is %q", layer, c.GoLoginToken.Reveal()+c.LLMAPIKey.Reveal())
				}
			}
		})
	}
}

func TestTheOptionsAreThePromisedOnes(t *testing.T) {
	want := strings.Fields(`ADDR DATA CONFIG BASE_PATH LOG_LEVEL LOG_FORMAT ENV_NAME ENV_COLOR TRUSTED_PROXIES INSECURE_HTTP
		TRUST_LOOPBACK METRICS_ADDR READ_ONLY RATE_LIMIT_READ RATE_LIMIT_WRITE EVENT_BEAT MASTER_KEY_FILE GOLOGIN_API_BASE
		GOLOGIN_TOKEN GOLOGIN_TOKEN_FILE GOLOGIN_RATE LLM_BASE_URL LLM_MODEL LLM_API_KEY LLM_API_KEY_FILE DISABLE
		PROXY_CHECK_URL PROXY_ALLOW_PRIVATE`)
	got := knownNames()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the environment knows\n%v\nwant\n%v", got, want)
	}
}

func TestFlagsWinOverEnvironmentOverFileOverPresets(t *testing.T) {
	const file = "env_name = 'file'\nread_only = true\nrate_limit_read = 5\ndisable = ['delete', 'end']"
	environ := []string{"AGENTRY_ENV_NAME=env"}
	cases := map[string]struct {
		args, environ []string
		file, want    string
	}{
		"flag":              {[]string{"--env-name", "flag"}, environ, file, "flag"},
		"empty flag":        {[]string{"--env-name="}, environ, file, ""},
		"environment":       {nil, environ, file, "env"},
		"empty environment": {nil, []string{"AGENTRY_ENV_NAME="}, file, "file"},
		"file":              {nil, nil, file, "file"},
		"preset":            {nil, nil, "read_only = true", "preset"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			fs := flag.NewFlagSet("test", flag.ContinueOnError)
			flags := Register(fs)
			if err := fs.Parse(append(c.args, "--read-only=false")); err != nil {
				t.Fatal(err)
			}
			got, err := flags.Load(append(c.environ, "AGENTRY_CONFIG="+write(t, c.file)), map[string]string{"ENV_NAME": "preset"})
			if err != nil || got.EnvName != c.want || got.ReadOnly {
				t.Errorf("name %q, read only %v, %v; want %q, false", got.EnvName, got.ReadOnly, err, c.want)
			}
		})
	}
	if c := mustLoad(t, nil, nil, file); !c.ReadOnly || c.RateLimitRead != 5 || !slices.Equal(c.Disable, []string{"delete", "end"}) {
		t.Errorf("typed values of the file: %v", c)
	}
}

func TestRegisterOfSomeNames(t *testing.T) {
	fs := flag.NewFlagSet("test", flag.ContinueOnError)
	flags := Register(fs, "DATA", "CONFIG")
	var got []string
	fs.VisitAll(func(f *flag.Flag) { got = append(got, f.Name) })
	if !slices.Equal(got, []string{"config", "data"}) {
		t.Errorf("flags %v, want config and data", got)
	}
	if err := fs.Parse([]string{"--data", "d"}); err != nil {
		t.Fatal(err)
	}
	c, err := flags.Load([]string{"AGENTRY_ENV_NAME=x"}, nil)
	if err != nil || c.Data != "d" || c.EnvName != "x" {
		t.Errorf("data %q, name %q, %v", c.Data, c.EnvName, err)
	}
}

func TestSecretsComeFromFiles(t *testing.T) {
	c := mustLoad(t, nil, []string{"AGENTRY_LLM_API_KEY_FILE=" + write(t, "key-one\r\n")}, "gologin_token_file = '"+write(t, "token")+"'")
	if c.LLMAPIKey.Reveal() != "key-one" || c.GoLoginToken.Reveal() != "token" {
		t.Errorf("secrets %q and %q", c.LLMAPIKey.Reveal(), c.GoLoginToken.Reveal())
	}
	c = mustLoad(t, []string{"--llm-api-key-file", write(t, "flag")}, []string{"AGENTRY_LLM_API_KEY=env"}, "")
	if c.LLMAPIKey.Reveal() != "flag" {
		t.Errorf("the flag's file does not win over the environment: %q", c.LLMAPIKey.Reveal())
	}
	bad := map[string]struct {
		environ []string
		want    string
	}{
		"both":      {[]string{"AGENTRY_LLM_API_KEY=canary", "AGENTRY_LLM_API_KEY_FILE=x"}, "not both"},
		"absent":    {[]string{"AGENTRY_LLM_API_KEY_FILE=/absent/file"}, "AGENTRY_LLM_API_KEY_FILE: open /absent/file"},
		"empty":     {[]string{"AGENTRY_LLM_API_KEY_FILE=" + write(t, "\n")}, "one line"},
		"two lines": {[]string{"AGENTRY_LLM_API_KEY_FILE=" + write(t, "canary\nb")}, "one line"},
	}
	for name, b := range bad {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, nil, b.environ, "")
			if err == nil || !strings.Contains(err.Error(), b.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("error %v, want one with %q and no secret", err, b.want)
			}
		})
	}
}

func TestASecretsFileIsReadAgain(t *testing.T) {
	path := write(t, "one\n")
	s := mustLoad(t, nil, []string{"AGENTRY_GOLOGIN_TOKEN_FILE=" + path}, "").GoLoginToken
	again := func() string {
		t.Helper()
		text, err := s.Reread()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if got := again(); got != "one" {
		t.Errorf("unchanged, it is %q", got)
	}
	if err := os.WriteFile(path, []byte("two"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := again(); got != "two" || s.Reveal() != "one" {
		t.Errorf("changed, it is %q, and revealed %q", got, s.Reveal())
	}
	if err := os.WriteFile(path, []byte("canary\nb"), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := s.Reread(); text != "" || err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("broken, it is %q, %v", text, err)
	}
	for name, s := range map[string]Secret{"environment": mustLoad(t, nil, []string{"AGENTRY_GOLOGIN_TOKEN=three"}, "").GoLoginToken, "code": NewSecret("three")} {
		if text, err := s.Reread(); err != nil || text != "three" {
			t.Errorf("of the %s it is %q, %v", name, text, err)
		}
	}
}

func TestTrustedProxies(t *testing.T) {
	got := mustLoad(t, nil, []string{"AGENTRY_TRUSTED_PROXIES= 10.1.2.3/8 ,::1,, 192.0.2.1"}, "").TrustedProxies
	want := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("192.0.2.1/32")}
	if !slices.Equal(got, want) {
		t.Errorf("proxies %v, want %v", got, want)
	}
}

func TestClientVariablesAreNotTheServers(t *testing.T) {
	mustLoad(t, nil, []string{"AGENTRY_URL=http://x", "AGENTRY_API_KEY=k", "AGENTRY_RUN_TOKEN=t"}, "")
}
