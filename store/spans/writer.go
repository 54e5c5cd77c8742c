// Package spans writes and reads spans, one row each, and the fragments that sum up what a commit brought of a trace.
package spans

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/index"
	"github.com/plaithq/plait/store/outbox"
	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/pgcopy"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/tally"
	"github.com/plaithq/plait/store/terms"
	"github.com/plaithq/plait/store/traceid"
)

// Batch is the request of one sender, on its way through a committer.
type Batch plait.Traces

// RequestDigest names the request.
func (b *Batch) RequestDigest() plait.Digest { return b.Digest }

// Weigh returns the number of records and about how many bytes they hold.
func (b *Batch) Weigh() (records, bytes int) {
	for i := range b.Spans {
		bytes += weigh(&b.Spans[i])
	}
	return len(b.Spans), bytes
}

// weigh returns about how many bytes a span holds.
func weigh(s *plait.Span) int {
	const fixed = 128 // a row without its texts
	bytes := fixed + len(s.Name) + len(s.StatusMessage) + len(s.TraceState) + rowcodec.WeighAttributes(s.Attributes)
	for j := range s.Events {
		bytes += fixed + len(s.Events[j].Name) + rowcodec.WeighAttributes(s.Events[j].Attributes)
	}
	for j := range s.Links {
		bytes += fixed + len(s.Links[j].TraceState) + rowcodec.WeighAttributes(s.Links[j].Attributes)
	}
	return bytes
}

const copySpansSQL = `
COPY plait_store.span (` + spanColumns + `, shelf)
FROM STDIN BINARY`

// How many new operations a service may bring. One whose span names hold ids would bring
// as many as it has spans.
const (
	operationsBurst   = 2000
	operationsPerHour = 200
)

// Writer turns batches of spans into rows.
type Writer struct {
	now         func() time.Time
	partitions  *partition.Keeper
	instruments *dictionary.Instruments
	outsiders   prometheus.Counter // of records whose day has no partition
	inlined     prometheus.Counter

	*dictionary.Origins
	operations *dictionary.Writer
	sets       *dictionary.Writer
	chooser    *dictionary.SetChooser
	keys       *dictionary.Keys
	names      *dictionary.Allowance
	content    dictionary.Canonical

	today   partition.Day
	placer  partition.Placer
	rows    []spanEntry
	order   []partition.SortKey
	copied  rowcodec.Buffer
	outside int // of these, those that go to the shelf of today
	inline  int // of these, those that say themselves what a dictionary has no place for
	traces  fragmentWriter
	halves  traceid.Halves
	terms   *index.Collector
	tally   *tally.SpanCollector
	outbox  *outbox.Collector[plait.Span]
}

// spanEntry is a span with what it refers to.
type spanEntry struct {
	*plait.Span
	shelf     partition.Shelf
	origin    dictionary.Origin
	operation int64
	inline    bool // the operation has no name: it stands in the row
}

// NewWriter makes a writer that finds the time and the partitions at the keeper, ids by the database's key, and
// tells the term index what its rows have. What is forwarded it leaves in the outbox, in an encoding that may be nil.
func NewWriter(partitions *partition.Keeper, key dictionary.Key, in *dictionary.Instruments, searched *index.Index,
	out *outbox.Outbox, encode func(...[]plait.Span) []byte) *Writer {
	w := &Writer{
		now:         partitions.Now,
		partitions:  partitions,
		instruments: in,
		inlined:     in.Inlined("span_name"),
		outsiders:   partitions.Outsiders("traces"),
		Origins:     dictionary.NewOrigins(in, key),
		operations:  dictionary.NewWriter(in, key, "operation", dictionary.UpsertOperationsSQL, dictionary.KnownOperations),
		sets:        dictionary.NewWriter(in, key, "attribute_set", dictionary.UpsertAttributeSetsSQL, dictionary.KnownAttributeSets),
		keys:        dictionary.NewKeys(),
		names:       dictionary.NewAllowance(operationsBurst, operationsPerHour),
		halves:      traceid.NewHalves(),
		terms:       searched.Collector(),
		tally:       tally.NewSpanCollector(),
		outbox:      outbox.NewCollector(out, outbox.Traces, encode, weigh),
	}
	w.chooser = dictionary.NewSetChooser(w.sets, in.Inlined("attribute_set").Inc, searched.Hasher(), w.keys, dictionary.OfSpans)
	return w
}

