package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// session is a person who is signed in, as with a browser.
type session struct {
	*server
	browser *http.Client
}

func (s *server) signIn(ctx context.Context) (*session, error) {
	p := &session{server: s, browser: &http.Client{
		Jar: cookies{}, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	form := strings.NewReader(url.Values{"email": {email}, "password": {password}}.Encode())
	req, err := http.NewRequestWithContext(ctx, "POST", s.url+"/login", form)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := p.browser.Do(req)
	if err != nil {
		return nil, err
	}
	res.Body.Close()
	in, err := p.signedIn(ctx)
	if err == nil && !in {
		err = fmt.Errorf("cannot sign in: %s", res.Status)
	}
	return p, err
}

// signedIn tells whether the session is of somebody.
func (p *session) signedIn(ctx context.Context) (bool, error) {
	status, _, err := p.see(ctx, "/fleet")
	return status == http.StatusOK, err
}

// see reads a page.
func (p *session) see(ctx context.Context, path string) (status int, page string, err error) {
	req, err := http.NewRequestWithContext(ctx, "GET", p.url+path, nil)
	if err != nil {
		return 0, "", err
	}
	res, err := p.browser.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	return res.StatusCode, string(raw), err
}

// cookies keeps every cookie for good, whatever the clock: it is not the
// browser that is judged.
type cookies map[string]*http.Cookie

func (c cookies) SetCookies(_ *url.URL, list []*http.Cookie) {
	for _, one := range list {
		c[one.Name] = one
	}
}

func (c cookies) Cookies(*url.URL) (list []*http.Cookie) {
	for _, one := range c {
		list = append(list, one)
	}
	return list
}
