package index_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/index"
	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/storetest"
	"github.com/plaithq/plait/store/terms"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var key = [32]byte{1, 2, 3}

// day is what the tests' rows are of.
var day = partition.DayOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))

// gateway is one of those that share a database.
type gateway struct {
	t         *testing.T
	pool      *pgxpool.Pool
	index     *index.Index
	collector *index.Collector
}

func newGateway(t *testing.T, url string, signal index.Signal) *gateway {
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	x := index.New(signal, pool, key, index.NewInstruments(prometheus.NewRegistry()))
	return &gateway{t, pool, x, x.Collector()}
}

// row is a row that has one rare term, its number, and a common one.
type row struct {
	shelf  partition.Shelf
	id     plait.TraceID
	micros int64
	term   int64
}

func (g *gateway) rows(first, n int) []row {
	rows := make([]row, n)
	for i := range rows {
		at := first + i
		rows[i] = row{shelf: day, micros: day.Time().UnixMicro() + int64(at)*1000, term: int64(at)}
		binary.BigEndian.PutUint64(rows[i].id[8:], uint64(at/3+1))
	}
	return rows
}

// write commits rows, or rolls them back when the commit is to fail.
func (g *gateway) write(ctx context.Context, rows []row, commits bool) error {
	g.collector.Begin()
	for _, r := range rows {
		block := g.collector.Row(r.shelf, r.id, r.micros*1000)
		block.ID(terms.AttributeSet, r.term)
		block.ID(terms.Operation, 7)
	}
	var batch pgx.Batch
	g.collector.Queue(&batch)
	err := pgx.BeginFunc(ctx, g.pool, func(tx pgx.Tx) error {
		if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
			return err
		}
		if !commits {
			return errRollback
		}
		return nil
	})
	if err == nil {
		g.collector.Committed()
	}
	return err
}

var errRollback = errors.New("rolled back")

// found returns the traces that may have a term.
func (g *gateway) found(ctx context.Context, space terms.Space, id int64) (map[plait.TraceID]bool, error) {
	x := g.index
	s, err := x.Find(ctx, terms.Any(x.Hasher().ID(space, id)), 0, 1<<60, false)
	if err != nil {
		return nil, err
	}
	found := map[plait.TraceID]bool{}
	for {
		units, err := s.Next(ctx, 100)
		if err != nil {
			return nil, err
		}
		for _, u := range units {
			found[u.ID] = true
		}
		if len(units) < 100 {
			return found, nil
		}
	}
}

// expect fails unless each row is found by its term.
func (g *gateway) expect(rows []row) {
	g.t.Helper()
	for _, r := range rows {
		found, err := g.found(g.t.Context(), terms.AttributeSet, r.term)
		if err != nil {
			g.t.Fatal(err)
		}
		if !found[r.id] {
			g.t.Fatalf("the row with term %d is not found", r.term)
		}
	}
}

// age makes all heads old enough to be merged.
func (g *gateway) age() {
	if _, err := g.pool.Exec(g.t.Context(), `UPDATE plait_store.term_head SET made_at = made_at - interval '1 hour'`); err != nil {
		g.t.Fatal(err)
	}
}

func (g *gateway) count(sql string) (n int) {
	g.t.Helper()
	if err := g.pool.QueryRow(g.t.Context(), sql).Scan(&n); err != nil {
		g.t.Fatal(err)
	}
	return n
}

func TestWhatIsCommittedIsFoundByAllGatewaysBeforeAndAfterMerges(t *testing.T) {
	t.Parallel()
	for _, signal := range []index.Signal{index.Spans, index.Logs} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			url := storetest.URL(t)
			one, other := newGateway(t, url, signal), newGateway(t, url, signal)
			var all []row
			for i := range 40 {
				rows := one.rows(i*50, 50)
				if err := one.write(t.Context(), rows, true); err != nil {
					t.Fatal(err)
				}
				all = append(all, rows...)
				other.expect(rows[:1])
				one.expect(rows[:1])
				if i%4 == 3 {
					one.age()
					if err := other.index.Merge(t.Context(), day); err != nil {
						t.Fatal(err)
					}
				}
			}
			for _, g := range []*gateway{one, other} {
				for range 50 {
					g.expect([]row{all[rand.IntN(len(all))]})
				}
				everything, err := g.found(t.Context(), terms.Operation, 7)
				if err != nil {
					t.Fatal(err)
				}
				if want := len(all)/3 + 1; len(everything) != want {
					t.Errorf("%d of %d traces have the term that all have", len(everything), want)
				}
			}
			if n := one.count(`SELECT count(*) FROM plait_store.term_segment WHERE replaced_at = 'infinity'`); n > 4 {
				t.Errorf("ten merges of heads left %d segments", n)
			}
		})
	}
}

