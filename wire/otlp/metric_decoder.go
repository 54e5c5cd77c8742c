package otlp

import (
	"context"
	"fmt"
	"sync"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/protobuf"
	"github.com/plaithq/plait/wire/series"
)

// MetricDecoder turns OTLP metrics into Prometheus series. It remembers the names of series and reads
// the values by itself, at a tenth of the cost of Prometheus's converter. Its methods may be called
// concurrently.
//
//  1. The request is walked without decoding it into objects. A data point is read field by
//     field (metric_points.go), its exemplars too (metric_exemplars.go).
//  2. Its names are looked up by a hash of all that they depend on: resource, scope, metric,
//     attributes, bounds (metric_names.go).
//  3. The names of an unknown point come from Prometheus's converter, which gets a request made
//     for the question: what of the point and of its resource becomes labels (metric_ask.go).
//  4. The samples are put together in the order in which the converter makes them (metric_samples.go).
//
// JSON is written as protobuf first (metric_json.go). What is wrong with a metric, a data point or an
// exemplar is refused by itself; only what cannot be walked makes the request malformed.
//
// Delta sums and histograms are stored as they are sent, as deltas (their metadata type is
// "unknown", sum_over_time adds them up): turning them into running totals would need state
// that no request carries and that is wrong as soon as two gateways share a series.
type MetricDecoder struct {
	settings MetricSettings
	names    *series.Names[names]
	clashes  sync.Pool // of *series.Clashes
}

// NewMetricDecoder makes a decoder.
func NewMetricDecoder(set MetricSettings) *MetricDecoder {
	return &MetricDecoder{settings: set, names: newNameCache()}
}

// Decode decodes an ExportMetricsServiceRequest. A series of which the request has several samples
// may occur several times. What is wrong with single metrics or data points is in Refused; an error
// that wraps plait.ErrInvalid says that nothing could be read. It ends with the context's error when
// that is done, and with claim's when that grants no more memory; claim may be nil.
func (d *MetricDecoder) Decode(ctx context.Context, body []byte, claim func(bytes int64) error) (*plait.Metrics, error) {
	return newMetricWalk(ctx, d, claim).decode(body)
}

// DecodeJSON is Decode for the JSON encoding, as lenient as DecodeTracesJSON.
func (d *MetricDecoder) DecodeJSON(ctx context.Context, body []byte, claim func(bytes int64) error) (*plait.Metrics, error) {
	j := newMetricJSON(body, claim)
	request, err := j.protobuf()
	if err != nil {
		return nil, err
	}
	w := newMetricWalk(ctx, d, claim)
	w.tooDeep, w.refused = j.nested.tooDeep, j.faulty
	return w.decode(request)
}

// metricWalk is the decoding of one request.
type metricWalk struct {
	ctx     context.Context
	decoder *MetricDecoder
	ledger  series.Ledger
	out     *series.Collector
	metrics *plait.Metrics
	samples []plait.Sample // all of the request, so that a series needs no slice of its own
	refused series.Refusals

	lastRefused refusal
	clashes     *series.Clashes
	values      *decoder // of exemplars' attributes, and of those that nest too deep

	resource, scope, schema string // raw
	resourceKey, scopeKey   series.Key
	identity                *identity // of the resource, once somebody asks
	seen                    presence  // when the resource has data points
	point                   point
	place                   metricPlace
	steps                   int
	tooDeep                 int // values that nest deeper than maxDepth
}

// metricPlace says where the walk is.
type metricPlace struct{ resource, scope, metric int }

// maxAhead bounds the series that are made room for before any was read.
const maxAhead = 4096

func newMetricWalk(ctx context.Context, d *MetricDecoder, claim func(int64) error) *metricWalk {
	w := &metricWalk{ctx: ctx, decoder: d, ledger: series.Ledger{Claim: claim}, out: series.NewCollector(0)}
	w.metrics = w.out.Metrics()
	return w
}

