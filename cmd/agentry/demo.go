package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"agentry/internal/app"
	"agentry/internal/config"
	"agentry/internal/fleet"
	"agentry/internal/secret"
)

const (
	// demoAgents rest and run; seven more are led by hand, and one of those
	// that use the ledger stays.
	demoAgents   = 32
	demoRunning  = 8
	demoEmail    = "mara@northwind.example"
	demoTeamName = "Northwind"
	// demoExample is the agent that the API's start examples name; it waits
	// for them.
	demoExample = "550e8400-e29b-41d4-a716-446655440000"
	// demoBusy has tasks to do.
	demoBusy = "Hana Kim"
)

// demo is serve on a folder that goes with it, filled with a team.
func demo(ctx context.Context, args []string, io streams) error {
	fs := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags := config.Register(fs, "ADDR", "LOG_LEVEL", "LOG_FORMAT", "CONFIG", "RATE_LIMIT_READ", "RATE_LIMIT_WRITE", "EVENT_BEAT")
	if err := parse(fs, args, io); err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "agentry-demo-")
	if err != nil {
		return fmt.Errorf("cannot make a folder for the demo: %w", err)
	}
	defer os.RemoveAll(folder)
	c, err := flags.Load(os.Environ(), map[string]string{
		"TRUST_LOOPBACK": "true", "ENV_NAME": "demo", "ENV_COLOR": "amber", "LOG_LEVEL": "warn",
		"DATA": filepath.Join(folder, "data"),
	})
	if err != nil {
		return usageError(err, io)
	}
	c.Data = filepath.Join(folder, "data")
	c.MasterKeyFile = filepath.Join(c.Data, "master.key")
	return runDemo(ctx, c, io)
}

func runDemo(ctx context.Context, c config.Config, io streams) (err error) {
	v, err := openStandIns(&c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.close()) }()
	d := demoTeam{password: secret.NewToken()[:14], vendors: v}
	s, err := startServer(ctx, c, newLogger(c, io.err), serverOptions{prepare: d.prepare, standIn: true})
	if err != nil {
		return unlessStopped(ctx, err)
	}
	d.print(io.out, s.url())
	if err := errors.Join(d.walk(ctx, s.app), d.useLedger(ctx, s.app)); err != nil && ctx.Err() == nil {
		return errors.Join(err, s.stop())
	}
	<-ctx.Done()
	return s.stop()
}

// demoTeam is the team of the demo and how to get in.
type demoTeam struct {
	by               fleet.Actor
	password, apiKey string
	vendors          *standIns
}

func (d *demoTeam) prepare(ctx context.Context, in *installation) (fleet.TeamID, error) {
	team, user, key, err := in.app.InitTeam(ctx, app.FirstRunInput{TeamName: demoTeamName, Name: "Mara Reyes", Email: demoEmail, Password: d.password})
	if err != nil {
		return "", err
	}
	d.apiKey = key
	d.by = fleet.Actor{Kind: fleet.ActorMember, ID: string(user), Name: "Mara Reyes", TeamID: team, Scope: fleet.ScopeAdmin}
	if err := errors.Join(d.addProxies(ctx, in.app), d.addMembers(ctx, in.app)); err != nil {
		return "", err
	}
	_, err = in.app.Seed(ctx, team, app.SeedInput{Agents: demoAgents, Running: demoRunning, Seed: 11, Outside: true})
	return team, err
}

// addMembers gives the team the people that a team has; nobody can sign in as
// them.
func (d *demoTeam) addMembers(ctx context.Context, a *app.App) error {
	var errs []error
	for _, m := range []app.MemberInput{
		{Email: "otto@northwind.example", Name: "Otto Lindgren", Role: fleet.RoleAdmin},
		{Email: "nour@northwind.example", Name: "نور الهدى", Role: fleet.RoleOperator},
		{Email: "vera@northwind.example", Name: "Vera Olsen", Role: fleet.RoleViewer},
	} {
		m.Password = secret.NewToken()
		_, err := a.AddMember(ctx, d.by.TeamID, m)
		errs = append(errs, err)
	}
	_, _, err := a.Invite(ctx, d.by, app.InviteInput{Email: "jo@northwind.example", Role: fleet.RoleOperator})
	return errors.Join(append(errs, err)...)
}

