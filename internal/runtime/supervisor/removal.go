package supervisor

import (
	"context"
	"fmt"
	"sync"
	"time"

	"agentry/internal/app"
	agentruntime "agentry/internal/runtime"
)

// removeTime bounds one try to delete something outside.
const removeTime = 20 * time.Second

// remove deletes outside what was deleted here, until it is confirmed. When
// Stop begins, the tries under way are given up; the records stay.
func (s *Supervisor) remove() {
	ctx, cancel := context.WithCancel(s.ctx)
	s.work.Go(func() {
		<-s.quit
		cancel()
	})
	every := time.NewTicker(tickEvery)
	defer every.Stop()
	for {
		select {
		case <-s.quit:
			return
		case <-every.C:
		}
		due, err := s.conf.App.DueRemovals(ctx)
		if err != nil && ctx.Err() == nil {
			s.conf.Log.Error("cannot read what is to be deleted outside", "error", err)
		}
		var all sync.WaitGroup
		for _, r := range due {
			all.Go(func() { s.removeOne(ctx, r) })
		}
		all.Wait()
	}
}

func (s *Supervisor) removeOne(ctx context.Context, r app.Removal) {
	cause := s.tryRemoval(ctx, r)
	if ctx.Err() != nil {
		return
	}
	if cause != nil && r.LastError != cause.Error() {
		s.conf.Log.Warn("cannot delete an agent outside; it is tried again", "agent_id", r.AgentID, "team_id", r.TeamID, "error", cause)
	}
	if err := s.conf.App.RemovalTried(ctx, r.Removal, cause); err != nil && ctx.Err() == nil {
		s.conf.Log.Error("cannot record a deletion outside", "agent_id", r.AgentID, "error", err)
	}
}

func (s *Supervisor) tryRemoval(ctx context.Context, r app.Removal) error {
	if r.Kind.Name == "" {
		return fmt.Errorf("kind %s is not configured on this server, so its agent cannot be deleted there", r.Removal.Kind)
	}
	remover, ok := s.conf.Drivers[r.Kind.Driver].(agentruntime.Remover)
	if !ok {
		return fmt.Errorf("kind %s has another driver now, so its agent cannot be deleted there", r.Removal.Kind)
	}
	ctx, cancel := context.WithTimeout(ctx, removeTime)
	defer cancel()
	return remover.Remove(ctx, r.Kind, r.AgentID)
}
