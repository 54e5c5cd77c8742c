package metrics

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pgcopy"
)

// Batch is what one request brings, ready to be inserted.
type Batch struct {
	floats     headRow // id and xact are those of the commit group
	histograms headRow
	exemplars  []exemplarRow
	metadata   []plait.MetricMetadata
	increments []plait.Increment
	derived    bool // by Plait, from spans
	refused    []plait.Refusal
	series     []plait.SeriesData // all of the request, to which they belong
	leftOut    map[int]bool       // places of those that are refused
}

// Stored are the series of the request that are stored. They belong to the request.
func (b *Batch) Stored() []plait.SeriesData {
	if len(b.leftOut) == 0 {
		return b.series
	}
	var stored []plait.SeriesData
	for i := range b.series {
		if !b.leftOut[i] {
			stored = append(stored, b.series[i])
		}
	}
	return stored
}

// Increments are those of the request. Who commits the batch commits them with it.
func (b *Batch) Increments() []plait.Increment { return b.increments }

// Refused says which series were left out and why.
func (b *Batch) Refused() []plait.Refusal { return b.refused }

// maxNamings is how often the series of a request are named before that is given up. Each time all
// that stand under an id of others are found, and get another.
const maxNamings = 8

// Prepare names the series of a request and writes those to the dictionary that are unknown.
// The batch refers to the series of m, and keeps nothing else of it but the encoded histograms and the increments. Series beyond the limit of new ones
// and those that the database does not take are refused, the rest goes on.
func (db *DB) Prepare(ctx context.Context, m *plait.Metrics) (*Batch, error) {
	if err := db.awaitRoom(ctx); err != nil {
		return nil, err
	}
	today := db.today()
	unfit := map[int64]string{}
	for range maxNamings {
		b := &Batch{increments: m.Increments, derived: m.Derived, series: m.Series}
		fresh := b.name(db, m.Series, today, unfit)
		settled, err := db.enterSeries(ctx, fresh, today, unfit)
		if err != nil {
			return nil, err
		}
		if settled {
			b.metadata = db.metadata.unknown(m.Metadata, today)
			return b, nil
		}
	}
	return nil, fmt.Errorf("%d names of series stand for others: the request was given up", maxNamings)
}

// name adds the samples of all series that may be stored under their ids, and returns the
// series that the dictionary lacks. Those whose ids are in unfit are refused for the reason there.
func (b *Batch) name(db *DB, all []plait.SeriesData, today int32, unfit map[int64]string) (fresh map[int64]plait.Labels) {
	fresh = map[int64]plait.Labels{}
	limit, beyond := db.config.MaxNewSeries, plait.Refusal{}
	b.floats.grow(len(all))
	db.series.reading(func(get func(int64) *seriesEntry) {
		for i := range all {
			s := &all[i]
			if points(s) == 0 && len(s.Exemplars) == 0 && len(b.increments) == 0 {
				continue // all that it brought was refused before
			}
			id, known := idOf(s, today, get, fresh)
			if reason, bad := unfit[id]; bad {
				b.refused = append(b.refused, plait.Refusal{Reason: reason})
				leaveOut(&b.refused[len(b.refused)-1], s)
				b.leave(i)
				continue
			}
			if !known && fresh[id] == nil {
				if len(fresh) >= limit {
					leaveOut(&beyond, s)
					b.leave(i)
					continue
				}
				fresh[id] = s.Labels
			}
			b.add(id, s)
		}
	})
	if beyond != (plait.Refusal{}) {
		beyond.Reason = fmt.Sprintf("the request brings more than %d series that were not seen before: "+
			"send the others again in smaller requests, or give metrics fewer distinct label values", limit)
		b.refused = append(b.refused, beyond)
	}
	return fresh
}

// leave notes that a series is refused.
func (b *Batch) leave(i int) {
	if b.leftOut == nil {
		b.leftOut = map[int]bool{}
	}
	b.leftOut[i] = true
}

// grow makes room for so many samples.
func (r *headRow) grow(n int) {
	r.series = make([]int64, 0, n)
	r.times = make([]int64, 0, n)
	r.values = make([]float64, 0, n)
}

// leaveOut counts a series that is refused.
func leaveOut(r *plait.Refusal, s *plait.SeriesData) {
	r.Count += points(s)
	r.Histograms += len(s.Histograms)
	r.Exemplars += len(s.Exemplars)
}

func points(s *plait.SeriesData) int { return len(s.Samples) + len(s.Histograms) }

func (b *Batch) add(id int64, s *plait.SeriesData) {
	for _, p := range s.Samples {
		b.floats.append(id, p.TimeMillis, p.StartMillis)
		b.floats.values = append(b.floats.values, p.Value)
	}
	for _, p := range s.Histograms {
		b.histograms.append(id, p.TimeMillis, p.StartMillis)
		b.histograms.histograms = append(b.histograms.histograms, p.Encoded)
	}
	for i := range s.Exemplars {
		b.exemplars = append(b.exemplars, newExemplarRow(id, &s.Exemplars[i], b.derived))
	}
}

func (r *headRow) append(id, t, start int64) {
	if start != 0 && len(r.starts) == 0 {
		r.starts = make([]int64, len(r.series), cap(r.series))
	}
	r.series = append(r.series, id)
	r.times = append(r.times, t)
	if len(r.starts) > 0 || start != 0 {
		r.starts = append(r.starts, start)
	}
}

