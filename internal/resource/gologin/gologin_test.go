package gologin

import (
	"errors"
	"regexp"
	"strings"
	"testing"
)

func TestNew(t *testing.T) {
	c, err := New(Config{Base: "https://api.gologin.com/", Token: fixed(testToken)})
	if err != nil || c.Name() != "gologin" || c.Label() != "GoLogin" || c.StandIn() || c.base != "https://api.gologin.com" {
		t.Fatalf("%v, %v", c, err)
	}
	if c, err := New(Config{Base: "http://localhost:1/x", Token: fixed(testToken), StandIn: true}); err != nil || !c.StandIn() || c.base != "http://localhost:1/x" {
		t.Errorf("%v, %v", c, err)
	}
	if !regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(c.Mark()) {
		t.Errorf("mark %q", c.Mark())
	}
	same, err := New(Config{Base: "https://other.example.com", Token: fixed(testToken)})
	if err != nil || same.Mark() != c.Mark() {
		t.Errorf("the same token is marked %q and %q, %v", same.Mark(), c.Mark(), err)
	}
	other, err := New(Config{Base: "https://api.gologin.com", Token: fixed(testToken + "x")})
	if err != nil || other.Mark() == c.Mark() {
		t.Errorf("two tokens are marked %q, %v", other.Mark(), err)
	}
}

func TestNewRefuses(t *testing.T) {
	good := Config{Base: "https://api.gologin.com", Token: fixed(testToken)}
	cases := map[string]struct {
		change func(*Config)
		want   string
	}{
		"no address":          {func(c *Config) { c.Base = "" }, "not an https URL"},
		"another scheme":      {func(c *Config) { c.Base = "ftp://api.gologin.com" }, "not an https URL"},
		"no host":             {func(c *Config) { c.Base = "https:///x" }, "not an https URL"},
		"not an address":      {func(c *Config) { c.Base = "https://canary@%zz" }, "not an https URL"},
		"in the open":         {func(c *Config) { c.Base = "http://api.gologin.com" }, "must be https"},
		"in the open, by IP":  {func(c *Config) { c.Base = "http://10.0.0.1" }, "must be https"},
		"looks like loopback": {func(c *Config) { c.Base = "http://127.0.0.1.example.com" }, "must be https"},
		"a user":              {func(c *Config) { c.Base = "https://u:canary@api.gologin.com" }, "no user"},
		"a query":             {func(c *Config) { c.Base = "https://api.gologin.com/?token=canary" }, "no user"},
		"no token":            {func(c *Config) { c.Token = nil }, "needs a token"},
		"an empty token":      {func(c *Config) { c.Token = fixed("") }, "printable"},
		"a broken token":      {func(c *Config) { c.Token = fixed("canary\r\nX-Evil: 1") }, "without spaces"},
		"a long token":        {func(c *Config) { c.Token = fixed(strings.Repeat("canary", 1000)) }, "printable"},
		"an unreadable token": {func(c *Config) { c.Token = func() (string, error) { return "", errors.New("open x: denied") } }, "cannot be read: open x: denied"},
		"a rate of too much":  {func(c *Config) { c.Rate = MaxRate + 1 }, "from 1 to 1200"},
		"a rate below none":   {func(c *Config) { c.Rate = -1 }, "from 1 to 1200"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			config := good
			c.change(&config)
			client, err := New(config)
			if client != nil || err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("%v, error %v, want one with %q", client, err, c.want)
			}
		})
	}
}
