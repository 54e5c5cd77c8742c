package otlp

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/prometheus/otlptranslator"
	"github.com/prometheus/prometheus/model/value"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/plaithq/plait"
)

// Series are written as OpenTelemetry reads those of Prometheus
// (https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/): job and instance name the resource, the type that was told
// of a metric says what it becomes, and the series of a classic histogram or summary come together again.

// EncodeMetrics writes the series as an ExportMetricsServiceRequest, each by what is known of its metric; of what nothing is known is a gauge. An exemplar
// comes with a sample of its series, and is left out where there is none. OTLP has no time before 1970: it becomes 0, which is none. An error is one of a
// native histogram that cannot be read.
func EncodeMetrics(known plait.Describe, series []plait.SeriesData) ([]byte, error) {
	e := metricEncoder{
		known: known, to: pmetric.NewMetrics(), info: infoOf(series),
		resources: map[origin]pmetric.ResourceMetrics{}, scopes: map[scopeID]pmetric.ScopeMetrics{},
		metrics: map[metricID]pmetric.Metric{}, families: map[familyID]*family{},
	}
	for i := range series {
		if err := e.add(&series[i]); err != nil {
			return nil, err
		}
	}
	for _, f := range e.inOrder {
		e.addFamily(f)
	}
	var m pmetric.ProtoMarshaler
	b, err := m.MarshalMetrics(e.to)
	if err != nil {
		panic(fmt.Sprintf("encode OTLP metrics: %v", err)) // it has no way to fail
	}
	return b, nil
}

// metricEncoder makes the request of one call.
type metricEncoder struct {
	known     plait.Describe
	to        pmetric.Metrics
	info      map[origin]plait.Labels
	resources map[origin]pmetric.ResourceMetrics
	scopes    map[scopeID]pmetric.ScopeMetrics
	metrics   map[metricID]pmetric.Metric
	families  map[familyID]*family
	inOrder   []*family
}

// origin is what labels say of a resource.
type origin struct{ job, instance string }

// scopeID is where a metric is written: a scope of a resource.
type scopeID struct {
	origin
	scope string // its labels as text
}

// metricID tells metrics of a request apart. Those of one name may be of several types.
type metricID struct {
	scopeID
	name string
	kind pmetric.MetricType
	form int // of what has one kind: a sum may be monotonic or not, a histogram of deltas or not
}

// The labels that name a series' resource.
const (
	jobLabel      = "job"
	instanceLabel = "instance"
)

func originOf(labels plait.Labels) origin {
	return origin{labels.Get(jobLabel), labels.Get(instanceLabel)}
}

// infoOf finds the target_info of resources that have other series in the request as well: its labels are then written as attributes of the resource, and not
// as a series. Where two are told of a resource, both are series.
func infoOf(series []plait.SeriesData) map[origin]plait.Labels {
	found, unfit, others := map[origin]plait.Labels{}, map[origin]bool{}, map[origin]bool{}
	for i := range series {
		labels := series[i].Labels
		of := originOf(labels)
		if labels.Get(plait.NameLabel) != targetInfo {
			others[of] = others[of] || len(series[i].Samples)+len(series[i].Histograms) > 0
			continue
		}
		if told, ok := found[of]; ok && !slices.Equal(told, labels) {
			unfit[of] = true
		}
		found[of] = labels
	}
	maps.DeleteFunc(found, func(of origin, _ plait.Labels) bool { return unfit[of] || !others[of] })
	return found
}

// add writes a series, or leaves it to its family.
func (e *metricEncoder) add(s *plait.SeriesData) error {
	name := s.Labels.Get(plait.NameLabel)
	if name == targetInfo && e.info[originOf(s.Labels)] != nil {
		return nil
	}
	told, _ := e.known.Series(name)
	if len(s.Histograms) > 0 {
		if err := e.addNative(s, name, told); err != nil {
			return err
		}
	}
	if len(s.Samples) == 0 {
		return nil
	}
	if !e.join(s, name, told) {
		e.addNumbers(s, name, told, told.Type)
	}
	return nil
}

// addNumbers writes a series as a sum if its type is one, and as a gauge otherwise.
func (e *metricEncoder) addNumbers(s *plait.SeriesData, name string, told plait.MetricMetadata, is plait.MetricType) {
	var to pmetric.NumberDataPointSlice
	switch is {
	case plait.MetricCounter:
		to = e.sum(s, name, told, true)
	case plait.MetricInfo, plait.MetricStateSet:
		to = e.sum(s, name, told, false)
	default:
		m := e.metric(s.Labels, name, told, pmetric.MetricTypeGauge, 0)
		if m.Type() == pmetric.MetricTypeEmpty {
			m.SetEmptyGauge()
		}
		to = m.Gauge().DataPoints()
	}
	points := make([]pmetric.NumberDataPoint, 0, len(s.Samples))
	for i := range s.Samples {
		p := to.AppendEmpty()
		setTimes(p, s.Samples[i].StartMillis, s.Samples[i].TimeMillis)
		if v := s.Samples[i].Value; value.IsStaleNaN(v) {
			p.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
		} else {
			p.SetDoubleValue(v)
		}
		setPointAttributes(p.Attributes(), s.Labels)
		points = append(points, p)
	}
	setExemplars(s.Exemplars, points)
}

