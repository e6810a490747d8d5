package app_test

import (
	"context"
	"encoding/base64"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/store"
)

// useCase is one use-case of an actor, with the least scope that may call it.
type useCase struct {
	need fleet.Scope
	// audited: a refusal is in the audit, since the call would change something.
	audited bool
	// foreign is what another team is told; "" means that it sees nothing.
	foreign fleet.Code
	call    func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error
}

func useCases() map[string]useCase {
	all := map[string]useCase{}
	for _, part := range []map[string]useCase{lookingAtTheFleet(), lookingAtAnAgent(), moving(), working(), chatting(), administering(), ledgering(), pooling(), bulking(), auditing(), viewing(), keying()} {
		maps.Copy(all, part)
	}
	maps.Copy(all, membering())
	return all
}

const (
	read    = fleet.ScopeRead
	operate = fleet.ScopeOperate
	del     = fleet.ScopeDelete
	admin   = fleet.ScopeAdmin
)

func lookingAtTheFleet() map[string]useCase {
	return map[string]useCase{
		"Agents": {read, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			p, err := b.Agents(ctx, by, app.ListInput{})
			if by.TeamID != b.team && len(p.Agents)+int(p.Total) > 0 {
				b.t.Errorf("another team lists %d agents", p.Total)
			}
			return err
		}},
		"EachAgent": {read, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return b.EachAgent(ctx, by, app.ListInput{}, func(v app.AgentView) error {
				if v.TeamID != by.TeamID {
					b.t.Error("another team streams", v.ID)
				}
				return nil
			})
		}},
		"FleetCounts": {read, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			c, err := b.FleetCounts(ctx, by)
			if by.TeamID != b.team && (c.All != 0 || len(c.Tags) != 0) {
				b.t.Errorf("another team counts %+v", c)
			}
			return err
		}},
		"Around": {read, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.Around(ctx, by))
		}},
		"TeamAlerts": {read, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			p, err := b.TeamAlerts(ctx, by, app.AlertInput{}, app.PageInput{})
			list := p.Alerts
			if by.TeamID != b.team && len(list) > 0 {
				b.t.Errorf("another team sees %+v", list)
			}
			return err
		}},
		"Deletion": {read, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return ignore(fleet.CodeNotFound, second(b.Deletion(ctx, by, "d")))
		}},
		"DeletionOfAgent": {read, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return ignore(fleet.CodeNotFound, second(b.DeletionOfAgent(ctx, by, id)))
		}},
		"Deletions": {read, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			_, _, err := b.Deletions(ctx, by, app.PageInput{})
			return err
		}},
		"Events": {read, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			list, _, err := b.Events(ctx, by, fleet.EventMark{}, 10)
			if slices.ContainsFunc(list, func(e fleet.Event) bool { return e.TeamID != by.TeamID }) {
				b.t.Error("another team hears events")
			}
			return err
		}},
		"LastEvent": {read, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.LastEvent(ctx, by))
		}},
	}
}

func lookingAtAnAgent() map[string]useCase {
	return map[string]useCase{
		"Agent": {read, false, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.Agent(ctx, by, id))
		}},
		"LastOutput": {read, false, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.LastOutput(ctx, by, id))
		}},
		"Preview": {read, false, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.Preview(ctx, by, id, fleet.MoveDelete))
		}},
		"History": {read, false, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			_, _, err := b.History(ctx, by, id, app.PageInput{})
			return err
		}},
		"Tasks": {read, false, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			_, _, err := b.Tasks(ctx, by, id, "", app.PageInput{})
			return err
		}},
		"Task": {read, false, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return ignore(fleet.CodeNotFound, second(b.Task(ctx, by, id, "t")))
		}},
		"OpenTasks": {read, false, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.OpenTasks(ctx, by, id))
		}},
		"Alerts": {read, false, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			_, _, err := b.Alerts(ctx, by, id, app.PageInput{})
			return err
		}},
		"Messages": {read, false, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			_, _, err := b.Messages(ctx, by, id, "", app.PageInput{})
			return err
		}},
		"Message": {read, false, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return ignore(fleet.CodeNotFound, second(b.Message(ctx, by, id, "m")))
		}},
		"EachUsage": {read, false, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return b.EachUsage(ctx, by, id, app.UsageInput{}, func(fleet.Usage) error { return nil })
		}},
		"UsageHistory": {read, false, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.UsageHistory(ctx, by, id, app.UsageHistoryInput{Days: 30}))
		}},
		"EachLog": {read, false, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return b.EachLog(ctx, by, id, "", func(fleet.LogLine) error { return nil })
		}},
		"Logs": {read, false, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.Logs(ctx, by, id, app.LogInput{}))
		}},
	}
}

