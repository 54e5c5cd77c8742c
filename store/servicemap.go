package store

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
	"github.com/plaithq/plait/store/pgerror"
)

const (
	// maxMapSpans is about how many spans a service map reads; of more it samples traces. So
	// many take about a second.
	maxMapSpans = 250_000

	// A caller may have started so long before the call that lies in the range, and by its own
	// clock so long after it.
	callerBefore = 5 * time.Minute
	callerAfter  = time.Minute
)

const (
	spansInRangeSQL = `
SELECT coalesce(sum(span_count), 0)::int8
FROM (
    SELECT span_count, start_time FROM plait_store.trace_fragment
    UNION ALL
    SELECT span_count, start_time FROM plait_store.trace_fragment_outside
) f
WHERE start_time >= $1 AND start_time < $2`

	// What makes an edge is said at spanmetrics.Edge. Kinds are OTLP's: 2 server, 3 client, 4 producer,
	// 5 consumer. A bucket is an eighth of a power of two of nanoseconds wide.
	serviceMapSQL = `
WITH peer_sets AS (
    SELECT a.id, (SELECT jsonb_object_agg(x.key, x.value) FROM jsonb_each(a.attributes::jsonb) x WHERE x.key = ANY ($6)) AS peer
    FROM plait_store.attribute_set a
    WHERE a.attributes LIKE ANY ($7)
),
spans AS MATERIALIZED (
    SELECT s.trace_id, s.span_id, s.parent_span_id,
           s.start_time >= $3 AND s.start_time < $4 AS counts,
           o.service, o.kind, s.status = 2 AS failed, s.duration_ns,
           CASE WHEN o.kind IN (3, 4) THEN a.peer END AS set_peer,
           CASE WHEN o.kind IN (3, 4) AND s.attributes LIKE ANY ($7) THEN s.attributes END AS attributes,
           o.kind IN (3, 4) AND (
               EXISTS (SELECT FROM jsonb_each(a.peer) x WHERE x.key = ANY ($8) AND jsonb_typeof(x.value) = 'string' AND x.value <> '""')
               OR s.attributes LIKE ANY ($9)
                   AND EXISTS (SELECT FROM jsonb_each(s.attributes::jsonb) x WHERE x.key = ANY ($8) AND jsonb_typeof(x.value) = 'string' AND x.value <> '""')
           ) AS database,
           CASE WHEN o.kind = 5 AND s.parent_span_id = 0 AND s.extra LIKE '%"links":%' THEN s.extra::jsonb #> '{links,0}' END AS link
    FROM (
        SELECT trace_id, span_id, parent_span_id, start_time, operation, status, duration_ns, attribute_set, attributes, extra
        FROM plait_store.span
        UNION ALL
        SELECT trace_id, span_id, parent_span_id, start_time, operation, status, duration_ns, attribute_set, attributes, extra
        FROM plait_store.span_outside
    ) s
    JOIN plait_store.operation o ON o.id = s.operation
    LEFT JOIN peer_sets a ON a.id = s.attribute_set
    WHERE s.start_time >= $1 AND s.start_time < $2
      AND ($5 = 1 OR mod(uuid_hash_extended(s.trace_id, 0), $5) = 0)
),
served AS (
    SELECT * FROM spans WHERE kind IN (2, 5)
),
-- the span that a served span answers: one that shares its id, else its parent, else what it links to
answered AS (
    SELECT c.*, k.span_id IS NOT NULL AS shared,
           CASE WHEN k.span_id IS NULL AND c.link IS NOT NULL THEN (c.link ->> 'trace_id')::uuid ELSE c.trace_id END AS caller_trace_id,
           CASE WHEN k.span_id IS NOT NULL THEN c.span_id
                WHEN c.link IS NOT NULL THEN ('x' || lpad(c.link ->> 'span_id', 16, '0'))::bit(64)::int8
                ELSE c.parent_span_id END AS caller_span_id
    FROM served c
    LEFT JOIN (SELECT DISTINCT trace_id, span_id FROM spans WHERE kind IN (3, 4)) k
        ON k.trace_id = c.trace_id AND k.span_id = c.span_id
),
-- Of an id that two sides share, what names it as its parent happened in the server.
called AS (
    SELECT c.*, p.service AS caller, p.kind AS caller_kind, p.failed AS caller_failed
    FROM answered c
    JOIN spans p ON p.trace_id = c.caller_trace_id AND p.span_id = c.caller_span_id
    LEFT JOIN (SELECT DISTINCT trace_id, span_id FROM answered WHERE shared) h
        ON h.trace_id = p.trace_id AND h.span_id = p.span_id
    WHERE NOT p.database
      AND CASE WHEN p.kind IN (3, 4) THEN c.shared OR h.span_id IS NULL
               ELSE NOT c.shared AND c.link IS NULL AND p.service <> c.service END
),
sums AS (
    SELECT 0 AS role, '' AS client, service AS server, false AS messages, 0::int2 AS kind, NULL::jsonb AS peer,
           floor(ln(greatest(duration_ns, 1)) * (8 / ln(2::float8)))::int4 AS bucket,
           failed, duration_ns
    FROM served
    WHERE counts
    UNION ALL
    SELECT 1, caller, service, kind = 5 OR caller_kind = 4, 0, NULL,
           floor(ln(greatest(duration_ns, 1)) * (8 / ln(2::float8)))::int4,
           failed OR caller_kind IN (3, 4) AND caller_failed, duration_ns
    FROM called
    WHERE counts
    UNION ALL
    SELECT 2, p.service, '', false, p.kind,
           coalesce(p.set_peer, '{}') || coalesce((SELECT jsonb_object_agg(x.key, x.value) FROM jsonb_each(p.attributes::jsonb) x WHERE x.key = ANY ($6)), '{}'),
           floor(ln(greatest(p.duration_ns, 1)) * (8 / ln(2::float8)))::int4,
           p.failed, p.duration_ns
    FROM spans p
    LEFT JOIN (SELECT DISTINCT caller_trace_id, caller_span_id FROM called WHERE caller_kind IN (3, 4)) c
        ON c.caller_trace_id = p.trace_id AND c.caller_span_id = p.span_id
    WHERE p.counts AND p.kind IN (3, 4) AND coalesce(p.set_peer::text, p.attributes) IS NOT NULL
      AND c.caller_span_id IS NULL
    UNION ALL
    SELECT 3, '', service, false, 0, NULL,
           floor(ln(greatest(duration_ns, 1)) * (8 / ln(2::float8)))::int4,
           failed, duration_ns
    FROM answered
    WHERE counts AND kind = 2 AND parent_span_id = 0 AND NOT shared
)
SELECT role, client, server, messages, kind, coalesce(peer::text, ''), bucket,
       count(*), count(*) FILTER (WHERE failed), sum(duration_ns)::float8
FROM sums
GROUP BY role, client, server, messages, kind, peer, bucket`
)

