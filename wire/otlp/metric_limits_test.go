package otlp

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/plaithq/plait"
)

// decodeBoth decodes a request with metrics unknown and with metrics known, and returns the latter.
func decodeBoth(t *testing.T, body []byte) *plait.Metrics {
	t.Helper()
	d := NewMetricDecoder(MetricSettings{})
	if _, err := d.Decode(t.Context(), body, nil); err != nil {
		t.Fatal(err)
	}
	m, err := d.Decode(t.Context(), body, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// one is a request with a metric of one kind that the caller fills in, beside a good gauge.
func one(fill func(m pmetric.Metric)) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", "shop")
	rm.Resource().Attributes().PutStr("host.name", "h")
	list := rm.ScopeMetrics().AppendEmpty().Metrics()
	m := list.AppendEmpty()
	m.SetName("bad")
	fill(m)
	good := list.AppendEmpty()
	good.SetName("good")
	stamp(good.SetEmptyGauge().DataPoints().AppendEmpty())
	return md
}

func cumulativeSum(m pmetric.Metric, n int) pmetric.NumberDataPoint {
	s := m.SetEmptySum()
	s.SetIsMonotonic(true)
	s.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	var p pmetric.NumberDataPoint
	for range n {
		p = s.DataPoints().AppendEmpty()
		stamp(p)
		p.SetIntValue(5)
	}
	return p
}

func countOf(m *plait.Metrics, metric string) (n int) {
	for _, s := range m.Series {
		if s.Labels.Get("__name__") == metric {
			n += len(s.Samples) + len(s.Histograms)
		}
	}
	return n
}

func TestDataPointBeyondALimitIsRefusedAlone(t *testing.T) {
	t.Parallel()
	for want, fill := range map[string]func(m pmetric.Metric){
		"its name has 3000 bytes": func(m pmetric.Metric) { m.SetName(strings.Repeat("n", 3000)); cumulativeSum(m, 1) },
		"of a metric has 1030 bytes": func(m pmetric.Metric) { // with the suffix that Prometheus writes
			m.SetName(strings.Repeat("n", 1024))
			cumulativeSum(m, 1)
		},
		"its unit has 300 bytes": func(m pmetric.Metric) { m.SetUnit(strings.Repeat("u", 300)); cumulativeSum(m, 1) },
		"of a label has 3000 bytes": func(m pmetric.Metric) {
			cumulativeSum(m, 1).Attributes().PutStr(strings.Repeat("k", 3000), "v")
		},
		"labels of bad_total take": func(m pmetric.Metric) {
			cumulativeSum(m, 1).Attributes().PutStr("k", strings.Repeat("v", 20_000))
		},
		"attributes of 100": func(m pmetric.Metric) {
			cumulativeSum(m, 1).Attributes().PutStr("k", strings.Repeat("v", 100_000))
		},
		"more than 2000 buckets": func(m pmetric.Metric) {
			h := m.SetEmptyHistogram()
			h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
			p := h.DataPoints().AppendEmpty()
			stamp(p)
			for i := range 2001 {
				p.ExplicitBounds().Append(float64(i))
			}
			p.BucketCounts().FromRaw(make([]uint64, 2002))
		},
		"are not in order": func(m pmetric.Metric) {
			h := m.SetEmptyHistogram()
			h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
			p := h.DataPoints().AppendEmpty()
			stamp(p)
			p.ExplicitBounds().FromRaw([]float64{1, 1})
			p.BucketCounts().FromRaw([]uint64{1, 2, 3})
		},
		"more than 10000 buckets": func(m pmetric.Metric) {
			h := m.SetEmptyExponentialHistogram()
			h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
			p := h.DataPoints().AppendEmpty()
			stamp(p)
			p.Positive().BucketCounts().FromRaw(make([]uint64, 10_001))
		},
		"no number is beyond": func(m pmetric.Metric) {
			h := m.SetEmptyExponentialHistogram()
			h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
			p := h.DataPoints().AppendEmpty()
			stamp(p)
			p.SetCount(1)
			p.Positive().SetOffset(math.MaxInt32)
			p.Positive().BucketCounts().FromRaw([]uint64{1})
		},
		"more than 2000 quantiles": func(m pmetric.Metric) {
			p := m.SetEmptySummary().DataPoints().AppendEmpty()
			stamp(p)
			for range 2001 {
				p.QuantileValues().AppendEmpty()
			}
		},
		"none that OTLP defines": func(m pmetric.Metric) {
			cumulativeSum(m, 1)
			m.Sum().SetAggregationTemporality(7)
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			m := decodeBoth(t, marshalMetrics(t, one(fill)))
			if len(m.Refused) != 1 || m.Refused[0].Count != 1 || !strings.Contains(m.Refused[0].Reason, want) {
				t.Errorf("refused %.300v", m.Refused)
			}
			if countOf(m, "good") != 1 || len(m.Refused) > 0 && len(m.Refused[0].Reason) > 500 {
				t.Errorf("%d good samples, and a reason of %d bytes", countOf(m, "good"), len(m.Refused[0].Reason))
			}
		})
	}
}

