package store

import (
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
)

// WriteLogs stores the log records of one request, with the promises of WriteTraces.
func (s *Store) WriteLogs(ctx context.Context, logs *plait.Logs) (plait.Receipt, error) {
	s.completeIDs(ctx, halfIDs(len(logs.Records), func(i int) *plait.TraceID { return &logs.Records[i].TraceID }))
	return s.logs.submit(ctx, (*logBatch)(logs))
}

type logBatch plait.Logs

func (b *logBatch) digest() plait.Digest { return b.Digest }

func (b *logBatch) weigh() (records, bytes int) {
	const fixed = 128 // a row without its texts
	for i := range b.Records {
		r := &b.Records[i]
		bytes += fixed + len(r.Body.Str()) + len(r.SeverityText) + len(r.EventName) + weighAttributes(r.Attributes)
	}
	return len(b.Records), bytes
}

const (
	copyLogsSQL = `
COPY plait_store.log (trace_id, time, span_id, observed_after, resource, class, attribute_set,
	flags, sub_ns, severity, body, attributes, extra)
FROM STDIN BINARY`
	copyLogsOutsideSQL = `
COPY plait_store.log_outside (trace_id, time, span_id, observed_after, resource, class, attribute_set,
	flags, sub_ns, severity, body, attributes, extra, arrived_on)
FROM STDIN BINARY`
	logFields = 13
)

// How many new classes a service may bring, and how long their texts may be.
const (
	logClassesBurst   = 1000
	logClassesPerHour = 100
	maxClassText      = 256
)

// logWriter turns batches of log records into rows.
type logWriter struct {
	now        func() time.Time
	partitions *partitionSet
	meters     *instruments

	*origins
	classes *dictionaryWriter
	sets    *dictionaryWriter
	chooser *setChooser
	kinds   *allowance
	content canonical

	today   day
	placer  placer
	rows    []logEntry
	order   []sortKey
	inside  copyBuffer
	outside copyBuffer
	halves  halves
}

// logEntry is a log record with what it refers to.
type logEntry struct {
	*plait.LogRecord
	place   place
	traceID plait.TraceID // the record's own, or a synthetic one
	origin  origin
	class   int64
	inline  bool // the class has no texts: they stand in the row
}

func newLogWriter(s *Store) *logWriter {
	w := &logWriter{
		now:        s.now,
		partitions: &s.partitions,
		meters:     s.instruments,
		origins:    newOrigins(s.instruments, s.contentKey),
		classes:    newDictionaryWriter(s.instruments, s.contentKey, "log_class", upsertLogClassesSQL, knownLogClasses),
		sets:       newDictionaryWriter(s.instruments, s.contentKey, "attribute_set", upsertAttributeSetsSQL, knownAttributeSets),
		kinds:      newAllowance(logClassesBurst, logClassesPerHour, knownServices),
		halves:     newHalves(),
	}
	w.chooser = newSetChooser(w.sets, w.meters.inline.WithLabelValues("attribute_set").Inc)
	return w
}

func (w *logWriter) dictionaries() []*dictionaryWriter {
	return []*dictionaryWriter{w.resources, w.scopes, w.classes, w.sets}
}

func (w *logWriter) prepare(group []*logBatch, entries, opening *pgx.Batch) error {
	now := w.now()
	w.today, w.placer = dayOf(now), w.partitions.placer("log", now)
	beginEntries(now, w.dictionaries())
	w.beginOrigins(now)
	w.chooser.begin()
	w.halves.begin()
	w.arrange(group, now)
	w.inside.Reset()
	w.outside.Reset()
	for _, key := range w.order {
		w.encode(&w.rows[key.row])
	}
	queueEntries(entries, w.dictionaries())
	w.services.queue(entries)
	w.halves.queue(opening, w.today)
	return nil
}

func (w *logWriter) write(ctx context.Context, conn *pgx.Conn) error {
	w.meters.outside.WithLabelValues("logs").Add(float64(w.outside.Count))
	if err := w.inside.Send(ctx, conn, copyLogsSQL); err != nil {
		return err
	}
	return w.outside.Send(ctx, conn, copyLogsOutsideSQL)
}

func (w *logWriter) ended(committed bool) {
	if committed {
		w.meters.enter(w.dictionaries())
		w.services.committed()
	}
}

