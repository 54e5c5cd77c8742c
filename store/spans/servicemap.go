package spans

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/canonical"
	"github.com/plaithq/plait/spanmetrics"
	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
)

// How the service map is drawn: the spans of the range are read, with some minutes around it, as
// rows of what package spanmetrics needs to know to pair them; then those are looked up that some of
// them name and that lie elsewhere; the rest is arithmetic (servicemap_sums.go). Joining them in SQL
// would be a second copy of the rules.

const (
	// maxMapSpans is about how many spans a service map reads; of more it samples traces.
	maxMapSpans = 250_000
	// mapsAtOnce bounds the maps that are drawn at a time, each of which has some 60 MB of spans.
	mapsAtOnce = 2

	// A caller may have started so long before the call that lies in the range, and by its own
	// clock so long after it. Those of longer ago, or of after, are looked up.
	callerBefore = 5 * time.Minute
	callerAfter  = time.Minute

	// maxMapLookups bounds the traces in which spans are looked up that are not in the range:
	// producers of messages that were taken later, and clients of calls that took very long.
	maxMapLookups = 2_000
	maxClientsOf  = 200 // of these, for servers: most have a parent that nobody sent
	maxLookedUp   = 20_000

	maxPeerTexts = 10_000 // of attributes that are remembered
)

const (
	spansInRangeSQL = `
SELECT coalesce(sum(span_count), 0)::int8
FROM plait_store.trace_fragment
WHERE start_time >= $1 AND start_time < $2 AND ` + search.ShelvesSQL

	mapSpanColumns = `trace_id, span_id, parent_span_id, start_time, duration_ns, operation, status, attribute_set, attributes, extra`

	// $1 and $2 are the keys of which attributes name a peer and the patterns of texts with any
	// of them, $3 the keys of ports, the only ones that may be numbers. Names are cut: they become
	// labels, which are clipped. Kinds are OTLP's: 2 server, 3 client, 4 producer, 5 consumer. A
	// server's attributes name its caller, and are asked for where it has no parent.
	mapSpansSQL = `
WITH peer_sets AS (
    SELECT a.id, (
        SELECT jsonb_object_agg(x.key, left(x.value #>> '{}', 300))
        FROM jsonb_each(a.attributes::jsonb) x
        WHERE x.key = ANY ($1) AND (jsonb_typeof(x.value) = 'string' OR x.key = ANY ($3) AND jsonb_typeof(x.value) = 'number')
    ) AS peer
    FROM plait_store.attribute_set a
    WHERE a.attributes LIKE ANY ($2)
)
SELECT s.trace_id, s.span_id, s.parent_span_id, s.start_time, s.duration_ns, s.status, o.kind, o.service,
       CASE WHEN NOT n.names THEN NULL
            WHEN s.attributes LIKE ANY ($2) THEN (coalesce(a.peer, '{}') || coalesce((
                SELECT jsonb_object_agg(x.key, left(x.value #>> '{}', 300))
                FROM jsonb_each(s.attributes::jsonb) x
                WHERE x.key = ANY ($1) AND (jsonb_typeof(x.value) = 'string' OR x.key = ANY ($3) AND jsonb_typeof(x.value) = 'number')
            ), '{}'))::text
            ELSE a.peer::text
       END,
       CASE WHEN o.kind = 5 AND s.extra LIKE '%"links":%' THEN (
           SELECT string_agg(lpad(l.link ->> 'trace_id', 32, '0') || lpad(l.link ->> 'span_id', 16, '0'), '' ORDER BY l.place)
           FROM jsonb_array_elements(s.extra::jsonb -> 'links') WITH ORDINALITY l (link, place)
           WHERE l.place <= $4
       ) END
FROM (`

	mapSpansEndSQL = `
) s
JOIN plait_store.operation o ON o.id = s.operation
CROSS JOIN LATERAL (SELECT o.kind IN (3, 4) OR o.kind IN (2, 5) AND s.parent_span_id = 0 AS names) n
LEFT JOIN peer_sets a ON a.id = s.attribute_set AND n.names`

	// Of a sample the lower halves of ids decide, which all spans of a trace have in common.
	mapSpansInRangeSQL = mapSpansSQL + `
    SELECT ` + mapSpanColumns + `
    FROM plait_store.span
    WHERE start_time >= $5 AND start_time < $6
      AND (shelf BETWEEN ($5::timestamptz AT TIME ZONE interval '0')::date AND ($6::timestamptz AT TIME ZONE interval '0')::date
           OR ` + partition.OutsideSQL + `)
      AND ($7 = 1 OR mod(hashtextextended(right(encode(uuid_send(trace_id), 'hex'), 16), 0), $7) = 0)` + mapSpansEndSQL

	mapSpansOfTracesSQL = mapSpansSQL + `
    SELECT ` + mapSpanColumns + `
    FROM plait_store.span
    WHERE trace_id = ANY ($5) AND NOT (start_time >= $6 AND start_time < $7)
    LIMIT $8` + mapSpansEndSQL
)

