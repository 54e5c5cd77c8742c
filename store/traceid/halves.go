package traceid

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/partition"
)

// Half ids. A 64-bit tracer writes the lower half of a trace id. What comes with half an id is
// stored under the whole one, so that SQL joins it like anything else (docs/decisions/009):
//
//  1. Before a batch is written, its half ids become the whole ones of traces whose spans are here
//     (completeIDs).
//  2. A half id of which no whole one is known is stored padded with zeros, and half_trace says so,
//     in the same transaction (queueHalves).
//  3. Spans with whole ids look there, in their own transaction (claims). Rows that were waiting for
//     them get the whole id. The rows of half_trace are locked by both sides, in the same order: so
//     whoever commits second sees the other.
//  4. One case is left: records that looked in vain for spans (1) which were committed before
//     half_trace was told (2). An upkeep task looks again (joinLateHalves).
//
// Two traces with the same lower half: a record joins the one that started last when it comes, or
// else the one whose spans come first.

// completeLimit bounds how long a batch waits to learn its whole ids: without them it is stored too.
const completeLimit = time.Second

// Complete replaces half ids by the whole ones of traces that are here, or in the batch itself. A
// database that does not tell is no error: what stays half is joined later.
func (s *Index) Complete(ctx context.Context, ids []*plait.TraceID) {
	whole := make(map[int64]plait.TraceID)
	unknown := make(map[int64]bool)
	for _, id := range ids {
		if isWhole(*id) {
			whole[int64(id.Low())] = *id
		}
	}
	for _, id := range ids {
		if low := int64(id.Low()); IsHalf(*id) && whole[low].IsZero() {
			unknown[low] = true
		}
	}
	if len(unknown) > 0 {
		ctx, cancel := context.WithTimeout(ctx, completeLimit)
		defer cancel()
		lows := sortedLows(unknown)
		for some := range slices.Chunk(lows, joinedAtOnce) {
			found, err := s.Full(ctx, some)
			if err != nil {
				break
			}
			for low, id := range found {
				whole[low] = id
			}
		}
	}
	for _, id := range ids {
		if full, ok := whole[int64(id.Low())]; ok && IsHalf(*id) {
			*id = full
		}
	}
}

// IsHalf says whether an id is the lower half of one.
func IsHalf(id plait.TraceID) bool { return !id.IsZero() && id == LowerHalf(id) }

func isWhole(id plait.TraceID) bool { return id != LowerHalf(id) }

// Halved returns pointers to the trace ids of a batch if one of them is half; most batches have none.
func Halved(n int, at func(int) *plait.TraceID) []*plait.TraceID {
	half := false
	for i := 0; i < n && !half; i++ {
		half = IsHalf(*at(i))
	}
	if !half {
		return nil
	}
	ids := make([]*plait.TraceID, n)
	for i := range n {
		ids[i] = at(i)
	}
	return ids
}

func sortedLows[V any](set map[int64]V) []int64 {
	lows := make([]int64, 0, len(set))
	for low := range set {
		lows = append(lows, low)
	}
	slices.Sort(lows)
	return lows
}

// Halves collects the ids of a group.
type Halves struct {
	half  map[int64]bool
	whole map[int64]plait.TraceID
	found map[int64]bool // of whole: rows are waiting for them
}

// NewHalves returns one without ids.
func NewHalves() Halves {
	return Halves{half: make(map[int64]bool), whole: make(map[int64]plait.TraceID), found: make(map[int64]bool)}
}

// Begin starts a group.
func (h *Halves) Begin() {
	clear(h.half)
	clear(h.whole)
	clear(h.found)
}

// Add takes the id of a record. Only spans make their trace known, so only their whole ids count.
func (h *Halves) Add(id plait.TraceID, span bool) {
	switch {
	case IsHalf(id):
		h.half[int64(id.Low())] = true
	case span && isWhole(id):
		h.whole[int64(id.Low())] = id
	}
}