// join appends the arrays of another row.
func (r *headRow) join(other *headRow) {
	if len(other.starts) > 0 && len(r.starts) == 0 {
		r.starts = make([]int64, len(r.series))
	}
	if len(r.starts) > 0 || len(other.starts) > 0 {
		r.starts = append(r.starts, other.starts...)
		for len(r.starts) < len(r.series)+len(other.series) {
			r.starts = append(r.starts, 0)
		}
	}
	r.series = append(r.series, other.series...)
	r.times = append(r.times, other.times...)
	r.values = append(r.values, other.values...)
	r.histograms = append(r.histograms, other.histograms...)
}

// Group is what one transaction writes. When the transaction has ended, either Applied or
// Abandoned must be called.
type Group struct {
	db        *DB
	rows      []*headRow
	exemplars int
	metadata  []plait.MetricMetadata
}

// TransactionSQL asks for the id of a transaction, which Insert needs.
const TransactionSQL = `SELECT pg_catalog.pg_current_xact_id()::text::int8`

// Insert writes batches in the transaction of that id, which the caller has begun where rows goes. One
// goroutine at a time calls it.
func (db *DB) Insert(ctx context.Context, rows *pgcopy.Stream, transaction int64, batches []*Batch) (*Group, error) {
	g := &Group{db: db}
	floats, histograms := &headRow{}, &headRow{}
	var exemplars []exemplarRow
	count := 0
	for _, b := range batches {
		count += len(b.floats.series)
	}
	floats.grow(count)
	for _, b := range batches {
		floats.join(&b.floats)
		histograms.join(&b.histograms)
		exemplars = append(exemplars, b.exemplars...)
		g.metadata = append(g.metadata, b.metadata...)
	}
	g.exemplars = len(exemplars)
	for _, r := range []*headRow{floats, histograms} {
		if len(r.series) > 0 {
			r.id, r.xact = newID(), transaction
			g.rows = append(g.rows, r)
		}
	}
	db.head.announce(g.ids()...)
	if err := db.insert(ctx, rows, g, exemplars); err != nil {
		g.Abandoned()
		return nil, err
	}
	return g, nil
}

func (db *DB) insert(ctx context.Context, rows *pgcopy.Stream, g *Group, exemplars []exemplarRow) error {
	db.headRows.Reset()
	for _, r := range g.rows {
		r.encode(&db.headRows)
	}
	if err := rows.Copy(copyHeadSQL, &db.headRows); err != nil {
		return fmt.Errorf("insert samples: %w", err)
	}
	if err := db.copyExemplars(rows, exemplars); err != nil {
		return err
	}
	if len(g.metadata) == 0 {
		return nil
	}
	conn, err := rows.Conn()
	if err != nil {
		return err
	}
	return writeMetadata(ctx, conn, g.metadata, dayTime(db.today()))
}

// Applied makes a committed group visible to queries.
func (g *Group) Applied() {
	if g.db.head.add(g.db.now(), g.rows...) {
		g.db.wakeCompaction()
	}
	g.db.metadata.remember(g.metadata, g.db.today())
	g.db.counters.wrote(g)
}

// Abandoned takes note that a group was rolled back, or that nobody knows whether it was.
func (g *Group) Abandoned() { g.db.head.withdraw(g.ids()...) }

func (g *Group) ids() []int64 {
	ids := make([]int64, len(g.rows))
	for i, r := range g.rows {
		ids[i] = r.id
	}
	return ids
}

// lastID is the newest id of newID.
var lastID atomic.Int64

// newID makes an id that this gateway never makes again, and hardly any other: milliseconds, so that the
// primary key grows at its end, and 21 random bits with the sign left positive. Where another one
// has made the same, the commit group is written again, with other ids.
func newID() int64 {
	for {
		last := lastID.Load()
		id := max(last+1, time.Now().UnixMilli()<<21|rand.Int64N(1<<21))
		if lastID.CompareAndSwap(last, id) {
			return id
		}
	}
}

const copyHeadSQL = `COPY plait_store.sample_head (id, xact, series, times, starts, values, histograms) FROM STDIN BINARY`

func (r *headRow) encode(rows *pgcopy.Rows) {
	rows.Row(7)
	rows.Int8(r.id)
	rows.Int8(r.xact)
	appendField(rows, func(b []byte) []byte { return appendInt8Array(b, r.series) })
	appendField(rows, func(b []byte) []byte { return appendInt8Array(b, r.times) })
	appendField(rows, func(b []byte) []byte { return appendInt8Array(b, r.starts) })
	appendField(rows, func(b []byte) []byte { return appendFloat8Array(b, r.values) })
	appendField(rows, func(b []byte) []byte { return appendByteaArray(b, r.histograms) })
}

// Weigh returns the number of records and about how many bytes they hold.
func (b *Batch) Weigh() (records, bytes int) {
	records = len(b.floats.series) + len(b.histograms.series) + len(b.exemplars) + len(b.metadata) + len(b.increments)
	return records, 48*records + b.histograms.encodedBytes()
}

// WeighSeries returns about how many bytes a series of a request holds.
func WeighSeries(s *plait.SeriesData) int {
	const fixed, point, exemplar = 64, 24, 96
	bytes := fixed + point*len(s.Samples) + exemplar*len(s.Exemplars)
	for i := range s.Labels {
		bytes += len(s.Labels[i].Name) + len(s.Labels[i].Value)
	}
	for i := range s.Histograms {
		bytes += point + len(s.Histograms[i].Encoded)
	}
	return bytes
}