// ServiceMap counts the calls whose answering span started in the range, at the time of the
// question: late spans count. The edges are those of the span-derived metrics, by the rules of
// package spanmetrics. Of a range with more than a quarter of a million spans a sample of whole
// traces is read, in which links to other traces may lead nowhere. Spans that were sent twice count
// twice.
func (s *Reader) ServiceMap(ctx context.Context, r plait.TimeRange) (spanmetrics.ServiceMap, error) {
	select {
	case s.mapping <- struct{}{}:
		defer func() { <-s.mapping }()
	case <-ctx.Done():
		return spanmetrics.ServiceMap{}, fmt.Errorf("wait for other service maps: %w: %w", plait.ErrUnavailable, ctx.Err())
	}
	walk := search.NewWalk(r, false, s.now()) // for its ends
	q := mapQuestion{
		store: s, from: walk.From, to: walk.To,
		readFrom: max(walk.From, rowcodec.MinMicros+callerBefore.Microseconds()) - callerBefore.Microseconds(),
		readTo:   min(walk.To, rowcodec.MaxMicros-callerAfter.Microseconds()) + callerAfter.Microseconds(),
		peers:    map[string]peer{}, names: map[string]string{},
	}
	err := q.read(ctx)
	if err == nil {
		err = q.lookUp(ctx)
	}
	if err != nil {
		return spanmetrics.ServiceMap{}, fmt.Errorf("read service map: %w", err)
	}
	return q.sum(), nil
}

// mapQuestion is what is known of a service map so far.
type mapQuestion struct {
	store            *Reader
	from, to         int64 // of the range, in microseconds
	readFrom, readTo int64
	oneIn            int64
	sides            []spanmetrics.Side
	times            []spanTimes // of sides
	peers            map[string]peer
	names            map[string]string // one copy of each
	err              error             // of a row
}

// spanTimes is when a span started, in microseconds, and how long it took.
type spanTimes struct{ start, nanos int64 }

// peer is what a text of attributes says of the other side, as each kind of span means it.
type peer struct {
	client, producer, caller string
	connection               spanmetrics.ConnectionType // of a client
}

// read reads the spans of the range, from a sample if there are many.
func (q *mapQuestion) read(ctx context.Context) error {
	return q.inTransaction(ctx, func(tx pgx.Tx) error {
		var spans int64
		if err := tx.QueryRow(ctx, spansInRangeSQL, pg.Planned, rowcodec.MicrosTime(q.readFrom), rowcodec.MicrosTime(q.readTo)).Scan(&spans); err != nil {
			return err
		}
		q.oneIn = max(1, (spans+maxMapSpans-1)/maxMapSpans)
		return q.rows(ctx, tx, mapSpansInRangeSQL, rowcodec.MicrosTime(q.readFrom), rowcodec.MicrosTime(q.readTo), q.oneIn)
	})
}

// lookUp reads spans from outside of what was read: those that servers and consumers name as their
// callers, and the consumers of messages that nobody seems to have taken.
func (q *mapQuestion) lookUp(ctx context.Context) error {
	wanted := q.elsewhere()
	if len(wanted) == 0 {
		return nil
	}
	spelled, err := q.store.ids.Spell(ctx, wanted...)
	if err != nil {
		return err
	}
	return q.inTransaction(ctx, func(tx pgx.Tx) error {
		return q.rows(ctx, tx, mapSpansOfTracesSQL, spelled.Stored(), rowcodec.MicrosTime(q.readFrom), rowcodec.MicrosTime(q.readTo), maxLookedUp)
	})
}

