package app

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// SeedInput says how many agents a team is filled with.
type SeedInput struct {
	Agents int
	// Running is how many of them want a program: those run when a server
	// starts. The others rest in the statuses in which nothing runs.
	Running int
	// Seed makes the mix; the same one makes the same.
	Seed uint64
	// Outside has agents that are set up get what their kind wants outside.
	Outside bool
}

const (
	maxSeed   = 1_000_000
	seedBatch = 1000 // agents a transaction
	seedDays  = 60   // of usage at most
	seedAge   = 400 * 24 * time.Hour
)

// Seed fills a team with a realistic mix of agents and their history, and
// returns how many it made. It is for tests, benchmarks and the demo.
func (a *App) Seed(ctx context.Context, team fleet.TeamID, in SeedInput) (int, error) {
	if in.Agents < 1 || in.Agents > maxSeed || in.Running < 0 || in.Running > in.Agents {
		return 0, fleet.Invalid("agents", "must be between 1 and %d, and running at most as many", maxSeed)
	}
	now := a.Now()
	s := &seeder{app: a, rand: rand.New(rand.NewPCG(in.Seed, 7)), now: now, by: fleet.System(team, "seed"), agents: in.Agents, outside: in.Outside}
	for done := 0; done < in.Agents; done += seedBatch {
		err := a.store.Write(ctx, func(tx *store.Tx) error {
			if _, err := tx.Team(team); err != nil {
				return err
			}
			for i := done; i < min(done+seedBatch, in.Agents); i++ {
				if err := s.agent(tx, i, i < in.Running); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return done, err
		}
	}
	return in.Agents, nil
}

type seeder struct {
	app  *App
	rand *rand.Rand
	now  time.Time
	by   fleet.Actor
	// agents and outside are the input's.
	agents  int
	outside bool
	// dice, 0 to 99, says where the present agent ends up. It runs evenly, so
	// that a few dozen agents show every status.
	dice int
}

// hours gives every other agent the whole week, so that some work at any time.
func (s *seeder) hours(i int, zone string) *fleet.HoursChange {
	if i%2 == 1 {
		return &fleet.HoursChange{Timezone: &zone}
	}
	days, start, stop := "1:1:1:1:1:1:1", "00:00", "23:59"
	return &fleet.HoursChange{Days: &days, Start: &start, Stop: &stop, Timezone: &zone}
}

// agent makes one agent, lets it live, and leaves it in a status of the mix.
func (s *seeder) agent(tx *store.Tx, i int, running bool) error {
	// Oldest first: ids and what is kept by them then go to the end of their
	// tables, which is twice as fast in a large fleet.
	step := seedAge / time.Duration(s.agents)
	born := s.now.Add(-time.Hour - step*time.Duration(s.agents-i) + time.Duration(s.rand.Int64N(int64(step))))
	given, family := seedGiven[s.rand.IntN(len(seedGiven))], seedFamily[s.rand.IntN(len(seedFamily))]
	place := seedPlaces[s.rand.IntN(len(seedPlaces))]
	name := given + " " + family
	agent, err := s.app.newAgent(s.by, CreateInput{
		ID: fleet.AgentID(fleet.NewID(born)), Name: name, Country: place.country, Tags: s.tags(),
		Hours: s.hours(i, place.zone),
	}, born)
	if err != nil {
		return err
	}
	sealed, _, err := s.app.sealer.NewDataKey(string(agent.ID))
	if err != nil {
		return err
	}
	if err := tx.InsertAgent(agent, sealed); err != nil {
		return err
	}
	// Its life is of the past; that it is here is news.
	c := &change{tx: tx, by: s.by, now: born, news: s.now, agent: store.AgentRow{Agent: agent}, known: true}
	c.kind = s.app.kinds[agent.Kind]
	if err := c.event(fleet.EventAgentCreated); err != nil {
		return err
	}
	if err := tx.AddAudit(entry(act{by: s.by, action: string(fleet.MoveCreate), id: agent.ID}, born, "done")); err != nil {
		return err
	}
	s.dice = i * 61 % 100
	if err := s.live(c, running, strings.ToLower(given)+fmt.Sprint(i)+"@northwind.example"); err != nil {
		return err
	}
	return s.history(c)
}

// step makes a move of the agent's life a while after the one before.
func (s *seeder) step(c *change, m fleet.Move) error {
	c.now = c.now.Add(time.Duration(float64(s.now.Sub(c.now)) * (0.1 + 0.5*s.rand.Float64()))).Truncate(time.Microsecond)
	c.audit = entry(act{by: s.by, action: string(m), id: c.agent.ID}, c.now, "done")
	if err := c.move(m); err != nil {
		return err
	}
	return c.tx.AddAudit(c.audit)
}

// live walks the lifecycle to where the mix wants the agent.
func (s *seeder) live(c *change, running bool, login string) error {
	if !running && s.dice < 10 {
		return nil // never set up
	}
	if c.kind.NeedsSetup() {
		in := SetupInput{Login: login, Password: "rehearsal only", Country: c.agent.Country}
		if err := s.app.storeCredentials(c, in); err != nil {
			return err
		}
		c.agent.Login, c.agent.IsSetUp = login, true
		if s.outside {
			if err := s.want(c); err != nil {
				return err
			}
		}
		if err := s.step(c, fleet.MoveSetup); err != nil {
			return err
		}
		if !running && s.dice < 16 {
			if err := s.step(c, fleet.MoveChallenged); err != nil {
				return err
			}
			if err := c.raise("auth", "2fa_required", fleet.SeverityWarning, "Enter the code that was sent to "+login); err != nil {
				return err
			}
			return s.rest(c)
		}
		if err := s.step(c, fleet.MoveSignedIn); err != nil {
			return err
		}
	} else if err := s.step(c, fleet.MoveStart); err != nil {
		return err
	}
	return s.settle(c, running)
}

// want has what the agent's kind needs outside made from now on.
func (s *seeder) want(c *change) error {
	then := c.now
	c.now = s.now
	err := s.app.wantResources(c)
	c.now = then
	return err
}

func (s *seeder) settle(c *change, running bool) error {
	switch {
	case running:
		c.agent.Runtime.EnableAutonomy = true
		return c.tx.WantRun(c.agent.ID, true, true, nil)
	case s.dice < 70:
		c.agent.PauseNote, c.agent.PausedBy = seedNotes[s.rand.IntN(len(seedNotes))], "Mara Reyes"
		return s.step(c, fleet.MovePause)
	case s.dice < 76:
		return s.step(c, fleet.MoveDisable)
	case s.dice < 82:
		c.agent.EndReason, c.agent.EndedAt = fleet.EndCrashLoop, c.now
		c.agent.Runtime.LastError = "exit 3, 5 times in 10 min"
		if err := c.tx.RunFailed(c.agent.ID, c.agent.Runtime, nil, seedOutput()); err != nil {
			return err
		}
		if err := c.raise("runtime", fleet.EndCrashLoop, fleet.SeverityError, "The program keeps ending by itself: exit 3, 5 times in 10 min"); err != nil {
			return err
		}
		return s.step(c, fleet.MoveGiveUp)
	}
	c.agent.EndReason, c.agent.EndedAt = seedReasons[s.rand.IntN(len(seedReasons))], c.now
	return s.step(c, fleet.MoveEnd)
}

// rest takes the program away that a walked life would have.
func (s *seeder) rest(c *change) error { return c.applyRun(fleet.RunStop) }

// history gives the agent usage, tasks, messages and log lines of its life.
func (s *seeder) history(c *change) error {
	days := min(seedDays, int(s.now.Sub(c.agent.CreatedAt)/(24*time.Hour)))
	if c.agent.Status == fleet.SetupNeeded || days == 0 {
		return nil
	}
	days = min(days, 1+s.rand.IntN(16))
	last := 0
	if c.agent.Status == fleet.Ended {
		last = max(0, int(s.now.Sub(c.agent.EndedAt)/(24*time.Hour)))
	}
	for d := last + days; d >= last; d-- {
		day := c.agent.Hours.Day(s.now.AddDate(0, 0, -d))
		for _, kind := range []string{fleet.UsageMessages, fleet.UsageInvitations} {
			if n := s.rand.IntN(20); n > 3 {
				if err := c.tx.AddUsage(c.agent.ID, day, kind, c.agent.Incarnation, int64(n)); err != nil {
					return err
				}
			}
		}
	}
	if err := s.tasks(c); err != nil {
		return err
	}
	return s.talk(c)
}

func (s *seeder) tasks(c *change) error {
	for i := range s.rand.IntN(4) {
		state, due := fleet.TaskDone, s.now.Add(-time.Duration(i+1)*time.Hour)
		if i == 0 && c.agent.Status != fleet.Ended {
			state, due = fleet.TaskPending, s.now.Add(time.Duration(10+s.rand.IntN(600))*time.Minute)
		}
		payload, _ := json.Marshal(map[string]string{"to": seedGiven[s.rand.IntN(len(seedGiven))]})
		at := s.now.Add(-time.Duration(24-i) * time.Hour)
		t := fleet.Task{ID: fleet.NewID(at), AgentID: c.agent.ID, Type: []string{"message", "invitation"}[i%2], Payload: payload, DueAt: due,
			State: state, Incarnation: c.agent.Incarnation, CreatedAt: at, UpdatedAt: at}
		if err := c.tx.InsertTask(t); err != nil {
			return err
		}
	}
	return nil
}

func (s *seeder) talk(c *change) error {
	if s.rand.IntN(3) > 0 {
		return nil
	}
	at := s.now.Add(-time.Duration(1+s.rand.IntN(72)) * time.Hour)
	m := fleet.Message{ID: fleet.NewID(at), AgentID: c.agent.ID, Conversation: "dashboard", From: "Mara Reyes", Text: "How is the campaign going?",
		Reply: "Going well: I keep to my hours and limits.", State: fleet.MessageReplied, CreatedAt: at, RepliedAt: at.Add(2 * time.Second)}
	if err := c.tx.InsertMessage(m); err != nil {
		return err
	}
	return c.tx.AddLogs(c.agent.ID, []fleet.LogLine{
		{At: at, Epoch: 1, Level: "info", Text: "signed in"}, {At: at.Add(time.Second), Epoch: 1, Level: "info", Text: "answered a message"},
	})
}

func (s *seeder) tags() (tags []string) {
	for _, t := range []string{"europe", "vip", "spring campaign", "trial"} {
		if s.rand.IntN(4) == 0 {
			tags = append(tags, t)
		}
	}
	return tags
}