func moving() map[string]useCase {
	return map[string]useCase{
		"Create": {operate, true, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.Create(ctx, by, app.CreateInput{}))
		}},
		"EnsureStarted": {operate, true, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return ignore(fleet.CodeInvalidStatus, second(b.EnsureStarted(ctx, by, id, app.StartInput{})))
		}},
		"EnsureStopped": {operate, true, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.EnsureStopped(ctx, by, id))
		}},
		"Update": {operate, true, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.Update(ctx, by, id, app.UpdateInput{}))
		}},
		"Setup": {operate, true, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return ignore(fleet.CodeInvalidStatus, second(b.Setup(ctx, by, id, app.SetupInput{Login: "x", Password: "y", Country: "FR"})))
		}},
		"Verify": {operate, true, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return ignore(fleet.CodeInvalidStatus, second(b.Verify(ctx, by, id, app.VerifyInput{Code: "1"})))
		}},
		"Start": {operate, true, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return ignore(fleet.CodeInvalidStatus, second(b.Start(ctx, by, id, app.StartInput{})))
		}},
		"Resume": {operate, true, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return ignore(fleet.CodeInvalidStatus, second(b.Resume(ctx, by, id, app.ReasonInput{})))
		}},
		"Pause": {operate, true, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return ignore(fleet.CodeInvalidStatus, second(b.Pause(ctx, by, id, app.PauseInput{})))
		}},
		"End": {operate, true, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return ignore(fleet.CodeInvalidStatus, second(b.End(ctx, by, id, app.ReasonInput{})))
		}},
		"Relaunch": {operate, true, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.Relaunch(ctx, by, id, app.ReasonInput{}))
		}},
		"Protect": {operate, true, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.Protect(ctx, by, id, app.ReasonInput{Reason: "r"}))
		}},
		"Unprotect": {admin, true, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.Unprotect(ctx, by, id, app.ReasonInput{Reason: "r"}))
		}},
		"Disable": {admin, true, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return ignore(fleet.CodeInvalidStatus, second(b.Disable(ctx, by, id, app.ReasonInput{})))
		}},
		"Enable": {admin, true, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return ignore(fleet.CodeInvalidStatus, second(b.Enable(ctx, by, id, app.ReasonInput{})))
		}},
		"Delete": {del, true, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.Delete(ctx, by, id, app.DeleteInput{}))
		}},
	}
}