func TestTheNewestRowIsKnown(t *testing.T) {
	t.Parallel()
	g := newGateway(t, storetest.URL(t), index.Logs)
	expect := func(when string, from, to, want int64) {
		t.Helper()
		got, ok, err := g.index.Newest(t.Context(), from, to)
		if err != nil || ok != (want != 0) || got != want {
			t.Errorf("%s the newest row between %d and %d is at %d (%v, %v), want %d", when, from, to, got, ok, err, want)
		}
	}
	begin := day.Time().UnixMicro()
	expect("before a commit", begin, begin+1e6, 0)
	for i := range 3 {
		if err := g.write(t.Context(), g.rows(i*10, 10), true); err != nil {
			t.Fatal(err)
		}
	}
	for _, when := range []string{"before a merge", "after it"} {
		expect(when, begin, begin+1e6, begin+29_000)
		expect(when, begin, begin+5_000, begin+4_999)
		expect(when, begin+30_000, begin+1e6, 0)
		if err := g.index.Merge(t.Context(), day); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatIsRolledBackIsNotInTheIndex(t *testing.T) {
	t.Parallel()
	g := newGateway(t, storetest.URL(t), index.Spans)
	rows := g.rows(0, 3)
	if err := g.write(t.Context(), rows, false); !errors.Is(err, errRollback) {
		t.Fatal(err)
	}
	if found, err := g.found(t.Context(), terms.Operation, 7); err != nil || len(found) > 0 {
		t.Errorf("found %v, %v", found, err)
	}
}

func TestASearchGoesOnThroughMerges(t *testing.T) {
	t.Parallel()
	g := newGateway(t, storetest.URL(t), index.Spans)
	var all []row
	for i := range 8 {
		rows := g.rows(i*300, 300)
		all = append(all, rows...)
		if err := g.write(t.Context(), rows, true); err != nil {
			t.Fatal(err)
		}
	}
	s, err := g.index.Find(t.Context(), terms.Any(g.index.Hasher().ID(terms.Operation, 7)), 0, 1<<60, false)
	if err != nil {
		t.Fatal(err)
	}
	found := map[plait.TraceID]bool{}
	for len(found) < len(all)/3 {
		g.age()
		if err := g.index.Merge(t.Context(), day); err != nil {
			t.Fatal(err)
		}
		units, err := s.Next(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(units) == 0 {
			t.Fatalf("the search ended after %d traces", len(found))
		}
		for _, u := range units {
			found[u.ID] = true
		}
	}
}

func TestSearchesAndCommitsBesideMergesFindEverything(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	writer, merger := newGateway(t, url, index.Spans), newGateway(t, url, index.Spans)
	rival := newGateway(t, url, index.Spans)
	ctx, cancel := context.WithCancel(t.Context())
	var merging sync.WaitGroup
	for _, g := range []*gateway{merger, rival} {
		merging.Go(func() {
			for ctx.Err() == nil {
				// Both merge the same: whoever comes second gives up.
				if err := g.index.Merge(ctx, day+10); err != nil && ctx.Err() == nil && !errors.Is(err, index.ErrOvertaken) {
					t.Errorf("merge: %v", err)
				}
			}
		})
	}
	for i := range 60 {
		rows := writer.rows(i*20, 20)
		if err := writer.write(t.Context(), rows, true); err != nil {
			t.Fatal(err)
		}
		writer.age()
		for _, g := range []*gateway{writer, merger} {
			g.expect([]row{rows[rand.IntN(len(rows))]})
			old := writer.rows(rand.IntN(i*20+1), 1)
			g.expect(old)
		}
	}
	cancel()
	merging.Wait()
}

func TestAMergeThatIsCutShortLosesNothing(t *testing.T) {
	t.Parallel()
	g := newGateway(t, storetest.URL(t), index.Spans)
	rows := g.rows(0, 30)
	if err := g.write(t.Context(), rows, true); err != nil {
		t.Fatal(err)
	}
	g.age()
	if _, err := g.pool.Exec(t.Context(), `ALTER TABLE plait_store.term_segment ADD CONSTRAINT none CHECK (row_count < 0)`); err != nil {
		t.Fatal(err)
	}
	if err := g.index.Merge(t.Context(), day); err == nil {
		t.Fatal("the merge did not fail")
	}
	g.expect(rows)
	if n := g.count(`SELECT count(*) FROM plait_store.term_head WHERE replaced_at = 'infinity'`); n != 1 {
		t.Errorf("%d heads are in use", n)
	}
}

func TestTheIndexGoesWithItsPartitions(t *testing.T) {
	t.Parallel()
	g := newGateway(t, storetest.URL(t), index.Spans)
	outside := partition.OutsideShelf(day)
	kept, gone := g.rows(0, 30), g.rows(30, 30)
	for i := range gone {
		gone[i].shelf = day + 1
	}
	late := g.rows(60, 30)
	for i := range late {
		late[i].shelf = outside
	}
	for _, rows := range [][]row{kept, gone, late} {
		if err := g.write(t.Context(), rows, true); err != nil {
			t.Fatal(err)
		}
		g.age()
		if err := g.index.Merge(t.Context(), day+9); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.index.Retain(t.Context(), func(s partition.Shelf) bool { return s == day || s == outside }); err != nil {
		t.Fatal(err)
	}
	g.expect(kept)
	g.expect(late)
	if found, err := g.found(t.Context(), terms.AttributeSet, gone[0].term); err != nil || len(found) > 0 {
		t.Errorf("found %v of a day that is gone, %v", found, err)
	}
}

func TestWhatMergesReplacedIsRemovedInTheEnd(t *testing.T) {
	t.Parallel()
	g := newGateway(t, storetest.URL(t), index.Spans)
	if err := g.write(t.Context(), g.rows(0, 30), true); err != nil {
		t.Fatal(err)
	}
	g.age()
	if err := g.index.Merge(t.Context(), day); err != nil {
		t.Fatal(err)
	}
	if n := g.count(`SELECT count(*) FROM plait_store.term_head`); n != 1 {
		t.Fatalf("%d heads are left at once", n)
	}
	if _, err := g.pool.Exec(t.Context(), `UPDATE plait_store.term_head SET replaced_at = replaced_at - interval '1 hour'`); err != nil {
		t.Fatal(err)
	}
	if err := g.index.Merge(t.Context(), day); err != nil {
		t.Fatal(err)
	}
	if n := g.count(`SELECT count(*) FROM plait_store.term_head`); n != 0 {
		t.Errorf("%d heads are left", n)
	}
}

func TestManySmallCommitsAreMergedBeforeTheyAreOld(t *testing.T) {
	t.Parallel()
	g := newGateway(t, storetest.URL(t), index.Logs)
	for i := range index.EnoughHeads {
		if err := g.write(t.Context(), g.rows(i, 1), true); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.index.Merge(t.Context(), day); err != nil {
		t.Fatal(err)
	}
	if n := g.count(`SELECT count(*) FROM plait_store.term_head WHERE replaced_at = 'infinity'`); n != 0 {
		t.Errorf("%d heads wait", n)
	}
	g.expect(g.rows(rand.IntN(index.EnoughHeads), 1))
}

func TestASearchThatIsRepeatedReadsNoSegmentAgain(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	g, other := newGateway(t, url, index.Spans), newGateway(t, url, index.Spans)
	rows := g.rows(0, 500)
	if err := g.write(t.Context(), rows, true); err != nil {
		t.Fatal(err)
	}
	g.age()
	if err := g.index.Merge(t.Context(), day+10); err != nil {
		t.Fatal(err)
	}
	asked := rows[100:120]
	g.expect(asked)
	if _, err := g.pool.Exec(t.Context(), `UPDATE plait_store.term_segment SET body = ''`); err != nil {
		t.Fatal(err)
	}
	g.expect(asked)
	if _, err := other.found(t.Context(), terms.AttributeSet, rows[100].term); err == nil {
		t.Error("who did not ask before found it, too: nothing has to be read")
	}
}