// ServiceMap counts the calls whose answering span started in the range, by joining server and
// consumer spans to the spans that called them, at the time of the question: late spans count. The
// edges are those of the span-derived metrics, see spanmetrics.Edge. Of a range with more than a quarter of
// a million spans a sample of whole traces is read, in which links to other traces may lead nowhere.
// Spans that were sent twice count twice.
func (s *Store) ServiceMap(ctx context.Context, r plait.TimeRange) (spanmetrics.ServiceMap, error) {
	m := serviceMap{nodes: make(map[string]*callSums), edges: make(map[spanmetrics.Edge]*callSums)}
	rows, err := s.readCalls(ctx, r, &m)
	if err != nil {
		return spanmetrics.ServiceMap{}, fmt.Errorf("read service map: %w", err)
	}
	for i := range rows {
		if err := m.add(&rows[i]); err != nil {
			return spanmetrics.ServiceMap{}, fmt.Errorf("read service map: %w", err)
		}
	}
	return m.result(), nil
}

// callRow is a row of serviceMapSQL: calls of one kind whose latencies are in one bucket.
type callRow struct {
	role           callRole
	client, server string
	messages       bool
	kind           plait.SpanKind // of a span without answer
	peer           string         // JSON of what it says of its peer
	bucket         int
	calls, failed  int64
	nanos          float64
}

type callRole int32

const (
	roleNode       callRole = iota // a service's own server and consumer spans
	roleAnswered                   // calls with both sides
	roleUnanswered                 // calls of which only the client's side is known
	roleOutermost                  // calls from outside
)