func (w *Writer) dictionaries() []*dictionary.Writer {
	return []*dictionary.Writer{w.Resources, w.Scopes, w.operations, w.sets}
}

// Prepare encodes the rows of a group: see commit.Writer.
func (w *Writer) Prepare(group []*Batch, entries, opening *pgx.Batch, hasty bool) error {
	now := w.now()
	w.today, w.placer = partition.DayOf(now), w.partitions.Placer("span", now)
	dictionary.Begin(now, w.dictionaries())
	w.BeginOrigins(now)
	w.chooser.Begin()
	w.keys.Begin(now)
	w.halves.Begin()
	w.terms.Begin()
	w.tally.Begin()
	w.arrange(group, now)
	w.copied.Reset()
	w.outside, w.inline = 0, 0
	for _, key := range w.order {
		w.encode(&w.rows[key.Row])
	}
	w.traces.encode(w.rows, w.order)
	dictionary.Queue(entries, w.dictionaries(), hasty)
	w.Services.Queue(entries)
	w.keys.Queue(entries)
	w.halves.Queue(opening, w.today, hasty)
	w.terms.Queue(opening)
	w.tally.Queue(opening)
	w.outbox.Queue(opening, len(group), func(i int) []plait.Span { return group[i].Spans })
	return nil
}

// Write copies them.
func (w *Writer) Write(ctx context.Context, rows *pgcopy.Stream) error {
	if err := rows.Copy(copySpansSQL, &w.copied.Rows); err != nil {
		return err
	}
	if err := rows.Copy(copyFragmentsSQL, &w.traces.copied.Rows); err != nil {
		return err
	}
	if !w.halves.Awaited() {
		return nil
	}
	conn, err := rows.Conn()
	if err != nil {
		return err
	}
	return w.halves.Join(ctx, conn)
}

// Ended remembers and counts what is committed.
func (w *Writer) Ended(committed bool) {
	w.keys.Ended(committed)
	if committed {
		w.outsiders.Add(float64(w.outside))
		w.inlined.Add(float64(w.inline))
		w.instruments.Enter(w.dictionaries())
		w.Services.Committed()
		w.terms.Committed()
	}
}

// arrange fills w.rows with the spans of a group, and w.order with their order.
func (w *Writer) arrange(group []*Batch, now time.Time) {
	clear(w.rows) // pointers of the last group
	w.rows, w.order = w.rows[:0], w.order[:0]
	for _, b := range group {
		for i := range b.Spans {
			row := spanEntry{Span: &b.Spans[i]}
			w.halves.Add(row.TraceID, true)
			w.refer(&row, now)
			w.order = append(w.order, partition.NewSortKey(row.shelf, row.TraceID, row.StartNanos, len(w.rows)))
			w.rows = append(w.rows, row)
		}
	}
	slices.SortFunc(w.order, partition.SortKey.Compare)
}

// refer finds what a span refers to.
func (w *Writer) refer(row *spanEntry, now time.Time) {
	row.shelf = w.placer.Shelf(row.StartNanos)
	row.origin = w.ResourceOf(row.Resource)
	row.origin.Seen.Include(row.StartNanos)
	scope := w.ScopeOf(row.Scope)
	name := row.Name
	if row.inline = len(name) > dictionary.MaxIndexedText; row.inline {
		name = ""
	}
	row.operation = w.operation(row, name, scope, now)
	if row.operation == 0 {
		row.inline = true
		row.operation = w.operation(row, "", scope, now)
	}
}

