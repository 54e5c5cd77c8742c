package logs

import (
	"context"
	"fmt"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
	"github.com/plaithq/plait/store/terms"
	"github.com/plaithq/plait/store/traceid"
)

const (
	// A search reads what units have in the shelves of its range: planned once, the statement leaves out the
	// other partitions when it runs. Most rows of a unit are of other resources and classes than those that fit.
	tracedUnitsSQL = `
SELECT ` + readLogColumns + `
FROM plait_store.log
WHERE ` + traceSQL + ` = ANY ($3) AND ` + search.ShelvesSQL + entriesSQL

	untracedUnitsSQL = `
SELECT ` + readLogColumns + `
FROM plait_store.log
WHERE trace_id = ANY ($3) AND trace_id >= 'ffffffff-ffff-ffff-0000-000000000000'::uuid AND ` + search.ShelvesSQL + entriesSQL

	entriesSQL = `
  AND ($4::int8[] IS NULL OR resource = ANY ($4))
  AND ($5::int8[] IS NULL OR class = ANY ($5))`
)

// maxFiltered bounds the ids by which rows of units are left out: each row is compared with one after the other.
const maxFiltered = 256

// filtered are ids that rows of units are compared with; nil is any.
func filtered(ids []int64) []int64 {
	if len(ids) > maxFiltered {
		return nil
	}
	return ids
}

// How many units are read at a time, at first and at most.
const (
	firstUnits = 32
	mostUnits  = 512
)

// byTerms reads the units that the term index finds, in the order of their last rows, or of their first ones.
// What lies before the next unit is settled.
func (t *logSearch) byTerms(ctx context.Context, found *terms.Search) error {
	defer t.settle()
	r := unitReader{logSearch: t, within: t.walk, read: make(map[plait.TraceID]bool)}
	for n := firstUnits; !t.walk.Done() && !t.settled() && t.found.memory.Left(); n = min(2*n, mostUnits) {
		units, err := found.Next(ctx, n)
		if err != nil {
			return err
		}
		if err := r.rows(ctx, units); err != nil {
			return fmt.Errorf("read rows that the index finds: %w", err)
		}
		switch {
		case len(units) < n && t.ascending:
			t.walk.From = t.walk.To
		case len(units) < n:
			t.walk.To = t.walk.From
		case t.ascending:
			t.walk.From = max(t.walk.From, min(t.walk.To, units[n-1].From-found.Tick()))
		default:
			t.walk.To = min(t.walk.To, max(t.walk.From, units[n-1].To+1+found.Tick()))
		}
	}
	return nil
}

// settled says that the rows of the page, and one more, are found, and none can come before them.
func (t *logSearch) settled() bool {
	if len(t.found.rows) < t.found.wanted {
		return false
	}
	t.found.sort()
	end := t.boundary()
	return t.found.order(&t.found.rows[t.found.wanted-1].logPosition, &end) < 0
}

// unitReader reads the rows of units, those of each trace id once.
type unitReader struct {
	*logSearch
	within search.Walk // all that the search is about
	read   map[plait.TraceID]bool
}

func (r *unitReader) rows(ctx context.Context, units []terms.Unit) error {
	var traced, untraced [][16]byte
	var halves []int64
	add := func(id plait.TraceID) {
		if r.read[id] {
			return
		}
		r.read[id] = true
		if p := (logPosition{traceID: id}); p.synthetic() {
			untraced = append(untraced, id)
		} else {
			traced = append(traced, id)
		}
	}
	for _, u := range units {
		if p := (logPosition{traceID: u.ID}); r.untraced && !p.synthetic() {
			continue
		}
		add(u.ID)
		if traceid.IsHalf(u.ID) {
			halves = append(halves, int64(u.ID.Low()))
		}
	}
	if len(halves) > 0 {
		whole, err := r.store.ids.Wholes(ctx, halves)
		if err != nil {
			return err
		}
		for _, id := range whole {
			add(id)
		}
	}
	for _, some := range []struct {
		sql string
		ids [][16]byte
	}{{tracedUnitsSQL, traced}, {untracedUnitsSQL, untraced}} {
		if len(some.ids) == 0 {
			continue
		}
		err := r.readAll(ctx, r.store.lookup, some.sql, rowcodec.MicrosTime(r.within.From), rowcodec.MicrosTime(r.within.To), some.ids,
			filtered(r.resources), filtered(r.classes))
		if err != nil {
			return err
		}
	}
	return nil
}