// readCalls reads the rows of the range, from a sample if there are many spans.
func (s *Store) readCalls(ctx context.Context, r plait.TimeRange, m *serviceMap) (rows []callRow, err error) {
	walk := newTimeWalk(r, false, s.now()) // for its ends
	from := max(walk.from, minMicros+callerBefore.Microseconds()) - callerBefore.Microseconds()
	to := min(walk.to, maxMicros-callerAfter.Microseconds()) + callerAfter.Microseconds()
	conn, err := acquire(ctx, s.readPool)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, pgerror.Read(err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // nothing was changed
	var spans int64
	if err := tx.QueryRow(ctx, spansInRangeSQL, planned, microsTime(from), microsTime(to)).Scan(&spans); err != nil {
		return nil, pgerror.Read(err)
	}
	m.oneIn = max(1, (spans+maxMapSpans-1)/maxMapSpans)
	// Half of a day's spans are not in the statistics yet, and a nested loop that was planned
	// for a handful would not end.
	if _, err := tx.Exec(ctx, `SELECT set_config('enable_nestloop', 'off', true), set_config('work_mem', '64MB', true)`); err != nil {
		return nil, pgerror.Read(err)
	}
	found, err := tx.Query(ctx, serviceMapSQL, planned, microsTime(from), microsTime(to),
		microsTime(walk.from), microsTime(walk.to), m.oneIn,
		spanmetrics.PeerKeys, keyPatterns(spanmetrics.PeerKeys), spanmetrics.DatabaseKeys, keyPatterns(spanmetrics.DatabaseKeys))
	if err != nil {
		return nil, pgerror.Read(err)
	}
	rows, err = pgx.CollectRows(found, func(row pgx.CollectableRow) (c callRow, err error) {
		err = row.Scan(&c.role, &c.client, &c.server, &c.messages, &c.kind, &c.peer, &c.bucket, &c.calls, &c.failed, &c.nanos)
		return c, err
	})
	return rows, pgerror.Read(err)
}

// keyPatterns are patterns of JSON objects with any of the keys.
func keyPatterns(keys []string) []string {
	patterns := make([]string, len(keys))
	for i, key := range keys {
		patterns[i] = likePattern(string(plait.AppendJSONString(nil, key)) + ":")
	}
	return patterns
}

// serviceMap adds rows up.
type serviceMap struct {
	oneIn int64
	nodes map[string]*callSums
	edges map[spanmetrics.Edge]*callSums
}

func (m *serviceMap) add(row *callRow) error {
	switch row.role {
	case roleNode:
		sumsOf(m.nodes, row.server).add(row)
	case roleAnswered:
		sumsOf(m.edges, spanmetrics.AnsweredEdge(row.client, row.server, row.messages)).add(row)
	case roleUnanswered:
		attributes, err := plait.ParseAttributes(row.peer)
		if err != nil {
			return err
		}
		peer, connection := spanmetrics.PeerOf(row.kind, attributes)
		if edge, ok := spanmetrics.UnansweredEdge(row.client, peer, connection); ok {
			sumsOf(m.edges, edge).add(row)
		}
	case roleOutermost:
		sumsOf(m.edges, spanmetrics.UserEdge(row.server)).add(row)
	}
	return nil
}

func (m *serviceMap) result() spanmetrics.ServiceMap {
	result := spanmetrics.ServiceMap{SampledOneIn: int(m.oneIn)}
	for service, c := range m.nodes {
		result.Nodes = append(result.Nodes, spanmetrics.MapNode{
			Service: service, Calls: c.calls * m.oneIn, Failed: c.failed * m.oneIn, DurationNanosSum: c.nanosSum(m.oneIn),
			P50: c.quantile(0.5), P95: c.quantile(0.95), P99: c.quantile(0.99),
		})
	}
	for key, c := range m.edges {
		result.Edges = append(result.Edges, spanmetrics.MapEdge{
			Edge:  key,
			Calls: c.calls * m.oneIn, Failed: c.failed * m.oneIn, DurationNanosSum: c.nanosSum(m.oneIn),
			P50: c.quantile(0.5), P95: c.quantile(0.95), P99: c.quantile(0.99),
		})
	}
	slices.SortFunc(result.Nodes, func(a, b spanmetrics.MapNode) int { return cmp.Compare(a.Service, b.Service) })
	slices.SortFunc(result.Edges, func(a, b spanmetrics.MapEdge) int {
		return cmp.Or(cmp.Compare(a.Client, b.Client), cmp.Compare(a.Server, b.Server), cmp.Compare(a.ConnectionType, b.ConnectionType))
	})
	return result
}

// callSums are counts and a histogram of latency with exponential buckets.
type callSums struct {
	calls, failed int64
	nanos         float64
	buckets       map[int]int64
}

func sumsOf[K comparable](sums map[K]*callSums, key K) *callSums {
	c := sums[key]
	if c == nil {
		c = &callSums{buckets: make(map[int]int64)}
		sums[key] = c
	}
	return c
}

func (c *callSums) add(row *callRow) {
	c.calls += row.calls
	c.failed += row.failed
	c.nanos += row.nanos
	c.buckets[row.bucket] += row.calls
}

func (c *callSums) nanosSum(oneIn int64) int64 {
	return int64(min(c.nanos*float64(oneIn), math.MaxInt64/2))
}

// bucketsPerDoubling is how many buckets there are between a latency and its double.
const bucketsPerDoubling = 8

// quantile estimates the latency below which the share q of calls stays, at most 4.5 % off.
func (c *callSums) quantile(q float64) time.Duration {
	rank := q * float64(c.calls)
	indexes := make([]int, 0, len(c.buckets))
	for i := range c.buckets {
		indexes = append(indexes, i)
	}
	slices.Sort(indexes)
	below := 0.0
	for n, i := range indexes {
		inside := float64(c.buckets[i])
		if below+inside >= rank || n == len(indexes)-1 {
			part := min(max((rank-below)/inside, 0), 1)
			return time.Duration(math.Exp2((float64(i) + part) / bucketsPerDoubling))
		}
		below += inside
	}
	return 0
}