func TestBadExemplarIsLeftOutAlone(t *testing.T) {
	t.Parallel()
	point := func(exemplar string) string {
		return `{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"f"}}]},"scopeMetrics":[{"metrics":[
{"name":"orders","sum":{"aggregationTemporality":"cumulative","isMonotonic":true,"dataPoints":[{"timeUnixNano":"1795600800000000000","asInt":"5",
"exemplars":[{"asInt":1,"traceId":"23456789a1bfef9723456789a1bfef97","spanId":"a1b2c3d400afc8be"},` + exemplar + `]}]}}]}]}]}`
	}
	for want, exemplar := range map[string]string{
		"trace_id has 8 bytes":      `{"asInt":1,"traceId":"23456789a1bfef97"}`,
		"trace_id has 1 bytes":      `{"asInt":1,"traceId":"no id at all"}`,
		"span_id has 3 bytes":       `{"asInt":1,"spanId":"abcdef"}`,
		"it has no value":           `{"traceId":"23456789a1bfef9723456789a1bfef97"}`,
		"its value is not a number": `{"asDouble":"NaN"}`,
		"after the year 2262":       `{"asInt":1,"timeUnixNano":"18446744073709551615"}`,
		"not UTF-8":                 `{"asInt":1,"filteredAttributes":[{"key":"k","value":{"stringValue":"\u0000"}}]}`,
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			m, err := NewMetricDecoder(MetricSettings{}).DecodeJSON(t.Context(), []byte(point(exemplar)), nil)
			if err != nil {
				t.Fatal(err)
			}
			samples, _, exemplars := m.Counts()
			if samples != 1 || exemplars != 1 || m.Series[0].Samples[0].Value != 5 {
				t.Errorf("%d samples and %d exemplars: %+v", samples, exemplars, m.Series)
			}
			if len(m.Refused) != 1 || m.Refused[0].Count != 0 || !strings.Contains(m.Refused[0].Reason, want) {
				t.Errorf("refused %+v", m.Refused)
			}
		})
	}
}

