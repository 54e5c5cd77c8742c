package index_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/index"
	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/storetest"
	"github.com/plaithq/plait/store/terms"
)

func TestTheIndexOfATraceMovesWithItsRows(t *testing.T) {
	t.Parallel()
	for _, merged := range []bool{false, true} {
		g := newGateway(t, storetest.URL(t), index.Spans)
		rows := g.rows(0, 300)
		half := &rows[299]
		if err := g.write(t.Context(), rows, true); err != nil {
			t.Fatal(err)
		}
		if merged {
			g.age()
			if err := g.index.Merge(t.Context(), day); err != nil {
				t.Fatal(err)
			}
		}
		whole := half.id
		whole[0] = 9 // its other half came later
		err := pgx.BeginFunc(t.Context(), g.pool, func(tx pgx.Tx) error {
			return g.index.Move(t.Context(), tx, day, partition.OutsideShelf(day+9), []partition.Moved{{TraceID: rows[0].id}, {TraceID: whole}})
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := g.index.Retain(t.Context(), func(s partition.Shelf) bool { return s != day }); err != nil {
			t.Fatal(err)
		}
		g.expect(rows[:3])
		g.expect(rows[299:])
		if found, err := g.found(t.Context(), terms.Operation, 7); err != nil || len(found) != 2 {
			t.Errorf("%d traces are left, want 2; %v", len(found), err)
		}
	}
}

func TestTracesWhoseIndexIsDamagedAreInEveryAnswerWhenTheyMove(t *testing.T) {
	t.Parallel()
	g := newGateway(t, storetest.URL(t), index.Spans)
	at := day.Time().Add(time.Hour)
	moved := []partition.Moved{{TraceID: plait.TraceID{1}, First: at, Last: at.Add(time.Minute), Rows: 5}, {TraceID: plait.TraceID{2}, First: at, Last: at, Rows: 1}}
	g.index.KeepHeads(0)
	if err := g.write(t.Context(), g.rows(0, 3), true); err != nil {
		t.Fatal(err)
	}
	if _, err := g.pool.Exec(t.Context(), `UPDATE plait_store.term_head SET body = '\x00'`); err != nil {
		t.Fatal(err)
	}
	err := pgx.BeginFunc(t.Context(), g.pool, func(tx pgx.Tx) error {
		return g.index.Move(t.Context(), tx, day, partition.OutsideShelf(day+8), moved)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.index.Retain(t.Context(), func(s partition.Shelf) bool { return s != day }); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		found, err := g.found(t.Context(), terms.AttributeSet, 42)
		if err != nil || len(found) != 2 {
			t.Fatalf("found %v, %v", found, err)
		}
		g.age()
		if err := g.index.Merge(t.Context(), day+8); err != nil {
			t.Fatal(err)
		}
	}
	s, err := g.index.Find(t.Context(), terms.Any(g.index.Hasher().ID(terms.AttributeSet, 42)), at.Add(-time.Hour).UnixMicro(), at.UnixMicro(), false)
	if err != nil {
		t.Fatal(err)
	}
	if units, err := s.Next(t.Context(), 5); err != nil || len(units) > 0 {
		t.Errorf("before their time there are %v, %v", units, err)
	}
}
