package brain

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"agentry/internal/brain/llm"
	"agentry/internal/runtime/protocol"
)

// Options are what a run of the program is given.
type Options struct {
	// URL is the server's address, Token the run token.
	URL, Token string
	// Rehearse signs in first, nowhere, in the way the login name says.
	Rehearse bool
	// LLM is where a language model answers messages; nil is nowhere, and the
	// rules in the agent's settings answer.
	LLM *LLM
	// Log takes what the program says; a server keeps it as the agent's log.
	Log *slog.Logger
}

// LLM is an OpenAI-compatible endpoint.
type LLM struct {
	// BaseURL is the endpoint without /chat/completions, Model what to ask
	// there where the agent's settings name none; Key "" is none.
	BaseURL, Model, Key string
}

// The exit codes of Run.
const (
	exitDone    = 0
	exitFailed  = 1
	exitCrashed = 3
)

// inboxWait is how long the server may hold the answer to an empty inbox.
const inboxWait = 25 * time.Second

// The ways a run ends.
var (
	errStop  = errors.New("told to stop")
	errCrash = errors.New("crashing, as the login name asks")
)

// pace is how fast the program lives.
type pace struct {
	heartbeat time.Duration
	idle      time.Duration // between asks when the server does not say
	least     time.Duration // between asks that brought nothing new
	work      time.Duration // a rehearsed task takes
	crash     time.Duration // from the sign-in to the crash
}

func normalPace() pace {
	return pace{
		heartbeat: 40 * time.Second, idle: 30 * time.Second, least: time.Second,
		work: 250 * time.Millisecond, crash: 500 * time.Millisecond,
	}
}

// program is one run.
type program struct {
	*protocol.Client
	Options
	pace  pace
	tasks chan struct{} // holds one: ask for tasks now
	login string
	// handled are the commands of the last inbox: they come again when their
	// acknowledgement was lost.
	handled map[string]bool
	desk    *desk // nil: the rules answer

	why string // what work was last told

	mu    sync.Mutex
	self  protocol.Self
	rules *Rules
	who   character
	told  time.Time // when the server last heard something
}

// Run lives one run: it says hello, answers, works, and returns the program's
// exit code once the run is over, a stop was told, or ctx is done.
func Run(ctx context.Context, o Options) int {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	c, err := protocol.New(protocol.Options{URL: o.URL, Token: o.Token, Log: o.Log})
	if err != nil {
		o.Log.Error("cannot begin", "error", err)
		return exitFailed
	}
	p := &program{Client: c, Options: o, pace: normalPace()}
	if o.LLM != nil {
		model, err := llm.New(llm.Options{BaseURL: o.LLM.BaseURL, Key: o.LLM.Key})
		if err != nil {
			o.Log.Error("cannot begin", "error", err)
			return exitFailed
		}
		defer model.Close()
		p.useModel(model, normalWaits())
	}
	return p.run(ctx)
}

// useModel lets a language model answer instead of the rules.
func (p *program) useModel(model *llm.Client, w waits) {
	p.desk = &desk{
		model: model, gate: newGate(maxCalls, w), log: p.Options.Log, tell: p.tell,
		lanes: map[string]*lane{}, held: map[string]bool{}, changed: make(chan struct{}),
		who: func() character {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.who
		},
	}
}

func (p *program) run(ctx context.Context) int {
	p.tasks, p.handled = make(chan struct{}, 1), map[string]bool{}
	defer p.Close()
	err := p.live(ctx)
	switch {
	case errors.Is(err, protocol.ErrOver), errors.Is(err, errStop), ctx.Err() != nil:
		p.Log.Info("good-bye", "why", err)
		return exitDone
	case errors.Is(err, errCrash):
		p.Log.Error("crash", "why", err)
		return exitCrashed
	}
	p.Log.Error("cannot go on", "error", err)
	return exitFailed
}