func TestSeriesThatBecomeOneAreToldApart(t *testing.T) {
	t.Parallel()
	gauge := func(list pmetric.MetricSlice, name string, value int64) pmetric.NumberDataPoint {
		m := list.AppendEmpty()
		m.SetName(name)
		p := m.SetEmptyGauge().DataPoints().AppendEmpty()
		stamp(p)
		p.SetIntValue(value)
		return p
	}
	for name, c := range map[string]struct {
		fill    func(first, second pmetric.MetricSlice)
		refused int
	}{
		"two scopes":                     {func(a, b pmetric.MetricSlice) { gauge(a, "requests", 3); gauge(b, "requests", 4) }, 1},
		"two scopes with the same value": {func(a, b pmetric.MetricSlice) { gauge(a, "requests", 3); gauge(b, "requests", 3) }, 0},
		"two spellings of a name":        {func(a, _ pmetric.MetricSlice) { gauge(a, "a.b", 3); gauge(a, "a_b", 4) }, 1},
		"two spellings of a key": {func(a, _ pmetric.MetricSlice) {
			gauge(a, "x", 3).Attributes().PutStr("k.k", "v")
			gauge(a, "x", 4).Attributes().PutStr("k_k", "v")
		}, 1},
		"the count of a summary, and a gauge": {func(a, _ pmetric.MetricSlice) {
			m := a.AppendEmpty()
			m.SetName("x")
			stamp(m.SetEmptySummary().DataPoints().AppendEmpty())
			gauge(a, "x_count", 4)
		}, 1},
		"a gauge and an exponential histogram": {func(a, _ pmetric.MetricSlice) {
			gauge(a, "x", 4)
			m := a.AppendEmpty()
			m.SetName("x")
			h := m.SetEmptyExponentialHistogram()
			h.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
			stamp(h.DataPoints().AppendEmpty())
		}, 1},
		"other times": {func(a, b pmetric.MetricSlice) {
			gauge(a, "x", 3)
			gauge(b, "x", 4).SetTimestamp(pcommon.Timestamp(metricTime.UnixNano() + 1e6))
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			md := pmetric.NewMetrics()
			rm := md.ResourceMetrics().AppendEmpty()
			rm.Resource().Attributes().PutStr("service.name", "shop")
			first, second := rm.ScopeMetrics().AppendEmpty(), rm.ScopeMetrics().AppendEmpty()
			first.Scope().SetName("lib.http")
			second.Scope().SetName("lib.grpc")
			c.fill(first.Metrics(), second.Metrics())
			m := decodeBoth(t, marshalMetrics(t, md))
			if count(m.Refused) != c.refused {
				t.Errorf("refused %+v", m.Refused)
			}
			for _, r := range m.Refused {
				if !strings.Contains(r.Reason, "the time of another one") {
					t.Errorf("reason %s", r.Reason)
				}
			}
			if m.Series[0].Samples[0].Value > 4 {
				t.Errorf("%+v", m.Series)
			}
		})
	}
}

func TestTargetInfoIsWhereThePointsAre(t *testing.T) {
	t.Parallel()
	at := func(minutes ...int) []int64 {
		md := one(func(m pmetric.Metric) {
			g := m.SetEmptyGauge()
			for _, min := range minutes {
				g.DataPoints().AppendEmpty().SetTimestamp(pcommon.Timestamp(metricTime.Add(time.Duration(min) * time.Minute).UnixNano()))
			}
		})
		var times []int64
		for _, s := range decodeBoth(t, marshalMetrics(t, md)).Series {
			if s.Labels.Get("__name__") == targetInfo {
				times = append(times, (s.Samples[0].TimeMillis-metricTime.UnixMilli())/60_000)
			}
		}
		return times
	}
	for _, c := range []struct {
		minutes []int
		want    string
	}{
		{nil, "[0]"},
		{[]int{7 * 24 * 60}, "[0 10080]"},
		{[]int{10, 1, 0, 7 * 24 * 60, 11}, "[0 1 10 11 10080]"},
	} {
		if got := fmt.Sprint(at(c.minutes...)); got != c.want {
			t.Errorf("points at %v: target_info at %s, want %s", c.minutes, got, c.want)
		}
	}
}

