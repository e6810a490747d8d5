package store

import (
	"database/sql"
	"sync"
)

// maxStatements bounds what is kept: query texts are the package's own, but
// lists combine filters and sorts.
const maxStatements = 512

// statements keeps prepared statements of one pool by their text. A text that
// is new runs unprepared and is prepared once its transaction is over:
// preparing needs a connection, and the transaction may hold the last one.
type statements struct {
	db *sql.DB

	mu   sync.RWMutex
	kept map[string]*sql.Stmt
	seen map[string]bool // to be prepared
}

// of returns the statement for a text, or nil when it is not prepared yet.
func (s *statements) of(query string) *sql.Stmt {
	s.mu.RLock()
	stmt, known := s.kept[query]
	full := len(s.kept) >= maxStatements
	s.mu.RUnlock()
	if known || full {
		return stmt
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = map[string]bool{}
	}
	s.seen[query] = true
	return nil
}

// prepare makes statements of the texts seen since the last time. A text that
// cannot be prepared stays unprepared: running it says why.
func (s *statements) prepare() {
	s.mu.RLock()
	idle := len(s.seen) == 0
	s.mu.RUnlock()
	if idle {
		return
	}
	s.mu.Lock()
	seen := s.seen
	s.seen = nil
	s.mu.Unlock()
	for query := range seen {
		stmt, err := s.db.Prepare(query)
		if err != nil {
			continue
		}
		s.mu.Lock()
		if s.kept == nil {
			s.kept = map[string]*sql.Stmt{}
		}
		if had := s.kept[query]; had != nil {
			stmt.Close()
		} else {
			s.kept[query] = stmt
		}
		s.mu.Unlock()
	}
}