// live returns why the run ended; never nil.
func (p *program) live(ctx context.Context) error {
	if err := p.readSelf(ctx); err != nil {
		return err
	}
	p.describe()
	if p.Rehearse {
		if err := p.signIn(ctx); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	loops := []func(context.Context) error{p.answer, p.beat}
	if p.self.EnableAutonomy {
		loops = append(loops, p.work)
	}
	var wg sync.WaitGroup
	if p.desk != nil {
		p.desk.failed = cancel
	}
	for _, loop := range loops {
		wg.Go(func() { cancel(loop(ctx)) })
	}
	wg.Wait()
	if p.desk != nil {
		p.desk.all.Wait()
	}
	return context.Cause(ctx)
}

// readSelf asks who the agent is; the first time it is the hello.
func (p *program) readSelf(ctx context.Context) error {
	s, err := p.Client.Self(ctx)
	if err != nil {
		return err
	}
	var rules *Rules
	var who character
	if p.desk == nil {
		rules = NewRules(s.Settings, p.Log)
	} else {
		who = newCharacter(s.Agent.Name, p.LLM.Model, s.Settings, p.Log)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.self, p.rules, p.who, p.told = s, rules, who, time.Now()
	return nil
}

// describe logs the settings once. The values of free settings may be
// somebody's secret, so only well-known ones are shown.
func (p *program) describe() {
	p.Log.Info("hello", "agent", p.self.Agent.Name, "status", p.self.Agent.Status, "autonomy", p.self.EnableAutonomy)
	if len(p.self.Settings) == 0 {
		return
	}
	args := []any{"names", slices.Sorted(maps.Keys(p.self.Settings))}
	for _, name := range []string{"temperature", "maxTokens"} {
		if v, given := p.self.Settings[name]; given {
			args = append(args, name, v)
		}
	}
	p.Log.Debug("settings", args...)
}

// tell sends events; see protocol.Client.
func (p *program) tell(ctx context.Context, events ...protocol.Event) error {
	err := p.Client.Tell(ctx, events...)
	p.heard()
	return err
}

// heard keeps when the server last heard something: every call counts.
func (p *program) heard() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told = time.Now()
}

// beat says that the program lives, whenever it said nothing for a while.
func (p *program) beat(ctx context.Context) error {
	for {
		p.mu.Lock()
		silent := time.Since(p.told)
		p.mu.Unlock()
		if silent < p.pace.heartbeat {
			if err := protocol.Sleep(ctx, p.pace.heartbeat-silent); err != nil {
				return err
			}
			continue
		}
		if err := p.tell(ctx, protocol.NewEvent("heartbeat")); err != nil {
			return err
		}
	}
}

// answer does what it is told, command by command.
func (p *program) answer(ctx context.Context) error {
	for {
		began := time.Now()
		commands, err := p.listen(ctx)
		if err != nil {
			return err
		}
		p.heard()
		events, news, err := p.obey(ctx, commands)
		if len(events) > 0 && (err == nil || errors.Is(err, errStop)) {
			err = errors.Join(p.tell(ctx, events...), err)
		}
		if err != nil {
			return err
		}
		if rest := p.pace.least - time.Since(began); !news && rest > 0 {
			if err := protocol.Sleep(ctx, rest); err != nil {
				return err
			}
		}
	}
}

// listen waits for commands that the program does not have.
func (p *program) listen(ctx context.Context) ([]protocol.Command, error) {
	if p.desk == nil {
		return p.Inbox(ctx, inboxWait)
	}
	if err := p.desk.room(ctx); err != nil {
		return nil, err
	}
	return p.Inbox(ctx, inboxWait, p.desk.known()...)
}

// obey returns what to tell about the commands, and whether one was new. The
// error is errStop when one of them is to stop.
func (p *program) obey(ctx context.Context, commands []protocol.Command) (events []protocol.Event, news bool, err error) {
	seen, full := map[string]bool{}, false
	for _, c := range commands {
		if c.Type == "message" && p.desk != nil {
			// Room that comes meanwhile is for the one that found none: the next
			// may be of the same conversation.
			full = full || !p.desk.take(ctx, c)
			news = news || !full
			continue
		}
		seen[c.ID] = true
		if !p.handled[c.ID] {
			news = true
			more, doErr := p.do(ctx, c)
			events = append(events, more...)
			err = errors.Join(err, doErr)
		}
		events = append(events, protocol.NewEvent("ack", "commandId", c.ID))
	}
	p.handled = seen
	return events, news, err
}

func (p *program) do(ctx context.Context, c protocol.Command) ([]protocol.Event, error) {
	switch c.Type {
	case "message":
		p.mu.Lock()
		defer p.mu.Unlock()
		return []protocol.Event{
			protocol.NewEvent("reply", "messageId", c.MessageID, "text", p.rules.Reply(p.self.Agent.Name, c.Text)),
			protocol.NewEvent("usage", "kind", "messages", "count", 1),
		}, nil
	case "verify_code":
		return []protocol.Event{p.verify(c.Code)}, nil
	case "settings_changed":
		p.askForTasks()
		err := p.readSelf(ctx)
		if p.desk != nil {
			p.desk.hurry()
		}
		return nil, err
	case "stop":
		return nil, errStop
	}
	p.Log.Warn("a command is not known", "type", c.Type)
	return nil, nil
}
