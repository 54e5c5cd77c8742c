package otlp

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/value"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/plaithq/plait"
)

// family is the series of one classic histogram or summary: they have all labels in common but that of their bound.
type family struct {
	name    string // without suffix
	told    plait.MetricMetadata
	bound   string // leLabel, or quantileLabel of a summary
	members []member
	moments map[int64]*moment // by milliseconds
}

type familyID struct {
	name   string
	bound  string
	labels string // as text, without name and bound
}

// role says which of a family's series one is.
type role int

const (
	roleBound role = iota // a bucket or a quantile
	roleCount
	roleSum
)

type member struct {
	role   role
	bound  float64
	series *plait.SeriesData
}

// moment is what a family has at one time.
type moment struct {
	start         int64
	sum, count    float64
	summed, tells bool // whether there are a sum and a count
	stale         bool
	bounds        []bound
}

// bound is how many values are up to one, or the value of a quantile.
type bound struct{ at, value float64 }

// join leaves a series to its family, if it has one.
func (e *metricEncoder) join(s *plait.SeriesData, name string, told plait.MetricMetadata) bool {
	label := leLabel
	switch told.Type {
	case plait.MetricHistogram:
	case plait.MetricSummary:
		label = quantileLabel
	default:
		return false
	}
	m := member{series: s}
	family, isBucket := strings.CutSuffix(name, "_bucket")
	switch text := s.Labels.Get(label); {
	case text != "" && (label == quantileLabel || isBucket):
		at, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(at) {
			return false
		}
		m.bound = at
		if label == quantileLabel {
			family = name
		}
	default:
		var ok bool
		if family, ok = strings.CutSuffix(name, "_count"); ok {
			m.role = roleCount
		} else if family, ok = strings.CutSuffix(name, "_sum"); ok {
			m.role = roleSum
		} else {
			return false
		}
	}
	f := e.family(s.Labels, family, label, told)
	f.members = append(f.members, m)
	f.note(m)
	return true
}

func (e *metricEncoder) family(labels plait.Labels, name, bound string, told plait.MetricMetadata) *family {
	var text []byte
	for _, l := range labels {
		if l.Name != plait.NameLabel && l.Name != bound {
			text = fmt.Appendf(text, "%q=%q,", l.Name, l.Value)
		}
	}
	id := familyID{name, bound, string(text)}
	f := e.families[id]
	if f == nil {
		f = &family{name: name, told: told, bound: bound, moments: map[int64]*moment{}}
		e.families[id] = f
		e.inOrder = append(e.inOrder, f)
	}
	return f
}

// note adds the samples of a member to their times.
func (f *family) note(m member) {
	for _, s := range m.series.Samples {
		at := f.moments[s.TimeMillis]
		if at == nil {
			at = &moment{}
			f.moments[s.TimeMillis] = at
		}
		at.start = max(at.start, s.StartMillis)
		at.stale = at.stale || value.IsStaleNaN(s.Value)
		switch m.role {
		case roleCount:
			at.count, at.tells = s.Value, true
		case roleSum:
			at.sum, at.summed = s.Value, true
		default:
			at.bounds = append(at.bounds, bound{m.bound, s.Value})
		}
	}
}

// addFamily writes the times at which a family has all that a point needs as points, and what it has at others as gauges.
func (e *metricEncoder) addFamily(f *family) {
	written := map[int64]bool{}
	var histograms []pmetric.HistogramDataPoint
	for _, t := range slices.Sorted(maps.Keys(f.moments)) {
		at := f.moments[t]
		slices.SortStableFunc(at.bounds, func(a, b bound) int { return cmp.Compare(a.at, b.at) })
		at.bounds = slices.CompactFunc(at.bounds, func(a, b bound) bool { return a.at == b.at })
		switch {
		case f.bound == quantileLabel && at.tells && at.summed && whole(at.count) || f.bound == quantileLabel && at.stale:
			e.addSummary(f, t, at)
		case f.bound == leLabel && at.histogram():
			histograms = append(histograms, e.addHistogram(f, t, at))
		default:
			continue
		}
		written[t] = true
	}
	for _, m := range f.members {
		setExemplars(m.series.Exemplars, histograms)
		rest := *m.series
		rest.Samples = slices.DeleteFunc(slices.Clone(rest.Samples), func(s plait.Sample) bool { return written[s.TimeMillis] })
		if len(histograms) > 0 {
			rest.Exemplars = nil
		}
		if len(rest.Samples) > 0 {
			e.addNumbers(&rest, rest.Labels.Get(plait.NameLabel), f.told, plait.MetricGauge)
		}
	}
}

// histogram says whether there is a histogram at the time, and brings its count and buckets into agreement: the last bucket, which has all, is the count.
func (m *moment) histogram() bool {
	if m.stale {
		return true
	}
	if n := len(m.bounds); n > 0 && math.IsInf(m.bounds[n-1].at, 1) {
		m.count, m.tells = m.bounds[n-1].value, true
		m.bounds = m.bounds[:n-1]
	}
	below := 0.0
	for _, b := range m.bounds {
		if !whole(b.value) || b.value < below || math.IsInf(b.at, 0) {
			return false
		}
		below = b.value
	}
	return m.tells && whole(m.count) && m.count >= below
}

// maxWhole is the highest count that a float64 tells apart from its neighbours.
const maxWhole = 1 << 53

func whole(v float64) bool { return v >= 0 && v <= maxWhole && v == math.Trunc(v) }

func (e *metricEncoder) addHistogram(f *family, millis int64, at *moment) pmetric.HistogramDataPoint {
	p := e.histogram(f.members[0].series.Labels, f.name, f.told).AppendEmpty()
	setTimes(p, at.start, millis)
	setPointAttributes(p.Attributes(), f.members[0].series.Labels, f.bound)
	if at.stale {
		p.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
	}
	if at.summed && !at.stale {
		p.SetSum(at.sum)
	} else if at.summed {
		p.SetSum(0)
	}
	below := 0.0
	for _, b := range at.bounds {
		if math.IsInf(b.at, 0) {
			continue // of one that is stale
		}
		p.ExplicitBounds().Append(b.at)
		if at.stale {
			p.BucketCounts().Append(0)
			continue
		}
		p.BucketCounts().Append(uint64(b.value - below))
		below = b.value
	}
	if at.stale {
		p.BucketCounts().Append(0)
		return p
	}
	p.BucketCounts().Append(uint64(at.count - below))
	p.SetCount(uint64(at.count))
	return p
}

func (e *metricEncoder) histogram(labels plait.Labels, name string, told plait.MetricMetadata) pmetric.HistogramDataPointSlice {
	m := e.metric(labels, name, told, pmetric.MetricTypeHistogram, 0)
	if m.Type() == pmetric.MetricTypeEmpty {
		m.SetEmptyHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	}
	return m.Histogram().DataPoints()
}

func (e *metricEncoder) addSummary(f *family, millis int64, at *moment) {
	labels := f.members[0].series.Labels
	m := e.metric(labels, f.name, f.told, pmetric.MetricTypeSummary, 0)
	if m.Type() == pmetric.MetricTypeEmpty {
		m.SetEmptySummary()
	}
	p := m.Summary().DataPoints().AppendEmpty()
	setTimes(p, at.start, millis)
	setPointAttributes(p.Attributes(), labels, f.bound)
	if at.stale {
		p.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
	} else {
		p.SetSum(at.sum)
		p.SetCount(uint64(at.count))
	}
	for _, b := range at.bounds {
		q := p.QuantileValues().AppendEmpty()
		q.SetQuantile(b.at)
		if !at.stale {
			q.SetValue(b.value)
		}
	}
}
