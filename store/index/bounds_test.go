package index_test

import (
	"math"
	"testing"
	"time"

	"github.com/plaithq/plait/store/index"
	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/storetest"
	"github.com/plaithq/plait/store/terms"
)

func TestWhereNobodyMergesMoreHeadsThanMemoryHoldsAreSearched(t *testing.T) {
	t.Parallel()
	g := newGateway(t, storetest.URL(t), index.Spans)
	g.index.KeepHeads(0)
	var all []row
	for i := range 20 {
		rows := g.rows(i*30, 30)
		if err := g.write(t.Context(), rows, true); err != nil {
			t.Fatal(err)
		}
		all = append(all, rows...)
	}
	g.expect(all[:40])
	if n := g.index.KeptHeads(); n != 0 {
		t.Errorf("%d heads are in memory", n)
	}
	h := g.index.Hasher()
	s, err := g.index.Find(t.Context(), terms.Together(terms.Any(h.ID(terms.AttributeSet, 7)), terms.Any(h.ID(terms.Operation, 7))), 0, 1<<60, false)
	if err != nil {
		t.Fatal(err)
	}
	if units, err := s.Next(t.Context(), 10); err != nil || len(units) != 1 || units[0].ID != all[7].id {
		t.Errorf("both terms of a trace together find %v, %v", units, err)
	}
}

func TestAllTimesMayBeSearched(t *testing.T) {
	t.Parallel()
	g := newGateway(t, storetest.URL(t), index.Logs)
	rows := g.rows(0, 1)
	rows[0].micros = math.MaxInt64 / 1000
	if err := g.write(t.Context(), rows, true); err != nil {
		t.Fatal(err)
	}
	s, err := g.index.Find(t.Context(), terms.Everything(), math.MinInt64, math.MaxInt64, true)
	if err != nil {
		t.Fatal(err)
	}
	if units, err := s.Next(t.Context(), 10); err != nil || len(units) != 1 {
		t.Errorf("found %v, %v", units, err)
	}
}

func TestAShelfThatCannotBeMergedKeepsNoOtherFromIt(t *testing.T) {
	t.Parallel()
	for _, damaged := range []string{"term_head", "term_segment"} {
		t.Run(damaged, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, storetest.URL(t), index.Spans)
			g.index.KeepHeads(0)
			write := func(n int) {
				t.Helper()
				for shelf := range partition.Day(2) {
					rows := g.rows(10*n+int(shelf), 1)
					rows[0].shelf = day + shelf
					if err := g.write(t.Context(), rows, true); err != nil {
						t.Fatal(err)
					}
				}
				g.age()
			}
			for n := range 2 { // two segments of each day
				write(n)
				if err := g.index.Merge(t.Context(), day); err != nil {
					t.Fatal(err)
				}
			}
			write(2)
			if _, err := g.pool.Exec(t.Context(), `UPDATE plait_store.`+damaged+` SET body = '\x00' WHERE shelf = $1`, day.Time()); err != nil {
				t.Fatal(err)
			}
			if err := g.index.Merge(t.Context(), day+10); err == nil {
				t.Error("what is damaged was merged")
			}
			if n := g.count(`SELECT count(*) FROM plait_store.term_segment WHERE replaced_at = 'infinity' AND shelf = '` + (day + 1).Time().Format(time.DateOnly) + `'`); n != 1 {
				t.Errorf("the other day has %d segments, want one", n)
			}
		})
	}
}