func (w *metricWalk) decode(body []byte) (*plait.Metrics, error) {
	w.clashes, _ = w.decoder.clashes.Get().(*series.Clashes)
	if w.clashes == nil {
		w.clashes = new(series.Clashes)
	}
	defer func() { w.clashes.Reset(); w.decoder.clashes.Put(w.clashes) }()
	if err := w.request(protobuf.Of(view(body))); err != nil {
		return nil, err
	}
	w.metrics.Refused = w.refused.List()
	w.metrics.Repaired = (&findings{}).repairs(w.tooDeep)
	return w.metrics, nil
}

// step is taken for every data point. It ends the walk of a request whose sender has left.
func (w *metricWalk) step() error {
	if w.steps++; w.steps%256 != 0 {
		return nil
	}
	if err := w.ctx.Err(); err != nil {
		return fmt.Errorf("decode OTLP metrics: %w", err)
	}
	return nil
}

func (w *metricWalk) request(f protobuf.Fields) error {
	ahead := min(f.Len()/32, maxAhead)
	w.metrics.Series = make([]plait.SeriesData, 0, ahead)
	w.samples = make([]plait.Sample, 0, ahead)
	w.place.resource = -1
	for f.Next() {
		if f.Tag != requestBatches {
			continue
		}
		w.place.resource++
		if err := w.resourceMetrics(f.Message()); err != nil {
			return inItem(err, "resource_metrics", w.place.resource)
		}
	}
	return asMalformed(f.Err)
}

// joined returns the content of a message that is there once, and of one that is there in parts as
// protobuf joins them: one after the other.
func joined(f protobuf.Fields, t protobuf.Tag) string {
	content, parts := "", 0
	var all []byte
	for f.Next() {
		if f.Tag != t {
			continue
		}
		switch parts++; parts {
		case 1:
			content = f.Text()
		case 2:
			all = append([]byte(content), f.Text()...)
		default:
			all = append(all, f.Text()...)
		}
	}
	if parts > 1 {
		return view(all)
	}
	return content
}

func (w *metricWalk) resourceMetrics(f protobuf.Fields) error {
	w.resource = joined(f, batchResource)
	w.resourceKey = series.Key{}.With(w.resource)
	w.identity, w.seen = nil, presence{}
	w.place.scope = -1
	for f.Next() {
		if f.Tag != batchScopes {
			continue
		}
		w.place.scope++
		if err := w.scopeMetrics(f.Message()); err != nil {
			return inItem(err, "scope_metrics", w.place.scope)
		}
	}
	if f.Err != nil {
		return f.Err
	}
	return w.targetInfo()
}

func (w *metricWalk) scopeMetrics(f protobuf.Fields) error {
	w.scope, w.schema = joined(f, scopedScope), ""
	for g := f; g.Next(); {
		if g.Tag == scopedSchemaURL {
			w.schema = g.Text()
		}
	}
	w.scopeKey = w.resourceKey.With(w.scope).With(w.schema)
	w.place.metric = -1
	for f.Next() {
		if f.Tag != scopedRecords {
			continue
		}
		w.place.metric++
		if err := w.metric(f.Message()); err != nil {
			return inItem(err, "metrics", w.place.metric)
		}
	}
	return f.Err
}

// Tags of a metric.
const (
	metricName        protobuf.Tag = 1<<3 | protobuf.Bytes
	metricDescription protobuf.Tag = 2<<3 | protobuf.Bytes
	metricUnit        protobuf.Tag = 3<<3 | protobuf.Bytes
	metricGauge       protobuf.Tag = 5<<3 | protobuf.Bytes
	metricSum         protobuf.Tag = 7<<3 | protobuf.Bytes
	metricHistogram   protobuf.Tag = 9<<3 | protobuf.Bytes
	metricExponential protobuf.Tag = 10<<3 | protobuf.Bytes
	metricSummary     protobuf.Tag = 11<<3 | protobuf.Bytes

	dataPoints      protobuf.Tag = 1<<3 | protobuf.Bytes
	dataTemporality protobuf.Tag = 2<<3 | protobuf.Varint
	dataMonotonic   protobuf.Tag = 3<<3 | protobuf.Varint
)

// AggregationTemporality.
const (
	temporalityDelta      = 1
	temporalityCumulative = 2
)

