package store

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/plaithq/plait"
)

const (
	allLogsSQL = `
SELECT *
FROM (
    SELECT ` + logColumns + ` FROM plait_store.log
    UNION ALL
    SELECT ` + logColumns + ` FROM plait_store.log_outside
) l`

	// The condition is the expression of the index log_trace, to the letter. Nothing else that an
	// index knows may stand beside it: a plan that is made for any argument could prefer time.
	logsOfTracesSQL = `
WITH l AS MATERIALIZED (
    SELECT ` + logColumns + `
    FROM plait_store.log
    WHERE CASE WHEN trace_id < 'ffffffff-ffff-ffff-0000-000000000000'::uuid THEN encode(uuid_send(trace_id), 'hex') END COLLATE "C" = ANY ($17)
    UNION ALL
    SELECT ` + logColumns + `
    FROM plait_store.log_outside
    WHERE CASE WHEN trace_id < 'ffffffff-ffff-ffff-0000-000000000000'::uuid THEN encode(uuid_send(trace_id), 'hex') END COLLATE "C" = ANY ($17)
)
SELECT *
FROM l`

	logMatchSQL = `
WHERE time >= $1 AND time < $2
  AND ($3::int2 IS NULL OR severity >= $3)
  AND ($4::int8[] IS NULL OR resource = ANY ($4))
  AND ($5::text IS NULL OR body ILIKE $5 OR strpos(body, '\') > 0 AND body ILIKE ANY ($16))
  AND ($6::int8 IS NULL OR span_id = $6)
  AND ($13::text[] IS NULL OR resource = ANY ($14) OR attribute_set = ANY ($15) OR attributes LIKE ANY ($13))`

	logsNewestFirstSQL = `
  AND (time, sub_ns, trace_id, span_id, content) <= ($7, $8, $9, $10, $11)
ORDER BY time DESC, sub_ns DESC, trace_id DESC, span_id DESC, content DESC
LIMIT $12`

	logsOldestFirstSQL = `
  AND (time, sub_ns, trace_id, span_id, content) >= ($7, $8, $9, $10, $11)
ORDER BY time, sub_ns, trace_id, span_id, content
LIMIT $12`

	searchLogsNewestFirstSQL      = allLogsSQL + logMatchSQL + logsNewestFirstSQL
	searchLogsOldestFirstSQL      = allLogsSQL + logMatchSQL + logsOldestFirstSQL
	searchTraceLogsNewestFirstSQL = logsOfTracesSQL + logMatchSQL + logsNewestFirstSQL
	searchTraceLogsOldestFirstSQL = logsOfTracesSQL + logMatchSQL + logsOldestFirstSQL
)

// Logs searches for records, newest first unless asked otherwise, and returns the cursor of the
// next page, empty at the end. A search takes ten seconds at most: the page then has what was
// found, and the cursor goes on from there. Records of one nanosecond are in the order of
// trace, span and content.
func (s *Store) Logs(ctx context.Context, q plait.LogQuery) ([]plait.LogRecord, string, error) {
	search, err := s.newLogSearch(ctx, q)
	if err != nil {
		return nil, "", fmt.Errorf("search logs: %w", err)
	}
	bounded, cancel := searchContext(ctx)
	defer cancel()
	begin := search.walk
	if err := search.run(bounded); err != nil && !cutShort(ctx, bounded, err, len(search.rows), search.walk != begin) {
		return nil, "", fmt.Errorf("search logs: %w", err)
	}
	rows, cursor := search.page()
	records, err := s.lookup.decodeLogs(ctx, rows)
	if err != nil {
		return nil, "", fmt.Errorf("search logs: %w", err)
	}
	return records, cursor, nil
}

// logSearch is one page's worth of searching.
type logSearch struct {
	store     *Store
	query     plait.LogQuery
	resources []int64  // of the service; nil: any
	contains  *string  // pattern of the body; nil: any
	escaped   []string // patterns of bodies that say the same with escapes
	traces    []string // nil: any
	// attributes hold all. Only the first, the rarest, is asked of Postgres; it and the others are
	// then compared here.
	attributes []attributeCondition

	walk  timeWalk
	limit int
	start logCursor
	rest  logPosition // where what was not read begins
	rows  []storedLog
}

func (s *Store) newLogSearch(ctx context.Context, q plait.LogQuery) (*logSearch, error) {
	t := &logSearch{store: s, query: q, walk: newTimeWalk(q.Range, q.Ascending, s.now()), limit: searchLimit(q.Limit)}
	t.start = logCursor{logPosition: t.first()}
	if q.Cursor != "" {
		var err error
		if t.start, err = parseLogCursor(q.Cursor); err != nil {
			return nil, err
		}
		if q.Ascending {
			t.walk.from = max(t.walk.from, t.start.micros)
		} else {
			t.walk.to = min(t.walk.to, t.start.micros+1)
		}
	}
	if q.Contains != "" {
		contains := likePattern(cleanText(q.Contains))
		t.contains, t.escaped = &contains, escapedPatterns(cleanText(q.Contains))
	}
	var err error
	if t.attributes, err = s.attributeConditions(ctx, q.Attributes); err != nil {
		return nil, err
	}
	if q.Service != "" {
		var err error
		if t.resources, err = s.resourcesOf(ctx, q.Service); err != nil {
			return nil, err
		}
	}
	if !q.TraceID.IsZero() {
		spelled, err := s.spell(ctx, q.TraceID)
		if err != nil {
			return nil, err
		}
		t.traces = spelled.hex()
		t.walk.length = wholeRange // the index on traces finds the rows
	}
	return t, nil
}

const serviceResourcesSQL = `
SELECT id
FROM plait_store.resource
WHERE service = $1`