func working() map[string]useCase {
	return map[string]useCase{
		"SendMessage": {operate, true, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return ignore(fleet.CodeInvalidStatus, second(b.SendMessage(ctx, by, id, app.MessageInput{Text: "x"})))
		}},
		"AddTask": {operate, true, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return ignore(fleet.CodeInvalidStatus, second(b.AddTask(ctx, by, id, app.TaskInput{Type: "x"})))
		}},
		"CancelTask": {operate, true, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return ignore(fleet.CodeNotFound, second(b.CancelTask(ctx, by, id, "t")))
		}},
		"AlertTypes": {read, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			list, err := b.AlertTypes(ctx, by, "")
			if by.TeamID != b.team && len(list) > 0 {
				b.t.Error("another team sees", list[0])
			}
			return err
		}},
		"AlertGroups": {read, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			list, _, err := b.AlertGroups(ctx, by, "agent", app.AlertInput{}, app.PageInput{})
			if by.TeamID != b.team && len(list) > 0 {
				b.t.Error("another team sees", list[0].Newest.Message)
			}
			return err
		}},
		"AckAlerts": {operate, true, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			n, err := b.AckAlerts(ctx, by, app.AlertInput{AgentID: &id})
			if by.TeamID != b.team && n > 0 {
				b.t.Errorf("another team acknowledged %d", n)
			}
			return err
		}},
		"AckAlert": {operate, true, fleet.CodeNotFound, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.AckAlert(ctx, by, b.column(`SELECT id FROM alerts WHERE agent_id = ?`, id)[0]))
		}},
		"SnoozeAlert": {operate, true, fleet.CodeNotFound, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.SnoozeAlert(ctx, by, b.column(`SELECT id FROM alerts WHERE agent_id = ?`, id)[0], b.Now().Add(time.Hour)))
		}},
		"ResolveAlert": {operate, true, fleet.CodeNotFound, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.ResolveAlert(ctx, by, b.column(`SELECT id FROM alerts WHERE agent_id = ?`, id)[0]))
		}},
	}
}

func chatting() map[string]useCase {
	return map[string]useCase{
		"Chat": {read, false, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.Chat(ctx, by, b.chatOf(id)))
		}},
		"Chats": {read, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			b.chatOf(id)
			list, err := b.Chats(ctx, by)
			if by.TeamID != b.team && len(list.Chats)+int(list.Open+list.Kept) > 0 {
				b.t.Errorf("another team lists %+v", list)
			}
			return err
		}},
		"ChatTexts": {read, false, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			_, _, _, err := b.ChatTexts(ctx, by, b.chatOf(id), app.ChatTextsInput{})
			return err
		}},
		"OpenChat": {operate, true, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return ignore(app.CodeChatAgent, second(b.OpenChat(ctx, by, id, app.ChatInput{UserID: chatUser})))
		}},
		"SendToChat": {operate, true, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return ignore(app.CodeChatAgent, second(b.SendToChat(ctx, by, b.chatOf(id), app.ChatMessageInput{Text: "x"})))
		}},
		"TouchChat": {operate, true, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.TouchChat(ctx, by, b.chatOf(id)))
		}},
		"RenewChat": {operate, true, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.RenewChat(ctx, by, b.chatOf(id)))
		}},
		"RetimeChat": {operate, true, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.RetimeChat(ctx, by, b.chatOf(id), fleet.ChatTimeoutChange{}))
		}},
		"CloseChat": {operate, true, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.CloseChat(ctx, by, b.chatOf(id)))
		}},
	}
}

const chatUser = "22222222-3333-4444-8555-666666666666"

// chatOf puts an open chat of our agent into the file, whatever it does.
func (b *bench) chatOf(id fleet.AgentID) string {
	b.t.Helper()
	chat := fleet.Chat{ID: fleet.NewID(b.Now()), TeamID: b.team, AgentID: id, UserID: chatUser, Conversation: fleet.NewID(b.Now()), CreatedAt: b.Now(), ActiveAt: b.Now()}
	b.ok(b.store.Write(b.t.Context(), func(tx *store.Tx) error { return tx.InsertChat(chat.Retimed(fleet.DefaultChatTimeout())) }))
	return chat.ID
}

func administering() map[string]useCase {
	return map[string]useCase{
		"Team": {read, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			s, err := b.Team(ctx, by)
			if err == nil && s.ID != by.TeamID {
				b.t.Error("another team sees", s.Name)
			}
			return err
		}},
		"PauseTeam": {admin, true, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			s, err := b.PauseTeam(ctx, by, "note")
			if err == nil && s.ID != by.TeamID {
				b.t.Error("another team's pause is of", s.Name)
			}
			return err
		}},
		"ResumeTeam": {admin, true, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return ignore(fleet.CodeConflict, second(b.ResumeTeam(ctx, by)))
		}},
	}
}