const (
	// The lock on a row that exists is what step 3 is about.
	tellHalvesSQL = `
INSERT INTO plait_store.half_trace AS h (low_id, arrived_on, since)
SELECT low_id, $2::date, now()
FROM unnest($1::int8[]) low_id
ORDER BY low_id
ON CONFLICT (low_id, arrived_on) DO UPDATE SET since = excluded.since`

	// Where nobody writes half ids, it is seen at once that the table is empty.
	claimHalvesSQL = `
SELECT h.low_id
FROM unnest($1::int8[]) w(low_id)
JOIN plait_store.half_trace h ON h.low_id = w.low_id
WHERE EXISTS (SELECT FROM plait_store.half_trace)
ORDER BY h.low_id, h.arrived_on
FOR UPDATE OF h`

	// Likewise, but instead of telling of a row it fails, by a number that cannot be read; the text of that is
	// for whoever reads Postgres's log.
	failHalvesSQL = `
SELECT ('none: rows wait for the trace with lower half ' || h.low_id || ', so Plait joins them')::int8
FROM unnest($1::int8[]) w(low_id)
JOIN plait_store.half_trace h ON h.low_id = w.low_id
WHERE EXISTS (SELECT FROM plait_store.half_trace)`
)

// Queue adds the statements that open the transaction. Strict ones fail where they would have to tell that rows are waiting.
func (h *Halves) Queue(opening *pgx.Batch, today partition.Day, strict bool) {
	if len(h.half) > 0 {
		opening.Queue(tellHalvesSQL, sortedLows(h.half), today.Time())
	}
	if len(h.whole) > 0 && strict {
		opening.Queue(failHalvesSQL, sortedLows(h.whole))
	} else if len(h.whole) > 0 {
		opening.Queue(claimHalvesSQL, sortedLows(h.whole)).Query(func(rows pgx.Rows) error {
			var low int64
			_, err := pgx.ForEachRow(rows, []any{&low}, func() error { h.found[low] = true; return nil })
			return err
		})
	}
}

// Awaited says whether rows are waiting for this group's spans.
func (h *Halves) Awaited() bool { return len(h.found) > 0 }

// Join gives the rows that were waiting for this group's spans their whole ids.
func (h *Halves) Join(ctx context.Context, conn querierExecer) error {
	whole := make(map[int64]plait.TraceID, len(h.found))
	for low := range h.found {
		whole[low] = h.whole[low]
	}
	return joinHalves(ctx, conn, whole)
}

type querierExecer interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

const (
	// Citus lets nobody change the column by which rows are spread: so rows go, and come again under their whole id.
	joinSpansSQL = `
WITH half AS (
    DELETE FROM plait_store.span
    WHERE trace_id = ANY ($1::uuid[])
    RETURNING trace_id, start_time, span_id, parent_span_id, duration_ns, operation, resource, attribute_set, flags, shelf, start_sub_ns, status, attributes, extra
)
INSERT INTO plait_store.span (trace_id, start_time, span_id, parent_span_id, duration_ns, operation, resource, attribute_set, flags, shelf, start_sub_ns, status, attributes, extra)
SELECT h.whole, start_time, span_id, parent_span_id, duration_ns, operation, resource, attribute_set, flags, shelf, start_sub_ns, status, attributes, extra
FROM half
JOIN unnest($1::uuid[], $2::uuid[]) h (id, whole) ON h.id = trace_id`

	joinFragmentsSQL = `
WITH half AS (
    DELETE FROM plait_store.trace_fragment
    WHERE trace_id = ANY ($1::uuid[])
    RETURNING trace_id, start_time, low_id, duration_ns, root_operation, span_count, error_count, shelf, start_sub_ns, services
)
INSERT INTO plait_store.trace_fragment (trace_id, start_time, low_id, duration_ns, root_operation, span_count, error_count, shelf, start_sub_ns, services)
SELECT h.whole, start_time, low_id, duration_ns, root_operation, span_count, error_count, shelf, start_sub_ns, services
FROM half
JOIN unnest($1::uuid[], $2::uuid[]) h (id, whole) ON h.id = trace_id`

	joinLogsSQL = `
WITH half AS (
    DELETE FROM plait_store.log
    WHERE CASE WHEN trace_id < 'ffffffff-ffff-ffff-0000-000000000000'::uuid THEN trace_id END = ANY ($1::uuid[]) AND trace_id = ANY ($1::uuid[])
    RETURNING trace_id, time, span_id, observed_after, resource, class, attribute_set, flags, shelf, sub_ns, severity, body, attributes, extra
)
INSERT INTO plait_store.log (trace_id, time, span_id, observed_after, resource, class, attribute_set, flags, shelf, sub_ns, severity, body, attributes, extra)
SELECT h.whole, time, span_id, observed_after, resource, class, attribute_set, flags, shelf, sub_ns, severity, body, attributes, extra
FROM half
JOIN unnest($1::uuid[], $2::uuid[]) h (id, whole) ON h.id = trace_id`

	joinExemplarsSQL = `
WITH half AS (
    DELETE FROM plait_store.exemplar
    WHERE CASE WHEN trace_id <> '00000000-0000-0000-0000-000000000000'::uuid THEN trace_id END = ANY ($1::uuid[]) AND trace_id = ANY ($1::uuid[])
    RETURNING trace_id, time, series, span_id, value, shelf, labels, derived
)
INSERT INTO plait_store.exemplar (trace_id, time, series, span_id, value, shelf, labels, derived)
SELECT h.whole, time, series, span_id, value, shelf, labels, derived
FROM half
JOIN unnest($1::uuid[], $2::uuid[]) h (id, whole) ON h.id = trace_id`

	joinedHalvesSQL = `DELETE FROM plait_store.half_trace WHERE low_id = ANY ($1)`

	// By the indexes, whatever the planner knows of the partitions.
	byIndexSQL = `
SELECT pg_catalog.set_config(name, 'off', true)
FROM unnest(ARRAY['enable_seqscan', 'enable_mergejoin']) name`
	byAnythingSQL = `
SELECT pg_catalog.set_config(name, 'on', true)
FROM unnest(ARRAY['enable_seqscan', 'enable_mergejoin']) name`
)

