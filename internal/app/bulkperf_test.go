package app_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// BenchmarkBulkFreeze writes down a list of 100,000 agents while somebody else
// writes all the time: how long it takes, and how long the other waited at most.
func BenchmarkBulkFreeze(b *testing.B) {
	const n = 100_000
	k := newBench(b, nil)
	k.fill(n, fleet.Running)
	ctx := context.Background()
	for _, action := range []fleet.BulkAction{fleet.BulkPause, fleet.BulkTag} {
		b.Run(string(action), func(b *testing.B) {
			in := app.BulkInput{Action: action, Filter: &app.ListInput{}, PerMinute: 6000}
			if action == fleet.BulkTag {
				in.AddTags = []string{"new"}
			}
			var longest, plan time.Duration
			for b.Loop() {
				began := time.Now()
				if p, err := k.PlanBulk(ctx, k.operator, in); err != nil || p.Will != n {
					b.Fatal(p.Will, err)
				}
				plan = time.Since(began)
				over := make(chan struct{})
				var other sync.WaitGroup
				other.Go(func() {
					for {
						select {
						case <-over:
							return
						default:
						}
						at := time.Now()
						if err := k.Ready(ctx); err != nil {
							b.Error(err)
						}
						longest = max(longest, time.Since(at))
					}
				})
				got, err := k.StartBulk(ctx, k.operator, in)
				close(over)
				other.Wait()
				if err != nil || got.Total != n || got.State != fleet.BulkRunning {
					b.Fatalf("%+v, %v", got, err)
				}
				if _, err := k.StopBulk(ctx, k.operator, got.ID); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(plan.Microseconds())/1000, "ms/plan")
			b.ReportMetric(float64(longest.Microseconds())/1000, "ms-longest-wait")
		})
	}
}

// BenchmarkBulkActs works at a bulk as fast as it goes, without its rate.
func BenchmarkBulkActs(b *testing.B) {
	const n = 2000
	k := newBench(b, nil)
	k.fill(n, fleet.Running)
	k.NoBulkPause()
	ctx := context.Background()
	for b.Loop() {
		for _, tags := range [][]string{{"a"}, nil} {
			in := app.BulkInput{Action: fleet.BulkTag, Filter: &app.ListInput{}, AddTags: tags}
			if tags == nil {
				in.RemoveTags = []string{"a"}
			}
			by, err := k.operatingKey(ctx)
			got, err2 := k.StartBulk(ctx, by, in)
			if err := errors.Join(err, err2); err != nil {
				b.Fatal(err)
			}
			for again := time.Duration(1); again > 0; {
				if again, err = k.WorkBulk(ctx, got.ID); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.ReportMetric(float64(2*n*b.N)/b.Elapsed().Seconds(), "agents/s")
}

// operatingKey is a key that may operate.
func (b *bench) operatingKey(ctx context.Context) (fleet.Actor, error) {
	_, secret, err := b.AddKey(ctx, b.team, app.KeyInput{Name: "k", Scope: fleet.ScopeOperate})
	if err != nil {
		return fleet.Actor{}, err
	}
	by, _, _, err := b.ActorForKey(ctx, secret)
	return by, err
}
