// Package servicemap draws the map of services: who calls whom, counted from the spans in Postgres when
// somebody asks.
//
// Minutes that were drawn before and whose spans are the same are remembered (minutes.go). Of the others the spans are
// read, with some minutes around them, as rows of what package spanmetrics needs to know to pair them (rows.go); then
// those are looked up that some of them name and that lie elsewhere; the rest is arithmetic (sums.go). Joining them in
// SQL would be a second copy of the rules.
package servicemap

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
	"github.com/plaithq/plait/store/tally"
	"github.com/plaithq/plait/store/traceid"
)

const (
	// maxSpans is about how many spans a service map reads; of more it samples traces.
	maxSpans = 250_000
	// mapsAtOnce bounds the maps that are drawn at a time, each of which has some 60 MB of spans.
	mapsAtOnce = 2

	// A caller may have started so long before the call that lies in the range, and by its own
	// clock so long after it. Those of longer ago, or of after, are looked up.
	callerBefore = 5 * time.Minute
	callerAfter  = time.Minute
	// Among very many spans it is looked for less far around, and looked up sooner.
	manyAround       = 50_000
	callerJustBefore = 30 * time.Second
	callerJustAfter  = 10 * time.Second

	// maxLookups bounds the traces in which spans are looked up that are not in the range:
	// producers of messages that were taken later, and clients of calls that took very long.
	maxLookups   = 2_000
	maxClientsOf = 200 // of these, for servers: most have a parent that nobody sent
	maxLookedUp  = 20_000
)

const (
	// Links and the trace state are asked for where there may be some.
	spanRowsSQL = `
SELECT trace_id, span_id, parent_span_id, start_time, duration_ns, status, operation, attribute_set, attributes,
       CASE WHEN extra LIKE '%"links":%' OR extra LIKE '%"trace_state":%' OR extra LIKE '%"kept_probability":%' THEN extra ELSE '' END
FROM plait_store.span`

	// Of a sample the last bytes of ids decide, which all spans of a trace have in common.
	spansInRangeSQL = spanRowsSQL + `
WHERE start_time >= $1 AND start_time < $2 AND ` + search.ShelvesSQL + `
  AND ($3 = 1 OR mod(hashint4extended(256 * get_byte(uuid_send(trace_id), 14) + get_byte(uuid_send(trace_id), 15), 0), $3) = 0)`

	spansOfTracesSQL = spanRowsSQL + `
WHERE trace_id = ANY ($1) AND NOT (start_time >= $2 AND start_time < $3)
LIMIT $4`
)

// Reader draws service maps. Its methods may be called concurrently.
type Reader struct {
	search  *pgxpool.Pool // statements that are planned each time
	entries *dictionary.Reader
	ids     *traceid.Index
	tally   *tally.Tally
	now     func() time.Time
	drawing chan struct{} // held by who draws a map
	mapped  *mappedMinutes
}

// NewReader makes a reader.
func NewReader(search *pgxpool.Pool, entries *dictionary.Reader, ids *traceid.Index, counted *tally.Tally, now func() time.Time) *Reader {
	return &Reader{search: search, entries: entries, ids: ids, tally: counted, now: now, drawing: make(chan struct{}, mapsAtOnce), mapped: newMappedMinutes()}
}

// ServiceMap counts the calls whose answering span started in the range, at the time of the
// question: late spans count. The edges are those of the span-derived metrics, by the rules of
// package spanmetrics. Of a range with more than a quarter of a million spans a sample of whole
// traces is read, in which links to other traces may lead nowhere. Spans that were sent twice count
// twice.
func (s *Reader) ServiceMap(ctx context.Context, r plait.TimeRange) (spanmetrics.ServiceMap, error) {
	done, err := s.turn(ctx)
	if err != nil {
		return spanmetrics.ServiceMap{}, err
	}
	defer done()
	walk := search.NewWalk(r, false, s.now()) // for its ends
	minutes, err := s.minutes(ctx, walk.From, walk.To)
	if err != nil {
		return spanmetrics.ServiceMap{}, fmt.Errorf("read service map: %w", err)
	}
	return sumOfMinutes(joined(minutes), walk.From, walk.To), nil
}

// turn waits until a map may be drawn. The caller says when it is done.
func (s *Reader) turn(ctx context.Context) (done func(), err error) {
	select {
	case s.drawing <- struct{}{}:
		return func() { <-s.drawing }, nil
	case <-ctx.Done():
		return nil, plait.Errorf(plait.ErrUnavailable, "wait for other service maps: %w", ctx.Err())
	}
}

