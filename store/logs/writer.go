// Package logs writes and reads log records, one row each.
package logs

import (
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/traceid"
)

// Batch is the request of one sender, on its way through a committer.
type Batch plait.Logs

// RequestDigest names the request.
func (b *Batch) RequestDigest() plait.Digest { return b.Digest }

// Weigh returns the number of records and about how many bytes they hold.
func (b *Batch) Weigh() (records, bytes int) {
	const fixed = 128 // a row without its texts
	for i := range b.Records {
		r := &b.Records[i]
		bytes += fixed + len(r.Body.Str()) + len(r.SeverityText) + len(r.EventName) + rowcodec.WeighAttributes(r.Attributes)
	}
	return len(b.Records), bytes
}

const copyLogsSQL = `
COPY plait_store.log (` + logColumns + `, shelf)
FROM STDIN BINARY`

// How many new classes a service may bring, and how long their texts may be.
const (
	logClassesBurst   = 1000
	logClassesPerHour = 100
	maxClassText      = 256
)

// Writer turns batches of log records into rows.
type Writer struct {
	now         func() time.Time
	partitions  *partition.Keeper
	instruments *dictionary.Instruments
	outsiders   prometheus.Counter // of records whose day has no partition
	inlined     prometheus.Counter

	*dictionary.Origins
	classes *dictionary.Writer
	sets    *dictionary.Writer
	chooser *dictionary.SetChooser
	kinds   *dictionary.Allowance
	content dictionary.Canonical

	today   partition.Day
	placer  partition.Placer
	rows    []logEntry
	order   []partition.SortKey
	copied  rowcodec.Buffer
	outside int // of these, those that go to the shelf of today
	halves  traceid.Halves
}

// logEntry is a log record with what it refers to.
type logEntry struct {
	*plait.LogRecord
	shelf   partition.Shelf
	traceID plait.TraceID // the record's own, or a synthetic one
	origin  dictionary.Origin
	class   int64
	inline  bool // the class has no texts: they stand in the row
}

// NewWriter makes a writer that finds the time and the partitions at the keeper, and ids by the database's key.
func NewWriter(partitions *partition.Keeper, key dictionary.Key, in *dictionary.Instruments) *Writer {
	w := &Writer{
		now:         partitions.Now,
		partitions:  partitions,
		instruments: in,
		inlined:     in.Inlined("log_class"),
		outsiders:   partitions.Outsiders("logs"),
		Origins:     dictionary.NewOrigins(in, key),
		classes:     dictionary.NewWriter(in, key, "log_class", dictionary.UpsertLogClassesSQL, dictionary.KnownLogClasses),
		sets:        dictionary.NewWriter(in, key, "attribute_set", dictionary.UpsertAttributeSetsSQL, dictionary.KnownAttributeSets),
		kinds:       dictionary.NewAllowance(logClassesBurst, logClassesPerHour),
		halves:      traceid.NewHalves(),
	}
	w.chooser = dictionary.NewSetChooser(w.sets, in.Inlined("attribute_set").Inc)
	return w
}

func (w *Writer) dictionaries() []*dictionary.Writer {
	return []*dictionary.Writer{w.Resources, w.Scopes, w.classes, w.sets}
}

// Prepare encodes the rows of a group: see commit.Writer.
func (w *Writer) Prepare(group []*Batch, entries, opening *pgx.Batch) error {
	now := w.now()
	w.today, w.placer = partition.DayOf(now), w.partitions.Placer("log", now)
	dictionary.Begin(now, w.dictionaries())
	w.BeginOrigins(now)
	w.chooser.Begin()
	w.halves.Begin()
	w.arrange(group, now)
	w.copied.Reset()
	w.outside = 0
	for _, key := range w.order {
		w.encode(&w.rows[key.Row])
	}
	dictionary.Queue(entries, w.dictionaries())
	w.Services.Queue(entries)
	w.halves.Queue(opening, w.today)
	return nil
}

// Write copies them.
func (w *Writer) Write(ctx context.Context, conn *pgx.Conn) error {
	w.outsiders.Add(float64(w.outside))
	return w.copied.Send(ctx, conn, copyLogsSQL)
}

// Ended remembers the dictionary entries that are committed.
func (w *Writer) Ended(committed bool) {
	if committed {
		w.instruments.Enter(w.dictionaries())
		w.Services.Committed()
	}
}