func TestDecodingEndsWithItsSender(t *testing.T) {
	t.Parallel()
	md := one(func(m pmetric.Metric) {
		cumulativeSum(m, 1000)
		for i, p := range m.Sum().DataPoints().All() {
			p.Attributes().PutInt("i", int64(i))
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := NewMetricDecoder(MetricSettings{}).Decode(ctx, marshalMetrics(t, md), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestDecodingEndsWhereNoMemoryIsGranted(t *testing.T) {
	t.Parallel()
	none := func(int64) error { return plait.ErrOverloaded }
	body := marshalMetrics(t, one(func(m pmetric.Metric) { cumulativeSum(m, 1000) }))
	if _, err := NewMetricDecoder(MetricSettings{}).Decode(t.Context(), body, none); !errors.Is(err, plait.ErrOverloaded) {
		t.Errorf("protobuf: %v", err)
	}
	text := `{"resourceMetrics":[` + strings.Repeat(`{"scopeMetrics":[{"metrics":[{"name":"a","gauge":{"dataPoints":[{"timeUnixNano":"1795600800000000000"}]}}]}]},`, 2000) + `{}]}`
	if _, err := NewMetricDecoder(MetricSettings{}).DecodeJSON(t.Context(), []byte(text), none); !errors.Is(err, plait.ErrOverloaded) {
		t.Errorf("JSON: %v", err)
	}
	spans := `{"resourceSpans":[{"scopeSpans":[{"spans":[` + strings.Repeat("{},", 2000) + `{}]}]}]}`
	if _, err := new(Memory).DecodeTracesJSON([]byte(spans), none); !errors.Is(err, plait.ErrOverloaded) {
		t.Errorf("traces: %v", err)
	}
}

func TestMetricsInJSONAreThoseInProtobuf(t *testing.T) {
	t.Parallel()
	md := everyKind(7)
	text, err := (&pmetric.JSONMarshaler{}).MarshalMetrics(md)
	if err != nil {
		t.Fatal(err)
	}
	d := NewMetricDecoder(MetricSettings{})
	got, err := d.DecodeJSON(t.Context(), text, nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := d.Decode(t.Context(), marshalMetrics(t, md), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(flat(want), flat(got)); diff != "" {
		t.Error(diff)
	}
}

func TestDeepAttributesOfMetricsEndInAMark(t *testing.T) {
	t.Parallel()
	md := one(func(m pmetric.Metric) {
		v := cumulativeSum(m, 1).Attributes().PutEmpty("deep")
		for range 100 {
			v = v.SetEmptySlice().AppendEmpty()
		}
		v.SetStr("innermost")
	})
	m := decodeBoth(t, marshalMetrics(t, md))
	for _, s := range m.Series {
		if deep := s.Labels.Get("deep"); s.Labels.Get("__name__") == "bad_total" && (!strings.Contains(deep, deepText) || strings.Count(deep, "[") != maxDepth) {
			t.Errorf("label %s", deep)
		}
	}
	if countOf(m, "bad_total") != 1 {
		t.Errorf("%+v", m.Refused)
	}
	first, err := NewMetricDecoder(MetricSettings{}).Decode(t.Context(), marshalMetrics(t, md), nil)
	if err != nil || len(first.Repaired) != 1 || first.Repaired[0].Count != 1 {
		t.Errorf("repaired %+v, %v", first.Repaired, err)
	}
}

func TestNamesOfEnumerationsInAnySpelling(t *testing.T) {
	t.Parallel()
	const span = `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","kind":%s,"status":{"code":%s}}]}]}]}`
	for _, c := range []struct{ kind, code, want string }{
		{`"SPAN_KIND_CLIENT"`, `"STATUS_CODE_ERROR"`, "client error"},
		{`"CLIENT"`, `"ERROR"`, "client error"},
		{`"client"`, `"error"`, "client error"},
		{`"Span_Kind_Server"`, `"Ok"`, "server ok"},
		{`"span_kind_producer"`, `"status_code_unset"`, "producer unset"},
		{`"3"`, `"2"`, "client error"},
		{`3`, `2`, "client error"},
		{`null`, `null`, "unspecified unset"},
		{`"CLIENT"`, `"BROKEN"`, `status.code is "BROKEN", which OTLP does not define, first in resourceSpans[0].scopeSpans[0].spans[0]`},
		{`"WORKER"`, `"OK"`, `kind is "WORKER", which OTLP does not define, first in resourceSpans[0].scopeSpans[0].spans[0]`},
	} {
		traces, err := DecodeTracesJSON(fmt.Appendf(nil, span, c.kind, c.code))
		if err != nil {
			t.Errorf("%s %s: %v", c.kind, c.code, err)
			continue
		}
		got := ""
		for _, s := range traces.Spans {
			got += s.Kind.String() + " " + s.Status.String()
		}
		for _, r := range traces.Refused {
			got += r.Reason
		}
		if got != c.want {
			t.Errorf("%s %s: %s, want %s", c.kind, c.code, got, c.want)
		}
	}
	const log = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityNumber":%s}]}]}]}`
	for spelling, want := range map[string]string{
		`"SEVERITY_NUMBER_WARN2"`: "14 ", `"warn2"`: "14 ", `"ERROR"`: "17 ", `"severity_number_fatal4"`: "24 ", `9`: "9 ", `"9"`: "9 ", `"NOTICE"`: "0 NOTICE",
	} {
		logs, err := DecodeLogsJSON(fmt.Appendf(nil, log, spelling))
		if err != nil {
			t.Errorf("%s: %v", spelling, err)
			continue
		}
		if got := fmt.Sprint(uint8(logs.Records[0].Severity), " ", logs.Records[0].SeverityText); got != want {
			t.Errorf("%s: %s, want %s", spelling, got, want)
		}
	}
}