// question is what is known of the spans of a run of minutes.
type question struct {
	reader           *Reader
	from, to         int64 // of the run, in microseconds
	readFrom, readTo int64 // with what is around it
	oneIn            int64
	sides            []spanmetrics.Side
	times            []spanTimes // of sides
	told             toldReader
	names            map[string]string // one copy of each
}

// newQuestion asks about a run of minutes, as far as they are in a range.
func (s *Reader) newQuestion(run minuteRun, from, to int64, oneIn int64, spans minuteSpans) *question {
	from, to = max(from, run.first()*counts.MinuteMicros), min(to, (run.last()+1)*counts.MinuteMicros)
	before, after := callerBefore, callerAfter
	if spans.of(run.read()) > manyAround {
		before, after = callerJustBefore, callerJustAfter
	}
	q := &question{
		reader: s, from: from, to: to, oneIn: oneIn,
		readFrom: max(from, rowcodec.MinMicros+before.Microseconds()) - before.Microseconds(),
		readTo:   min(to, rowcodec.MaxMicros-after.Microseconds()) + after.Microseconds(),
		names:    map[string]string{},
	}
	q.told = toldReader{names: q.name, ofSets: map[int64]*told{}, ofTexts: map[toldText]*told{}}
	return q
}

// spanTimes is when a span started, in microseconds, and how long it took.
type spanTimes struct{ start, nanos int64 }

// read reads the spans of the run, of a sample of traces if it is one.
func (q *question) read(ctx context.Context) error {
	return q.inTransaction(ctx, func(tx pgx.Tx) error {
		return q.rows(ctx, tx, spansInRangeSQL, rowcodec.MicrosTime(q.readFrom), rowcodec.MicrosTime(q.readTo), q.oneIn)
	})
}

// lookUp reads spans from outside of what was read: those that servers and consumers name as their
// callers, and the consumers of messages that nobody seems to have taken.
func (q *question) lookUp(ctx context.Context) error {
	wanted := q.elsewhere()
	if len(wanted) == 0 {
		return nil
	}
	spelled, err := q.reader.ids.Spell(ctx, wanted...)
	if err != nil {
		return err
	}
	return q.inTransaction(ctx, func(tx pgx.Tx) error {
		return q.rows(ctx, tx, spansOfTracesSQL, spelled.Stored(), rowcodec.MicrosTime(q.readFrom), rowcodec.MicrosTime(q.readTo), maxLookedUp)
	})
}

// elsewhere lists the traces in which to look for spans.
func (q *question) elsewhere() (ids []plait.TraceID) {
	g := spanmetrics.NewGraph(q.sides)
	seen := map[plait.TraceID]bool{}
	servers := 0
	want := func(id plait.TraceID) {
		if !seen[id] && len(ids) < maxLookups {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	for i, missing := range g.Missing() {
		if !q.counts(i) {
			continue
		}
		if q.sides[i].Kind == plait.SpanKindServer {
			if servers++; servers > maxClientsOf {
				continue
			}
		}
		want(missing.TraceID)
	}
	for c := range g.All() {
		if c.Server < 0 && q.sides[c.Client].Kind == plait.SpanKindProducer && q.counts(c.Client) {
			want(q.sides[c.Client].TraceID)
		}
	}
	return ids
}

// counts says whether a side started in the run.
func (q *question) counts(i int) bool {
	return q.times[i].start >= q.from && q.times[i].start < q.to
}

func (q *question) inTransaction(ctx context.Context, read func(pgx.Tx) error) error {
	return pg.ReadPlanned(ctx, q.reader.search, "SELECT", read)
}

func (q *question) rows(ctx context.Context, tx pgx.Tx, sql string, args ...any) error {
	rows, err := tx.Query(ctx, sql, append([]any{pg.Planned}, args...)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	read := mapRows{question: q}
	for rows.Next() {
		if err := read.add(ctx, rows.RawValues()); err != nil {
			return err
		}
	}
	return cmp.Or(rows.Err(), read.flush(ctx))
}

// name returns the one copy of a label's text.
func (q *question) name(text string) string {
	if kept, ok := q.names[text]; ok {
		return kept
	}
	kept := strings.Clone(text)
	q.names[kept] = kept
	return kept
}