func ignore(code fleet.Code, err error) error {
	if fleet.CodeOf(err) == code {
		return nil
	}
	return err
}

// notScoped take an actor, but what they do is decided elsewhere: idempotency
// keys are the caller's own, sessions, name, password and places a member's own, a subscription is guarded
// where it is read, and a refusal is recorded of whoever was refused.
var notScoped = []string{"BeginIdempotent", "EndIdempotent", "Sessions", "RevokeSession", "RevokeOtherSessions", "Rename", "ChangePassword", "SwitchTeam", "PlaceAt", "Memberships", "Leave", "Subscribe", "Refused", "System", "Hosts"}

// Every use-case that takes an actor is here, so that none is forgotten.
func TestUseCasesAreAllTried(t *testing.T) {
	t.Parallel()
	typ := reflect.TypeFor[*app.App]()
	cases := useCases()
	for i := range typ.NumMethod() {
		m := typ.Method(i)
		takesActor := m.Type.NumIn() > 2 && m.Type.In(2) == reflect.TypeFor[fleet.Actor]() || m.Type.NumIn() > 1 && m.Type.In(1) == reflect.TypeFor[fleet.Actor]()
		if _, tried := cases[m.Name]; takesActor && !tried && !slices.Contains(notScoped, m.Name) {
			t.Errorf("%s takes an actor and its permission is not tried", m.Name)
		}
	}
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	for name, c := range useCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, nil)
			id, spec := b.running("rehearsal")
			b.tell(spec.Run, app.RunEvent{ID: "a", Type: "alert", Body: body{"message": "m"}})
			b.ok(second(b.End(t.Context(), b.operator, id, app.ReasonInput{})))
			state := func() string {
				return strings.Join(b.column(`SELECT id || status || version FROM agents UNION ALL SELECT id || state FROM alerts UNION ALL SELECT id FROM tasks UNION ALL SELECT id FROM messages`), "\n")
			}
			before := state()
			for _, by := range []fleet.Actor{{}, {TeamID: b.team}, {TeamID: b.team, Scope: "root"}, b.viewer, b.operator, b.deleter} {
				if by.Scope.Contains(c.need) {
					continue
				}
				entries := b.number(`SELECT COUNT(*) FROM audit WHERE outcome = 'forbidden'`)
				err := c.call(t.Context(), by, id, b)
				wantErr(t, string(by.Scope), err, fleet.CodeForbidden, "")
				if traced := b.number(`SELECT COUNT(*) FROM audit WHERE outcome = 'forbidden'`) == entries+1; traced != c.audited {
					t.Errorf("%q: the refusal is in the audit: %v, want %v", by.Scope, traced, c.audited)
				}
			}
			err := c.call(t.Context(), b.stranger, id, b)
			if fleet.CodeOf(err) != c.foreign || c.foreign == "" && err != nil {
				t.Errorf("another team is told %v, want %q", err, c.foreign)
			}
			if c.foreign == fleet.CodeForbidden {
				wantErr(t, "another team", err, fleet.CodeForbidden, "You do not have access to this agent")
				if n := b.number(`SELECT COUNT(*) FROM audit WHERE outcome = 'forbidden' AND team_id = ?`, b.stranger.TeamID); (n == 1) != c.audited {
					t.Errorf("%d refusals in the other team's audit", n)
				}
			}
			if name != "Create" && state() != before {
				t.Error("a refused call changed something")
			}
			for _, by := range []fleet.Actor{b.viewer, b.operator, b.deleter, b.admin} {
				if by.Scope == c.need {
					b.ok(c.call(t.Context(), by, id, b))
				}
			}
		})
	}
}

