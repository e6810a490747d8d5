package store

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What cannot be worked on is refused at once, with what to do, and left as it
// is.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	change := func(from int, bytes ...byte) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			copy(raw[from:], bytes)
			if err := os.WriteFile(path, raw, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		spoil func(t *testing.T, path string)
		want  string
	}{
		"no database": {change(0, []byte("not a database!!")...), "damaged, put it back from your backup"},
		"broken":      {change(100, bytes.Repeat([]byte{0xa5}, 2000)...), "damaged, put it back from your backup"},
		// A write version that an engine does not know makes it open the file
		// read-only, as the file's mode does for a user other than root.
		"read-only": {change(18, 3), "cannot be written"},
		"of a newer agentry": {func(t *testing.T, path string) {
			db, err := sql.Open(sqliteDriver, writeDSN(path))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`); err != nil {
				t.Fatal(err)
			}
		}, "start the newer agentry again"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "a.db")
			s, err := Open(t.Context(), path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			c.spoil(t, path)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if s, err = Open(t.Context(), path, Options{}); err == nil {
				t.Fatal(s.Close(), "opened")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
				t.Error("the file was changed", err)
			}
		})
	}
	t.Run("no folder", func(t *testing.T) {
		t.Parallel()
		if _, err := Open(t.Context(), filepath.Join(t.TempDir(), "no", "folder", "a.db"), Options{}); err == nil {
			t.Error("opened in a folder that is not there")
		}
	})
}
