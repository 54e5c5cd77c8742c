package load

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	logscoll "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	metricscoll "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	tracecoll "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Request is one serialised export request.
type Request struct {
	Body  []byte
	Items int
}

// Set is the telemetry of one run.
type Set struct {
	Spans    []Request
	Logs     []Request
	TraceIDs []string // hex, a sample of those whose spans are all in the set
}

const logsPerSpan = 3.0 / 2

// Make generates spans and their log records in requests of the given sizes.
func (c Config) Make(spansEach, logsEach int) (Set, error) {
	var (
		set   Set
		spans []Span
		logs  []*logRecord
		total int
		r     = rand.New(rand.NewPCG(c.Seed, 1<<40))
	)
	for k := 0; total < c.Spans; k++ {
		trace := c.trace(k)
		trace = trace[:min(len(trace), c.Spans-total)]
		total += len(trace)
		if k%7 == 0 {
			set.TraceIDs = append(set.TraceIDs, fmt.Sprintf("%x", trace[0].Trace))
		}
		for i := range trace {
			spans = append(spans, trace[i])
			for n := 0; n < 3 && float64(n) < 2*logsPerSpan*r.Float64(); n++ {
				logs = append(logs, newLogRecord(r, &trace[i]))
			}
		}
		var err error
		if spans, err = cut(spans, spansEach, false, &set.Spans, spansRequest); err != nil {
			return set, err
		}
		if logs, err = cut(logs, logsEach, false, &set.Logs, logsRequest); err != nil {
			return set, err
		}
	}
	if _, err := cut(spans, spansEach, true, &set.Spans, spansRequest); err != nil {
		return set, err
	}
	_, err := cut(logs, logsEach, true, &set.Logs, logsRequest)
	return set, err
}

// cut serialises as many requests of size items as there are, and the rest too at the end.
func cut[T any](items []T, size int, end bool, to *[]Request, message func([]T) proto.Message) ([]T, error) {
	for len(items) >= size || end && len(items) > 0 {
		n := min(size, len(items))
		body, err := proto.Marshal(message(items[:n]))
		if err != nil {
			return nil, fmt.Errorf("serialise: %w", err)
		}
		*to = append(*to, Request{Body: body, Items: n})
		items = items[n:]
	}
	return slices.Clone(items), nil
}

// byInstance groups items by the service instance that made them.
func byInstance[T any](items []T, instance func(T) int) map[int][]T {
	groups := map[int][]T{}
	for _, item := range items {
		groups[instance(item)] = append(groups[instance(item)], item)
	}
	return groups
}

func spansRequest(spans []Span) proto.Message {
	req := &tracecoll.ExportTraceServiceRequest{}
	for instance, group := range byInstance(spans, func(s Span) int { return s.Instance }) {
		ss := &tracepb.ScopeSpans{Scope: scope}
		for i := range group {
			ss.Spans = append(ss.Spans, group[i].proto())
		}
		req.ResourceSpans = append(req.ResourceSpans, &tracepb.ResourceSpans{Resource: resource(instance), ScopeSpans: []*tracepb.ScopeSpans{ss}})
	}
	return req
}

func (s *Span) proto() *tracepb.Span {
	out := &tracepb.Span{TraceId: s.Trace[:], SpanId: s.ID[:], Name: s.Name, Kind: tracepb.Span_SpanKind(s.Kind), Flags: 1,
		StartTimeUnixNano: uint64(s.Start.UnixNano()), EndTimeUnixNano: uint64(s.Start.Add(s.Duration).UnixNano()), Attributes: attributes(s.Attrs)}
	if s.Parent != [8]byte{} {
		out.ParentSpanId = s.Parent[:]
	}
	if s.Failed {
		out.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: "operation failed"}
	}
	return out
}

type logRecord struct {
	span  Span
	at    time.Time
	level logspb.SeverityNumber
	body  string
	attrs []Attr
}

func newLogRecord(r *rand.Rand, s *Span) *logRecord {
	l := &logRecord{span: *s, at: s.Start.Add(time.Duration(r.Float64() * float64(s.Duration))), level: 9,
		body: fmt.Sprintf("handled %s for %s in %s, %d items, cache=%s, size=%d bytes, request=%08x region=north tier=standard",
			s.Name, s.User, s.Duration.Round(time.Microsecond), r.IntN(40), []string{"hit", "miss"}[r.IntN(2)], r.IntN(1<<16), r.Uint32()),
		attrs: []Attr{{Key: "logger.name", Text: shop[s.Instance/instances].name + ".handler"}, {Key: "user.id", Text: s.User}, {Key: "thread.id", Number: int64(r.IntN(200))}}}
	if s.Failed {
		l.level, l.body = 17, fmt.Sprintf("request failed operation=%q user=%s error=\"upstream deadline exceeded\"", s.Name, s.User)
	}
	return l
}

