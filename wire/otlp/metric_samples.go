package otlp

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/prometheus/prometheus/model/value"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/series"
)

// staleNaN marks the end of a series.
var staleNaN = math.Float64frombits(value.StaleNaN)

// sampleBytes is what a sample with its entry takes until the commit, lists that grow included.
const sampleBytes = int(2*unsafe.Sizeof(plait.SeriesData{})+2*unsafe.Sizeof(plait.Sample{})) + series.ClashBytes

// add puts the samples of a point together, unless another point of the request has their series and
// time.
func (w *metricWalk) add(m *metric, p *point, n *names) error {
	if err := w.ledger.Take(len(n.series) * sampleBytes); err != nil {
		return err
	}
	t, start := int64(p.time)/1_000_000, int64(p.start)/1_000_000
	from := len(w.metrics.Series)
	w.usableExemplars(m, p)
	var err error
	switch m.kind {
	case metricHistogram:
		err = w.addHistogram(m, p, n, t, start)
	case metricExponential:
		err = w.addNative(m, p, n, t, start)
	case metricSummary:
		w.addSummary(p, n, t, start)
	default:
		s := w.addSample(n.series[0], t, start, p.orStale(p.value))
		if m.kind == metricSum {
			s.Exemplars, err = w.exemplarsOf(m, p.exemplars, t)
		}
	}
	if err != nil || len(w.metrics.Series) == from {
		return err
	}
	if clash := w.clash(w.metrics.Series[from:], t); clash != nil {
		w.metrics.Series = w.metrics.Series[:from]
		w.refuse(1, m.name, fmt.Sprintf("the data point has the time of another one and, as Prometheus writes names, its series %s: "+
			"different scopes, resources or spellings of a name must not tell them apart", series.Text(clash.Labels, 200)))
		return nil
	}
	w.seen.note(p.time)
	if !m.told {
		m.told = true
		w.out.AddMetadata(n.metadata)
	}
	return nil
}

// clash returns the first of a point's series that has another value at its time, and notes all of
// them when there is none.
func (w *metricWalk) clash(point []plait.SeriesData, millis int64) *plait.SeriesData {
	if len(point) > 1 {
		for i := range point {
			if w.clashes.Differs(point[i].ID, millis, valueBits(&point[i])) {
				return &point[i]
			}
		}
	}
	for i := range point {
		if w.clashes.Add(point[i].ID, millis, valueBits(&point[i])) {
			return &point[i]
		}
	}
	return nil
}

// valueBits tells the values of series of one sample apart.
func valueBits(s *plait.SeriesData) uint64 {
	if len(s.Samples) > 0 {
		return math.Float64bits(s.Samples[0].Value)
	}
	return series.HashHistogram(s.Histograms[0])
}

func (w *metricWalk) addHistogram(m *metric, p *point, n *names, t, start int64) (err error) {
	at := 0
	if p.hasSum {
		w.addSample(n.series[at], t, start, p.orStale(p.sum))
		at++
	}
	w.addSample(n.series[at], t, start, p.orStale(float64(p.count)))
	at++
	below, total, next := p.buckets(), uint64(0), 0
	for i := range below {
		total += p.counts.number(i)
		s := w.addSample(n.series[at+i], t, start, p.orStale(float64(total)))
		from := next
		for bound := p.bounds.double(i); next < len(p.exemplars) && p.exemplars[next].value <= bound; {
			next++
		}
		if s.Exemplars, err = w.exemplarsOf(m, p.exemplars[from:next], t); err != nil {
			return err
		}
	}
	s := w.addSample(n.series[at+below], t, start, p.orStale(float64(p.count)))
	s.Exemplars, err = w.exemplarsOf(m, p.exemplars[next:], t)
	return err
}

func (w *metricWalk) addSummary(p *point, n *names, t, start int64) {
	w.addSample(n.series[0], t, start, p.orStale(p.sum))
	w.addSample(n.series[1], t, start, p.orStale(float64(p.count)))
	for i := range p.quantiles.len() {
		w.addSample(n.series[2+i], t, start, p.orStale(p.quantiles.double(i)))
	}
}

func (w *metricWalk) addNative(m *metric, p *point, n *names, t, start int64) error {
	sample, err := series.IntHistogram(start, t, p.native(m.temporality))
	if err != nil {
		w.refuse(1, m.name, err.Error())
		return nil
	}
	if err := w.ledger.Take(2 * len(sample.Encoded)); err != nil {
		return err
	}
	made := plait.SeriesData{ID: n.series[0].ID, Labels: n.series[0].Labels, Histograms: []plait.HistogramSample{sample}}
	if made.Exemplars, err = w.exemplarsOf(m, p.exemplars, t); err != nil {
		return err
	}
	w.metrics.Series = append(w.metrics.Series, made)
	return nil
}

// addSample returns an entry that is valid until the next call.
func (w *metricWalk) addSample(n series.Name, t, start int64, v float64) *plait.SeriesData {
	w.samples = append(w.samples, plait.Sample{TimeMillis: t, StartMillis: start, Value: v})
	i := len(w.samples)
	w.metrics.Series = append(w.metrics.Series, plait.SeriesData{ID: n.ID, Labels: n.Labels, Samples: w.samples[i-1 : i : i]})
	return &w.metrics.Series[len(w.metrics.Series)-1]
}
