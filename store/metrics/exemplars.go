package metrics

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pgcopy"
	"github.com/plaithq/plait/store/pgerror"
)

// exemplarRow is a row of the table exemplar.
type exemplarRow struct {
	series  int64
	nanos   int64
	value   float64
	traceID plait.TraceID
	spanID  plait.SpanID
	labels  string // JSON, or empty
	derived bool   // by Plait, from spans
}

func newExemplarRow(series int64, e *plait.Exemplar, derived bool) exemplarRow {
	r := exemplarRow{series: series, nanos: e.TimeNanos, value: e.Value, traceID: e.TraceID, spanID: e.SpanID, derived: derived}
	if len(e.Labels) > 0 {
		r.labels = labelsJSON(e.Labels)
	}
	return r
}

const copyExemplarsSQL = `COPY plait_store.exemplar (trace_id, time, series, span_id, value, labels, shelf, derived) FROM STDIN BINARY`

func (db *DB) copyExemplars(rows *pgcopy.Stream, exemplars []exemplarRow) error {
	var copied pgcopy.Rows
	for i := range exemplars {
		e := &exemplars[i]
		copied.Row(8)
		e.encode(&copied)
		copied.Date(db.config.Shelf("exemplar", time.Unix(0, e.nanos)))
		copied.Bool(e.derived)
	}
	if err := rows.Copy(copyExemplarsSQL, &copied); err != nil {
		return fmt.Errorf("insert exemplars: %w", err)
	}
	return nil
}

func (e *exemplarRow) encode(rows *pgcopy.Rows) {
	rows.UUID(e.traceID)
	rows.Timestamp(e.nanos / 1000)
	rows.Int8(e.series)
	rows.Int8(e.spanID.Int64())
	rows.Float8(e.value)
	rows.Text(e.labels)
}

// An answer holds a few hundred exemplars at most: of each of 200 slots of time the five
// highest, so that the slow ones are among them whatever the range.
const (
	exemplarSlots   = 200
	exemplarsOfSlot = 5
)

const (
	spreadExemplarsSQL = `
SELECT series, time, value, trace_id, span_id, labels
FROM (
    SELECT *, row_number() OVER (PARTITION BY floor(extract(epoch FROM time - $2::timestamptz) / $4::float8) ORDER BY value DESC) AS rank
    FROM plait_store.exemplar
    WHERE series = ANY ($1::int8[]) AND time >= $2 AND time <= $3 AND trace_id <> '00000000-0000-0000-0000-000000000000'
      AND (shelf BETWEEN ($2::timestamptz AT TIME ZONE interval '0')::date AND ($3::timestamptz AT TIME ZONE interval '0')::date OR shelf >= '4000-01-01')
) ranked
WHERE rank <= $5
ORDER BY time DESC`

	traceExemplarsSQL = `
SELECT series, time, value, trace_id, span_id, labels
FROM plait_store.exemplar
WHERE CASE WHEN trace_id <> '00000000-0000-0000-0000-000000000000'::uuid THEN trace_id END = ANY ($1::uuid[])
  AND trace_id = ANY ($1::uuid[]) -- on Citus: tells the node
ORDER BY time
LIMIT $2`
)

// maxTraceExemplars bounds the exemplars of one trace, each with the labels of its series.
const maxTraceExemplars = 1000