func (e *metricEncoder) sum(s *plait.SeriesData, name string, told plait.MetricMetadata, monotonic bool) pmetric.NumberDataPointSlice {
	form := 0
	if monotonic {
		form = 1
	}
	m := e.metric(s.Labels, name, told, pmetric.MetricTypeSum, form)
	if m.Type() == pmetric.MetricTypeEmpty {
		m.SetEmptySum().SetIsMonotonic(monotonic)
		m.Sum().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	}
	return m.Sum().DataPoints()
}

// metric is the metric to which a point with these labels belongs. A new one is of no type yet.
func (e *metricEncoder) metric(labels plait.Labels, name string, told plait.MetricMetadata, kind pmetric.MetricType, form int) pmetric.Metric {
	at := scopeID{originOf(labels), scopeText(labels)}
	id := metricID{at, name, kind, form}
	m, ok := e.metrics[id]
	if !ok {
		m = e.scope(at, labels).Metrics().AppendEmpty()
		m.SetName(name)
		m.SetDescription(told.Help)
		m.SetUnit(unitOf(name, told.Unit, kind))
		e.metrics[id] = m
	}
	return m
}

func (e *metricEncoder) scope(at scopeID, labels plait.Labels) pmetric.ScopeMetrics {
	scoped, ok := e.scopes[at]
	if !ok {
		scoped = e.resource(at.origin).ScopeMetrics().AppendEmpty()
		setScopeLabels(scoped, labels)
		e.scopes[at] = scoped
	}
	return scoped
}

func (e *metricEncoder) resource(of origin) pmetric.ResourceMetrics {
	rm, ok := e.resources[of]
	if ok {
		return rm
	}
	rm = e.to.ResourceMetrics().AppendEmpty()
	e.resources[of] = rm
	attributes := rm.Resource().Attributes()
	for _, l := range e.info[of] {
		if l.Name != plait.NameLabel && l.Name != jobLabel && l.Name != instanceLabel {
			attributes.PutStr(l.Name, l.Value)
		}
	}
	if of.job != "" {
		namespace, name, ok := strings.Cut(of.job, "/")
		if !ok || namespace == "" || name == "" || strings.Contains(name, "/") {
			name = of.job // which is no namespace with a name
		} else {
			attributes.PutStr("service.namespace", namespace)
		}
		attributes.PutStr("service.name", name)
	}
	if of.instance != "" {
		attributes.PutStr("service.instance.id", of.instance)
	}
	return rm
}

// scopePrefix begins the labels that tell of a scope, as OpenTelemetry names them.
const scopePrefix = "otel_scope_"

func scopeText(labels plait.Labels) string {
	var text []byte
	for _, l := range labels {
		if strings.HasPrefix(l.Name, scopePrefix) {
			text = fmt.Appendf(text, "%q=%q,", l.Name, l.Value)
		}
	}
	return string(text)
}

func setScopeLabels(to pmetric.ScopeMetrics, labels plait.Labels) {
	for _, l := range labels {
		key, ok := strings.CutPrefix(l.Name, scopePrefix)
		switch {
		case !ok:
		case key == "name":
			to.Scope().SetName(l.Value)
		case key == "version":
			to.Scope().SetVersion(l.Value)
		case key == "schema_url":
			to.SetSchemaUrl(l.Value)
		default:
			to.Scope().Attributes().PutStr(key, l.Value)
		}
	}
}

// setPointAttributes writes the labels of a series that stand nowhere else.
func setPointAttributes(to pcommon.Map, labels plait.Labels, but ...string) {
	to.EnsureCapacity(len(labels))
	for _, l := range labels {
		switch l.Name {
		case plait.NameLabel, jobLabel, instanceLabel:
			continue
		}
		if !strings.HasPrefix(l.Name, scopePrefix) && !slices.Contains(but, l.Name) {
			to.PutStr(l.Name, l.Value)
		}
	}
}

// unitOf is the unit that was told, unless a reader that names metrics as Prometheus does would give this one another name for it.
func unitOf(name, unit string, kind pmetric.MetricType) string {
	var is otlptranslator.MetricType = otlptranslator.MetricTypeHistogram // which stands for all that units alone rename
	if kind == pmetric.MetricTypeGauge {
		is = otlptranslator.MetricTypeGauge
	}
	namer := otlptranslator.MetricNamer{WithMetricSuffixes: true}
	with, err := namer.Build(otlptranslator.Metric{Name: name, Unit: unit, Type: is})
	without, plain := namer.Build(otlptranslator.Metric{Name: name, Type: is})
	if err != nil || plain != nil || with != without {
		return ""
	}
	return unit
}

// dated is a data point of any kind.
type dated interface {
	SetStartTimestamp(pcommon.Timestamp)
	SetTimestamp(pcommon.Timestamp)
	Timestamp() pcommon.Timestamp
}

func setTimes(p dated, startMillis, millis int64) {
	p.SetStartTimestamp(nanosOf(startMillis))
	p.SetTimestamp(nanosOf(millis))
}

func nanosOf(millis int64) pcommon.Timestamp {
	return timestamp(min(millis, math.MaxInt64/1_000_000) * 1_000_000)
}