// Pages of the fleet, followed by their cursors in both directions.
func TestAgentPages(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for range 11 {
		b.create("rehearsal")
	}
	for _, sort := range []string{"", "name", "-name", "createdAt", "-createdAt", "updatedAt", "-updatedAt", "attention"} {
		var all, forward, backward []fleet.AgentID
		b.ok(b.EachAgent(t.Context(), b.viewer, app.ListInput{Sort: sort}, func(v app.AgentView) error { all = append(all, v.ID); return nil }))
		in := app.ListInput{Sort: sort, Limit: 3}
		var last app.Page
		for pages := 1; ; pages++ {
			p := must[app.Page](t)(b.Agents(t.Context(), b.viewer, in))
			if p.Total != 11 || (p.PrevCursor == "") != (pages == 1) || pages > 4 {
				t.Fatalf("%s: page %d: %d of %d, previous %q", sort, pages, len(p.Agents), p.Total, p.PrevCursor)
			}
			for _, a := range p.Agents {
				forward = append(forward, a.ID)
			}
			last = p
			if in.Cursor = p.NextCursor; in.Cursor == "" {
				break
			}
		}
		for in.Cursor = last.PrevCursor; in.Cursor != ""; {
			p := must[app.Page](t)(b.Agents(t.Context(), b.viewer, in))
			for _, a := range slices.Backward(p.Agents) {
				backward = append(backward, a.ID)
			}
			if p.NextCursor == "" {
				t.Errorf("%s: a page before another has no next", sort)
			}
			in.Cursor = p.PrevCursor
		}
		slices.Reverse(backward)
		if !slices.Equal(forward, all) || !slices.Equal(backward, all[:9]) || len(all) != 11 {
			t.Errorf("%q: all %d, forward %d, backward %d", sort, len(all), len(forward), len(backward))
		}
	}
	for what, in := range map[string]app.ListInput{"sort": {Sort: "id"}, "desc attention": {Sort: "-attention"}, "cursor": {Cursor: "!"}, "cursor JSON": {Cursor: base64.RawURLEncoding.EncodeToString([]byte(`{"i":1}`))}} {
		_, err := b.Agents(t.Context(), b.viewer, in)
		wantErr(t, what, err, fleet.CodeValidation, "")
	}
	if p := must[app.Page](t)(b.Agents(t.Context(), b.viewer, app.ListInput{Limit: 1000, Q: "%"})); len(p.Agents) != 0 || p.Total != 0 {
		t.Errorf("%d agents hold a percent sign", p.Total)
	}
}

func TestEventsForAStream(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	sub := b.Subscribe(b.viewer)
	defer sub.Close()
	theirs := b.Subscribe(b.stranger)
	defer theirs.Close()
	id := b.create("rehearsal")
	e := <-sub.Events()
	if e.AgentID != id || e.Type != fleet.EventAgentCreated || len(theirs.Events()) != 0 {
		t.Errorf("%+v, the other team hears %d", e, len(theirs.Events()))
	}
	last := must[fleet.EventMark](t)(b.LastEvent(t.Context(), b.viewer))
	late, other := last, last
	late.Seq += 5
	other.At = other.At.Add(-time.Microsecond)
	for after, want := range map[fleet.EventMark]struct {
		n        int
		complete bool
	}{{}: {1, true}, {Seq: last.Seq}: {0, true}, last: {0, true}, late: {0, false}, other: {0, false}} {
		list, complete, err := b.Events(t.Context(), b.viewer, after, 10)
		if len(list) != want.n || complete != want.complete || err != nil {
			t.Errorf("after %v: %d, complete %v, %v", after, len(list), complete, err)
		}
	}
	// What is older than a week is forgotten, and said so.
	b.clock.step(4 * 24 * time.Hour)
	b.create("rehearsal")
	b.clock.step(4*24*time.Hour - time.Duration(b.Now().Second())*time.Second)
	b.ok(b.Tick(t.Context()))
	if list, complete, err := b.Events(t.Context(), b.viewer, fleet.EventMark{}, 10); len(list) != 1 || complete || err != nil {
		t.Errorf("%d, complete %v, %v", len(list), complete, err)
	}
}