// metric is the fields of a metric that its series' names depend on.
type metric struct {
	name, unit, description string
	kind                    protobuf.Tag
	temporality             uint64
	monotonic               uint64
	parts                   int // kinds of data that are set
	key                     series.Key
	told                    bool // what it means
}

func (w *metricWalk) metric(f protobuf.Fields) error {
	m := metric{}
	var data protobuf.Fields
	for f.Next() {
		switch f.Tag {
		case metricName:
			m.name = f.Text()
		case metricUnit:
			m.unit = f.Text()
		case metricDescription:
			m.description = f.Text()
		case metricGauge, metricSum, metricHistogram, metricExponential, metricSummary:
			m.kind, data = f.Tag, f.Message()
			m.parts++
		}
	}
	if f.Err != nil || m.parts == 0 {
		return f.Err
	}
	points := 0
	for g := data; ; {
		if !g.Next() {
			if g.Err != nil {
				return in(g.Err, "data")
			}
			break
		}
		switch g.Tag {
		case dataPoints:
			points++
		case dataTemporality:
			m.temporality = g.Num
		case dataMonotonic:
			m.monotonic = g.Num
		}
	}
	if fault := m.fault(); fault != "" {
		w.refuse(points, m.name, fault)
		return nil
	}
	m.description = series.Clip(plait.MetricMetadata{Help: m.description}).Help
	m.key = w.scopeKey.With(m.name).With(m.unit).With(m.description).WithNumber(uint64(m.kind)).WithNumber(m.temporality).WithNumber(m.monotonic)
	return in(w.dataPoints(&m, data), "data")
}

// refuse notes that data points of a metric are left out, or something less than a data point when
// there are none.
func (w *metricWalk) refuse(points int, metric, fault string) {
	if last := &w.lastRefused; last.reason == "" || last.metric != metric || last.fault != fault {
		*last = refusal{metric, fault, fmt.Sprintf("metric %.100q: %s", metric, fault)} // not anew for each of many points
	}
	w.refused.Add(points, w.lastRefused.reason)
}

// refusal is why something of a metric was refused, in parts and as a sentence.
type refusal struct{ metric, fault, reason string }

// fault says why none of a metric's data points can be stored.
func (m *metric) fault() string {
	switch {
	case m.parts > 1:
		return "it has data of several kinds"
	case m.name == "":
		return "it has no name"
	case len(m.name) > series.MaxNameBytes:
		return fmt.Sprintf("its name has %d bytes, more than %d", len(m.name), series.MaxNameBytes)
	case len(m.unit) > series.MaxUnitBytes:
		return fmt.Sprintf("its unit has %d bytes, more than %d", len(m.unit), series.MaxUnitBytes)
	case m.kind == metricGauge || m.kind == metricSummary:
		return ""
	case m.temporality == 0:
		return "its aggregation temporality is not specified"
	case m.temporality > temporalityCumulative:
		return "its aggregation temporality is none that OTLP defines"
	}
	return ""
}

// dataPoints takes the points of a metric.
func (w *metricWalk) dataPoints(m *metric, f protobuf.Fields) error {
	for i := 0; f.Next(); {
		if f.Tag != dataPoints {
			continue
		}
		if err := w.step(); err != nil {
			return err
		}
		if err := w.dataPoint(m, f.Message()); err != nil {
			return inItem(err, "data_points", i)
		}
		i++
	}
	return f.Err
}

func (w *metricWalk) dataPoint(m *metric, f protobuf.Fields) error {
	p := &w.point
	if err := p.read(f, m.kind, &w.ledger); err != nil {
		return err
	}
	if fault := p.fault(m.kind); fault != "" {
		w.refuse(1, m.name, fault)
		return nil
	}
	key := p.key(m.key)
	n := w.decoder.names.Get(key)
	if n == nil {
		var fault string
		var err error
		if n, fault, err = w.ask(m, p); err != nil {
			return err
		}
		if fault != "" {
			w.refuse(1, m.name, fault)
			return nil
		}
		w.decoder.names.Add(key, n)
	}
	return w.add(m, p, n)
}
