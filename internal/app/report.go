package app

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"agentry/internal/fault"
	"agentry/internal/fleet"
	"agentry/internal/store"
)

// RunEvent is something an agent's program tells. Body has the fields of its
// type as they came.
type RunEvent struct {
	ID   string
	Type string
	At   time.Time // zero is now
	Body map[string]any
}

// EventResult answers one event.
type EventResult struct {
	ID        string
	OK        bool
	Duplicate bool   // told before: no effect now
	Error     string // a sentence when not OK
}

// MaxRunEvents is how many events one call may bring.
const MaxRunEvents = 500

// RunEvents takes what a program tells, in order, in one transaction: what is
// answered is durable. One event's mistake does not refuse the others. An
// event's id is unique for its agent and incarnation, not for one run: a
// program that starts again must not count from one again within a day. Of a
// program that tells very many, the last 50,000 ids are known.
func (a *App) RunEvents(ctx context.Context, run fleet.Run, events []RunEvent) (results []EventResult, err error) {
	if len(events) > MaxRunEvents {
		return nil, fleet.Invalid("events", "at most %d in one call", MaxRunEvents)
	}
	if fault.On(fault.LoneCommits) && len(events) > 1 {
		one, err := a.RunEvents(ctx, run, events[:1])
		if err != nil {
			return nil, err
		}
		rest, err := a.RunEvents(ctx, run, events[1:])
		return append(one, rest...), err
	}
	now := a.Now()
	r := report{run: run}
	err = a.store.Write(ctx, func(tx *store.Tx) error {
		row, err := liveRow(tx, run)
		if err != nil {
			return err
		}
		results, r.notify, r.logs, r.fresh = make([]EventResult, len(events)), nil, nil, 0
		r.change = change{tx: tx, now: now, agent: row}
		r.by = fleet.Actor{Kind: fleet.ActorRun, ID: string(run.AgentID), Name: "program", TeamID: run.TeamID}
		r.kind, r.known = a.kinds[row.Kind]
		for i, e := range events {
			if results[i], err = r.take(e); err != nil {
				return err
			}
		}
		if err := a.forgetTold(tx, run.AgentID, r.fresh, now); err != nil {
			return err
		}
		return r.finish()
	})
	if err != nil {
		return nil, err
	}
	for _, key := range r.notify {
		a.hub.Notify(key)
	}
	if r.moved {
		a.wakeRunner(run.AgentID)
	}
	return results, nil
}

// report is one call's events inside its transaction.
type report struct {
	change
	run    fleet.Run
	logs   []fleet.LogLine
	notify []string
	moved  bool
	fresh  int // ids that are kept
}

// take has an effect once per event id. Known errors answer the event; others
// end the call.
func (r *report) take(e RunEvent) (EventResult, error) {
	res := EventResult{ID: e.ID}
	if e.ID == "" || len(e.ID) > 64 {
		res.Error = "id must have 1 to 64 characters"
		return res, nil
	}
	handle, ok := r.handlers()[e.Type]
	if !ok {
		res.Error = fmt.Sprintf("type %q is not known", e.Type)
		return res, nil
	}
	if e.Type == "heartbeat" {
		res.OK = true
		return res, nil
	}
	fresh, err := r.tx.NewRunEvent(r.agent.ID, e.ID, r.now)
	if err != nil || !fresh {
		res.OK, res.Duplicate = true, true
		return res, err
	}
	err = handle(e)
	var known *fleet.Error
	if errors.As(err, &known) {
		// It had no effect: told again it must not be answered as done.
		res.Error = known.Message
		return res, r.tx.ForgetRunEvent(r.agent.ID, e.ID)
	}
	r.fresh++
	res.OK = err == nil
	return res, err
}