// arrange fills w.rows with the records of a group, and w.order with their order.
func (w *Writer) arrange(group []*Batch, now time.Time) {
	clear(w.rows) // pointers of the last group
	w.rows, w.order = w.rows[:0], w.order[:0]
	synthetic := syntheticTraceID()
	for _, b := range group {
		for i := range b.Records {
			row := logEntry{LogRecord: &b.Records[i], traceID: b.Records[i].TraceID}
			w.halves.Add(row.traceID, false)
			if row.traceID.IsZero() {
				row.traceID = synthetic
			}
			w.refer(&row, now)
			w.order = append(w.order, partition.NewSortKey(row.shelf, row.traceID, row.TimeNanos, len(w.rows)))
			w.rows = append(w.rows, row)
		}
	}
	slices.SortFunc(w.order, partition.SortKey.Compare)
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
func (w *Writer) refer(row *logEntry, now time.Time) {
	row.shelf = w.placer.Shelf(row.TimeNanos)
	row.origin = w.ResourceOf(row.Resource)
	row.origin.Seen.Include(row.TimeNanos)
	scope := w.ScopeOf(row.Scope)
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
func (w *Writer) class(row *logEntry, severity, event string, scope int64, now time.Time) int64 {
	w.content = w.content[:0].Text(severity).Text(event).Number(scope)
	id, state := w.classes.Find(w.content)
	if state == dictionary.EntryPresent {
		return id
	}
	if state == dictionary.EntryAbsent && severity+event != "" && !w.kinds.Take(row.origin.Service, now) {
		return 0
	}
	return w.classes.Add(w.content, dictionary.Entry{
		Texts:   []string{strings.Clone(severity), strings.Clone(event)},
		Numbers: []int64{scope},
	})
}

// observedUnknown stands for a record that nobody observed.
const observedUnknown = math.MinInt64

// encode appends the row of a record: logColumns and the shelf.
func (w *Writer) encode(row *logEntry) {
	observed := int64(observedUnknown)
	if row.ObservedNanos != 0 {
		observed = rowcodec.Difference(row.ObservedNanos, row.TimeNanos)
	}
	out := &w.copied
	out.Row(logFields + 1)
	out.UUID(row.traceID)
	out.Timestamptz(row.TimeNanos)
	out.Int2(rowcodec.SubMicros(row.TimeNanos))
	out.Int8(row.SpanID.Int64())
	out.Int8(observed)
	out.Int8(row.origin.ID)
	out.Int8(row.class)
	out.Int8(0) // the attribute set, known only after the attributes
	set := len(out.Bytes)
	out.Int4(int32(row.Flags))
	out.Int2(int16(row.Severity))
	w.body(out, row)
	begun := out.Begin()
	var setID int64
	out.Bytes, setID = w.chooser.Split(w.chooser.Family(row.family()), row.Attributes, out.Bytes)
	out.End(begun)
	binary.BigEndian.PutUint64(out.Bytes[set-8:], uint64(setID))
	w.extra(out, row)
	out.Date(int32(row.shelf))
	if row.shelf.Outside() {
		w.outside++
	}
}

// family tells records apart whose attributes have little to do with one another: those of
// different classes or processes.
func (row *logEntry) family() int64 { return row.class ^ row.origin.ID }

func (w *Writer) body(out *rowcodec.Buffer, row *logEntry) {
	if row.Body.Kind() == plait.KindString {
		out.Text(row.Body.Str())
		return
	}
	begun := out.Begin()
	if row.Body.Kind() != plait.KindEmpty {
		out.Bytes = rowcodec.AppendValue(out.Bytes, row.Body)
	}
	out.End(begun)
}

// extra appends what the columns of plait_store.log have no place for. An empty body has no
// body_kind: it reads back as the empty string.
func (w *Writer) extra(out *rowcodec.Buffer, row *logEntry) {
	begun := out.Begin()
	e := rowcodec.BeginObject(out.Bytes)
	if kind := row.Body.Kind(); kind != plait.KindString && kind != plait.KindEmpty {
		e.Text("body_kind", "json")
	}
	if row.inline {
		w.inlined.Inc()
		e.Text("severity_text", row.SeverityText)
		e.Text("event_name", row.EventName)
	}
	e.Count("dropped_attributes_count", row.DroppedAttributes)
	out.Bytes = e.Close(false)
	out.End(begun)
}
