package gologin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"agentry/internal/resource"
)

// none is GoLogin's mode of a profile without a proxy.
const none = "none"

// proxyBody is a profile's proxy as it is sent. Empty credentials are sent
// too, so that none of a former proxy stay.
type proxyBody struct {
	Mode     string `json:"mode"`
	Host     string `json:"host"`
	Port     int    `json:"port"`
	Username string `json:"username"`
	Password string `json:"password"`
}

// clearBody takes a profile's proxy away.
type clearBody struct {
	Mode string `json:"mode"`
}

// SetProxy sets the proxy or clears it, and reads the profile back: GoLogin
// ignores in silence what it does not take.
func (c *Client) SetProxy(ctx context.Context, id string, e *resource.Endpoint) error {
	q, err := proxyCall(id, e)
	if err != nil {
		return err
	}
	if _, err := c.ask(ctx, q); err != nil {
		return err
	}
	shown, err := c.look(ctx, id)
	if err != nil {
		return marked(err, true)
	}
	if !shown.has(e) {
		return &resource.Error{
			Reason: resource.Refused, Unclear: true,
			Message: fmt.Sprintf("GoLogin took the proxy but shows the profile with %s instead", newRedactor(q.secrets...).clean(shown.String())),
		}
	}
	return nil
}

func proxyCall(id string, e *resource.Endpoint) (call, error) {
	if !isID(id) {
		return call{}, notAnID()
	}
	q := call{method: http.MethodPatch, path: "/browser/" + id + "/proxy"}
	if e == nil {
		q.body = clearBody{none}
		return q, nil
	}
	if e.Scheme != "http" && e.Scheme != "socks5" || e.Host == "" || e.Port < 1 || e.Port > 65535 {
		return call{}, &resource.Error{Reason: resource.Invalid, Message: "GoLogin takes HTTP and SOCKS5 proxies with a host and a port from 1 to 65535 only"}
	}
	q.body = proxyBody{e.Scheme, e.Host, e.Port, e.Username, e.Password}
	q.secrets = []string{e.Password, e.Username + ":" + e.Password}
	return q, nil
}

func notAnID() *resource.Error {
	return &resource.Error{Reason: resource.Invalid, Message: "The profile's id is not one of GoLogin's"}
}

// marked says whether what was asked for may have happened.
func marked(err error, unclear bool) error {
	var e *resource.Error
	if !errors.As(err, &e) {
		return err
	}
	m := *e
	m.Unclear = unclear
	return &m
}

// shownProfile is what is read of one profile, which is full of secrets.
type shownProfile struct {
	row
	ProxyEnabled *bool `json:"proxyEnabled"`
	Proxy        struct {
		Mode     text `json:"mode"`
		Host     text `json:"host"`
		Port     text `json:"port"`
		Username text `json:"username"`
	} `json:"proxy"`
}

// look reads a profile; Missing is that GoLogin has none of that id.
func (c *Client) look(ctx context.Context, id string) (shownProfile, error) {
	if !isID(id) {
		return shownProfile{}, notAnID()
	}
	a, err := c.ask(ctx, call{method: http.MethodGet, path: "/browser/" + id})
	if err != nil {
		return shownProfile{}, err
	}
	var p shownProfile
	if json.Unmarshal(a.body, &p) != nil || p.id() != id {
		return shownProfile{}, c.notUnderstood(false)
	}
	return p, nil
}

// has tells whether the profile uses the endpoint, or no proxy for nil.
func (p shownProfile) has(e *resource.Endpoint) bool {
	mode := cmp.Or(string(p.Proxy.Mode), none)
	if e == nil {
		return mode == none
	}
	return mode == e.Scheme && strings.EqualFold(string(p.Proxy.Host), e.Host) && string(p.Proxy.Port) == strconv.Itoa(e.Port) &&
		string(p.Proxy.Username) == e.Username && (p.ProxyEnabled == nil || *p.ProxyEnabled)
}

// String names the place alone.
func (p shownProfile) String() string {
	switch mode := cmp.Or(string(p.Proxy.Mode), none); {
	case mode == none:
		return "no proxy"
	case p.ProxyEnabled != nil && !*p.ProxyEnabled:
		return "its proxy switched off"
	default:
		return fmt.Sprintf("a proxy of mode %s at %s port %s", mode, p.Proxy.Host, p.Proxy.Port)
	}
}