func collectExemplars(rows pgx.Rows) ([]exemplarRow, error) {
	var found []exemplarRow
	var e exemplarRow
	var at time.Time
	var spanID int64
	var traceID [16]byte
	_, err := pgx.ForEachRow(rows, []any{&e.series, &at, &e.value, &traceID, &spanID, &e.labels}, func() error {
		e.nanos, e.traceID, e.spanID = at.UnixNano(), plait.TraceID(traceID), plait.SpanIDFromInt64(spanID)
		found = append(found, e)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read exemplars: %w", err)
	}
	return found, nil
}

// spreadExemplars returns the exemplars of series within a range of milliseconds, newest first,
// spread over it, whose trace is stored.
func (db *DB) spreadExemplars(ctx context.Context, ids []int64, from, to int64) ([]exemplarRow, error) {
	slot := max(0.001, (float64(to)-float64(from))/1000/exemplarSlots)
	rows, err := db.config.Read.Query(ctx, spreadExemplarsSQL, ids, bound(from), bound(to), slot, exemplarsOfSlot)
	if err != nil {
		return nil, fmt.Errorf("read exemplars: %w", err)
	}
	found, err := collectExemplars(rows)
	if err != nil {
		return nil, err
	}
	return db.resolve(ctx, found)
}

const someExemplarsSQL = `
SELECT series, time, value, trace_id, span_id, labels
FROM plait_store.exemplar
WHERE time >= $1 AND time < $2 AND trace_id <> '00000000-0000-0000-0000-000000000000'
  AND (shelf BETWEEN ($1::timestamptz AT TIME ZONE interval '0')::date AND ($2::timestamptz AT TIME ZONE interval '0')::date OR shelf >= '4000-01-01')
LIMIT $3`

// DanglingExemplars looks at exemplars of a range, at most limit of them in no order, and counts those whose trace is not
// stored.
func (db *DB) DanglingExemplars(ctx context.Context, r plait.TimeRange, limit int) (looked, dangling int, err error) {
	rows, err := db.config.Read.Query(ctx, someExemplarsSQL, r.From.UTC(), r.To.UTC(), limit)
	if err != nil {
		return 0, 0, fmt.Errorf("read exemplars: %w", pgerror.Read(err))
	}
	found, err := collectExemplars(rows)
	if err != nil {
		return 0, 0, pgerror.Read(err)
	}
	looked = len(found)
	found, err = db.resolve(ctx, found)
	return looked, looked - len(found), pgerror.Read(err)
}

// An id whose upper half is zero is how 64-bit tracers write a trace, on either side, so traces
// are looked for by the lower half. An exemplar is measured within its trace: two days around it
// leave room for long traces and wrong clocks, and few partitions to look into. A trace may be here as
// log records alone, which are found by either spelling of its id.
const (
	tracesOfLowIDsSQL = `
SELECT DISTINCT trace_id
FROM plait_store.trace_fragment
WHERE low_id = ANY ($1)
  AND (start_time BETWEEN $2::timestamptz - interval '2 days' AND $3::timestamptz + interval '2 days' OR shelf >= '4000-01-01')`

	tracesOfLogsSQL = `
SELECT DISTINCT trace_id
FROM plait_store.log
WHERE CASE WHEN trace_id < 'ffffffff-ffff-ffff-0000-000000000000'::uuid THEN trace_id END = ANY ($1)
  AND trace_id = ANY ($1) -- on Citus: tells the node
  AND (time BETWEEN $2::timestamptz - interval '2 days' AND $3::timestamptz + interval '2 days' OR shelf >= '4000-01-01')`
)

// A trace that was found may be gone once another day is thinned, by whichever gateway.
const thinnedDaysSQL = `SELECT coalesce(string_agg(shelf::text, ' ' ORDER BY shelf), '') FROM plait_store.thinned_day WHERE gone > 0`

// resolve keeps the exemplars whose trace is stored. The others stay in the table, and are
// served once their trace is there.
func (db *DB) resolve(ctx context.Context, exemplars []exemplarRow) ([]exemplarRow, error) {
	if len(exemplars) == 0 {
		return nil, nil
	}
	var thinned string
	if err := db.config.Read.QueryRow(ctx, thinnedDaysSQL).Scan(&thinned); err != nil {
		return nil, fmt.Errorf("read which days are thinned: %w", err)
	}
	unknown := db.resolved.unknown(thinned, exemplars)
	if len(unknown) == 0 {
		return exemplars, nil
	}
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for i := range exemplars {
		if e := &exemplars[i]; unknown[e.traceID] {
			first, last = min(first, e.nanos), max(last, e.nanos)
		}
	}
	stored, err := db.storedTraces(ctx, unknown, time.Unix(0, first), time.Unix(0, last))
	if err != nil {
		return nil, err
	}
	db.resolved.add(thinned, stored)
	for _, id := range stored {
		delete(unknown, id)
	}
	return slices.DeleteFunc(exemplars, func(e exemplarRow) bool { return unknown[e.traceID] }), nil
}

// storedTraces returns those of the ids that are stored.
func (db *DB) storedTraces(ctx context.Context, ids map[plait.TraceID]bool, first, last time.Time) ([]plait.TraceID, error) {
	low := make([]int64, 0, len(ids))
	for id := range ids {
		low = append(low, int64(id.Low()))
	}
	var found []plait.TraceID
	spelled, err := db.traceIDs(ctx, tracesOfLowIDsSQL, low, first, last)
	if err != nil {
		return nil, err
	}
	halves := make(map[plait.TraceID]bool, len(spelled))
	for id := range spelled {
		halves[padded(id)] = true
	}
	var left [][16]byte
	for id := range ids {
		if spelled[id] || spelled[padded(id)] || halves[id] {
			found = append(found, id)
		} else {
			left = append(left, id, padded(id))
		}
	}
	if len(left) == 0 {
		return found, nil
	}
	if spelled, err = db.traceIDs(ctx, tracesOfLogsSQL, left, first, last); err != nil {
		return nil, err
	}
	for i := 0; i < len(left); i += 2 {
		if id := plait.TraceID(left[i]); spelled[id] || spelled[padded(id)] {
			found = append(found, id)
		}
	}
	return found, nil
}

// padded is how 64-bit tracers write an id.
func padded(id plait.TraceID) plait.TraceID {
	clear(id[:8])
	return id
}

// traceIDs asks for the ids of traces that are stored around a range of time.
func (db *DB) traceIDs(ctx context.Context, sql string, of any, first, last time.Time) (map[plait.TraceID]bool, error) {
	rows, err := db.config.Read.Query(ctx, sql, of, first.UTC(), last.UTC())
	if err != nil {
		return nil, fmt.Errorf("look for traces of exemplars: %w", err)
	}
	found := make(map[plait.TraceID]bool)
	var id [16]byte
	if _, err := pgx.ForEachRow(rows, []any{&id}, func() error {
		found[plait.TraceID(id)] = true
		return nil
	}); err != nil {
		return nil, fmt.Errorf("look for traces of exemplars: %w", err)
	}
	return found, nil
}

// exemplar makes the vocabulary's form.
func (e *exemplarRow) exemplar() (plait.Exemplar, error) {
	out := plait.Exemplar{TimeNanos: e.nanos, Value: e.value, TraceID: e.traceID, SpanID: e.spanID}
	if e.labels == "" {
		return out, nil
	}
	var all map[string]string
	if err := json.Unmarshal([]byte(e.labels), &all); err != nil {
		return out, fmt.Errorf("labels of exemplar: %w", err)
	}
	for name, value := range all {
		out.Labels = append(out.Labels, plait.Label{Name: name, Value: value})
	}
	slices.SortFunc(out.Labels, func(a, b plait.Label) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}
