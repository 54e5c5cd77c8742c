package metrics

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/counts"
)

// Increments (docs/decisions/041) are no samples: they add up, in whatever order they came. A series of increments is
// in the dictionary like any other, with the label plait.ArrivalLabel; its samples are made of the increments when
// somebody asks. In each hour that has increments it is a counter of its own: a zero before the first of them, then a sample at the end of
// each step until the hour is over. So what a query reads begins at most an hour before its range, and what it finds at a
// time does not depend on the range.

// stepsPerHour is how many steps a counter of increments lives.
const stepsPerHour = int64(time.Hour / plait.IncrementStep)

// hourOf is the hour whose counter has a step.
func hourOf(step int64) int64 {
	hour := (step - 1) / stepsPerHour
	if step < 1 && (step-1)%stepsPerHour != 0 {
		hour--
	}
	return hour
}

func stepMillis(step int64) int64 { return plait.StepEnd(step).UnixMilli() }

// member says what of a family a series shows.
type member uint8

const (
	counterMember member = iota
	bucketMember
	sumMember
	countMember
	histogramMember // the native histogram
)

// increments are those of a family of series, in order of their steps.
type increments struct {
	found bool // there are some in the range
	cells []plait.Increment
}

// incremented is a series of increments.
type incremented struct {
	*increments
	member member
	upper  float64 // of a bucket
	now    int64   // nothing is later, in milliseconds
}

// familyOf returns the labels of a series' family as a text, and what of it the series shows.
func familyOf(ls labels.Labels) (family string, of incremented) {
	name, bound := ls.Get(nameLabel), ls.Get("le")
	switch {
	case strings.HasSuffix(name, "_total"):
	case bound != "" && strings.HasSuffix(name, "_bucket"):
		upper, err := strconv.ParseFloat(bound, 64)
		if err != nil {
			upper = math.Inf(-1) // which no measurement is below
		}
		name, of = strings.TrimSuffix(name, "_bucket"), incremented{member: bucketMember, upper: upper}
	case strings.HasSuffix(name, "_sum"):
		name, of.member = strings.TrimSuffix(name, "_sum"), sumMember
	case strings.HasSuffix(name, "_count"):
		name, of.member = strings.TrimSuffix(name, "_count"), countMember
	default:
		of.member = histogramMember
	}
	set := plait.Labels{{Name: nameLabel, Value: name}}
	ls.Range(func(l labels.Label) {
		if l.Name != nameLabel && (l.Name != "le" || of.member != bucketMember) {
			set = append(set, plait.Label{Name: l.Name, Value: l.Value})
		}
	})
	slices.SortFunc(set, func(a, b plait.Label) int { return cmp.Compare(a.Name, b.Name) })
	return counts.LabelText(set), of
}

// readIncrements reads the increments of those series that are made of some, for a range of milliseconds.
func (q *querier) readIncrements(ctx context.Context, all []series, from, to int64) error {
	families := map[string]int{}
	var read []*increments
	for i := range all {
		if all[i].labels.Get(plait.ArrivalLabel) != plait.ArrivalLate {
			continue
		}
		family, of := familyOf(all[i].labels)
		number, met := families[family]
		if !met {
			number = len(read)
			families[family] = number
			read = append(read, &increments{})
		}
		of.increments, of.now = read[number], q.db.now().UnixMilli()
		all[i].increments = &of
	}
	if len(read) == 0 {
		return nil
	}
	const hour = int64(time.Hour / time.Millisecond)
	earliest := bound(from)
	earliest = earliest.Add(-time.Millisecond).Truncate(time.Hour)
	latest := bound(min(to, math.MaxInt64-hour))
	choose := func(set plait.Labels) int {
		if number, ok := families[counts.LabelText(set)]; ok {
			return number
		}
		return -1
	}
	err := q.db.config.Increments(ctx, earliest, latest, func(body []byte) error {
		var tooLarge error
		err := counts.ReadIncrements(body, choose, func(number int, inc *plait.Increment) bool {
			if end := plait.StepEnd(inc.Step); end.After(earliest) && !end.After(latest) {
				tooLarge = read[number].add(inc, q)
			}
			return tooLarge == nil
		})
		return cmp.Or(tooLarge, err)
	})
	if err != nil {
		return fmt.Errorf("read series of what came late: %w", err)
	}
	for _, n := range read {
		n.sort()
	}
	return nil
}

// incrementBytes is what an increment takes, beside its buckets of 16 bytes each.
const incrementBytes = 112