// resourcesOf returns the ids of a service's resources, not nil.
func (s *Store) resourcesOf(ctx context.Context, service string) ([]int64, error) {
	ids := []int64{}
	err := queryRows(ctx, s.lookup.pool, func(v [][]byte) { ids = append(ids, readInt8(v[0])) },
		serviceResourcesSQL, clip(cleanText(service)))
	if err != nil {
		return nil, fmt.Errorf("list resources of a service: %w", err)
	}
	return ids, nil
}

// run reads slices until there is one record more than the page takes, or no range left.
func (t *logSearch) run(ctx context.Context) error {
	if t.resources != nil && len(t.resources) == 0 {
		t.walk.to = t.walk.from
	}
	for !t.walk.done() {
		wanted := t.limit + t.start.skip + 1 - len(t.rows)
		if wanted <= 0 {
			return nil
		}
		from, to := t.walk.slice()
		var rows []storedLog
		if err := t.readFitting(ctx, &rows, from, to, wanted); err != nil {
			return err
		}
		inside := slices.IndexFunc(rows, t.beyond)
		if inside >= 0 {
			t.walk.from, t.walk.to = from, from // what follows is beyond the range, too
			rows = rows[:inside]
		} else if len(rows) < wanted {
			t.walk.read(from, to)
			t.rest = t.edge()
		}
		t.rows = append(t.rows, rows...)
	}
	return nil
}

// read reads the first records of a slice from a position on, at most limit of them. Rows of one
// trace are few and found by a plan that is made once.
func (t *logSearch) read(ctx context.Context, rows *[]storedLog, p *logPosition, from, to int64, limit int) error {
	args := []any{microsTime(from), microsTime(to), optional(int16(t.query.MinSeverity)), t.resources, t.contains,
		optional(t.query.SpanID.Int64()), microsTime(p.micros), p.sub, p.traceID[:], p.spanID, p.content, limit,
		[]string(nil), []int64(nil), []int64(nil), t.escaped}
	if len(t.attributes) > 0 {
		first := &t.attributes[0]
		args[12], args[13], args[14] = first.patterns, first.resources, first.sets
	}
	scan := func(v [][]byte) { *rows = append(*rows, scanLog(v)) }
	switch {
	case t.traces != nil && t.query.Ascending:
		return queryRows(ctx, t.store.lookup.pool, scan, searchTraceLogsOldestFirstSQL, append(args, t.traces)...)
	case t.traces != nil:
		return queryRows(ctx, t.store.lookup.pool, scan, searchTraceLogsNewestFirstSQL, append(args, t.traces)...)
	case t.query.Ascending:
		return queryRows(ctx, t.store.readPool, scan, searchLogsOldestFirstSQL, append([]any{planned}, args...)...)
	}
	return queryRows(ctx, t.store.readPool, scan, searchLogsNewestFirstSQL, append([]any{planned}, args...)...)
}

// first is the first position of the range, to the nanosecond.
func (t *logSearch) first() logPosition {
	p := t.edge()
	switch r := t.query.Range; {
	case t.query.Ascending && !r.From.IsZero():
		p.sub = int16(r.From.Nanosecond() % 1000)
	case !t.query.Ascending && !r.To.IsZero():
		p.sub = int16(r.To.Add(-1).Nanosecond() % 1000)
	}
	return p
}

// edge is the first position of what remains to be read, to the microsecond.
func (t *logSearch) edge() logPosition {
	if t.query.Ascending {
		return logPosition{micros: t.walk.from, spanID: math.MinInt64, content: math.MinInt64}
	}
	p := logPosition{micros: t.walk.to - 1, sub: math.MaxInt16, spanID: math.MaxInt64, content: math.MaxInt64}
	copy(p.traceID[:], slices.Repeat([]byte{0xff}, len(p.traceID)))
	return p
}

// beyond says that a record lies after the last nanosecond of the range.
func (t *logSearch) beyond(row storedLog) bool {
	at := time.UnixMicro(row.micros).Add(time.Duration(row.sub))
	if t.query.Ascending {
		return !t.query.Range.To.IsZero() && !at.Before(t.query.Range.To)
	}
	return at.Before(t.query.Range.From)
}

// page returns the records of the page and the cursor that goes on after them.
func (t *logSearch) page() ([]storedLog, string) {
	rows := t.rows
	for skip := t.start.skip; skip > 0 && len(rows) > 0 && rows[0].logPosition == t.start.logPosition; skip-- {
		rows = rows[1:]
	}
	if len(rows) <= t.limit {
		if t.walk.done() {
			return rows, ""
		}
		next := logCursor{logPosition: t.rest}
		if t.rest == (logPosition{}) {
			next = t.start
		}
		return rows, next.String()
	}
	rows = rows[:t.limit]
	next := logCursor{logPosition: rows[len(rows)-1].logPosition}
	for i := len(rows) - 1; i >= 0 && rows[i].logPosition == next.logPosition; i-- {
		next.skip++
	}
	if next.logPosition == t.start.logPosition {
		next.skip += t.start.skip
	}
	return rows, next.String()
}

// logCursor says where a page ended: at a position, after so many records of it.
type logCursor struct {
	logPosition
	skip int
}

// String returns the cursor in base64url.
func (c *logCursor) String() string {
	b := binary.BigEndian.AppendUint32(c.appendTo(nil), uint32(c.skip))
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseLogCursor(text string) (logCursor, error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) != logPositionSize+4 {
		return logCursor{}, fmt.Errorf("cursor %q is not one that a log search returned: %w", text, plait.ErrInvalid)
	}
	// a bound on what a made-up cursor can ask for
	skip := binary.BigEndian.Uint32(b[logPositionSize:])
	return logCursor{readLogPosition(b), int(min(skip, 1<<20))}, nil
}
