package conditiontest

import (
	"math"
	"slices"

	"pgregory.net/rapid"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
)

// The words.
var (
	texts        = []string{"x", "y", "X y", "5", "", "5.0", "true", "shop", "GET /a", "Ünï çode", "[1]", "error: user 42 not found", `say "é/x"`}
	partsOfTexts = []string{"x", "", "X", "Ü", "42", "user", "é/", " "}
	expressions  = []string{"x", "x|y", ".*", ".+", "(?i)X.*", "[xy5]", ".*user.*", "GET .*", "a.c", "^x$", "(x|shop)+", ".*5", ""}
	said         = []string{"5", "x", `"5"`, "5e0", "true", "", "null", "[1]", `{"id":5}`, "aGk=", "NaN"}
	keys         = []string{"k", "n", "b.c", "order", "http.route", "level", `o"d d`}
	dottedKeys   = []string{"k", "order.id", "b.c", "order.user.name", "order.$m"}
	labels       = []string{"k", "http_route", "b_c", "order_id", "order_user_name"}
	paths        = []string{"/id", "/0", "/0/id", "/user/name", "/$m", "/x~1y"}
	integers     = []int64{5, 0, -1, 500, math.MaxInt64, math.MinInt64}
	doubles      = []float64{5, 0.5, -1, 500, math.NaN(), math.Inf(1), 9223372036854775808}
	nanos        = []int64{0, 1, 5, 1_000, 1_000_000, 1_500_000_000, -5}
	nested       = []plait.Value{
		plait.ArrayValue(`[5,"x"]`), plait.ArrayValue(`[]`), plait.ArrayValue(`["y",true,0.5]`), plait.ArrayValue(`[1]`),
		plait.ArrayValue(`[{"id":5},{"id":"x"}]`), plait.MapValue(`{"id":5}`), plait.MapValue(`{"id":"x","user":{"name":"y"}}`),
		plait.MapValue(`{"$$m":5,"x/y":"x"}`), plait.MapValue(`{}`), plait.BytesValue("hi"), {},
	}
)

// Value makes the value of an attribute or of a body.
func Value() *rapid.Generator[plait.Value] {
	return rapid.Custom(func(t *rapid.T) plait.Value {
		switch rapid.IntRange(0, 6).Draw(t, "value") {
		case 0, 1:
			return plait.IntValue(one(t, integers))
		case 2:
			return plait.DoubleValue(one(t, doubles))
		case 3:
			return plait.BoolValue(rapid.Bool().Draw(t, "bool"))
		case 4:
			return one(t, nested)
		}
		return plait.StringValue(one(t, texts))
	})
}

// Attributes makes none to four attributes with different keys.
func Attributes() *rapid.Generator[plait.Attributes] {
	return rapid.Custom(func(t *rapid.T) plait.Attributes {
		chosen := rapid.Permutation(keys).Draw(t, "keys")[:rapid.IntRange(0, 4).Draw(t, "attributes")]
		var a plait.Attributes
		for _, key := range chosen {
			a = append(a, plait.Attribute{Key: key, Value: Value().Draw(t, key)})
		}
		return a
	})
}

// epochNanos is about when everything happens.
const epochNanos = 1_700_000_100_000_000_000

func start(t *rapid.T) int64 { return epochNanos + one(t, nanos) }

func traceID(t *rapid.T) plait.TraceID { return traceNumber(rapid.IntRange(1, 3).Draw(t, "trace")) }

func spanID(t *rapid.T) plait.SpanID { return spanNumber(rapid.IntRange(1, 6).Draw(t, "span")) }

func traceNumber(n int) plait.TraceID { return plait.TraceID{0: 0xc0, 1: 0xff, 15: byte(n)} }

func spanNumber(n int) plait.SpanID { return plait.SpanID{0: 0x5a, 6: byte(n >> 8), 7: byte(n)} }

// Telemetry is what was sent: some traces, and log records with and without them.
type Telemetry struct {
	Spans []plait.Span
	Logs  []plait.LogRecord
}

// Draw makes telemetry of so many spans and log records at most. Spans of a trace have different ids and
// one root at most, and parents that come before them or never came.
func Draw(t *rapid.T, spans, logs int) Telemetry {
	resources, scopes := rapid.SliceOfN(resource(), 1, 3).Draw(t, "resources"), rapid.SliceOfN(scope(), 1, 2).Draw(t, "scopes")
	var all Telemetry
	roots := map[plait.TraceID]bool{}
	for i := range rapid.IntRange(1, spans).Draw(t, "spans") {
		s := span(t, i+1, all.Spans)
		s.Resource, s.Scope = one(t, resources), one(t, scopes)
		if s.ParentSpanID.IsZero() && roots[s.TraceID] {
			s.ParentSpanID = spanNumber(1000) // which never came
		}
		roots[s.TraceID] = roots[s.TraceID] || s.ParentSpanID.IsZero()
		all.Spans = append(all.Spans, s)
	}
	for range rapid.IntRange(0, logs).Draw(t, "logs") {
		r := log(t)
		r.Resource, r.Scope = one(t, resources), one(t, scopes)
		all.Logs = append(all.Logs, r)
	}
	return all
}

