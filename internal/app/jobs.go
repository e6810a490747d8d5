package app

import (
	"context"
	"time"

	"github.com/riverqueue/river"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// Jobs is the queue of what is done outside of requests. A job is inserted in
// the transaction of the change that asks for it, and may run twice.
type Jobs interface {
	// Insert adds a job that runs after the pause.
	Insert(ctx context.Context, tx *store.Tx, args river.JobArgs, after time.Duration) error
}

// insert adds a job; without a queue, as in commands on the local file, what
// is to be done stands in the ledger and the next server begins with it.
func (a *App) insert(tx *store.Tx, args river.JobArgs, after time.Duration) error {
	if a.jobs == nil {
		return nil
	}
	return a.jobs.Insert(context.Background(), tx, args, after)
}

// The queues. Checks of proxies last long and must not hold up releases, nor
// must a server of agents that hangs.
const (
	QueueResources = "resources"
	QueueAgents    = "agents"
	QueueProxies   = "proxies"
	QueueBulks     = "bulks"
)

// ResourceJob is one try at a row of the ledger.
type ResourceJob struct {
	ID   string `json:"id"`
	Turn int64  `json:"turn"`
	// Queue is where it is inserted.
	Queue string `json:"-"`
}

func queueOf(r fleet.Resource) string {
	if r.Type == fleet.ResourceAgent {
		return QueueAgents
	}
	return QueueResources
}

// Kind is for River.
func (ResourceJob) Kind() string { return "resource" }

// InsertOpts is for River.
func (j ResourceJob) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: j.Queue} }

// VendorCheckJob asks a vendor whether the access works.
type VendorCheckJob struct {
	Name string `json:"name"`
}

// Kind is for River.
func (VendorCheckJob) Kind() string { return "vendor_check" }

// InsertOpts is for River.
func (VendorCheckJob) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: QueueResources} }

// ProxyCheckJob is one check of an entry of the pool.
type ProxyCheckJob struct {
	ID string `json:"id"`
}

// Kind is for River.
func (ProxyCheckJob) Kind() string { return "proxy_check" }

// InsertOpts is for River.
func (ProxyCheckJob) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: QueueProxies} }

// BulkJob works at a bulk for a while.
type BulkJob struct {
	ID string `json:"id"`
}

// Kind is for River.
func (BulkJob) Kind() string { return "bulk" }

// InsertOpts is for River.
func (BulkJob) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: QueueBulks} }
