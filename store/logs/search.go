package logs

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
)

const (
	allLogsSQL = `
SELECT *
FROM (
    SELECT ` + readLogColumns + `
    FROM plait_store.log
    WHERE ` + search.ShelvesSQL + `
) l`

	// Nothing else that an index knows may stand beside the trace: a plan that is made for any argument
	// could prefer time.
	logsOfTracesSQL = `
WITH l AS MATERIALIZED (
    SELECT ` + readLogColumns + `
    FROM plait_store.log
    WHERE ` + traceSQL + ` = ANY ($19)
)
SELECT *
FROM l`

	logMatchSQL = `
WHERE time >= $1 AND time < $2
  AND ($3::int2 IS NULL OR severity >= $3)
  AND ($4::int8[] IS NULL OR resource = ANY ($4))
  AND ($5::text IS NULL OR body ILIKE $5 OR strpos(body, '\') > 0 AND body ILIKE ANY ($16))
  AND ($6::int8 IS NULL OR span_id = $6)
  AND ($13::text[] IS NULL OR resource = ANY ($14) OR attribute_set = ANY ($15)
       OR ($18 = '' OR strpos(attributes, $18) > 0) AND (attributes LIKE ANY ($13) OR ` + dictionary.NestingSQL + ` AND attributes LIKE ANY ($17)))`

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
// next page, empty at the end. A search takes ten seconds, and a page 16 MiB, at most: the page then
// has what was found, and the cursor goes on from there. Records of one nanosecond are in the order of
// trace, span and content.
func (s *Reader) Logs(ctx context.Context, q plait.LogQuery) ([]plait.LogRecord, string, error) {
	t, err := s.newLogSearch(ctx, q)
	if err != nil {
		return nil, "", fmt.Errorf("search logs: %w", err)
	}
	bounded, cancel := search.Bounded(ctx)
	defer cancel()
	begin := t.walk
	if err := t.run(bounded); err != nil && !search.CutShort(ctx, bounded, err, len(t.rows), t.walk != begin) {
		return nil, "", fmt.Errorf("search logs: %w", err)
	}
	rows, cursor := t.cut(min(len(t.rows), t.limit))
	records, err := s.decodeLogs(ctx, rows)
	if err != nil {
		return nil, "", fmt.Errorf("search logs: %w", err)
	}
	if n := fittingLogs(&t.memory, records, rows); n < len(records) {
		records = records[:n]
		_, cursor = t.cut(n)
	}
	return records, cursor, nil
}

// logSearch is one page's worth of searching.
type logSearch struct {
	store     *Reader
	query     plait.LogQuery
	resources []int64    // of the service; nil: any
	contains  *string    // pattern of the body; nil: any
	escaped   []string   // patterns of bodies that say the same with escapes
	traces    [][16]byte // nil: any
	// attributes hold all. Only the first, the rarest, is asked of Postgres; it and the others are
	// then compared here.
	attributes []dictionary.AttributeCondition

	walk   search.Walk
	limit  int
	start  logCursor
	at     logCursor // after what was read
	memory search.Memory
	rows   []storedLog
}

func (s *Reader) newLogSearch(ctx context.Context, q plait.LogQuery) (*logSearch, error) {
	t := &logSearch{store: s, query: q, walk: search.NewWalk(q.Range, q.Ascending, s.now()), limit: search.Limit(q.Limit), memory: search.NewMemory(ctx)}
	t.start = logCursor{logPosition: t.first()}
	if q.Cursor != "" {
		var err error
		if t.start, err = parseLogCursor(q.Cursor); err != nil {
			return nil, err
		}
		if q.Ascending {
			t.walk.From = max(t.walk.From, t.start.micros)
		} else {
			t.walk.To = min(t.walk.To, t.start.micros+1)
		}
	}
	t.at = t.start
	if q.Contains != "" {
		contains := pg.LikePattern(rowcodec.CleanText(q.Contains))
		t.contains, t.escaped = &contains, escapedPatterns(rowcodec.CleanText(q.Contains))
	}
	var err error
	if t.attributes, err = s.entries.AttributeConditions(ctx, q.Attributes); err != nil {
		return nil, err
	}
	if q.Service != "" {
		var err error
		if t.resources, err = s.resourcesOf(ctx, q.Service); err != nil {
			return nil, err
		}
	}
	if !q.TraceID.IsZero() {
		spelled, err := s.ids.Spell(ctx, q.TraceID)
		if err != nil {
			return nil, err
		}
		t.traces = spelled.Stored()
		t.walk.Length = search.WholeRange // the index on traces finds the rows
	}
	return t, nil
}

const serviceResourcesSQL = `
SELECT id
FROM plait_store.resource
WHERE service = $1`

// resourcesOf returns the ids of a service's resources, not nil.
func (s *Reader) resourcesOf(ctx context.Context, service string) ([]int64, error) {
	ids := []int64{}
	err := pg.QueryRows(ctx, s.lookup, func(v [][]byte) { ids = append(ids, rowcodec.Int8(v[0])) },
		serviceResourcesSQL, dictionary.Clip(rowcodec.CleanText(service)))
	if err != nil {
		return nil, fmt.Errorf("list resources of a service: %w", err)
	}
	return ids, nil
}

// run reads until there is one record more than the page takes, or no range or memory left.
func (t *logSearch) run(ctx context.Context) error {
	if t.resources != nil && len(t.resources) == 0 {
		t.walk.To = t.walk.From
	}
	enough := func() bool { return len(t.rows) > t.limit || !t.memory.Left() }
	limit := t.limit + 1
	if len(t.attributes) > 0 { // of which Postgres only guesses
		limit = max(limit, search.ComparedRows)
	}
	return t.walk.Pages(ctx, limit, enough, func(ctx context.Context, from, to int64, limit int) (search.Page, error) {
		p, err := t.page(ctx, from, to, limit+t.at.skip)
		if err == nil && !p.Full {
			t.at = logCursor{logPosition: t.after(from, to)}
		}
		return p, err
	})
}

// page appends a page of the records of a slice that come after those that were read. Rows of one
// trace are few and found by a plan that is made once.
func (t *logSearch) page(ctx context.Context, from, to int64, limit int) (p search.Page, err error) {
	start, skip := t.at.logPosition, t.at.skip
	args := []any{rowcodec.MicrosTime(from), rowcodec.MicrosTime(to), pg.Optional(int16(t.query.MinSeverity)), t.resources, t.contains,
		pg.Optional(t.query.SpanID.Int64()), rowcodec.MicrosTime(start.micros), start.sub, start.traceID[:], start.spanID, start.content, limit,
		[]string(nil), []int64(nil), []int64(nil), t.escaped, []string(nil), ""}
	if len(t.attributes) > 0 {
		first := &t.attributes[0]
		args[12], args[13], args[14], args[16], args[17] = first.Patterns, first.Resources, first.Sets, first.Nested, first.Holds
	}
	var bad error
	scan := func(v [][]byte) bool {
		row := scanLog(v)
		p.Add(row.micros)
		if skip > 0 && row.logPosition == start {
			skip--
			return true
		}
		t.at.pass(row.logPosition, t.query.Ascending)
		if t.beyond(row) {
			return true
		}
		fits, err := dictionary.AttributesFit(t.attributes, row.resource, row.attributeSet, row.attributes)
		if err != nil {
			bad = fmt.Errorf("log record %s: %w", row.id(), err)
			return false
		}
		if fits {
			t.rows = append(t.rows, row)
			p.Full = !t.memory.Take(row.size())
		}
		return !p.Full
	}
	switch {
	case t.traces != nil && t.query.Ascending:
		err = pg.QueryUntil(ctx, t.store.lookup, scan, searchTraceLogsOldestFirstSQL, append(args, t.traces)...)
	case t.traces != nil:
		err = pg.QueryUntil(ctx, t.store.lookup, scan, searchTraceLogsNewestFirstSQL, append(args, t.traces)...)
	case t.query.Ascending:
		err = pg.QueryUntil(ctx, t.store.search, scan, searchLogsOldestFirstSQL, append([]any{pg.Planned}, args...)...)
	default:
		err = pg.QueryUntil(ctx, t.store.search, scan, searchLogsNewestFirstSQL, append([]any{pg.Planned}, args...)...)
	}
	p.Full = p.Full || p.Rows >= limit
	return p, cmp.Or(err, bad)
}

// first is the first position of the range, to the nanosecond.
func (t *logSearch) first() logPosition {
	p := t.after(t.walk.To, t.walk.From)
	switch r := t.query.Range; {
	case t.query.Ascending && !r.From.IsZero():
		p.sub = int16(r.From.Nanosecond() % 1000)
	case !t.query.Ascending && !r.To.IsZero():
		p.sub = int16(r.To.Add(-1).Nanosecond() % 1000)
	}
	return p
}

// after is the first position after a slice, to the microsecond.
func (t *logSearch) after(from, to int64) logPosition {
	if t.query.Ascending {
		return logPosition{micros: to, spanID: math.MinInt64, content: math.MinInt64}
	}
	p := logPosition{micros: from - 1, sub: math.MaxInt16, spanID: math.MaxInt64, content: math.MaxInt64}
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

// cut returns the first records and the cursor that goes on after them.
func (t *logSearch) cut(n int) ([]storedLog, string) {
	if n == len(t.rows) {
		if t.walk.Done() {
			return t.rows, ""
		}
		return t.rows, t.at.String()
	}
	next := t.start
	for i := range t.rows[:n] {
		next.pass(t.rows[i].logPosition, t.query.Ascending)
	}
	return t.rows[:n], next.String()
}

// logCursor says where a page ended: at a position, after so many records of it.
type logCursor struct {
	logPosition
	skip int
}

// pass moves the cursor behind a record. Of records that nothing tells apart, those beyond maxSkip are
// passed together.
func (c *logCursor) pass(p logPosition, ascending bool) {
	if c.logPosition != p {
		*c = logCursor{logPosition: p}
	}
	if c.skip++; c.skip <= maxSkip {
		return
	}
	c.skip = 0
	if ascending {
		c.content++
	} else {
		c.content--
	}
}

// maxSkip bounds what a cursor can make a search read again.
const maxSkip = 50_000

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
	skip := binary.BigEndian.Uint32(b[logPositionSize:])
	if skip > maxSkip {
		return logCursor{}, fmt.Errorf("cursor %q is not one that a log search returned: %w", text, plait.ErrInvalid)
	}
	return logCursor{readLogPosition(b), int(skip)}, nil
}