func (d *demoTeam) print(out io.Writer, url string) {
	fmt.Fprintf(out, `agentry %s, demo: everything is gone when it stops

  open      %s
  sign in   %s  %s
  API key   %s

  curl -H "Authorization: Bearer %s" %s/v1/agents?limit=3
  curl -X POST %s/agents/%s/start

Nothing here signs in anywhere: the agents rehearse. Their browser profiles and proxies are a stand-in's on this
machine; no vendor is asked for anything. Requests from this machine need no key on /agents and /v1.
`, version, url, demoEmail, d.password, d.apiKey, d.apiKey, url, url, demoExample)
}

// walk leads a few agents by hand into the states that only a live program
// reaches: challenged, rejected, silent, crashing, and an assistant that answers.
func (d *demoTeam) walk(ctx context.Context, a *app.App) error {
	for _, v := range []struct{ name, login string }{
		{"Chiyo Arai", "chiyo+2fa@northwind.example"},
		{"Rosa Lindgren", "rosa+reject@northwind.example"},
		{"Sven Haugen", "sven+silent@northwind.example"},
		{"Grace Mbeki", "grace+crash@northwind.example"},
		{demoBusy, "hana@northwind.example"},
	} {
		made, err := a.Create(ctx, d.by, app.CreateInput{Name: v.name, Kind: "rehearsal", Country: "GB", Tags: []string{"demo"}})
		if err != nil {
			return err
		}
		if _, err := a.Setup(ctx, d.by, made.ID, app.SetupInput{Login: v.login, Password: "rehearsal only", Country: "GB"}); err != nil {
			return err
		}
		if v.name == demoBusy {
			if err := d.keepBusy(ctx, a, made.ID); err != nil {
				return err
			}
		}
	}
	if _, err := a.Create(ctx, d.by, app.CreateInput{ID: demoExample, Name: "Emil, of the examples", Kind: "assistant", Tags: []string{"demo"}}); err != nil {
		return err
	}
	made, err := a.Create(ctx, d.by, app.CreateInput{Name: "Nora, the assistant", Kind: "assistant", Tags: []string{"demo"}})
	if err != nil {
		return err
	}
	if err := d.aroundTheClock(ctx, a, made.ID); err != nil {
		return err
	}
	if _, err = a.Start(ctx, d.by, made.ID, app.StartInput{EnableAutonomy: true}); err != nil {
		return err
	}
	_, err = a.Protect(ctx, d.by, made.ID, app.ReasonInput{Reason: "answers for the team page"})
	return err
}

// aroundTheClock lets an agent work whenever somebody looks at the demo.
func (d *demoTeam) aroundTheClock(ctx context.Context, a *app.App, id fleet.AgentID) error {
	days, clock := "1:1:1:1:1:1:1", "00:00"
	_, err := a.Update(ctx, d.by, id, app.UpdateInput{Hours: &fleet.HoursChange{Days: &days, Start: &clock, Stop: &clock}})
	return err
}

// keepBusy gives an agent tasks: some to do at once, some later today.
func (d *demoTeam) keepBusy(ctx context.Context, a *app.App, id fleet.AgentID) error {
	if err := d.aroundTheClock(ctx, a, id); err != nil {
		return err
	}
	for i, to := range []string{"Ines", "Tomas", "Aiko", "Bela", "Rui", "Freya"} {
		for _, typ := range []string{fleet.TaskInvitation, fleet.TaskMessage} {
			in := app.TaskInput{Type: typ, Payload: fmt.Appendf(nil, `{"to":%q}`, to), DueAt: a.Now().Add(time.Duration(i) * 20 * time.Minute)}
			if _, err := a.AddTask(ctx, d.by, id, in); err != nil {
				return err
			}
		}
	}
	return nil
}
