package store

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
)

// WriteTraces stores the spans of one request. It returns nil only after they are committed;
// any error means that the same request may be sent again, except one that wraps
// plait.ErrInvalid, after which that would be in vain. The batch and what it aliases belong to
// the store until then. Half trace ids become whole ones in it (half_traces.go).
func (s *Store) WriteTraces(ctx context.Context, traces *plait.Traces) (plait.Receipt, error) {
	s.completeIDs(ctx, halfIDs(len(traces.Spans), func(i int) *plait.TraceID { return &traces.Spans[i].TraceID }))
	return s.traces.submit(ctx, (*traceBatch)(traces))
}

type traceBatch plait.Traces

func (b *traceBatch) digest() plait.Digest { return b.Digest }

func (b *traceBatch) weigh() (records, bytes int) {
	const fixed = 128 // a row without its texts
	for i := range b.Spans {
		s := &b.Spans[i]
		bytes += fixed + len(s.Name) + len(s.StatusMessage) + len(s.TraceState) + weighAttributes(s.Attributes)
		for j := range s.Events {
			bytes += fixed + len(s.Events[j].Name) + weighAttributes(s.Events[j].Attributes)
		}
		for j := range s.Links {
			bytes += fixed + len(s.Links[j].TraceState) + weighAttributes(s.Links[j].Attributes)
		}
	}
	return len(b.Spans), bytes
}

func weighAttributes(attributes plait.Attributes) (bytes int) {
	for i := range attributes {
		bytes += len(attributes[i].Key) + len(attributes[i].Value.Str()) + 8
	}
	return bytes
}

const (
	copySpansSQL = `
COPY plait_store.span (trace_id, start_time, span_id, parent_span_id, duration_ns, operation, resource,
	attribute_set, flags, start_sub_ns, status, attributes, extra)
FROM STDIN BINARY`
	copySpansOutsideSQL = `
COPY plait_store.span_outside (trace_id, start_time, span_id, parent_span_id, duration_ns, operation, resource,
	attribute_set, flags, start_sub_ns, status, attributes, extra, arrived_on)
FROM STDIN BINARY`
	spanFields = 13
)

// How many new operations a service may bring. One whose span names hold ids would bring
// as many as it has spans.
const (
	operationsBurst   = 2000
	operationsPerHour = 200
	knownServices     = 4 << 10
)

// spanWriter turns batches of spans into rows.
type spanWriter struct {
	now        func() time.Time
	partitions *partitionSet
	meters     *instruments

	*origins
	operations *dictionaryWriter
	sets       *dictionaryWriter
	chooser    *setChooser
	names      *allowance
	content    canonical

	today   day
	placer  placer
	rows    []spanEntry
	order   []sortKey
	inside  copyBuffer
	outside copyBuffer
	traces  fragmentWriter
	halves  halves
}

// spanEntry is a span with what it refers to.
type spanEntry struct {
	*plait.Span
	place     place
	origin    origin
	operation int64
	inline    bool // the operation has no name: it stands in the row
}

func newSpanWriter(s *Store) *spanWriter {
	w := &spanWriter{
		now:        s.now,
		partitions: &s.partitions,
		meters:     s.instruments,
		origins:    newOrigins(s.instruments, s.contentKey),
		operations: newDictionaryWriter(s.instruments, s.contentKey, "operation", upsertOperationsSQL, knownOperations),
		sets:       newDictionaryWriter(s.instruments, s.contentKey, "attribute_set", upsertAttributeSetsSQL, knownAttributeSets),
		names:      newAllowance(operationsBurst, operationsPerHour, knownServices),
		halves:     newHalves(),
	}
	w.chooser = newSetChooser(w.sets, w.meters.inline.WithLabelValues("attribute_set").Inc)
	return w
}

func (w *spanWriter) dictionaries() []*dictionaryWriter {
	return []*dictionaryWriter{w.resources, w.scopes, w.operations, w.sets}
}

