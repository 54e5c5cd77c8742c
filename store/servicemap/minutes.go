package servicemap

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/plaithq/plait/recent"
	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/rowcodec"
)

// A minute of a service map stays as it is for as long as no spans come to it or to the minutes around it by which its
// spans are paired. The counts (store/tally) tell that: they are committed with the spans. So a map that is asked for
// again, or whose range moved on, reads the newest minutes only. What may be answered far from them is kept open
// (openends.go). Of a minute its quarters are remembered, so that a course may have steps as short.

// Minutes around one whose spans may change its calls.
const (
	minutesBefore = int64(callerBefore / time.Minute)
	minutesAfter  = int64(callerAfter / time.Minute)
)

// mappedBytes bounds the minutes that are remembered: some days of a map of a hundred edges.
const mappedBytes = 32 << 20

// mappedMinutes remembers the calls of minutes.
type mappedMinutes struct {
	mu   sync.Mutex
	sums *recent.Map[int64, *mappedMinute]
}

// mappedMinute is the quarters of a minute that have calls, one at least, and how many spans there were in it and around it.
type mappedMinute struct {
	parts []*minuteSums
	spans [minutesBefore + 1 + minutesAfter]int64
}

func newMappedMinutes() *mappedMinutes {
	return &mappedMinutes{sums: recent.New(mappedBytes, func(_ int64, m *mappedMinute) int { return m.bytes() })}
}

// bytes is about how many a minute holds.
func (m *mappedMinute) bytes() int {
	const ofSums, ofBucket = 200, 40
	n := ofSums
	for _, part := range m.parts {
		n += ofSums + part.ends.bytes()
		for name, c := range part.nodes {
			n += ofSums + len(name) + ofBucket*len(c.buckets)
		}
		for edge, c := range part.edges {
			n += ofSums + len(edge.Client) + len(edge.Server) + ofBucket*len(c.buckets)
		}
	}
	return n
}

// get returns a minute as it was with the spans that are counted now, of a sample as fine as this at least.
func (m *mappedMinutes) get(at int64, spans minuteSpans, oneIn int64) []*minuteSums {
	m.mu.Lock()
	defer m.mu.Unlock()
	known, ok := m.sums.Get(at)
	if !ok || known.parts[0].oneIn > oneIn || known.spans != spans.around(at) {
		return nil
	}
	return known.parts
}

func (m *mappedMinutes) put(at int64, parts []*minuteSums, spans minuteSpans) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sums.Put(at, &mappedMinute{parts, spans.around(at)})
}

// minuteSpans is how many spans began in each minute since 1970.
type minuteSpans map[int64]int64

func (m minuteSpans) around(at int64) (spans [minutesBefore + 1 + minutesAfter]int64) {
	for i := range spans {
		spans[i] = m[at-minutesBefore+int64(i)]
	}
	return spans
}

// of is how many spans began in some minutes.
func (m minuteSpans) of(minutes []int64) (spans int64) {
	for _, at := range minutes {
		spans += m[at]
	}
	return spans
}

// spansByMinute counts the spans of the minutes of a range and of those around them.
func (s *Reader) spansByMinute(ctx context.Context, from, to int64) (minuteSpans, error) {
	spans := minuteSpans{}
	if from >= to {
		return spans, nil
	}
	from = max(from, rowcodec.MinMicros+minutesBefore*counts.MinuteMicros) - minutesBefore*counts.MinuteMicros
	to = min(to, rowcodec.MaxMicros-minutesAfter*counts.MinuteMicros) + minutesAfter*counts.MinuteMicros
	err := s.tally.SpanMinutes(ctx, from, to, func(c *counts.SpanCell) error {
		spans[c.Minute] += c.Count
		return nil
	})
	return spans, err
}

// minutes returns the calls of the minutes of a range by their quarters, those of minutes that it cuts in part.
func (s *Reader) minutes(ctx context.Context, from, to int64) ([]*minuteSums, error) {
	spans, err := s.spansByMinute(ctx, from, to) // before any is read, so that what comes meanwhile makes another count
	if err != nil {
		return nil, err
	}
	whole := func(at int64) bool { return at*counts.MinuteMicros >= from && (at+1)*counts.MinuteMicros <= to }
	var parts []*minuteSums
	var missing []int64
	sorted := slices.Sorted(maps.Keys(spans))
	oneIn := sampleOf(spans.of(sorted))
	for _, at := range sorted {
		if (at+1)*counts.MinuteMicros <= from || at*counts.MinuteMicros >= to {
			continue
		}
		if known := s.mapped.get(at, spans, oneIn); known != nil && whole(at) {
			parts = append(parts, known...)
		} else {
			missing = append(missing, at)
		}
	}
	runs := runsOf(missing)
	read := int64(0)
	for _, run := range runs {
		read += spans.of(run.read())
	}
	for _, run := range runs {
		q := s.newQuestion(run, from, to, sampleOf(read), spans)
		sums, err := q.steps(ctx, quarterMicros)
		if err != nil {
			return nil, err
		}
		for _, at := range run {
			of := quartersOf(at, sums, q.oneIn)
			parts = append(parts, of...)
			if whole(at) {
				s.mapped.put(at, of, spans)
			}
		}
	}
	return parts, nil
}

// quartersOf are the quarters of a minute that have calls; one without any where the sample has no span of it.
func quartersOf(minute int64, sums map[int64]*minuteSums, oneIn int64) (parts []*minuteSums) {
	const quarters = counts.MinuteMicros / quarterMicros
	for at := minute * quarters; at < (minute+1)*quarters; at++ {
		if sums[at] != nil {
			parts = append(parts, sums[at])
		}
	}
	if parts == nil {
		parts = []*minuteSums{newMinuteSums(oneIn)}
	}
	return parts
}

// steps reads the spans of the run and counts its calls in steps of so many microseconds.
func (q *question) steps(ctx context.Context, step int64) (map[int64]*minuteSums, error) {
	if err := q.read(ctx); err != nil {
		return nil, err
	}
	if err := q.lookUp(ctx); err != nil {
		return nil, err
	}
	return q.sums(step), nil
}

// sampleOf is of how many traces one is read, where there are so many spans.
func sampleOf(spans int64) int64 { return max(1, (spans+maxSpans-1)/maxSpans) }

// minuteRun is sorted minutes that are read together, with those between them.
type minuteRun []int64

func (r minuteRun) first() int64 { return r[0] }
func (r minuteRun) last() int64  { return r[len(r)-1] }

// read are the minutes of which spans are read.
func (r minuteRun) read() (all []int64) {
	for at := r.first() - minutesBefore; at <= r.last()+minutesAfter; at++ {
		all = append(all, at)
	}
	return all
}

// runsOf joins sorted minutes of which the surroundings overlap.
func runsOf(minutes []int64) (runs []minuteRun) {
	for i, at := range minutes {
		if i == 0 || at-minutes[i-1] > minutesBefore+minutesAfter {
			runs = append(runs, nil)
		}
		last := &runs[len(runs)-1]
		*last = append(*last, at)
	}
	return runs
}
