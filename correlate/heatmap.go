package correlate

import (
	"cmp"
	"context"
	"math/bits"
	"slices"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	conditions "github.com/plaithq/plait/query/condition"
)

// A heatmap shows the requests behind a metric by time and latency. What is usual for a row is a share of the requests, and not
// a number, so that it holds in the night as on a busy day: the share that the row has at most in the quietest quarter of the
// time, of the columns and of as long before them. So up to three quarters of a window may be in trouble.

// HeatmapReader counts spans by time and duration.
type HeatmapReader interface {
	// Heatmap counts the spans that start in a range by columns of time and by duration, in at most so many columns. It is bounded
	// in time, and says so if that cut it short.
	Heatmap(ctx context.Context, q query.Heatmap) (query.HeatmapCounts, error)
}

// HeatmapQuestion asks for the requests that are the samples of a metric, by time and latency.
type HeatmapQuestion struct {
	Selectors     [][]plait.Matcher
	Range         plait.TimeRange // both ends are needed
	Columns, Rows int             // at most
	// InTrace asks how many of the requests are of traces in which any span fits; nil asks nothing.
	InTrace conditions.Node
}

// Heatmap is what requests took over time.
type Heatmap struct {
	Start   time.Time
	Step    time.Duration // of a column
	Columns int
	Edges   []time.Duration // of the rows, ascending: one more than there are rows
	Usual   []float64       // of each row: requests a column
	Cells   []HeatmapCell   // those that have requests, by column and row
	// Below is how many requests of the first row took less than it says, or no time at all.
	Below    int64
	Ignored  []plait.Matcher
	CutShort bool
}

// HeatmapCell is the requests of a column that took as long as its row says: more than the one edge and at most the other.
type HeatmapCell struct {
	Column, Row      int
	Requests, Failed int64
	// Holding is how many are of traces that have a span of HeatmapQuestion.InTrace.
	Holding int64
	// TraceID is that of one of them that took Nanos, zero where none is known.
	TraceID plait.TraceID
	Nanos   int64
}

// Heatmap counts the requests behind a metric by time and latency. It is plait.ErrNotFound for a metric whose samples are no spans.
func (p *Pivots) Heatmap(ctx context.Context, q HeatmapQuestion) (*Heatmap, error) {
	samples, ignored, err := samplesOf(q.Selectors)
	if err != nil {
		return nil, err
	}
	counted, err := p.traces.Heatmap(ctx, query.Heatmap{Condition: samples, Range: q.Range, Columns: q.Columns, InTrace: q.InTrace})
	if err != nil {
		return nil, err
	}
	m := newHeatmap(&counted, q.Rows)
	m.Ignored = ignored
	return m, nil
}

func newHeatmap(counted *query.HeatmapCounts, rows int) *Heatmap {
	m := &Heatmap{Start: counted.Start, Step: counted.Step, Columns: counted.Columns, CutShort: counted.CutShort}
	m.Edges = edgesOf(counted.Cells, rows)
	for _, c := range counted.Cells {
		m.add(c)
	}
	m.Usual = m.usual(counted)
	return m
}

// shortestShown is where rows begin at least: what takes no time has no place on a logarithmic axis.
const shortestShown = time.Nanosecond

// emptyLow and emptyHigh are about a millisecond and a second, which a picture without requests has.
const emptyLow, emptyHigh = 1 << 20, 1 << 30

// edgesOf makes rows of buckets, each of the same number of them, so that no bucket lies in two.
func edgesOf(cells []query.HeatmapCell, rows int) []time.Duration {
	low, high := time.Duration(0), time.Duration(0)
	for _, c := range cells {
		if c.Over >= shortestShown && (low == 0 || c.Over < low) {
			low = c.Over
		}
		high = max(high, c.UpTo)
	}
	if high == 0 {
		low, high = emptyLow, emptyHigh
	}
	low = max(low, shortestShown)
	bounds := []time.Duration{low}
	for at := low; at < high || len(bounds) == 1; bounds = append(bounds, at) {
		at = nextBound(at)
	}
	each := (len(bounds) - 1 + rows - 1) / rows
	edges := []time.Duration{low}
	for i := each; len(edges) == 1 || edges[len(edges)-1] < bounds[len(bounds)-1]; i += each {
		edges = append(edges, bounds[min(i, len(bounds)-1)])
	}
	return edges
}