func resource() *rapid.Generator[*plait.Resource] {
	return rapid.Custom(func(t *rapid.T) *plait.Resource {
		a := Attributes().Draw(t, "resource")
		if name := one(t, []string{"shop", "x", ""}); name != "" {
			a = append(a, plait.Attribute{Key: "service.name", Value: plait.StringValue(name)})
		}
		return &plait.Resource{Attributes: a}
	})
}

func scope() *rapid.Generator[*plait.Scope] {
	return rapid.Custom(func(t *rapid.T) *plait.Scope {
		return &plait.Scope{Name: one(t, []string{"", "x", "shop"}), Version: one(t, []string{"", "5", "y"}), Attributes: Attributes().Draw(t, "scope")}
	})
}

// span makes span number n. Its parent, if any, is one of the trace's spans before it.
func span(t *rapid.T, n int, before []plait.Span) plait.Span {
	s := plait.Span{
		TraceID: traceID(t), SpanID: spanNumber(n), Name: one(t, texts), StartNanos: start(t), Kind: kind(t), Status: status(t),
		StatusMessage: one(t, []string{"", "x", "error: user 42 not found"}), Attributes: Attributes().Draw(t, "attributes"),
	}
	s.EndNanos = s.StartNanos + one(t, nanos)
	var parents []plait.SpanID
	for i := range before {
		if before[i].TraceID == s.TraceID {
			parents = append(parents, before[i].SpanID)
		}
	}
	if i := rapid.IntRange(-1, len(parents)).Draw(t, "parent"); i >= 0 {
		s.ParentSpanID = append(parents, spanNumber(1001))[i]
	}
	for range rapid.IntRange(0, 2).Draw(t, "events") {
		s.Events = append(s.Events, plait.Event{TimeNanos: s.StartNanos + one(t, nanos), Name: one(t, texts), Attributes: Attributes().Draw(t, "event")})
	}
	for range rapid.IntRange(0, 2).Draw(t, "links") {
		s.Links = append(s.Links, plait.Link{TraceID: traceID(t), SpanID: spanID(t), Attributes: Attributes().Draw(t, "link")})
	}
	return s
}

func log(t *rapid.T) plait.LogRecord {
	r := plait.LogRecord{
		TimeNanos: start(t), Body: Value().Draw(t, "body"), Attributes: Attributes().Draw(t, "attributes"),
		SeverityText: one(t, []string{"", "ERROR", "crit", "x"}), EventName: one(t, []string{"", "x", "shop"}),
		Severity: plait.SeverityNumber(rapid.IntRange(0, 24).Draw(t, "severity")),
	}
	if rapid.Bool().Draw(t, "JSON") {
		r.Body = plait.StringValue(one(t, []string{`{"id":5,"user":{"name":"y"},"~/":true}`, `{"list":["x"],"id":"5"}`, `{"id":`, `{"msg":"caf\u00e9 \"x\""}`}))
	}
	if rapid.Bool().Draw(t, "observed") {
		r.ObservedNanos = r.TimeNanos + 5
	}
	if rapid.Bool().Draw(t, "of a trace") {
		r.TraceID = traceID(t)
		if rapid.Bool().Draw(t, "of a span") {
			r.SpanID = spanID(t)
		}
	}
	return r
}

// Views are the spans as conditions see them, with parents and summaries.
func Views(spans []plait.Span) []condition.SpanView {
	views := make([]condition.SpanView, len(spans))
	byID := make(map[plait.TraceID]map[plait.SpanID]*plait.Span)
	for _, v := range Traces(spans) {
		byID[v.Summary.TraceID] = make(map[plait.SpanID]*plait.Span)
		for i := range spans {
			if s := &spans[i]; s.TraceID == v.Summary.TraceID {
				views[i] = condition.SpanView{Span: s, Trace: v.Summary}
				byID[s.TraceID][s.SpanID] = s
			}
		}
	}
	for i := range views {
		views[i].Parent = byID[spans[i].TraceID][spans[i].ParentSpanID]
	}
	return views
}

// Traces are the traces of spans as conditions see them, in order of their ids.
func Traces(spans []plait.Span) (views []condition.TraceView) {
	ofTrace := make(map[plait.TraceID][]plait.Span)
	for i := range spans {
		ofTrace[spans[i].TraceID] = append(ofTrace[spans[i].TraceID], spans[i])
	}
	for id, spans := range ofTrace {
		summary := summarize(id, spans)
		views = append(views, condition.TraceView{Summary: &summary, Spans: spans})
	}
	slices.SortFunc(views, func(a, b condition.TraceView) int {
		return slices.Compare(a.Summary.TraceID[:], b.Summary.TraceID[:])
	})
	return views
}

func summarize(id plait.TraceID, spans []plait.Span) plait.TraceSummary {
	s := plait.TraceSummary{TraceID: id, SpanCount: len(spans), StartNanos: math.MaxInt64}
	end := int64(math.MinInt64)
	for i := range spans {
		span := &spans[i]
		s.StartNanos, end = min(s.StartNanos, span.StartNanos), max(end, span.EndNanos)
		if span.Status == plait.StatusError {
			s.ErrorCount++
		}
		if span.ParentSpanID.IsZero() {
			s.RootName, s.RootService = span.Name, span.Resource.Service()
		}
		if service := span.Resource.Service(); !slices.Contains(s.Services, service) {
			s.Services = append(s.Services, service)
		}
	}
	slices.Sort(s.Services)
	s.DurationNanos = end - s.StartNanos
	return s
}