func (r *report) handlers() map[string]func(e RunEvent) error {
	return map[string]func(e RunEvent) error{
		"heartbeat":     nil,
		"signed_in":     r.signedIn,
		"challenge":     r.challenge,
		"rejected":      r.rejected,
		"reply":         r.reply,
		"ack":           r.ack,
		"task_done":     r.taskDone,
		"task_failed":   r.taskFailed,
		"usage":         r.usage,
		"alert":         r.alert,
		"alert_cleared": r.alertCleared,
		"log":           r.log,
	}
}

func (r *report) finish() error {
	if len(r.logs) == 0 {
		return nil
	}
	if err := r.tx.AddLogs(r.agent.ID, r.logs); err != nil {
		return err
	}
	return r.event(fleet.EventLog)
}

func (r *report) signedIn(RunEvent) error {
	r.moved = true
	if err := r.systemMove(fleet.MoveSignedIn); err != nil {
		return err
	}
	r.notify = append(r.notify, runKey(r.agent.ID))
	return r.resolve("auth", "")
}

func (r *report) challenge(e RunEvent) error {
	subType, message := e.text("subType"), e.text("message")
	if subType == "" {
		subType = "2fa_required"
	}
	if message == "" {
		message = "A code is needed to sign in"
	}
	if err := checkAlert("auth", subType, message); err != nil {
		return err
	}
	return r.failAuth(fleet.MoveChallenged, subType, fleet.SeverityWarning, message)
}

func (r *report) rejected(e RunEvent) error {
	message := e.text("message")
	if message == "" {
		message = "The sign-in was rejected"
	}
	if err := checkAlert("auth", "rejected", message); err != nil {
		return err
	}
	return r.failAuth(fleet.MoveRejected, "rejected", fleet.SeverityError, message)
}

func (r *report) failAuth(m fleet.Move, subType string, severity fleet.Severity, message string) error {
	r.moved = true
	if err := r.systemMove(m); err != nil {
		return err
	}
	return r.raise("auth", subType, severity, message)
}

func (r *report) reply(e RunEvent) error {
	text, id := e.text("text"), e.text("messageId")
	if text == "" || len(text) > fleet.MaxMessage {
		return fleet.Invalid("text", "must have 1 to %d bytes", fleet.MaxMessage)
	}
	ok, err := r.tx.Reply(r.agent.ID, id, strings.ToValidUTF8(text, "�"), r.now)
	if err == nil && !ok {
		return fleet.Errorf(fleet.CodeNotFound, "messageId is of no message without a reply")
	}
	r.notify = append(r.notify, messageKey(id))
	if err != nil {
		return err
	}
	return r.event(fleet.EventMessage)
}

func (r *report) ack(e RunEvent) error {
	typ, err := r.tx.AckCommand(r.agent.ID, e.text("commandId"))
	if err != nil || typ != fleet.CommandVerifyCode || r.agent.Status != fleet.AuthInProgress {
		return err
	}
	return r.tx.SignInHeard(r.agent.ID, r.now)
}

func (r *report) taskDone(e RunEvent) error {
	return r.endTask(e, fleet.TaskDone, "")
}

// retryAfter is how long a failed task that may be tried again waits.
const retryAfter = time.Minute

func (r *report) taskFailed(e RunEvent) error {
	message := cutText(strings.ToValidUTF8(e.text("message"), "�"))
	if retry, _ := e.Body["retry"].(bool); retry {
		return r.endTask(e, fleet.TaskPending, message)
	}
	return r.endTask(e, fleet.TaskFailed, message)
}

func (r *report) endTask(e RunEvent, to fleet.TaskState, message string) error {
	t, err := r.tx.Task(r.agent.TeamID, r.agent.ID, e.text("taskId"))
	if err != nil {
		return err
	}
	if t.State != fleet.TaskClaimed {
		return fleet.Errorf(fleet.CodeConflict, "The task is %s, not claimed", t.State)
	}
	due := t.DueAt
	if to == fleet.TaskPending {
		due = r.now.Add(retryAfter)
	}
	if _, err := r.tx.SetTaskState(r.agent.TeamID, t, to, message, due, r.now); err != nil {
		return err
	}
	return r.event(fleet.EventTaskChanged)
}