// nextBound is the bound after a bound (query.DurationCount).
func nextBound(bound time.Duration) time.Duration {
	eighth := time.Duration(1) << (bits.Len64(uint64(bound)) - 1) / 8
	if next := bound + max(eighth, 1); next > bound {
		return next
	}
	return 1<<63 - 1
}

// row is where a bucket belongs.
func (m *Heatmap) row(upTo time.Duration) int {
	i, _ := slices.BinarySearch(m.Edges, upTo)
	return min(max(i-1, 0), len(m.Edges)-2)
}

// add adds a cell of one bucket; they come by column.
func (m *Heatmap) add(c query.HeatmapCell) {
	if c.UpTo <= m.Edges[0] {
		m.Below += c.Count
	}
	row := m.row(c.UpTo)
	if n := len(m.Cells); n == 0 || m.Cells[n-1].Column != c.Column || m.Cells[n-1].Row != row {
		m.Cells = append(m.Cells, HeatmapCell{Column: c.Column, Row: row})
	}
	cell := &m.Cells[len(m.Cells)-1]
	cell.Requests, cell.Failed, cell.Holding = cell.Requests+c.Count, cell.Failed+c.Failed, cell.Holding+c.Holding
	if !c.TraceID.IsZero() {
		cell.TraceID, cell.Nanos = c.TraceID, c.Nanos // the slowest that is known
	}
}

// shares are the parts of requests that lie in each row, at one time.
type shares struct {
	of     []float64
	weight float64 // seconds
}

// usualPart is the part of the time in which a row has at most its usual share.
const usualPart = 0.25

// usual is how many requests a column of each row usually has.
func (m *Heatmap) usual(counted *query.HeatmapCounts) []float64 {
	rows := len(m.Edges) - 1
	known := m.sharesOf(counted.Cells, m.Columns, counted.Step)
	busy := map[int]bool{}
	total := int64(0)
	for _, c := range m.Cells {
		busy[c.Column] = true
		total += c.Requests
	}
	if before := counted.Before; len(before) > 0 {
		known = append(known, m.sharesOf(before, before[len(before)-1].Column+1, counted.BeforeStep)...)
	}
	usual := make([]float64, rows)
	for row := range usual {
		// A row that has nothing usually may have one request in all columns by chance.
		usual[row] = max(quantile(known, row)*float64(total), 1) / float64(max(len(busy), 1))
	}
	return usual
}

// sharesOf are those of columns that have requests, each together with its neighbours, so that a row with a request now and then
// has a share at all.
func (m *Heatmap) sharesOf(cells []query.HeatmapCell, columns int, step time.Duration) []shares {
	rows := len(m.Edges) - 1
	counts := make([][]float64, columns)
	sums := make([]float64, columns)
	for _, c := range cells {
		for at := max(c.Column-1, 0); at <= min(c.Column+1, columns-1); at++ {
			if counts[at] == nil {
				counts[at] = make([]float64, rows)
			}
			counts[at][m.row(c.UpTo)] += float64(c.Count)
			sums[at] += float64(c.Count)
		}
	}
	var all []shares
	for at, of := range counts {
		if of == nil {
			continue
		}
		for row := range of {
			of[row] /= sums[at]
		}
		all = append(all, shares{of, step.Seconds()})
	}
	return all
}

// quantile is the share of a row below which it stays for the usual part of the time.
func quantile(known []shares, row int) float64 {
	slices.SortFunc(known, func(a, b shares) int { return cmp.Compare(a.of[row], b.of[row]) })
	whole, upTo := 0.0, 0.0
	for _, s := range known {
		whole += s.weight
	}
	for _, s := range known {
		if upTo += s.weight; upTo >= usualPart*whole {
			return s.of[row]
		}
	}
	return 0
}