func (n *increments) add(inc *plait.Increment, q *querier) error {
	n.found = true
	if q.listing {
		return nil
	}
	copied := *inc
	copied.Labels, copied.Bounded, copied.Exponential = nil, slices.Clone(inc.Bounded), slices.Clone(inc.Exponential)
	n.cells = append(n.cells, copied)
	return q.spent.choose(incrementBytes + 16*(len(inc.Bounded)+len(inc.Exponential)))
}

// sort puts the increments in order, those of a step as one.
func (n *increments) sort() {
	slices.SortStableFunc(n.cells, func(a, b plait.Increment) int { return cmp.Compare(a.Step, b.Step) })
	kept := n.cells[:0]
	for i := range n.cells {
		if last := len(kept) - 1; last >= 0 && kept[last].Step == n.cells[i].Step {
			kept[last].Add(&n.cells[i])
		} else {
			kept = append(kept, n.cells[i])
		}
	}
	n.cells = kept
}

// memory is about what the samples of a series take: those of all hours that have increments.
func (n *incremented) memory() int {
	hours, last := 0, int64(math.MinInt64)
	for i := range n.cells {
		if hour := hourOf(n.cells[i].Step); hour != last {
			hours, last = hours+1, hour
		}
	}
	size := 24
	if n.member == histogramMember {
		size = 48
	}
	return hours * int(stepsPerHour+1) * size
}

// samples makes the samples of a series within a range of milliseconds, both ends included.
func (n *incremented) samples(from, to int64) (out samples) {
	to = min(to, n.now)
	for i := 0; i < len(n.cells); {
		hour := hourOf(n.cells[i].Step)
		end := i
		for end < len(n.cells) && hourOf(n.cells[end].Step) == hour {
			end++
		}
		n.hour(&out, n.cells[i:end], hour, from, to)
		i = end
	}
	return out
}

// hour appends the samples of an hour.
func (n *incremented) hour(out *samples, cells []plait.Increment, hour, from, to int64) {
	// The counter of the hour before has its last sample when this hour begins.
	began := max(stepMillis(cells[0].Step-1), stepMillis(hour*stepsPerHour)+1)
	so := &plait.Increment{}
	show := n.shows(out, began)
	if began >= from && began <= to {
		show(began, so, true)
	}
	for step := cells[0].Step; step <= (hour+1)*stepsPerHour; step++ {
		changed := false
		if len(cells) > 0 && cells[0].Step == step {
			so.Add(&cells[0])
			cells, changed = cells[1:], true
		}
		t := stepMillis(step)
		if t > to {
			return
		}
		if t >= from {
			show(t, so, changed)
		}
	}
}

// shows returns what appends a sample of a counter that began at some time. It is told whether the counter changed since it was called last.
func (n *incremented) shows(out *samples, began int64) func(t int64, so *plait.Increment, changed bool) {
	if n.member != histogramMember {
		return func(t int64, so *plait.Increment, _ bool) {
			out.floats = append(out.floats, floatSample{t: t, st: began, v: n.value(so)})
		}
	}
	var encoded []byte
	return func(t int64, so *plait.Increment, changed bool) {
		if changed || encoded == nil {
			encoded = encodeExponential(so)
		}
		out.histograms = append(out.histograms, histogramSample{t: t, st: began, encoded: encoded})
	}
}

func (n *incremented) value(so *plait.Increment) float64 {
	switch n.member {
	case sumMember:
		return so.Sum
	case bucketMember:
		below := int64(0)
		for _, b := range so.Bounded {
			if b.Upper <= n.upper {
				below += b.Count
			}
		}
		return float64(below)
	default:
		return float64(so.Count)
	}
}

// encodeExponential writes a native histogram.
func encodeExponential(so *plait.Increment) []byte {
	message := writev2.Histogram{
		Count: &writev2.Histogram_CountInt{CountInt: uint64(so.Count)}, Sum: so.Sum,
		Schema: plait.ExponentialSchema, ZeroThreshold: plait.ExponentialZero,
		ZeroCount: &writev2.Histogram_ZeroCountInt{ZeroCountInt: uint64(so.Zero)},
	}
	next, last := 0, int64(0) // index behind the last run; count of the last bucket
	for _, b := range so.Exponential {
		if len(message.PositiveSpans) == 0 || b.Index > next {
			message.PositiveSpans = append(message.PositiveSpans, writev2.BucketSpan{Offset: int32(b.Index - next)})
		}
		message.PositiveSpans[len(message.PositiveSpans)-1].Length++
		message.PositiveDeltas = append(message.PositiveDeltas, b.Count-last)
		next, last = b.Index+1, b.Count
	}
	encoded, err := message.Marshal()
	if err != nil {
		panic(fmt.Sprintf("encode native histogram: %v", err)) // it has no way to fail
	}
	return encoded
}
