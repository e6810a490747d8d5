package brain

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"time"

	"agentry/internal/runtime/protocol"
)

// maxAsk bounds how long the program believes that there is nothing to do.
const maxAsk = time.Hour

// as tells whether the login name asks for a behaviour, such as "+2fa@".
func (p *program) as(mark string) bool { return strings.Contains(p.login, mark) }

// signIn signs in nowhere, in the way the login name asks for: "+2fa@" is
// challenged, "+reject@" rejected, "+silent@" never says anything again,
// "+crash@" dies soon after, in every run; every other name signs in.
func (p *program) signIn(ctx context.Context) (err error) {
	if p.login, err = p.Client.Login(ctx); err != nil {
		return err
	}
	switch p.self.Agent.Status {
	case "auth_in_progress":
		err = p.present(ctx)
	case "running":
	default:
		return nil
	}
	if err == nil && p.as("+crash@") {
		if err = protocol.Sleep(ctx, p.pace.crash); err == nil {
			err = errCrash
		}
	}
	return err
}

// present says how the sign-in went.
func (p *program) present(ctx context.Context) error {
	switch {
	case p.as("+silent@"):
		<-ctx.Done()
		return ctx.Err()
	case p.as("+reject@"):
		return p.tell(ctx, protocol.NewEvent("rejected", "message", "The login name or password was not accepted"))
	case p.as("+2fa@"):
		commands, err := p.Inbox(ctx, 0)
		if err != nil {
			return err
		}
		for _, c := range commands {
			if c.Type == "verify_code" {
				return nil // answer sees it too, and says how it went
			}
		}
		return p.tell(ctx, protocol.NewEvent("challenge", "subType", "2fa_required", "message", "Enter the 6-digit code"))
	}
	return p.tell(ctx, protocol.NewEvent("signed_in"))
}

// verify takes a code: any 6 digits pass but 000000.
func (p *program) verify(code string) protocol.Event {
	if p.as("+2fa@") && !passes(code) {
		return protocol.NewEvent("challenge", "subType", "2fa_required", "message", "The code was wrong; enter the new 6-digit code")
	}
	p.askForTasks()
	return protocol.NewEvent("signed_in")
}

func passes(code string) bool {
	return len(code) == 6 && code != "000000" && strings.Trim(code, "0123456789") == ""
}

// askForTasks makes work ask at once.
func (p *program) askForTasks() {
	select {
	case p.tasks <- struct{}{}:
	default:
	}
}

// work asks for tasks and does them, one at a time.
func (p *program) work(ctx context.Context) error {
	for {
		got, err := p.Claim(ctx, 1)
		if err != nil && !protocol.Refused(err) {
			return err
		}
		if err != nil {
			p.Log.Warn("the server refuses to give tasks", "error", err)
		}
		for _, t := range got.Tasks {
			if err := p.perform(ctx, t); err != nil {
				return err
			}
		}
		if len(got.Tasks) > 0 {
			continue
		}
		if err := p.rest(ctx, got); err != nil {
			return err
		}
	}
}

// perform does a task by writing what it would do.
func (p *program) perform(ctx context.Context, t protocol.Task) error {
	if err := protocol.Sleep(ctx, p.pace.work); err != nil {
		return err
	}
	events := []protocol.Event{
		protocol.NewEvent("log", "level", "info", "text", wouldDo(t)),
		protocol.NewEvent("task_done", "taskId", t.ID),
	}
	if counter := map[string]string{"message": "messages", "invitation": "invitations"}[t.Type]; counter != "" {
		events = append(events, protocol.NewEvent("usage", "kind", counter, "count", 1))
	}
	return p.tell(ctx, events...)
}

func wouldDo(t protocol.Task) string {
	what := map[string]string{"message": "send a message", "invitation": "send an invitation"}[t.Type]
	if what == "" {
		what = "do a task of type " + cut(t.Type, 40)
	}
	var payload bytes.Buffer
	if json.Compact(&payload, t.Payload) != nil || payload.Len() <= len("{}") {
		return "would " + what
	}
	return "would " + what + ": " + cut(payload.String(), 300)
}

// rest waits until the server said to ask again, at most maxAsk, or until
// something changes.
func (p *program) rest(ctx context.Context, got protocol.Claimed) error {
	wait := p.pace.idle
	if got.AskAgainAt != nil && !got.AskAgainAt.IsZero() {
		wait = min(max(time.Until(*got.AskAgainAt), p.pace.least), maxAsk)
	}
	if got.Why != p.why {
		p.why = got.Why
		p.Log.Debug("no tasks", "why", got.Why)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-p.tasks:
	case <-timer.C:
	}
	return nil
}
