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

	"github.com/cespare/xxhash/v2"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/logql/patterns"
	"github.com/plaithq/plait/recent"
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
type Batch plait.Logs

// RequestDigest names the request.
func (b *Batch) RequestDigest() plait.Digest { return b.Digest }

// Weigh returns the number of records and about how many bytes they hold.
func (b *Batch) Weigh() (records, bytes int) {
	for i := range b.Records {
		bytes += weigh(&b.Records[i])
	}
	return len(b.Records), bytes
}

// weigh returns about how many bytes a record holds.
func weigh(r *plait.LogRecord) int {
	const fixed = 128 // a row without its texts
	return fixed + len(r.Body.Str()) + len(r.SeverityText) + len(r.EventName) + rowcodec.WeighAttributes(r.Attributes)
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

// The same for the templates of bodies.
const (
	templatesBurst   = 1000
	templatesPerHour = 100
	maxTemplate      = 1 << 10
)

// The same for patterns of bodies without a template, and of how many services they are learned.
const (
	patternsBurst   = 300
	patternsPerHour = 60
	minedServices   = 64
)

// Writer turns batches of log records into rows.
type Writer struct {
	now         func() time.Time
	partitions  *partition.Keeper
	instruments *dictionary.Instruments
	outsiders   prometheus.Counter // of records whose day has no partition
	inlined     prometheus.Counter

	*dictionary.Origins
	classes   *dictionary.Writer
	sets      *dictionary.Writer
	chooser   *dictionary.SetChooser
	keys      *dictionary.Keys
	kinds     *dictionary.Allowance
	templates *dictionary.Allowance
	patterns  *dictionary.Allowance
	miners    *recent.Map[uint64, *patterns.Miner] // by service
	content   dictionary.Canonical

	today   partition.Day
	placer  partition.Placer
	rows    []logEntry
	order   []partition.SortKey
	copied  rowcodec.Buffer
	outside int // of these, those that go to the shelf of today
	inline  int // of these, those that say themselves what a dictionary has no place for
	halves  traceid.Halves
	outbox  *outbox.Collector[plait.LogRecord]

	tally    *tally.LogCollector
	terms    *index.Collector
	splitter *terms.Splitter
	untraced terms.Untraced
	runs     []terms.Term // of all rows of the group
	json     []byte       // a body that is no string
}

// logEntry is a log record with what it refers to.
type logEntry struct {
	*plait.LogRecord
	shelf   partition.Shelf
	traceID plait.TraceID // the record's own, or a synthetic one
	origin  dictionary.Origin
	scope   int64
	class   int64
	inline  bool   // the class has no texts: they stand in the row
	body    string // as it is stored
	free    bool   // the class has no template of the body
	runs    [2]int // those of the body: a part of the writer's
	allRuns bool
}

// NewWriter makes a writer that finds the time and the partitions at the keeper, ids by the database's key, and
// tells the term index what its rows have. What is forwarded it leaves in the outbox, in an encoding that may be nil.
func NewWriter(partitions *partition.Keeper, key dictionary.Key, in *dictionary.Instruments, searched *index.Index,
	out *outbox.Outbox, encode func(...[]plait.LogRecord) []byte) *Writer {
	w := &Writer{
		now:         partitions.Now,
		partitions:  partitions,
		instruments: in,
		inlined:     in.Inlined("log_class"),
		outsiders:   partitions.Outsiders("logs"),
		Origins:     dictionary.NewOrigins(in, key),
		classes:     dictionary.NewWriter(in, key, "log_class", dictionary.UpsertLogClassesSQL, dictionary.KnownLogClasses),
		sets:        dictionary.NewWriter(in, key, "attribute_set", dictionary.UpsertAttributeSetsSQL, dictionary.KnownAttributeSets),
		keys:        dictionary.NewKeys(),
		kinds:       dictionary.NewAllowance(logClassesBurst, logClassesPerHour),
		templates:   dictionary.NewAllowance(templatesBurst, templatesPerHour),
		patterns:    dictionary.NewAllowance(patternsBurst, patternsPerHour),
		miners:      recent.OfSize[uint64, *patterns.Miner](minedServices),
		halves:      traceid.NewHalves(),
		terms:       searched.Collector(),
		tally:       tally.NewLogCollector(),
		outbox:      outbox.NewCollector(out, outbox.Logs, encode, weigh),
		splitter:    terms.NewSplitter(searched.Hasher()),
	}
	w.chooser = dictionary.NewSetChooser(w.sets, in.Inlined("attribute_set").Inc, searched.Hasher(), w.keys, dictionary.OfLogs)
	return w
}

func (w *Writer) dictionaries() []*dictionary.Writer {
	return []*dictionary.Writer{w.Resources, w.Scopes, w.classes, w.sets}
}

// Prepare encodes the rows of a group: see commit.Writer.
func (w *Writer) Prepare(group []*Batch, entries, opening *pgx.Batch, hasty bool) error {
	now := w.now()
	w.today, w.placer = partition.DayOf(now), w.partitions.Placer("log", now)
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
	dictionary.Queue(entries, w.dictionaries(), hasty)
	w.Services.Queue(entries)
	w.keys.Queue(entries)
	w.halves.Queue(opening, w.today, hasty)
	w.terms.Queue(opening)
	w.tally.Queue(opening)
	w.outbox.Queue(opening, len(group), func(i int) []plait.LogRecord { return group[i].Records })
	return nil
}

// Write copies them.
func (w *Writer) Write(_ context.Context, rows *pgcopy.Stream) error {
	return rows.Copy(copyLogsSQL, &w.copied.Rows)
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

// arrange fills w.rows with the records of a group, and w.order with their order.
func (w *Writer) arrange(group []*Batch, now time.Time) {
	clear(w.rows) // pointers of the last group
	w.rows, w.order, w.runs = w.rows[:0], w.order[:0], w.runs[:0]
	w.untraced.Begin(rand.Uint64())
	for _, b := range group {
		for i := range b.Records {
			row := logEntry{LogRecord: &b.Records[i], traceID: b.Records[i].TraceID}
			w.halves.Add(row.traceID, false)
			w.refer(&row, now)
			if row.traceID.IsZero() {
				row.traceID = w.untraced.ID(row.origin.ID)
			}
			w.order = append(w.order, partition.NewSortKey(row.shelf, row.traceID, row.TimeNanos, len(w.rows)))
			w.rows = append(w.rows, row)
		}
	}
	slices.SortFunc(w.order, partition.SortKey.Compare)
}

// refer finds what a record refers to.
func (w *Writer) refer(row *logEntry, now time.Time) {
	row.shelf = w.placer.Shelf(row.TimeNanos)
	row.origin = w.ResourceOf(row.Resource)
	row.origin.Seen.Include(row.TimeNanos)
	row.scope = w.ScopeOf(row.Scope)
	severity, event := row.SeverityText, row.EventName
	if row.inline = len(severity) > maxClassText || len(event) > maxClassText; row.inline {
		severity, event = "", ""
	}
	template := w.template(row)
	if !row.free {
		row.class = w.class(row, bodyClass{severity: severity, event: event, template: template}, now)
		row.free = row.class == 0 && len(template) > 0
	}
	if row.free {
		row.class = w.mined(row, severity, event, now)
	}
	if row.class == 0 {
		row.class = w.class(row, bodyClass{severity: severity, event: event}, now)
	}
	if row.class == 0 {
		row.inline, row.free = true, len(row.body) > 0
		row.class = w.class(row, bodyClass{}, now)
	}
}

// mined returns the class of a record whose body has no template, by the pattern of its body as far as it is known, or 0.
func (w *Writer) mined(row *logEntry, severity, event string, now time.Time) int64 {
	service := xxhash.Sum64String(row.origin.Service) // the string itself belongs to a request
	miner, ok := w.miners.Get(service)
	if !ok {
		miner = patterns.NewMiner()
		w.miners.Put(service, miner)
	}
	pattern := miner.Learn(row.body)
	if pattern == "" {
		return 0
	}
	return w.class(row, bodyClass{severity: severity, event: event, pattern: pattern}, now)
}

// template takes the body of a record apart, and returns what may become a part of its class.
func (w *Writer) template(row *logEntry) []byte {
	row.body = w.bodyText(row.Body)
	var template []byte
	begun := len(w.runs)
	template, w.runs, row.allRuns = w.splitter.Split(w.runs, row.body)
	row.runs = [2]int{begun, len(w.runs)}
	if row.free = len(template) > maxTemplate; row.free {
		return nil
	}
	return template
}

// bodyText is a body as it is stored.
func (w *Writer) bodyText(body plait.Value) string {
	switch body.Kind() {
	case plait.KindString:
		return rowcodec.CleanText(body.Str())
	case plait.KindEmpty:
		return ""
	}
	w.json = rowcodec.AppendValue(w.json[:0], body)
	return string(w.json)
}

// bodyClass is what a class is of, beside the scope: a template or a pattern, or neither.
type bodyClass struct {
	severity, event string
	template        []byte
	pattern         string
}

// class returns the id of what a record shares with others of its statement, or 0 when its
// service brings too many.
func (w *Writer) class(row *logEntry, c bodyClass, now time.Time) int64 {
	w.content = append(w.content[:0].Text(c.severity).Text(c.event).Number(row.scope), c.template...)
	if c.pattern != "" {
		w.content = append(append(w.content, 0), c.pattern...) // no template has NUL
	}
	id, state := w.classes.Find(w.content)
	if state == dictionary.EntryPresent {
		return id
	}
	if state == dictionary.EntryAbsent && !w.allows(row.origin.Service, c, now) {
		return 0
	}
	return w.classes.Add(w.content, dictionary.Entry{
		Texts:   []string{strings.Clone(c.severity), strings.Clone(c.event), string(c.template), c.pattern},
		Numbers: []int64{row.scope},
	})
}

// allows says whether a service may bring another class.
func (w *Writer) allows(service string, c bodyClass, now time.Time) bool {
	switch {
	case len(c.template) > 0:
		return w.templates.Take(service, now)
	case c.pattern != "":
		return w.patterns.Take(service, now)
	}
	return c.severity+c.event == "" || w.kinds.Take(service, now)
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
	out.Rows.Text(row.body)
	block := w.terms.Row(row.shelf, row.traceID, row.TimeNanos)
	begun := out.Begin()
	var setID int64
	out.Bytes, setID = w.chooser.Split(w.chooser.Family(row.family()), row.Attributes, out.Bytes, block)
	out.End(begun)
	w.addTerms(block, row, setID)
	w.count(row)
	binary.BigEndian.PutUint64(out.Bytes[set-8:], uint64(setID))
	w.extra(out, row)
	out.Date(int32(row.shelf))
	if row.shelf.Outside() {
		w.outside++
	}
}

// family tells records apart whose attributes have little to do with one another: those of
// different severities, events, scopes or processes.
func (row *logEntry) family() int64 {
	return row.origin.ID ^ row.scope ^ int64(xxhash.Sum64String(row.SeverityText)) ^ int64(xxhash.Sum64String(row.EventName)<<1)
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
		w.inline++
		e.Text("severity_text", row.SeverityText)
		e.Text("event_name", row.EventName)
	}
	e.Count("dropped_attributes_count", row.DroppedAttributes)
	out.Bytes = e.Close(false)
	out.End(begun)
}