// maxUsageKinds bounds an agent's counters of one day.
const maxUsageKinds = 50

func (r *report) usage(e RunEvent) error {
	kind := e.text("kind")
	if err := fleet.CheckText("kind", kind, 1, 40); err != nil {
		return err
	}
	n, ok := e.Body["count"].(float64)
	if !ok || n < 1 || n > 1e9 || n != math.Trunc(n) {
		return fleet.Invalid("count", "must be a whole number of 1 to 1000000000")
	}
	switch kind {
	case fleet.UsageInvitations, fleet.UsageMessages, fleet.UsageTokens, fleet.UsageErrors:
	default:
		kinds, err := r.tx.UsageKinds(r.agent.ID, r.agent.Hours.Day(r.now))
		if err != nil {
			return err
		}
		if len(kinds) >= maxUsageKinds && !slices.Contains(kinds, kind) {
			return fleet.Invalid("kind", "at most %d kinds a day", maxUsageKinds)
		}
	}
	if err := r.tx.AddUsage(r.agent.ID, r.agent.Hours.Day(r.now), kind, r.agent.Incarnation, int64(n)); err != nil {
		return err
	}
	return r.event(fleet.EventUsage)
}

func (r *report) alert(e RunEvent) error {
	typ, subType, message, severity := e.text("alertType"), e.text("subType"), e.text("message"), fleet.Severity(e.text("severity"))
	if typ == "" {
		typ = "program"
	}
	if severity == "" {
		severity = fleet.SeverityWarning
	}
	if severity != fleet.SeverityInfo && severity != fleet.SeverityWarning && severity != fleet.SeverityError {
		return fleet.Invalid("severity", "must be info, warning or error")
	}
	if err := checkAlert(typ, subType, message); err != nil {
		return err
	}
	n, err := r.tx.CountLiveAlerts(r.agent.TeamID, r.agent.ID, typ, subType)
	if err != nil {
		return err
	}
	if n >= maxLiveAlerts {
		return fleet.Errorf(fleet.CodeConflict, "The agent has %d unresolved alerts; clear some first", n)
	}
	return r.raise(typ, subType, severity, message)
}

// maxLiveAlerts bounds what one bad program puts on everybody's page.
const maxLiveAlerts = 50

func (r *report) alertCleared(e RunEvent) error {
	typ := e.text("alertType")
	if typ == "" {
		typ = "program"
	}
	return r.resolve(typ, e.text("subType"))
}

func (r *report) log(e RunEvent) error {
	level := e.text("level")
	switch level {
	case "":
		level = "info"
	case "debug", "info", "warn", "error":
	default:
		return fleet.Invalid("level", "must be debug, info, warn or error")
	}
	at := e.At
	if at.IsZero() || at.After(r.now) {
		at = r.now
	}
	r.logs = append(r.logs, fleet.LogLine{At: at, Epoch: r.run.Epoch, Level: level, Text: cutLine(e.text("text"))})
	return nil
}

// maxLine is how many bytes of a log line are kept.
const maxLine = 4 << 10

// cutLine keeps what a log holds of a text: its lines, each harmless.
func cutLine(s string) string {
	var out []string
	left := maxLine
	for line := range strings.SplitSeq(s, "\n") {
		if left <= 0 {
			break
		}
		text, _ := fleet.CleanLine([]byte(line), left)
		out = append(out, text)
		left -= len(text) + 1
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n")
}

func checkAlert(typ, subType, message string) error {
	if err := fleet.CheckText("type", typ, 1, 40); err != nil {
		return err
	}
	if err := fleet.CheckText("subType", subType, 0, 40); err != nil {
		return err
	}
	if message == "" {
		return fleet.Invalid("message", "must not be empty")
	}
	return fleet.CheckNote("message", message)
}

func (e RunEvent) text(field string) string {
	s, _ := e.Body[field].(string)
	return s
}
