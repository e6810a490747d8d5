package store

import (
	"flag"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write testdata/schema.sql after a new migration")

// All migrations together make the golden schema, so that a change of the
// schema is seen whole in a review.
func TestSchema(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	rows, err := s.writer.Query(`SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%' ORDER BY tbl_name, type DESC, name`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var b strings.Builder
	for rows.Next() {
		var sql string
		if err := rows.Scan(&sql); err != nil {
			t.Fatal(err)
		}
		b.WriteString(sql + ";\n")
	}
	const golden = "testdata/schema.sql"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("the migrated schema is not testdata/schema.sql (-golden +migrated):\n%s", diff)
	}
}

func TestTablesAreStrictAndOpenTwice(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	var loose int
	err := s.writer.QueryRow(`SELECT COUNT(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0
		AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%'`).Scan(&loose)
	if err != nil || loose != 0 {
		t.Errorf("%d tables are not STRICT, %v", loose, err)
	}
	if err := migrate(t.Context(), s.writer, slog.New(slog.DiscardHandler)); err != nil {
		t.Error("a second migration:", err)
	}
}