// joinHalves rewrites rows within the caller's transaction, which holds their locks in half_trace.
func joinHalves(ctx context.Context, conn querierExecer, whole map[int64]plait.TraceID) error {
	if len(whole) == 0 {
		return nil
	}
	var batch pgx.Batch
	lows := sortedLows(whole)
	half, full := make([][16]byte, 0, len(lows)), make([][16]byte, 0, len(lows))
	for _, low := range lows {
		half, full = append(half, Padded(low)), append(full, whole[low])
	}
	batch.Queue(byIndexSQL)
	for _, sql := range []string{joinSpansSQL, joinFragmentsSQL, joinLogsSQL, joinExemplarsSQL} {
		batch.Queue(sql, half, full)
	}
	batch.Queue(joinedHalvesSQL, lows)
	batch.Queue(byAnythingSQL)
	if err := conn.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("join %d traces to their halves: %w", len(whole), err)
	}
	return nil
}

const (
	joinedAtOnce = 1000 // traces
	lateHalves   = 50_000
	// halvesOverlap is longer than a transaction that writes half ids takes.
	halvesOverlap = 30 * time.Second

	lateHalvesSQL = `
SELECT DISTINCT low_id
FROM plait_store.half_trace
WHERE since > $1
LIMIT $2`

	lockHalvesSQL = `
SELECT low_id
FROM plait_store.half_trace
WHERE low_id = ANY ($1)
ORDER BY low_id, arrived_on
FOR UPDATE`
)

// JoinLate looks for the spans of half ids that came since it last looked: those of them that
// were committed at the same moment were not seen.
func (s *Index) JoinLate(ctx context.Context) error {
	var now time.Time
	if err := s.search.QueryRow(ctx, `SELECT now()`).Scan(&now); err != nil {
		return err
	}
	rows, err := s.search.Query(ctx, lateHalvesSQL, s.seen, lateHalves)
	if err != nil {
		return fmt.Errorf("look for half ids: %w", err)
	}
	lows, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return fmt.Errorf("look for half ids: %w", err)
	}
	slices.Sort(lows)
	var failures []error
	for some := range slices.Chunk(lows, joinedAtOnce) {
		failures = append(failures, s.joinSome(ctx, some))
	}
	if err := errors.Join(failures...); err != nil {
		return err
	}
	s.seen = now.Add(-halvesOverlap)
	return nil
}

func (s *Index) joinSome(ctx context.Context, lows []int64) error {
	whole, err := s.Full(ctx, lows)
	if err != nil || len(whole) == 0 {
		return err
	}
	return pgx.BeginFunc(ctx, s.search, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockHalvesSQL, sortedLows(whole)); err != nil {
			return fmt.Errorf("lock half ids: %w", err)
		}
		return joinHalves(ctx, tx, whole)
	})
}
