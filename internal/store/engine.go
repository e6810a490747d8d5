package store

import (
	"errors"
	"net/url"
	"strings"

	"modernc.org/sqlite"

	"agentry/internal/fleet"
)

// This file holds what is SQLite's own; everything else in the package is
// portable SQL with $1 placeholders.

const sqliteDriver = "sqlite"

// SQLite result codes, https://www.sqlite.org/rescode.html
const (
	codeError      = 1
	codeBusy       = 5
	codeLocked     = 6
	codeReadOnly   = 8
	codeIOErr      = 10
	codeCorrupt    = 11
	codeFull       = 13
	codeCantOpen   = 14
	codeNotADB     = 26
	codeUnique     = 2067
	codePrimaryKey = 1555
	codeIOFsync    = 1034
)

// writeDSN opens the one connection that writes. FULL makes a commit durable
// before it is acknowledged; secure_delete overwrites what is removed.
func writeDSN(path string) string {
	return dsn(path, "_txlock=immediate",
		"_pragma=busy_timeout(5000)", "_pragma=journal_mode(WAL)", "_pragma=synchronous(FULL)",
		"_pragma=foreign_keys(1)", "_pragma=secure_delete(1)")
}

func readDSN(path string) string {
	return dsn(path, "_pragma=busy_timeout(5000)", "_pragma=query_only(1)")
}

// checkpointDSN is for the connection that empties the log after an erasure;
// it gives up soon and tries again rather than hold up the writer.
func checkpointDSN(path string) string {
	return dsn(path, "_pragma=busy_timeout(200)", "_pragma=secure_delete(1)")
}

func dsn(path string, options ...string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + strings.Join(options, "&")
}

// versionSQL answers with another number after every commit of another
// connection: https://www.sqlite.org/pragma.html#pragma_data_version
const versionSQL = `PRAGMA data_version`

const checkpointSQL = `PRAGMA wal_checkpoint(TRUNCATE)`

// classify turns an engine failure that a caller can act on into a known
// error; fatal is true when the file can no longer be trusted to keep what is
// written (a failed fsync).
func classify(err error) (known error, fatal bool) {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err, false
	}
	switch code := e.Code(); {
	case code == codeIOFsync:
		return unavailable(err), true
	case code == codeFull:
		return fleet.ErrDiskFull().Because(err), false
	}
	switch e.Code() & 0xff {
	case codeBusy, codeLocked, codeReadOnly, codeIOErr, codeCantOpen:
		return unavailable(err), false
	}
	return err, false
}

func isStatementError(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code() == codeError
}

func unavailable(err error) error {
	return fleet.Errorf(fleet.CodeUnavailable, "The database cannot be written now; the outcome is unknown. Repeat with the same idempotency key.").Because(err)
}

// isDuplicate tells whether a unique constraint refused the row.
func isDuplicate(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code() == codeUnique || e.Code() == codePrimaryKey)
}

// isDamaged tells whether the file is no database, or one that was broken.
func isDamaged(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code()&0xff == codeCorrupt || e.Code()&0xff == codeNotADB)
}

// indexed names the index that a table is read by, where the planner, which
// knows no figures, would take another.
func indexed(name string) string { return " INDEXED BY " + name }

// unindexed reads a table in the order of its rows.
const unindexed = " NOT INDEXED"
