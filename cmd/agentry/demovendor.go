package main

import (
	"context"
	"time"

	"agentry/internal/config"
	"agentry/internal/resource/fake"
)

// standIns are the vendors of the demo: imitations on this machine that go
// with it. Only the demo knows them.
type standIns struct {
	gologin *fake.GoLogin
}

// standInRate is how fast the stand-in is asked, a minute; its plan allows
// more, so that no burst costs the token.
const (
	standInRate = 1000
	standInPlan = 10_000
)

// openStandIns starts them and points the configuration at them, whatever it
// said before: the demo never asks a real vendor.
func openStandIns(c *config.Config) (v *standIns, err error) {
	v = &standIns{}
	if v.gologin, err = fake.NewGoLogin(fake.Options{PlanPerMinute: standInPlan, Keep: 1000}); err != nil {
		return nil, err
	}
	c.GoLoginAPIBase, c.GoLoginToken, c.GoLoginRate = v.gologin.URL(), config.NewSecret(v.gologin.Token()), standInRate
	return v, nil
}

func (v *standIns) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return v.gologin.Close(ctx)
}
