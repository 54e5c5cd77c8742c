package prometheus

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/correlate/spikes"
	"github.com/plaithq/plait/spanmetrics"
)

// SpikesMetric is the name of series that nobody stores: a query that names it is answered with the spikes of its range, a
// series each, which has a value for as long as the spike lasts. So an annotation of Grafana's Prometheus data source
// shows them.
const SpikesMetric = "plait_spikes"

// Labels of a spike beside those that span-derived series have as well.
const (
	labelKind   = "kind"      // latency or errors
	labelSays   = "says"      // what rose, in words
	labelSince  = "since"     // its range, in milliseconds since 1970
	labelUntil  = "until"     //
	labelSlower = "slower_ms" // how long spans take at least that belong to it or are unusual beside it
)

const (
	// maxSpikes bounds an answer: those furthest from their usual are told.
	maxSpikes = 100
	// spikesAtOnce is how many searches for spikes run at a time. Each counts the spans of all operations.
	spikesAtOnce = 2
	// spikeEvery is how far samples of a spike are apart: less than a query looks back.
	spikeEvery = time.Minute
)

// withSpikes is a storage that has series of spikes, too.
type withSpikes struct {
	storage.Queryable
	find  func(context.Context, spikes.Question) (*spikes.Answer, error)
	slots chan struct{}
}

// Querier implements storage.Queryable.
func (s *withSpikes) Querier(from, to int64) (storage.Querier, error) {
	q, err := s.Queryable.Querier(from, to)
	if err != nil {
		return nil, err
	}
	return &spikesQuerier{q, s, from, to}, nil
}

type spikesQuerier struct {
	storage.Querier
	storage  *withSpikes
	from, to int64
}

// Select implements storage.Querier.
func (q *spikesQuerier) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool {
		return m.Name == plait.NameLabel && m.Type == labels.MatchEqual && m.Value == SpikesMetric
	}) {
		return q.Querier.Select(ctx, sorted, hints, matchers...)
	}
	from, to, step := q.from, q.to, int64(0)
	if hints != nil {
		from, to, step = hints.Start, hints.End, hints.Step
	}
	all, err := q.storage.spikes(ctx, plait.TimeRange{From: time.UnixMilli(from), To: time.UnixMilli(to + 1)}, step, matchers)
	if err != nil {
		return storage.ErrSeriesSet(fmt.Errorf("find spikes: %w", err))
	}
	return &spikeSet{all: all}
}

// spikes finds the spikes that fit, in order of their labels, for a query with steps of so many milliseconds.
func (s *withSpikes) spikes(ctx context.Context, within plait.TimeRange, step int64, matchers []*labels.Matcher) (all []*storage.SeriesEntry, err error) {
	if err := acquire(ctx, s.slots); err != nil {
		return nil, err
	}
	defer func() { <-s.slots }()
	question := spikes.Question{Range: within, Limit: maxSpikes}
	for _, m := range matchers {
		if m.Name == spanmetrics.LabelService && m.Type == labels.MatchEqual {
			question.Service = m.Value
		}
	}
	found, err := s.find(ctx, question)
	if err != nil {
		return nil, err
	}
	for i := range found.Spikes {
		set := labelsOfSpike(&found.Spikes[i])
		if slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(set.Get(m.Name)) }) {
			continue
		}
		course := courseOf(&found.Spikes[i], step)
		all = append(all, &storage.SeriesEntry{Lset: set, SampleIteratorFn: func(chunkenc.Iterator) chunkenc.Iterator { return storage.NewListSeriesIterator(course) }})
	}
	slices.SortFunc(all, func(a, b *storage.SeriesEntry) int { return labels.Compare(a.Lset, b.Lset) })
	return all, nil
}

func labelsOfSpike(s *spikes.Spike) labels.Labels {
	slower := s.Slow
	if s.Kind == spikes.Errors {
		slower = s.Usual.P95
	}
	millis := func(n int64) string { return strconv.FormatInt(n, 10) }
	return labels.FromStrings(
		plait.NameLabel, SpikesMetric,
		spanmetrics.LabelService, spanmetrics.Clip(s.Service),
		spanmetrics.LabelSpanName, spanmetrics.Clip(s.Name),
		spanmetrics.LabelSpanKind, spanmetrics.KindLabel(s.Operation.Kind),
		labelKind, string(s.Kind),
		labelSays, says(s),
		labelSince, millis(s.Range.From.UnixMilli()),
		labelUntil, millis(s.Range.To.UnixMilli()),
		labelSlower, millis(max(slower.Milliseconds(), 1)),
	)
}

// says tells a spike in words.
func says(s *spikes.Spike) string {
	if s.Kind == spikes.Latency {
		return fmt.Sprintf("p95 %s, usually %s", readable(s.P95), readable(s.Usual.P95))
	}
	what := "failed"
	if s.Logged {
		what = "logged errors"
	}
	return fmt.Sprintf("%d of %d %s, usually %.2g %%", s.Failed, s.Requests, what, 100*s.Usual.ErrorRate)
}

// readable rounds a duration to two digits, which is what counts know of it.
func readable(d time.Duration) time.Duration {
	unit := time.Duration(1)
	for d/unit >= 100 {
		unit *= 10
	}
	return d.Round(unit)
}

// course is the samples of a spike: its score every minute, and the end. It lasts a step at least, so that a query finds it
// that looks once a step.
type course struct {
	from, to int64 // milliseconds
	score    float64
}

func courseOf(s *spikes.Spike, step int64) course {
	from := s.Range.From.UnixMilli()
	return course{from, max(s.Range.To.UnixMilli(), from+step), s.Score}
}

// Len implements storage.Samples.
func (c course) Len() int {
	const every = int64(spikeEvery / time.Millisecond)
	return int((c.to-c.from+every-1)/every) + 1
}

// Get implements storage.Samples.
func (c course) Get(i int) chunks.Sample {
	if i == c.Len()-1 {
		return spikeSample{c.to, math.Float64frombits(value.StaleNaN)}
	}
	return spikeSample{c.from + int64(i)*spikeEvery.Milliseconds(), c.score}
}

// spikeSample is a chunks.Sample.
type spikeSample struct {
	t int64
	v float64
}

func (s spikeSample) T() int64                    { return s.t }
func (spikeSample) ST() int64                     { return 0 }
func (s spikeSample) F() float64                  { return s.v }
func (spikeSample) H() *histogram.Histogram       { return nil }
func (spikeSample) FH() *histogram.FloatHistogram { return nil }
func (spikeSample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s spikeSample) Copy() chunks.Sample         { return s }

// spikeSet is a storage.SeriesSet.
type spikeSet struct {
	all  []*storage.SeriesEntry
	next int
}

func (s *spikeSet) Next() bool {
	s.next++
	return s.next <= len(s.all)
}

func (s *spikeSet) At() storage.Series              { return s.all[s.next-1] }
func (*spikeSet) Err() error                        { return nil }
func (*spikeSet) Warnings() annotations.Annotations { return nil }