// operation returns the id of what a span does, or 0 when its service brings too many names.
func (w *Writer) operation(row *spanEntry, name string, scope int64, now time.Time) int64 {
	service := row.origin.Service
	w.content = w.content[:0].Text(service).Text(name).Number(int64(row.Kind)).Number(scope)
	id, state := w.operations.Find(w.content)
	if state == dictionary.EntryPresent {
		return id
	}
	if state == dictionary.EntryAbsent && name != "" && !w.names.Take(service, now) {
		return 0
	}
	return w.operations.Add(w.content, dictionary.Entry{
		Texts:   []string{strings.Clone(service), strings.Clone(name)},
		Numbers: []int64{int64(row.Kind), scope},
	})
}

// encode appends the row of a span: spanColumns and the shelf.
func (w *Writer) encode(row *spanEntry) {
	out := &w.copied
	out.Row(spanFields + 1)
	out.UUID(row.TraceID)
	out.Timestamptz(row.StartNanos)
	out.Int2(rowcodec.SubMicros(row.StartNanos))
	out.Int8(row.SpanID.Int64())
	out.Int8(row.ParentSpanID.Int64())
	out.Int8(rowcodec.Difference(row.EndNanos, row.StartNanos))
	out.Int8(row.operation)
	out.Int8(row.origin.ID)
	out.Int8(0) // the attribute set, known only after the attributes
	set := len(out.Bytes)
	out.Int4(int32(row.Flags))
	out.Int2(int16(row.Status))
	begun := out.Begin()
	block := w.terms.Row(row.shelf, row.TraceID, row.StartNanos)
	var id int64
	out.Bytes, id = w.chooser.Split(w.chooser.Family(row.operation), row.Attributes, out.Bytes, block)
	out.End(begun)
	row.addTerms(block, id)
	binary.BigEndian.PutUint64(out.Bytes[set-8:], uint64(id))
	begun = out.Begin()
	out.Bytes = appendSpanExtra(out.Bytes, row)
	out.End(begun)
	w.seeKeys(row)
	out.Date(int32(row.shelf))
	w.count(row)
	if row.shelf.Outside() {
		w.outside++
	}
	if row.inline {
		w.inline++
	}
}

// seeKeys takes note of the keys of events and links.
func (w *Writer) seeKeys(row *spanEntry) {
	for i := range row.Events {
		for j := range row.Events[i].Attributes {
			w.keys.See(dictionary.EventKeys, row.Events[i].Attributes[j].Key)
		}
	}
	for i := range row.Links {
		for j := range row.Links[i].Attributes {
			w.keys.See(dictionary.LinkKeys, row.Links[i].Attributes[j].Key)
		}
	}
}

// count counts a span.
func (w *Writer) count(row *spanEntry) {
	w.tally.Add(row.shelf, counts.SpanKey{
		Minute: counts.MinuteOf(row.StartNanos), Operation: row.operation, Resource: row.origin.ID,
		Status: uint8(row.Status), Root: row.ParentSpanID.IsZero(),
	}, rowcodec.Difference(row.EndNanos, row.StartNanos))
}

// addTerms adds the terms of a span, but for those of the attributes in its row.
func (row *spanEntry) addTerms(block *terms.Block, set int64) {
	block.ID(terms.Operation, row.operation)
	block.Duration(row.operation, rowcodec.Difference(row.EndNanos, row.StartNanos))
	if set != 0 {
		block.ID(terms.AttributeSet, set)
	}
	if row.Status == plait.StatusError {
		block.ID(terms.ErrorOperation, row.operation)
	}
	if row.ParentSpanID.IsZero() {
		block.ID(terms.RootOperation, row.operation)
	}
	if row.inline {
		block.Text(terms.SpanName, rowcodec.CleanText(row.Name))
	}
}
