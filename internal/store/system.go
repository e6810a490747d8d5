package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"math/bits"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"agentry/internal/fleet"
)

// slowCommit is how long a commit may take before it counts as slow;
// slowKept is how many of the last slow ones are remembered.
const (
	slowCommit = 100 * time.Millisecond
	slowKept   = 20
)

// pace remembers how long commits took: a count for each quarter of a doubling,
// so that a figure is at most a quarter too high.
type pace struct {
	mu      sync.Mutex
	buckets [160]int64
	n       int64
	most    time.Duration
	slow    []fleet.SlowCommit
}

// bucketOf is the place of a duration; upper is the least that is too long for
// the place.
func bucketOf(took time.Duration) int {
	us := uint64(max(took.Microseconds(), 0)) + 4
	octave := bits.Len64(us) - 3
	return min(octave*4+int(us>>octave&3), len(pace{}.buckets)-1)
}

func upper(bucket int) time.Duration {
	return (time.Duration((bucket&3)+5)<<(bucket/4) - 4) * time.Microsecond
}

func (p *pace) add(at time.Time, took time.Duration, writes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.buckets[bucketOf(took)]++
	p.n++
	p.most = max(p.most, took)
	if took < slowCommit {
		return
	}
	p.slow = append(p.slow, fleet.SlowCommit{At: at, Took: took, Writes: writes})
	p.slow = p.slow[max(0, len(p.slow)-slowKept):]
}

// quantile is what the share of the commits took at most; call it locked.
func (p *pace) quantile(share float64) time.Duration {
	left := int64(float64(p.n)*share + 0.5)
	for i, n := range p.buckets {
		if left -= n; left <= 0 && p.n > 0 {
			return min(upper(i), p.most)
		}
	}
	return p.most
}

func (p *pace) read() fleet.CommitPace {
	p.mu.Lock()
	defer p.mu.Unlock()
	slow := slices.Clone(p.slow)
	slices.Reverse(slow)
	return fleet.CommitPace{Commits: p.n, P50: p.quantile(.5), P99: p.quantile(.99), Most: p.most, Slow: slow}
}

// System returns what the file, its disk and the job queue are like, of all
// teams together.
func (s *Store) System(ctx context.Context) (f fleet.SystemState, err error) {
	f.Pace = s.pace.read()
	if f.FileBytes, err = sizeOf(s.path); err != nil {
		return f, err
	}
	if f.LogBytes, err = sizeOf(s.path + "-wal"); err != nil {
		return f, err
	}
	var disk syscall.Statfs_t
	if err := syscall.Statfs(s.path, &disk); err != nil {
		return f, err
	}
	f.FreeBytes = int64(disk.Bavail) * int64(disk.Bsize)
	err = s.Read(ctx, func(tx *Tx) error {
		if _, err := tx.one([]any{&f.Schema}, `SELECT MAX(version_id) FROM goose_db_version`); err != nil {
			return err
		}
		if _, err := tx.one([]any{&f.Teams, &f.Agents, &f.Running}, `SELECT (SELECT COUNT(*) FROM teams), COALESCE(SUM(n), 0),
			COALESCE(SUM(CASE WHEN status = 'running' THEN n ELSE 0 END), 0) FROM agent_counts`); err != nil {
			return err
		}
		return nil
	})
	if err != nil {
		return f, err
	}
	f.Jobs, err = s.waitingJobs(ctx)
	return f, err
}

// waitingJobs counts the jobs that are not finished, by kind; a file without a
// queue has none.
func (s *Store) waitingJobs(ctx context.Context) (list []fleet.JobCount, err error) {
	err = s.Read(ctx, func(tx *Tx) error {
		return tx.each(func(rows *sql.Rows) error {
			var j fleet.JobCount
			var oldest float64
			err := rows.Scan(&j.Kind, &j.Waiting, &oldest)
			j.Oldest = time.UnixMilli(int64(oldest * 1000)).UTC()
			list = append(list, j)
			return err
		}, `SELECT kind, COUNT(*), MIN((julianday(created_at) - 2440587.5) * 86400.0) FROM river_job
			WHERE state IN ('available', 'pending', 'retryable', 'running', 'scheduled') GROUP BY kind ORDER BY kind LIMIT 100`)
	})
	if err != nil && IsWrongSchema(err) {
		return nil, nil
	}
	return list, err
}

func sizeOf(path string) (int64, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
