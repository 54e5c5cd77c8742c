package logs

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/canonical"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/index"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
	"github.com/plaithq/plait/store/tally"
	"github.com/plaithq/plait/store/traceid"
)

const (
	// logColumns are the columns of a row, in the order in which it is written and read; the shelf comes beside them.
	logColumns = `trace_id, time, sub_ns, span_id, observed_after, resource, class, attribute_set, flags, severity,
       body, attributes, extra`
	logFields = 13

	// contentSQL tells records of one time, trace and span apart.
	contentSQL = `hashtextextended(body, hashtextextended(attributes, attribute_set # resource))`

	// readLogColumns are the columns that scanLog reads, in its order.
	readLogColumns = logColumns + `,
       ` + contentSQL + ` AS content`

	// traceSQL is the trace of a record, null where it has none: the expression of the index log_trace.
	traceSQL = `CASE WHEN trace_id < 'ffffffff-ffff-ffff-0000-000000000000'::uuid THEN trace_id END`
)

// Reader reads log records. Its methods may be called concurrently.
type Reader struct {
	search  *pgxpool.Pool // statements that are planned each time
	lookup  *pgxpool.Pool // and those that are planned once
	entries *dictionary.Reader
	ids     *traceid.Index
	index   *index.Index
	counted *tally.Tally
	now     func() time.Time

	templates *templates
}

// NewReader makes a reader. The index is that of log records.
func NewReader(search, lookup *pgxpool.Pool, entries *dictionary.Reader, ids *traceid.Index, searched *index.Index, counted *tally.Tally, now func() time.Time) *Reader {
	return &Reader{search: search, lookup: lookup, entries: entries, ids: ids, index: searched, counted: counted, now: now, templates: newTemplates()}
}

// storedLog is a log record as it is stored.
type storedLog struct {
	logPosition
	observedAfter int64
	resource      int64
	class         int64
	attributeSet  int64
	flags         int32
	severity      int16
	body          string
	attributes    string
	extra         string
}

// logPosition is what log records are ordered by, and finds one of them.
type logPosition struct {
	micros  int64
	sub     int16
	traceID plait.TraceID // synthetic when the record belongs to no trace
	spanID  int64
	content int64
}

func scanLog(v [][]byte) storedLog {
	return storedLog{
		logPosition: logPosition{
			traceID: plait.TraceID(v[0]),
			micros:  rowcodec.TimeMicros(v[1]),
			sub:     rowcodec.Int2(v[2]),
			spanID:  rowcodec.Int8(v[3]),
			content: rowcodec.Int8(v[13]),
		},
		observedAfter: rowcodec.Int8(v[4]),
		resource:      rowcodec.Int8(v[5]),
		class:         rowcodec.Int8(v[6]),
		attributeSet:  rowcodec.Int8(v[7]),
		flags:         rowcodec.Int4(v[8]),
		severity:      rowcodec.Int2(v[9]),
		body:          string(v[10]),
		attributes:    string(v[11]),
		extra:         string(v[12]),
	}
}

// synthetic says whether the trace id was made for records without a trace.
func (p *logPosition) synthetic() bool {
	return binary.BigEndian.Uint64(p.traceID[:8]) == math.MaxUint64
}

const logPositionSize = 8 + 2 + 16 + 8 + 8

// id returns the record's ID: the position in base64url.
func (p *logPosition) id() string {
	return base64.RawURLEncoding.EncodeToString(p.appendTo(make([]byte, 0, logPositionSize)))
}

// appendTo appends logPositionSize bytes, which readLogPosition reads.
func (p *logPosition) appendTo(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(p.micros))
	b = binary.BigEndian.AppendUint16(b, uint16(p.sub))
	b = append(b, p.traceID[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(p.spanID))
	return binary.BigEndian.AppendUint64(b, uint64(p.content))
}

// parseLogID reads what id returns.
func parseLogID(id string) (logPosition, error) {
	b, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil || len(b) != logPositionSize {
		return logPosition{}, plait.Errorf(plait.ErrInvalid, "log id %q is not one that a search returned", id)
	}
	return readLogPosition(b), nil
}

func readLogPosition(b []byte) logPosition {
	return logPosition{
		micros:  int64(binary.BigEndian.Uint64(b)),
		sub:     int16(binary.BigEndian.Uint16(b[8:])),
		traceID: plait.TraceID(b[10:26]),
		spanID:  int64(binary.BigEndian.Uint64(b[26:])),
		content: int64(binary.BigEndian.Uint64(b[34:])),
	}
}

// logExtra is what few records have, as the column extra holds it.
type logExtra struct {
	BodyKind          string  `json:"body_kind"`     // "json": the body is a value's canonical JSON
	SeverityText      *string `json:"severity_text"` // in place of the class's
	EventName         *string `json:"event_name"`    // in place of the class's
	DroppedAttributes uint32  `json:"dropped_attributes_count"`
}

// bodyKindJSON says that the body is not the text of a string value but canonical JSON.
const bodyKindJSON = "json"