// elsewhere lists the traces in which to look for spans.
func (q *mapQuestion) elsewhere() (ids []plait.TraceID) {
	g := spanmetrics.NewGraph(q.sides)
	seen := map[plait.TraceID]bool{}
	servers := 0
	want := func(id plait.TraceID) {
		if !seen[id] && len(ids) < maxMapLookups {
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

// counts says whether a side started in the range that was asked for.
func (q *mapQuestion) counts(i int) bool {
	return q.times[i].start >= q.from && q.times[i].start < q.to
}

// manyRowsSQL plans for many spans: half of a day's are not in the statistics yet, and a nested loop that
// was planned for a handful would not end.
const manyRowsSQL = `SELECT set_config('enable_nestloop', 'off', true), set_config('work_mem', '64MB', true)`

func (q *mapQuestion) inTransaction(ctx context.Context, read func(pgx.Tx) error) error {
	return pg.ReadPlanned(ctx, q.store.search, manyRowsSQL, read)
}

func (q *mapQuestion) rows(ctx context.Context, tx pgx.Tx, sql string, args ...any) error {
	keys := slices.Concat(spanmetrics.PeerKeys, spanmetrics.PortKeys)
	rows, err := tx.Query(ctx, sql, append([]any{pg.Planned, keys, keyPatterns(spanmetrics.PeerKeys), spanmetrics.PortKeys, spanmetrics.MaxLinks}, args...)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		q.row(rows.RawValues())
	}
	return cmp.Or(rows.Err(), q.err)
}

// row takes a span in Postgres's binary format.
func (q *mapQuestion) row(v [][]byte) {
	side := spanmetrics.Side{
		Target:       spanmetrics.Target{TraceID: plait.TraceID(v[0]), SpanID: plait.SpanIDFromInt64(rowcodec.Int8(v[1]))},
		ParentSpanID: plait.SpanIDFromInt64(rowcodec.Int8(v[2])),
		Failed:       rowcodec.Int2(v[5]) == int16(plait.StatusError),
		Kind:         plait.SpanKind(rowcodec.Int2(v[6])),
		Service:      spanmetrics.Clip(q.name(v[7])),
	}
	if p := q.peer(v[8]); p != nil {
		switch side.Kind {
		case plait.SpanKindClient:
			side.Peer, side.Connection = p.client, p.connection
		case plait.SpanKindProducer:
			side.Peer, side.Connection = p.producer, spanmetrics.ConnectionMessaging
		default:
			side.Peer = p.caller
		}
	}
	if v[9] != nil {
		side.Links, q.err = readLinks(v[9])
	}
	q.sides = append(q.sides, side)
	q.times = append(q.times, spanTimes{rowcodec.TimeMicros(v[3]), spanmetrics.Believed(rowcodec.Int8(v[4]))})
}

// name returns the one copy of a label's text.
func (q *mapQuestion) name(text []byte) string {
	if kept, ok := q.names[string(text)]; ok {
		return kept
	}
	kept := string(text)
	q.names[kept] = kept
	return kept
}

// peer reads the attributes that name the other side; nil where there are none.
func (q *mapQuestion) peer(text []byte) *peer {
	if text == nil {
		return nil
	}
	p, ok := q.peers[string(text)]
	if !ok {
		if len(q.peers) >= maxPeerTexts {
			clear(q.peers)
		}
		attributes, err := canonical.ParseAttributes(string(text))
		if err != nil {
			q.err = err
			return nil
		}
		p.client, p.connection = spanmetrics.PeerOf(plait.SpanKindClient, attributes)
		p.producer, _ = spanmetrics.PeerOf(plait.SpanKindProducer, attributes)
		p.caller = spanmetrics.CallerOf(attributes)
		p.client, p.producer, p.caller = q.name([]byte(p.client)), q.name([]byte(p.producer)), q.name([]byte(p.caller))
		q.peers[string(text)] = p
	}
	return &p
}

// readLinks reads ids in hexadecimal, 32 digits of a trace and 16 of a span by turns.
func readLinks(text []byte) (links []spanmetrics.Target, err error) {
	const digits = 48
	for ; len(text) >= digits && err == nil; text = text[digits:] {
		var l spanmetrics.Target
		if err = l.TraceID.UnmarshalText(text[:32]); err == nil {
			err = l.SpanID.UnmarshalText(text[32:digits])
		}
		links = append(links, l)
	}
	return links, err
}

// keyPatterns are patterns of JSON objects with any of the keys.
func keyPatterns(keys []string) []string {
	patterns := make([]string, len(keys))
	for i, key := range keys {
		patterns[i] = pg.LikePattern(string(plait.AppendJSONString(nil, key)) + ":")
	}
	return patterns
}
