// Package tally keeps counts of spans and log records by the minute, and of log records by the quarter of one, in Postgres
// (store/counts): a commit counts its rows in its own transaction, a merger behind it adds the counts up, and a question about
// hours reads them in place of rows. What a question wants a part of is read from rows, so its answer is exact.
// Increments of series lie beside them, and are added up in the same way.
package tally

import (
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/rowcodec"
)

// Signal says whose rows are counted. The table holds these numbers.
type Signal int16

// The signals that are counted.
const (
	Spans      Signal = 1
	Logs       Signal = 2
	Increments Signal = 3 // of series, which have no rows elsewhere
)

func (s Signal) String() string {
	switch s {
	case Logs:
		return "logs"
	case Increments:
		return "metrics"
	default:
		return "traces"
	}
}

// firstLevel is the column level of what a commit counted, and each merge adds one. That of increments is where gateways find
// nothing to merge that know spans and log records only: those look at levels below 4, and would read increments as spans.
func (s Signal) firstLevel() int {
	if s == Increments {
		return 8
	}
	return 0
}

// cells are those of a signal: counts.Spans, counts.Logs or counts.Increments.
type cells interface {
	Len() int
	Reset()
	AppendTo(dst []byte) []byte
	Merge(body []byte) error
}

func (s Signal) newCells() cells {
	switch s {
	case Logs:
		return counts.NewLogs()
	case Increments:
		return counts.NewIncrements()
	default:
		return counts.NewSpans()
	}
}

// Tally has the counts of all signals. Its methods may be called concurrently.
type Tally struct {
	pool        *pgxpool.Pool
	instruments *instruments
}

// New makes it, and registers its metrics.
func New(pool *pgxpool.Pool, registerer prometheus.Registerer) *Tally {
	return &Tally{pool: pool, instruments: newInstruments(registerer)}
}

// instruments are the metrics of the counts.
type instruments struct {
	merges  *prometheus.CounterVec
	waiting *prometheus.GaugeVec
}

func newInstruments(registerer prometheus.Registerer) *instruments {
	in := &instruments{
		merges: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "plait_store_tally_merges_total",
			Help: "Merges of counts by the minute by this gateway."}, []string{"signal"}),
		waiting: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "plait_store_tally_commits",
			Help: "Commits whose counts by the minute wait for a merge, as the merger last saw it."}, []string{"signal"}),
	}
	registerer.MustRegister(in.merges, in.waiting)
	return in
}

// quartersOfMinute is how many there are.
const quartersOfMinute = counts.MinuteMicros / counts.QuarterMicros

// minuteTime is when a minute begins.
func minuteTime(minute int64) time.Time { return rowcodec.MicrosTime(minute * counts.MinuteMicros) }

// minuteOf is the minute of a time in microseconds.
func minuteOf(micros int64) int64 { return rowcodec.FloorDiv(micros, counts.MinuteMicros) }

// minuteOfStep is the minute of an increment's step.
func minuteOfStep(step int64) int64 { return minuteOf(plait.StepEnd(step - 1).UnixMicro()) }