// logEntries are the dictionary entries of some records.
type logEntries struct {
	resources     map[int64]*plait.Resource
	classes       map[int64]dictionary.LogClass
	scopes        map[int64]*plait.Scope
	attributeSets map[int64]plait.Attributes
}

// logEntries reads those of some rows, as far as they are needed.
func (s *Reader) logEntries(ctx context.Context, rows []storedLog, needs needs) (e logEntries, err error) {
	if needs.class {
		if e, err = s.classes(ctx, dictionary.Column(rows, func(r *storedLog) int64 { return r.class })); err != nil {
			return e, err
		}
	}
	if needs.resource {
		if e.resources, err = s.entries.Resources.Entries(ctx, dictionary.Column(rows, func(r *storedLog) int64 { return r.resource })); err != nil {
			return e, fmt.Errorf("resources: %w", err)
		}
	}
	if needs.attributes {
		if e.attributeSets, err = s.entries.AttributeSets.Entries(ctx, dictionary.Column(rows, func(r *storedLog) int64 { return r.attributeSet })); err != nil {
			return e, fmt.Errorf("attribute sets: %w", err)
		}
	}
	return e, nil
}

// classes reads log classes and their scopes.
func (s *Reader) classes(ctx context.Context, ids iter.Seq[int64]) (e logEntries, err error) {
	if e.classes, err = s.entries.LogClasses.Entries(ctx, ids); err != nil {
		return e, fmt.Errorf("log classes: %w", err)
	}
	scopeIDs := func(yield func(int64) bool) {
		for _, c := range e.classes {
			if !yield(c.Scope) {
				return
			}
		}
	}
	if e.scopes, err = s.entries.Scopes.Entries(ctx, scopeIDs); err != nil {
		return e, fmt.Errorf("scopes: %w", err)
	}
	return e, nil
}

// decodeLogs turns rows into log records, in the same order.
func (s *Reader) decodeLogs(ctx context.Context, rows []storedLog) ([]plait.LogRecord, error) {
	entries, err := s.logEntries(ctx, rows, everything)
	if err != nil {
		return nil, err
	}
	records := make([]plait.LogRecord, len(rows))
	for i := range rows {
		id := rows[i].id()
		if err := entries.decode(&records[i], &rows[i], &everything); err != nil {
			return nil, fmt.Errorf("decode log record %s: %w", id, err)
		}
		records[i].ID = id
	}
	return records, nil
}

// decode makes a record of a row, without its ID, and without what is not needed.
func (e *logEntries) decode(record *plait.LogRecord, row *storedLog, needs *needs) (err error) {
	class := e.classes[row.class]
	*record = plait.LogRecord{
		SpanID:       plait.SpanIDFromInt64(row.spanID),
		TimeNanos:    row.micros*1000 + int64(row.sub),
		Resource:     e.resources[row.resource],
		Scope:        e.scopes[class.Scope],
		Body:         plait.StringValue(row.body),
		SeverityText: class.SeverityText,
		EventName:    class.EventName,
		Severity:     plait.SeverityNumber(row.severity),
		Flags:        uint32(row.flags),
	}
	if !row.synthetic() {
		record.TraceID = row.traceID
	}
	if row.observedAfter != observedUnknown {
		record.ObservedNanos = record.TimeNanos + row.observedAfter
	}
	if needs.attributes {
		own := row.attributes
		if !needs.mayHold(own) {
			own = ""
		}
		if record.Attributes, err = rowcodec.JoinAttributes(e.attributeSets[row.attributeSet], own); err != nil {
			return err
		}
	}
	if !needs.extra {
		return nil
	}
	return decodeLogExtra(record, row)
}

func decodeLogExtra(record *plait.LogRecord, row *storedLog) error {
	if row.extra == "" {
		return nil
	}
	var extra logExtra
	if err := json.Unmarshal([]byte(row.extra), &extra); err != nil {
		return fmt.Errorf("read extra: %w", err)
	}
	record.DroppedAttributes = extra.DroppedAttributes
	if extra.SeverityText != nil {
		record.SeverityText = *extra.SeverityText
	}
	if extra.EventName != nil {
		record.EventName = *extra.EventName
	}
	if extra.BodyKind != bodyKindJSON {
		return nil
	}
	body, err := canonical.ParseValue(row.body)
	if err != nil {
		return fmt.Errorf("read body: %w", err)
	}
	record.Body = body
	return nil
}

func (r *storedLog) size() int {
	return search.RowBytes + len(r.body) + len(r.attributes) + len(r.extra)
}

// fittingLogs returns how many of some records an answer has room for: at least one.
func fittingLogs(m *search.Memory, records []plait.LogRecord, rows []storedLog) int {
	return m.FittingOf(len(records), func(i int, shared search.SharedSize) (own, repeated int) {
		r := &records[i]
		return rows[i].size(), shared.Of(r.Resource, r.Attributes, rows[i].attributes)
	})
}
