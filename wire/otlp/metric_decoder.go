package otlp

import (
	"math"

	"github.com/prometheus/prometheus/model/value"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/series"
)

// MetricDecoder is DecodeMetrics for a stream of requests: it remembers the names of series and
// reads the values by itself, at a tenth of the cost. Its methods may be called concurrently.
//
//  1. The request is walked without decoding it into objects. A data point of a gauge, sum or
//     histogram is read field by field (metric_points.go).
//  2. Its names are looked up by a hash of all that they depend on: resource, scope, metric,
//     attributes, bounds (metric_names.go).
//  3. The names of an unknown point come from Prometheus's converter, which gets a request made
//     of this point alone (metric_unknown.go). So do points that are rare or odd, each time.
//  4. The samples are put together in the order in which the converter makes them.
//
// A request that cannot be walked goes to DecodeMetrics as a whole, whose word on malformed
// requests is final.
type MetricDecoder struct {
	settings MetricSettings
	names    *series.Names[names]
}

// NewMetricDecoder makes a decoder.
func NewMetricDecoder(set MetricSettings) *MetricDecoder {
	return &MetricDecoder{settings: set, names: newNameCache()}
}

// Decode is DecodeMetrics. The order of the series may differ from it, and a series of which
// the request has several samples may occur several times.
func (d *MetricDecoder) Decode(body []byte) (*plait.Metrics, error) {
	w := &metricWalk{decoder: d, out: series.NewCollector(0)}
	w.metrics = w.out.Metrics()
	w.metrics.Series = make([]plait.SeriesData, 0, len(body)/32)
	w.samples = make([]plait.Sample, 0, len(body)/32)
	all := fields{body: view(body), end: len(body)}
	for all.next() {
		if all.tag == requestBatches && !w.resourceMetrics(all.message()) {
			return DecodeMetrics(body, d.settings)
		}
	}
	if all.err != nil {
		return DecodeMetrics(body, d.settings)
	}
	return w.metrics, nil
}

// DecodeJSON is DecodeMetricsJSON.
func (d *MetricDecoder) DecodeJSON(body []byte) (*plait.Metrics, error) {
	return DecodeMetricsJSON(body, d.settings)
}

// Tags of a metric.
const (
	metricName        tag = 1<<3 | wireBytes
	metricDescription tag = 2<<3 | wireBytes
	metricUnit        tag = 3<<3 | wireBytes
	metricGauge       tag = 5<<3 | wireBytes
	metricSum         tag = 7<<3 | wireBytes
	metricHistogram   tag = 9<<3 | wireBytes

	dataPoints      tag = 1<<3 | wireBytes
	dataTemporality tag = 2<<3 | wireVarint
	dataMonotonic   tag = 3<<3 | wireVarint
)

// metricWalk is the decoding of one request. Its methods return false when the request must be
// decoded the slow way.
type metricWalk struct {
	decoder *MetricDecoder
	out     *series.Collector
	metrics *plait.Metrics
	samples []plait.Sample // all of the request, so that a series needs no slice of its own

	resource, scope, schema string // raw
	resourceKey, scopeKey   series.Key
	earliest, latest        uint64 // times of the resource's data points
	point                   point
}

func (w *metricWalk) resourceMetrics(f fields) bool {
	resources := 0
	for g := f; g.next(); {
		if g.tag == batchResource {
			w.resource = g.text()
			resources++
		}
	}
	if resources != 1 {
		return false
	}
	w.resourceKey = series.Key{}.With(w.resource)
	w.earliest, w.latest = math.MaxUint64, 0
	for f.next() {
		if f.tag == batchScopes && !w.scopedRecords(f.message()) {
			return false
		}
	}
	if f.err != nil {
		return false
	}
	return w.targetInfo()
}

func (w *metricWalk) scopedRecords(f fields) bool {
	scopes := 0
	w.scope, w.schema = "", ""
	for g := f; g.next(); {
		switch g.tag {
		case scopedScope:
			w.scope = g.text()
			scopes++
		case scopedSchemaURL:
			w.schema = g.text()
		}
	}
	if scopes > 1 {
		return false
	}
	w.scopeKey = w.resourceKey.With(w.scope).With(w.schema)
	for f.next() {
		if f.tag == scopedRecords && !w.metric(f) {
			return false
		}
	}
	return f.err == nil
}

// metric is the fields of a metric that its series' names depend on.
type metric struct {
	name        string
	raw         string // without data points
	kind        tag
	data        fields
	temporality uint64
	monotonic   uint64
	key         series.Key
}

