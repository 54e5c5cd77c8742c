package spans

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
	"github.com/plaithq/plait/store/terms"
	"github.com/plaithq/plait/store/traceid"
)

// There are two ways to the rows that may fit: back through time, where so many fit that those of a few seconds are
// enough, and the term index, which names traces that have such rows. Both find the same.

// commonShare is the part of all traces, one of so many, from which on it is quicker to go back through time.
const commonShare = 4

// units hands out traces with rows that may fit, a terms.Search or listedUnits.
type units interface {
	// Next returns the next ones, up to n; fewer only at the end.
	Next(ctx context.Context, n int) ([]terms.Unit, error)
	// Tick is how much earlier than its first row a unit may seem to begin, in microseconds.
	Tick() int64
}

// listedUnits are traces that a condition names. When they begin is not known.
type listedUnits struct{ ids [][16]byte }

// Next returns the next traces.
func (l *listedUnits) Next(_ context.Context, n int) ([]terms.Unit, error) {
	some := make([]terms.Unit, min(n, len(l.ids)))
	for i := range some {
		some[i] = terms.Unit{ID: l.ids[i], From: rowcodec.MaxMicros, To: rowcodec.MaxMicros}
	}
	l.ids = l.ids[len(some):]
	return some, nil
}

// Tick is nothing: the times are not from an index.
func (*listedUnits) Tick() int64 { return 0 }

// candidates returns the traces that the condition names, or asks the term index for traces with rows that may fit, between
// two times in microseconds. It is nil where the
// index narrows too little, where it names more traces than most, or where time itself leads from one that fits to the next.
func (s *Reader) candidates(ctx context.Context, p *spanPlan, from, to int64, most int) (units, error) {
	if p.traces != nil {
		return &listedUnits{p.traces}, nil
	}
	if p.terms.NarrowsNothing() || p.indexedByTime() {
		return nil, nil
	}
	found, err := s.terms.Find(ctx, p.terms, from, to, false)
	if err != nil {
		return nil, err
	}
	e, err := found.Estimate(ctx)
	if err != nil || e.Fitting > most || e.Fitting*commonShare > e.Units && e.Fitting > fewTraces {
		return nil, err
	}
	return found, nil
}

const newestFragmentSQL = `
SELECT start_time
FROM plait_store.trace_fragment
WHERE start_time >= $1 AND start_time < $2 AND ` + search.ShelvesSQL + `
ORDER BY start_time DESC
LIMIT 1`

// beginAtNewest lets a walk back through time begin where there are traces: its slices grow as long as they are empty, and
// one that is long by then would be read and sorted whole.
func (s *Reader) beginAtNewest(ctx context.Context, w *search.Walk) error {
	return pg.QueryRows(ctx, s.search, func(v [][]byte) { w.Newest(rowcodec.TimeMicros(v[0])) },
		newestFragmentSQL, pg.Planned, rowcodec.MicrosTime(w.From), rowcodec.MicrosTime(w.To))
}

const (
	// fewTraces are quicker read by id than looked for in time, whatever their share.
	fewTraces = 8
	// unitsAtOnce bounds the traces that are read by one statement.
	unitsAtOnce = 200
	// tracesRead bounds the traces of which all rows that fit are read, to be put in order.
	tracesRead = 2_000
)

// spansOfTracesSQL reads the spans of some traces, $3, in the shelves of a time. Text is sent only when it has to be
// compared. The time itself is compared here: a plan that is made for any argument could prefer an index on it.
const spansOfTracesSQL = `
SELECT trace_id, start_time, start_sub_ns, span_id, parent_span_id, duration_ns, operation, resource, attribute_set, flags, status,
       CASE WHEN $4 THEN attributes ELSE '' END,
       CASE WHEN $5 THEN extra ELSE '' END
FROM plait_store.span
WHERE trace_id = ANY ($3) AND ` + search.ShelvesSQL

// spellings are the ids under which the rows of units may be stored: what was written of a half id is under a whole
// one when one is known.
func (s *Reader) spellings(ctx context.Context, units []terms.Unit) ([][16]byte, error) {
	ids := make([][16]byte, 0, len(units))
	var lows []int64
	for _, u := range units {
		ids = append(ids, u.ID)
		if u.ID == traceid.LowerHalf(u.ID) {
			lows = append(lows, int64(u.ID.Low()))
		}
	}
	if len(lows) == 0 {
		return ids, nil
	}
	wholes, err := s.ids.Wholes(ctx, lows)
	if err != nil {
		return nil, err
	}
	for _, id := range wholes {
		if !slices.Contains(ids, [16]byte(id)) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// rowsOf hands out the rows of traces that fit and start within a time, some at a time or none.
func (s *Reader) rowsOf(ctx context.Context, p *spanPlan, units []terms.Unit, from, to int64, attributes, extra bool, use func([]storedSpan) error) error {
	ids, err := s.spellings(ctx, units)
	if err != nil || len(ids) == 0 {
		return err
	}
	within := func(rows []storedSpan) error {
		return use(slices.DeleteFunc(rows, func(row storedSpan) bool { return row.startMicros < from || row.startMicros >= to }))
	}
	return s.eachFitting(ctx, s.lookup, p, within, spansOfTracesSQL, rowcodec.MicrosTime(from), rowcodec.MicrosTime(to), ids, attributes, extra)
}

// comparedAtOnce is how many rows are decoded and compared together.
const comparedAtOnce = 500

// eachFitting reads the rows of a statement, and hands out those that fit. use keeps nothing of the list.
func (s *Reader) eachFitting(ctx context.Context, pool *pgxpool.Pool, p *spanPlan, use func([]storedSpan) error, sql string, args ...any) error {
	var rows []storedSpan
	var bad error
	flush := func() {
		var kept []storedSpan
		if kept, bad = s.fitting(ctx, p, rows); bad == nil && len(kept) > 0 {
			bad = use(kept)
		}
		rows = rows[:0]
	}
	err := pg.QueryUntil(ctx, pool, func(v [][]byte) bool {
		if rows = append(rows, scanSpan(v)); len(rows) >= comparedAtOnce {
			flush()
		}
		return bad == nil
	}, sql, args...)
	if err == nil && bad == nil {
		flush()
	}
	if err == nil {
		err = bad
	}
	return err
}

// spanMatch is a span that fits.
type spanMatch struct {
	traceID plait.TraceID
	micros  int64
}

// newestFirst orders matches.
func newestFirst(matches []spanMatch) {
	slices.SortFunc(matches, func(a, b spanMatch) int {
		switch {
		case a.micros > b.micros:
			return -1
		case a.micros < b.micros:
			return 1
		}
		return slices.Compare(a.traceID[:], b.traceID[:])
	})
}
