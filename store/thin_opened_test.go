package store_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
)

func TestTracesThatSomebodyOpenedAreKept(t *testing.T) {
	t.Parallel()
	for name, keep := range map[string]bool{"kept": true, "switched off": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			policy := thinPolicy
			policy.KeepOpened = keep
			d := newThinnedDay(t, policy)
			d.write(300, "", "GET /", nil)
			d.live(1)
			opened := map[plait.TraceID]bool{}
			for id := range d.traces {
				asked := id
				if len(opened)%2 == 0 {
					clear(asked[:8]) // by its lower half
				}
				d.store.NoteOpened(asked)
				if opened[id] = true; len(opened) == 40 {
					break
				}
			}
			if err := d.store.WriteOpened(t.Context()); err != nil {
				t.Fatal(err)
			}
			d.live(2)
			kept, n := d.kept(), 0
			for id := range opened {
				if kept[id] {
					n++
				}
			}
			if keep && n != 40 {
				t.Errorf("%d of 40 traces that were opened are kept", n)
			}
			if !keep && n > 20 {
				t.Errorf("%d of 40 traces are kept for being opened", n)
			}
			if len(kept) > 40+80 {
				t.Errorf("%d traces are kept in all", len(kept))
			}
			d.live(9)
			if rows := selectOne[int64](t, d.conn, `SELECT count(*) FROM plait_store.opened_trace`); rows != 0 {
				t.Errorf("%d openings are remembered when all days of then are gone", rows)
			}
		})
	}
}

// setReadOnly makes the database take no writes, or take them again, by all connections but conn.
func setReadOnly(t *testing.T, conn *pgx.Conn, readOnly string) {
	t.Helper()
	name := pgx.Identifier{selectOne[string](t, conn, `SELECT pg_catalog.current_database()`)}.Sanitize()
	exec(t, conn, `ALTER DATABASE `+name+` SET default_transaction_read_only = `+readOnly)
	exec(t, conn, `SELECT count(pg_catalog.pg_terminate_backend(pid)) FROM pg_catalog.pg_stat_activity
		WHERE datname = pg_catalog.current_database() AND pid <> pg_catalog.pg_backend_pid()`)
}

func TestADatabaseThatTakesNoWritesIsToldLaterWhatWasOpened(t *testing.T) {
	t.Parallel()
	policy := thinPolicy
	policy.KeepOpened = true
	d := newThinnedDay(t, policy)
	// The pool has dead connections at first.
	write := func() (err error) {
		for range 20 {
			if err = d.store.WriteOpened(t.Context()); err == nil {
				return nil
			}
		}
		return err
	}
	setReadOnly(t, d.conn, "on")
	d.store.NoteOpened(plait.TraceID{1, 15: 7})
	if err := write(); err != nil {
		t.Errorf("a database that takes no writes is an error: %v", err)
	}
	if rows := selectOne[int64](t, d.conn, `SELECT count(*) FROM plait_store.opened_trace`); rows != 0 {
		t.Fatalf("%d rows in a database that takes no writes", rows)
	}
	setReadOnly(t, d.conn, "off")
	for range 20 { // until a connection that was made before is gone
		if err := write(); err != nil {
			t.Fatal(err)
		}
		if selectOne[int64](t, d.conn, `SELECT count(*) FROM plait_store.opened_trace WHERE low_id = 7`) == 1 {
			return
		}
	}
	t.Error("what was opened meanwhile is not written when the database takes writes again")
}
