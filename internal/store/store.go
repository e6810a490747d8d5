// Package store holds the only SQL: one SQLite file with one connection that
// writes and four that read. A noun has one file. Every query of a team's
// things takes the team.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/pressly/goose/v3"

	"agentry/internal/fault"
	"agentry/internal/fleet"
)

//go:embed migrations/*.sql
var migrations embed.FS

const (
	readers = 4
	// maxBatch bounds how many waiting writes share one commit.
	maxBatch = 128
)

// Store is the open database. Use Open.
type Store struct {
	writer, reader, checkpointer, watcher *sql.DB
	// watch is the connection of the watcher: numbers of two are not comparable.
	watch    *sql.Conn
	watching sync.Mutex

	queue  chan *write
	asked  chan *read
	quit   chan struct{}
	closed sync.Once
	owned  sync.WaitGroup

	path string
	pace pace

	// Statements of each pool, kept for reuse; see statements.
	writes, reads *statements

	ids       fleet.IDs
	erased    chan struct{}
	committed func(...fleet.Event)
	fatal     func(error)
	log       *slog.Logger
}

// Options are what Open may be told.
type Options struct {
	// Committed hears the events of each commit, in the order of their Seq,
	// before the writers do; it must not block. nil is nobody.
	Committed func(...fleet.Event)
	// Fatal is called when a failed fsync means that the process must stop;
	// nil panics.
	Fatal func(error)
	// Log hears what nobody waits for; nil is silent.
	Log *slog.Logger
}

