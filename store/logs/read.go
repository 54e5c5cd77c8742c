package logs

import (
	"context"
	"fmt"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
)

// The index is of the views' column, and trace_id itself tells Citus on which node a trace is.
const (
	traceLogsSQL = `
SELECT ` + readLogColumns + `
FROM plait_store.log
WHERE ` + traceSQL + ` = ANY ($1) AND trace_id = ANY ($1)
ORDER BY time, sub_ns, span_id, content
LIMIT $2`

	logCountsSQL = `
SELECT trace_id, severity, count(*)
FROM plait_store.log
WHERE ` + traceSQL + ` = ANY ($1) AND trace_id = ANY ($1)
GROUP BY trace_id, severity`

	logPositionSQL = `time = $2 AND sub_ns = $3 AND span_id = $4 AND ` + contentSQL + ` = $5`

	// A record of a trace is found by the trace, in the partition of its time.
	traceLogSQL = `
SELECT ` + readLogColumns + `
FROM plait_store.log
WHERE ` + traceSQL + ` = $1 AND trace_id = $1 AND ` + logPositionSQL + `
LIMIT 1`

	// One without a trace is found by its time alone.
	untracedLogSQL = `
SELECT ` + readLogColumns + `
FROM plait_store.log
WHERE trace_id = $1 AND ` + logPositionSQL + `
  AND (shelf = ($2::timestamptz AT TIME ZONE interval '0')::date OR ` + partition.OutsideSQL + `)
LIMIT 1`
)

// TraceLogs returns the records of a trace in time order, at most limit of them and as many as an
// answer has room for, and whether there are more. An id and its lower half find each other's records, as in Trace; a record
// keeps the id that it was sent with. Resources, scopes and attributes are shared: read-only.
func (s *Reader) TraceLogs(ctx context.Context, id plait.TraceID, limit int) ([]plait.LogRecord, bool, error) {
	spelled, err := s.ids.Spell(ctx, id)
	if err != nil {
		return nil, false, fmt.Errorf("read logs of trace %s: %w", id, err)
	}
	var rows []storedLog
	memory := search.NewMemory(ctx)
	err = pg.QueryUntil(ctx, s.lookup, func(v [][]byte) bool {
		rows = append(rows, scanLog(v))
		return memory.Take(rows[len(rows)-1].size())
	}, traceLogsSQL, spelled.Stored(), limit+1)
	if err != nil {
		return nil, false, fmt.Errorf("read logs of trace %s: %w", id, err)
	}
	more := len(rows) > limit || !memory.Left()
	rows = rows[:min(len(rows), limit)]
	records, err := s.decodeLogs(ctx, rows)
	if err != nil {
		return nil, false, fmt.Errorf("read logs of trace %s: %w", id, err)
	}
	if n := fittingLogs(&memory, records, rows); n < len(records) {
		records, more = records[:n], true
	}
	return records, more, nil
}

// LogCounts returns how many records each trace has, by severity name ("" when unknown), with
// the ids that were asked for. A trace without records is not in it.
func (s *Reader) LogCounts(ctx context.Context, ids []plait.TraceID) (map[plait.TraceID]map[string]int, error) {
	counts := make(map[plait.TraceID]map[string]int)
	if len(ids) == 0 {
		return counts, nil
	}
	spelled, err := s.ids.Spell(ctx, ids...)
	if err != nil {
		return nil, fmt.Errorf("count logs of traces: %w", err)
	}
	err = pg.QueryRows(ctx, s.lookup, func(v [][]byte) {
		severity := plait.SeverityNumber(rowcodec.Int2(v[1])).String()
		for _, asked := range spelled[plait.TraceID(v[0])] {
			if counts[asked] == nil {
				counts[asked] = make(map[string]int)
			}
			counts[asked][severity] += int(rowcodec.Int8(v[2]))
		}
	}, logCountsSQL, spelled.Stored())
	if err != nil {
		return nil, fmt.Errorf("count logs of traces: %w", err)
	}
	return counts, nil
}

// Log returns the record with the ID that a read gave it, or plait.ErrNotFound; for an ID that
// no read gave, plait.ErrInvalid. Records that are the same in time, trace, span, resource,
// attributes and body have the same ID.
func (s *Reader) Log(ctx context.Context, id string) (*plait.LogRecord, error) {
	p, err := parseLogID(id)
	if err != nil {
		return nil, err
	}
	var rows []storedLog
	scan := func(v [][]byte) { rows = append(rows, scanLog(v)) }
	args := []any{p.traceID[:], rowcodec.MicrosTime(p.micros), p.sub, p.spanID, p.content}
	if p.synthetic() {
		err = pg.QueryRows(ctx, s.search, scan, untracedLogSQL, append([]any{pg.Planned}, args...)...)
	} else {
		err = pg.QueryRows(ctx, s.lookup, scan, traceLogSQL, args...)
	}
	if err != nil {
		return nil, fmt.Errorf("read log record %s: %w", id, err)
	}
	if len(rows) == 0 {
		return nil, plait.Errorf(plait.ErrNotFound, "no log record %s is stored", id)
	}
	records, err := s.decodeLogs(ctx, rows)
	if err != nil {
		return nil, fmt.Errorf("read log record %s: %w", id, err)
	}
	return &records[0], nil
}