func logsRequest(logs []*logRecord) proto.Message {
	req := &logscoll.ExportLogsServiceRequest{}
	for instance, group := range byInstance(logs, func(l *logRecord) int { return l.span.Instance }) {
		sl := &logspb.ScopeLogs{Scope: scope}
		for _, l := range group {
			sl.LogRecords = append(sl.LogRecords, &logspb.LogRecord{
				TimeUnixNano: uint64(l.at.UnixNano()), ObservedTimeUnixNano: uint64(l.at.UnixNano()) + 1e6, SeverityNumber: l.level,
				SeverityText: map[logspb.SeverityNumber]string{9: "INFO", 17: "ERROR"}[l.level],
				Body:         text(l.body), Attributes: attributes(l.attrs), TraceId: l.span.Trace[:], SpanId: l.span.ID[:], Flags: 1})
		}
		req.ResourceLogs = append(req.ResourceLogs, &logspb.ResourceLogs{Resource: resource(instance), ScopeLogs: []*logspb.ScopeLogs{sl}})
	}
	return req
}

var bounds = []float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10}

// MakeMetrics generates cumulative histograms of 17 series each, at 15 s steps that end at End:
// at least the given number of samples in about the given number of series.
func (c Config) MakeMetrics(samples, series int) ([]Request, error) {
	r := rand.New(rand.NewPCG(c.Seed, 2<<40))
	histograms := max(1, series/(len(bounds)+3))
	counts := make([][]uint64, histograms)
	steps := max(1, samples/(histograms*(len(bounds)+3)))
	var out []Request
	for step := range steps {
		at := c.End.Add(-time.Duration(steps-step) * 15 * time.Second)
		groups := map[int][]*metricspb.HistogramDataPoint{}
		for h := range histograms {
			if counts[h] == nil {
				counts[h] = make([]uint64, len(bounds)+1)
			}
			for range 5 {
				counts[h][r.IntN(len(bounds)+1)]++
			}
			groups[h%(len(shop)*instances)] = append(groups[h%(len(shop)*instances)], histogramPoint(h, counts[h], at))
		}
		req := &metricscoll.ExportMetricsServiceRequest{}
		for instance, points := range groups {
			req.ResourceMetrics = append(req.ResourceMetrics, &metricspb.ResourceMetrics{Resource: resource(instance),
				ScopeMetrics: []*metricspb.ScopeMetrics{{Scope: scope, Metrics: []*metricspb.Metric{{Name: "http.server.request.duration", Unit: "s",
					Data: &metricspb.Metric_Histogram{Histogram: &metricspb.Histogram{DataPoints: points,
						AggregationTemporality: metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE}}}}}}})
		}
		body, err := proto.Marshal(req)
		if err != nil {
			return nil, fmt.Errorf("serialise: %w", err)
		}
		out = append(out, Request{Body: body, Items: histograms * (len(bounds) + 3)})
	}
	return out, nil
}

func histogramPoint(h int, counts []uint64, at time.Time) *metricspb.HistogramDataPoint {
	p := &metricspb.HistogramDataPoint{TimeUnixNano: uint64(at.UnixNano()), StartTimeUnixNano: 1, BucketCounts: slices.Clone(counts), ExplicitBounds: bounds,
		Attributes: attributes([]Attr{{Key: "http.route", Text: fmt.Sprintf("/route/%d", h)}, {Key: "http.request.method", Text: "GET"}})}
	sum := 0.0
	for i, n := range counts {
		p.Count += n
		sum += float64(n) * bounds[min(i, len(bounds)-1)]
	}
	p.Sum = &sum
	return p
}

var scope = &commonpb.InstrumentationScope{Name: "bench", Version: "1"}

func resource(instance int) *resourcepb.Resource {
	name := shop[instance/instances].name
	return &resourcepb.Resource{Attributes: attributes([]Attr{{Key: "service.name", Text: name}, {Key: "service.namespace", Text: "shop"},
		{Key: "service.version", Text: "1.4.2"}, {Key: "service.instance.id", Text: fmt.Sprintf("%s-%d", name, instance)},
		{Key: "host.name", Text: fmt.Sprintf("node-%d", instance%9)}, {Key: "k8s.pod.name", Text: fmt.Sprintf("%s-%d", name, instance)}})}
}

func attributes(list []Attr) []*commonpb.KeyValue {
	out := make([]*commonpb.KeyValue, len(list))
	for i, a := range list {
		v := text(a.Text)
		if a.Text == "" {
			v = &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: a.Number}}
		}
		out[i] = &commonpb.KeyValue{Key: a.Key, Value: v}
	}
	return out
}

func text(s string) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: s}}
}