// Open opens or creates the file and brings its schema up to date.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	s := &Store{
		queue: make(chan *write, maxBatch), asked: make(chan *read), quit: make(chan struct{}),
		erased: make(chan struct{}, 1), committed: o.Committed, fatal: o.Fatal, log: o.Log, path: path,
	}
	if s.fatal == nil {
		s.fatal = func(err error) { panic(err) }
	}
	if s.committed == nil {
		s.committed = func(...fleet.Event) {}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if s.writer, err = open(writeDSN(path), 1); err != nil {
		return nil, err
	}
	if err := migrate(ctx, s.writer, s.log); err != nil {
		s.writer.Close()
		if isDamaged(err) {
			err = fmt.Errorf("it is damaged, put it back from your backup: %w", err)
		}
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if s.reader, err = open(readDSN(path), readers); err != nil {
		return nil, err
	}
	if s.checkpointer, err = open(checkpointDSN(path), 1); err != nil {
		return nil, err
	}
	if s.watcher, err = open(readDSN(path), 1); err != nil {
		return nil, err
	}
	if s.watch, err = s.watcher.Conn(ctx); err != nil {
		return nil, err
	}
	s.writes, s.reads = &statements{db: s.writer}, &statements{db: s.reader}
	s.owned.Add(2 + readers)
	for range readers {
		go s.readLoop()
	}
	go s.commitLoop()
	go s.checkpointLoop()
	return s, nil
}

func open(dsn string, conns int) (*sql.DB, error) {
	db, err := sql.Open(sqliteDriver, dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

func schemas(db *sql.DB) (*goose.Provider, error) {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, db, dir, goose.WithLogger(goose.NopLogger()))
}

// migrate brings the schema up to date. It says so first where there is a schema
// already, since a large file takes its time.
func migrate(ctx context.Context, db *sql.DB, log *slog.Logger) error {
	p, err := schemas(db)
	if err != nil {
		return err
	}
	at, known, err := p.GetVersions(ctx)
	if err != nil {
		return err
	}
	if at > known {
		return fmt.Errorf("its schema is number %d, and this agentry knows %d: start the newer agentry again, "+
			"or put back the backup from before the upgrade", at, known)
	}
	if at > 0 && at < known {
		log.Info("the database is brought up to date", "schema", at, "to", known)
	}
	if _, err := p.Up(ctx); err != nil {
		return err
	}
	return checkWritable(ctx, db)
}

// checkWritable changes nothing and fails where nothing could be changed: the
// engine opens a file that it may only read without a word.
func checkWritable(ctx context.Context, db *sql.DB) error {
	if _, err := db.ExecContext(ctx, `UPDATE meta SET name = name WHERE 1 = 0`); err != nil {
		return fmt.Errorf("it cannot be written, let the server's user read and write it: %w", err)
	}
	return nil
}

// Close waits for writes under way and closes the file.
func (s *Store) Close() error {
	var err error
	s.closed.Do(func() {
		close(s.quit)
		s.owned.Wait()
		err = errors.Join(s.watch.Close(), s.watcher.Close(), s.checkpointer.Close(), s.reader.Close(), s.writer.Close())
	})
	return err
}

// Tx is a transaction. Its methods are the package's queries. Use only the Tx
// inside Read and Write.
type Tx struct {
	ctx    context.Context
	tx     *sql.Tx
	stmts  *statements
	ids    *fleet.IDs
	events []fleet.Event
	// few are the agents that filters found in this snapshot; see fewOf.
	few map[string][]fleet.AgentID
	// changed are the agents whose tasks were changed since the last settle, and
	// counted those whose counters were, each with the day.
	changed map[fleet.AgentID]bool
	counted map[fleet.AgentID]string
}

// NewID makes an id for a row; see Store.NewID.
func (tx *Tx) NewID(at time.Time) string { return tx.ids.New(at) }

// NewID makes an id that sorts behind all that this store has made, whatever
// the clock did meanwhile.
func (s *Store) NewID(at time.Time) string { return s.ids.New(at) }

type write struct {
	ctx   context.Context
	f     func(tx *Tx) error
	tx    *Tx
	err   error
	panic any
	stack []byte
	done  chan struct{}
}

// Write runs f in a transaction and returns once it is durable. Waiting writes
// share a commit; each then has a savepoint of its own, so that one's failure
// changes nothing of another's. f must do SQL only.
func (s *Store) Write(ctx context.Context, f func(tx *Tx) error) error {
	w := &write{ctx: ctx, f: f, done: make(chan struct{})}
	select {
	case s.queue <- w:
	case <-s.quit:
		return unavailable(errors.New("store is closed"))
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-w.done:
	case <-s.quit:
		// The loop answers what it took; what it did not take never ran.
		s.owned.Wait()
		select {
		case <-w.done:
		default:
			return unavailable(errors.New("store is closed"))
		}
	}
	if w.panic != nil {
		panic(fmt.Sprintf("%v\n%s", w.panic, w.stack))
	}
	known, _ := classify(w.err)
	return known
}

func (s *Store) commitLoop() {
	defer s.owned.Done()
	for {
		select {
		case w := <-s.queue:
			s.commit(s.collect(w))
		case <-s.quit:
			return
		}
	}
}

// collect takes what else is waiting, without waiting for more.
func (s *Store) collect(first *write) []*write {
	batch := []*write{first}
	for len(batch) < maxBatch && !fault.On(fault.LoneCommits) {
		select {
		case w := <-s.queue:
			batch = append(batch, w)
		default:
			return batch
		}
	}
	return batch
}

func (s *Store) commit(batch []*write) {
	began := time.Now()
	err := s.runBatch(batch)
	s.pace.add(began, time.Since(began), len(batch))
	s.writes.prepare()
	if err != nil {
		if _, fatal := classify(err); fatal {
			s.fatal(err)
		}
	}
	for _, w := range batch {
		if w.err == nil && w.panic == nil {
			w.err = err
		}
		if w.err == nil && w.panic == nil && len(w.tx.events) > 0 {
			s.committed(w.tx.events...)
		}
	}
	for _, w := range batch {
		close(w.done)
	}
}

func (s *Store) runBatch(batch []*write) error {
	t, err := s.writer.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	defer t.Rollback()
	if len(batch) == 1 { // the transaction is its savepoint
		w := batch[0]
		if w.run(t, s); w.err != nil || w.panic != nil {
			return nil
		}
		return t.Commit()
	}
	good := 0
	for _, w := range batch {
		if _, err := t.Exec(`SAVEPOINT one`); err != nil {
			return err
		}
		if w.run(t, s); w.err == nil && w.panic == nil {
			good++
			_, err = t.Exec(`RELEASE one`)
		} else {
			_, err = t.Exec(`ROLLBACK TO one; RELEASE one`)
		}
		if err != nil {
			// A full disk ends the whole transaction, savepoints included: what
			// the write met says more than the savepoint that is gone.
			return errors.Join(w.err, err)
		}
	}
	if good == 0 {
		return nil
	}
	return t.Commit()
}

func (w *write) run(t *sql.Tx, s *Store) {
	defer func() {
		if w.panic = recover(); w.panic != nil {
			w.stack = debug.Stack()
		}
	}()
	if w.err = w.ctx.Err(); w.err != nil {
		return
	}
	// A caller that goes away must not break the transaction it shares.
	w.tx = &Tx{ctx: context.WithoutCancel(w.ctx), tx: t, stmts: s.writes, ids: &s.ids}
	if w.err = w.f(w.tx); w.err == nil {
		w.err = w.tx.settle()
	}
}

// Erased asks for the write-ahead log to be emptied soon, so that what was
// removed is in no file any more.
func (s *Store) Erased() {
	select {
	case s.erased <- struct{}{}:
	default:
	}
}

// gather is how long erasures may wait for others.
const gather = time.Second

func (s *Store) checkpointLoop() {
	defer s.owned.Done()
	for {
		select {
		case <-s.erased:
		case <-s.quit:
			return
		}
		// Many erasures come together; a checkpoint costs several syncs.
		select {
		case <-time.After(gather):
		case <-s.quit:
			return
		}
		for !s.checkpoint() {
			select {
			case <-time.After(100 * time.Millisecond):
			case <-s.quit:
				return
			}
		}
	}
}

func (s *Store) checkpoint() bool {
	var busy, logPages, moved int
	err := s.checkpointer.QueryRow(checkpointSQL).Scan(&busy, &logPages, &moved)
	if err != nil {
		s.log.Warn("checkpoint", "error", err)
	}
	return err == nil && busy == 0
}

// Ready tells whether the database can be read and written.
func (s *Store) Ready(ctx context.Context) error {
	return s.Write(ctx, func(tx *Tx) error { return tx.SetMeta("ready", "1") })
}