// arrange fills w.rows with the records of a group, and w.order with their order.
func (w *logWriter) arrange(group []*logBatch, now time.Time) {
	clear(w.rows) // pointers of the last group
	w.rows, w.order = w.rows[:0], w.order[:0]
	synthetic := syntheticTraceID()
	for _, b := range group {
		for i := range b.Records {
			row := logEntry{LogRecord: &b.Records[i], traceID: b.Records[i].TraceID}
			w.halves.add(row.traceID, false)
			if row.traceID.IsZero() {
				row.traceID = synthetic
			}
			w.refer(&row, now)
			w.order = append(w.order, newSortKey(row.place, row.traceID, row.TimeNanos, len(w.rows)))
			w.rows = append(w.rows, row)
		}
	}
	slices.SortFunc(w.order, sortKey.compare)
}

// syntheticTraceID stands for the trace of all records of a group that have none: every row
// has a trace id, by which the table could be spread over several servers. Its upper half is
// all ones, which the views show as null.
func syntheticTraceID() (id plait.TraceID) {
	binary.BigEndian.PutUint64(id[:8], math.MaxUint64)
	binary.BigEndian.PutUint64(id[8:], rand.Uint64())
	return id
}

// refer finds what a record refers to.
func (w *logWriter) refer(row *logEntry, now time.Time) {
	row.place = w.placer.place(row.TimeNanos)
	row.origin = w.resourceOf(row.Resource)
	row.origin.seen.include(row.TimeNanos)
	scope := w.scopeOf(row.Scope)
	severity, event := row.SeverityText, row.EventName
	if row.inline = len(severity) > maxClassText || len(event) > maxClassText; row.inline {
		severity, event = "", ""
	}
	row.class = w.class(row, severity, event, scope, now)
	if row.class == 0 {
		row.inline = true
		row.class = w.class(row, "", "", scope, now)
	}
}

// class returns the id of what a record shares with others of its statement, or 0 when its
// service brings too many.
func (w *logWriter) class(row *logEntry, severity, event string, scope int64, now time.Time) int64 {
	w.content = w.content[:0].text(severity).text(event).number(scope)
	id, state := w.classes.find(w.content)
	if state == entryPresent {
		return id
	}
	if state == entryAbsent && severity+event != "" && !w.kinds.take(row.origin.service, now) {
		return 0
	}
	return w.classes.add(w.content, entry{
		texts:   []string{strings.Clone(severity), strings.Clone(event)},
		numbers: []int64{scope},
	})
}

// observedUnknown stands for a record that nobody observed.
const observedUnknown = math.MinInt64

// encode appends the row of a record to the buffer of its place.
func (w *logWriter) encode(row *logEntry) {
	out, columns := &w.inside, logFields
	if row.place.outside {
		out, columns = &w.outside, logFields+1
	}
	observed := int64(observedUnknown)
	if row.ObservedNanos != 0 {
		observed = difference(row.ObservedNanos, row.TimeNanos)
	}
	out.Row(columns)
	out.UUID(row.traceID)
	out.timestamptz(row.TimeNanos)
	out.Int8(row.SpanID.Int64())
	out.Int8(observed)
	out.Int8(row.origin.id)
	out.Int8(row.class)
	out.Int8(0) // the attribute set, known only after the attributes
	set := len(out.Bytes)
	out.Int4(int32(row.Flags))
	out.Int2(subMicros(row.TimeNanos))
	out.Int2(int16(row.Severity))
	w.body(out, row)
	begun := out.Begin()
	var setID int64
	out.Bytes, setID = w.chooser.split(w.chooser.family(row.family()), row.Attributes, out.Bytes)
	out.End(begun)
	binary.BigEndian.PutUint64(out.Bytes[set-8:], uint64(setID))
	w.extra(out, row)
	if row.place.outside {
		out.date(w.today)
	}
}

// family tells records apart whose attributes have little to do with one another: those of
// different classes or processes.
func (row *logEntry) family() int64 { return row.class ^ row.origin.id }

func (w *logWriter) body(out *copyBuffer, row *logEntry) {
	if row.Body.Kind() == plait.KindString {
		out.text(row.Body.Str())
		return
	}
	begun := out.Begin()
	if row.Body.Kind() != plait.KindEmpty {
		out.Bytes = appendValue(out.Bytes, row.Body)
	}
	out.End(begun)
}

// extra appends what the columns of plait_store.log have no place for. An empty body has no
// body_kind: it reads back as the empty string.
func (w *logWriter) extra(out *copyBuffer, row *logEntry) {
	begun := out.Begin()
	e := beginExtra(out.Bytes)
	if kind := row.Body.Kind(); kind != plait.KindString && kind != plait.KindEmpty {
		e.text("body_kind", "json")
	}
	if row.inline {
		w.meters.inlineClasses.Inc()
		e.text("severity_text", row.SeverityText)
		e.text("event_name", row.EventName)
	}
	e.count("dropped_attributes_count", row.DroppedAttributes)
	out.Bytes = e.close(false)
	out.End(begun)
}