func (w *metricWalk) metric(at fields) bool {
	m := metric{}
	unit, description := "", ""
	parts := 0
	for f := at.message(); ; {
		if !f.next() {
			if f.err != nil {
				return false
			}
			break
		}
		switch f.tag {
		case metricName:
			m.name = f.text()
		case metricUnit:
			unit = f.text()
		case metricDescription:
			description = f.text()
		case metricGauge, metricSum, metricHistogram:
			m.kind, m.data = f.tag, f.message()
			parts++
		}
	}
	if parts != 1 || m.name == "" {
		return w.wholeMetric(at)
	}
	for f := m.data; f.next(); {
		switch f.tag {
		case dataTemporality:
			m.temporality = f.num
		case dataMonotonic:
			m.monotonic = f.num
		}
	}
	if m.kind != metricGauge && m.temporality == 0 {
		return w.wholeMetric(at)
	}
	m.key = w.scopeKey.With(m.name).With(unit).With(description).WithNumber(uint64(m.kind)).WithNumber(m.temporality).WithNumber(m.monotonic)
	m.raw = header(m.name, description, unit)
	return w.dataPoints(&m)
}

// dataPoints takes the points of a gauge, sum or histogram.
func (w *metricWalk) dataPoints(m *metric) bool {
	told := false
	for f := m.data; ; {
		if !f.next() {
			return f.err == nil
		}
		if f.tag != dataPoints {
			continue
		}
		p := &w.point
		if !p.read(f.message(), m.kind == metricHistogram) {
			return false
		}
		if fault := pointTimeFault(p.time); fault != "" {
			w.metrics.Refused = append(w.metrics.Refused, refusalOf(1, m.name, fault))
			continue
		}
		w.earliest, w.latest = min(w.earliest, p.time), max(w.latest, p.time)
		var known *names
		key := p.key(m.key)
		if !p.odd {
			known = w.decoder.names.Get(key)
		}
		if known == nil || len(known.series) != p.seriesCount(m.kind) {
			if !w.unknownPoint(m, f.text(), key, !p.odd) {
				return false
			}
			continue
		}
		if !told {
			w.out.AddMetadata(known.metadata)
			told = true
		}
		w.add(p, m.kind, known)
	}
}

// add puts the samples of a point together.
func (w *metricWalk) add(p *point, kind tag, n *names) {
	t, start := int64(p.time)/1_000_000, int64(p.start)/1_000_000
	if kind != metricHistogram {
		s := w.addSample(n.series[0], t, start, p.orStale(p.value))
		if kind == metricSum {
			s.Exemplars = p.takeExemplars(0, len(p.exemplars), t)
		}
		return
	}
	at := 0
	if p.hasSum {
		w.addSample(n.series[at], t, start, p.orStale(p.sum))
		at++
	}
	w.addSample(n.series[at], t, start, p.orStale(float64(p.count)))
	at++
	p.sortExemplars()
	below, total, next := p.buckets(), uint64(0), 0
	for i := range below {
		total += p.bucketCount(i)
		s := w.addSample(n.series[at+i], t, start, p.orStale(float64(total)))
		from := next
		for bound := p.bound(i); next < len(p.exemplars) && !(p.exemplars[next].Value > bound); {
			next++
		}
		s.Exemplars = p.takeExemplars(from, next, t)
	}
	s := w.addSample(n.series[at+below], t, start, p.orStale(float64(p.count)))
	s.Exemplars = p.takeExemplars(next, len(p.exemplars), t)
}

// addSample returns an entry that is valid until the next call.
func (w *metricWalk) addSample(n series.Name, t, start int64, v float64) *plait.SeriesData {
	w.samples = append(w.samples, plait.Sample{TimeMillis: t, StartMillis: start, Value: v})
	i := len(w.samples)
	w.metrics.Series = append(w.metrics.Series, plait.SeriesData{ID: n.ID, Labels: n.Labels, Samples: w.samples[i-1 : i : i]})
	return &w.metrics.Series[len(w.metrics.Series)-1]
}

// staleNaN marks the end of a series.
var staleNaN = math.Float64frombits(value.StaleNaN)

// targetInfo adds the series that carries the resource's attributes, if it has any: every half
// of PromQL's look-back while the resource has data points, as the converter does.
func (w *metricWalk) targetInfo() bool {
	if w.latest == 0 {
		return true
	}
	key := w.resourceKey.With("target_info")
	info := w.decoder.names.Get(key)
	if info == nil {
		var ok bool
		if info, ok = w.unknownResource(); !ok {
			return false
		}
		w.decoder.names.Add(key, info)
	}
	if len(info.series) == 0 || !briefEnough(w.earliest, w.latest) {
		return true
	}
	w.out.AddMetadata(info.metadata)
	for t := w.earliest; t < w.latest; t += uint64(lookback / 2) {
		w.addSample(info.series[0], int64(t)/1_000_000, 0, 1)
	}
	w.addSample(info.series[0], int64(w.latest)/1_000_000, 0, 1)
	return true
}