func (w *spanWriter) prepare(group []*traceBatch, entries, opening *pgx.Batch) error {
	now := w.now()
	w.today, w.placer = dayOf(now), w.partitions.placer("span", now)
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
	w.traces.encode(w.rows, w.order, w.today)
	queueEntries(entries, w.dictionaries())
	w.services.queue(entries)
	w.halves.queue(opening, w.today)
	return nil
}

func (w *spanWriter) write(ctx context.Context, conn *pgx.Conn) error {
	w.meters.outside.WithLabelValues("traces").Add(float64(w.outside.Count))
	if err := w.inside.Send(ctx, conn, copySpansSQL); err != nil {
		return err
	}
	if err := w.outside.Send(ctx, conn, copySpansOutsideSQL); err != nil {
		return err
	}
	if err := w.traces.send(ctx, conn); err != nil {
		return err
	}
	return w.halves.join(ctx, conn)
}

func (w *spanWriter) ended(committed bool) {
	if committed {
		w.meters.enter(w.dictionaries())
		w.services.committed()
	}
}

// arrange fills w.rows with the spans of a group, and w.order with their order.
func (w *spanWriter) arrange(group []*traceBatch, now time.Time) {
	clear(w.rows) // pointers of the last group
	w.rows, w.order = w.rows[:0], w.order[:0]
	for _, b := range group {
		for i := range b.Spans {
			row := spanEntry{Span: &b.Spans[i]}
			w.halves.add(row.TraceID, true)
			w.refer(&row, now)
			w.order = append(w.order, newSortKey(row.place, row.TraceID, row.StartNanos, len(w.rows)))
			w.rows = append(w.rows, row)
		}
	}
	slices.SortFunc(w.order, sortKey.compare)
}

// refer finds what a span refers to.
func (w *spanWriter) refer(row *spanEntry, now time.Time) {
	row.place = w.placer.place(row.StartNanos)
	row.origin = w.resourceOf(row.Resource)
	row.origin.seen.include(row.StartNanos)
	scope := w.scopeOf(row.Scope)
	name := row.Name
	if row.inline = len(name) > maxIndexedText; row.inline {
		name = ""
	}
	row.operation = w.operation(row, name, scope, now)
	if row.operation == 0 {
		row.inline = true
		row.operation = w.operation(row, "", scope, now)
	}
}

// operation returns the id of what a span does, or 0 when its service brings too many names.
func (w *spanWriter) operation(row *spanEntry, name string, scope int64, now time.Time) int64 {
	service := row.origin.service
	w.content = w.content[:0].text(service).text(name).number(int64(row.Kind)).number(scope)
	id, state := w.operations.find(w.content)
	if state == entryPresent {
		return id
	}
	if state == entryAbsent && name != "" && !w.names.take(service, now) {
		return 0
	}
	return w.operations.add(w.content, entry{
		texts:   []string{strings.Clone(service), strings.Clone(name)},
		numbers: []int64{int64(row.Kind), scope},
	})
}

// encode appends the row of a span to the buffer of its place.
func (w *spanWriter) encode(row *spanEntry) {
	out, columns := &w.inside, spanFields
	if row.place.outside {
		out, columns = &w.outside, spanFields+1
	}
	out.Row(columns)
	out.UUID(row.TraceID)
	out.timestamptz(row.StartNanos)
	out.Int8(row.SpanID.Int64())
	out.Int8(row.ParentSpanID.Int64())
	out.Int8(difference(row.EndNanos, row.StartNanos))
	out.Int8(row.operation)
	out.Int8(row.origin.id)
	out.Int8(0) // the attribute set, known only after the attributes
	set := len(out.Bytes)
	out.Int4(int32(row.Flags))
	out.Int2(subMicros(row.StartNanos))
	out.Int2(int16(row.Status))
	begun := out.Begin()
	var id int64
	out.Bytes, id = w.chooser.split(w.chooser.family(row.operation), row.Attributes, out.Bytes)
	out.End(begun)
	binary.BigEndian.PutUint64(out.Bytes[set-8:], uint64(id))
	begun = out.Begin()
	out.Bytes = appendSpanExtra(out.Bytes, row)
	out.End(begun)
	if row.place.outside {
		out.date(w.today)
	}
	if row.inline {
		w.meters.inlineNames.Inc()
	}
}
