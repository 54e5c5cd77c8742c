package tempo

import (
	"math"
	"slices"
	"strconv"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/correlate/tracetree"
	"github.com/plaithq/plait/query/traceql/eval"
)

// The answer of a search has these keys and no others: Grafana refuses a whole answer for one that it does not know.

type searchJSON struct {
	Traces  []traceJSONSummary `json:"traces"`
	Metrics searchMetrics      `json:"metrics"`
}

// searchMetrics tells by more jobs in all than were completed that the answer is a part.
type searchMetrics struct {
	InspectedTraces int    `json:"inspectedTraces"`
	InspectedBytes  string `json:"inspectedBytes"`
	CompletedJobs   int    `json:"completedJobs"`
	TotalJobs       int    `json:"totalJobs"`
}

type traceJSONSummary struct {
	TraceID         string                  `json:"traceID"`
	RootServiceName string                  `json:"rootServiceName"`
	RootTraceName   string                  `json:"rootTraceName,omitempty"`
	StartNanos      string                  `json:"startTimeUnixNano"`
	DurationMillis  int64                   `json:"durationMs,omitempty"`
	SpanSets        []spanSetJSON           `json:"spanSets"`
	ServiceStats    map[string]serviceStats `json:"serviceStats,omitempty"`
}

type serviceStats struct {
	SpanCount  int `json:"spanCount"`
	ErrorCount int `json:"errorCount,omitempty"`
}

type spanSetJSON struct {
	Spans      []spanJSON      `json:"spans"`
	Matched    int             `json:"matched"`
	Attributes []attributeJSON `json:"attributes,omitempty"`
}

type spanJSON struct {
	SpanID        string          `json:"spanID"`
	Name          string          `json:"name,omitempty"`
	StartNanos    string          `json:"startTimeUnixNano"`
	DurationNanos string          `json:"durationNanos"`
	Attributes    []attributeJSON `json:"attributes,omitempty"`
}

type attributeJSON struct {
	Key   string    `json:"key"`
	Value valueJSON `json:"value"`
}

// valueJSON is an OTLP AnyValue. Arrays and maps are texts: Grafana's reader fails at them.
type valueJSON struct {
	String *string  `json:"stringValue,omitempty"`
	Int    *string  `json:"intValue,omitempty"`
	Double *float64 `json:"doubleValue,omitempty"`
	Bool   *bool    `json:"boolValue,omitempty"`
}

// noRoot is what Tempo shows of a trace whose root did not come.
const noRoot = "<root span not yet received>"

func (s *traceSearch) answer() searchJSON {
	a := searchJSON{Traces: s.found, Metrics: searchMetrics{InspectedTraces: s.inspected, InspectedBytes: "0", CompletedJobs: 1, TotalJobs: 1}}
	if s.cut {
		a.Metrics.TotalJobs++
	}
	if a.Traces == nil {
		a.Traces = []traceJSONSummary{}
	}
	oneTypeEach(a.Traces)
	return a
}

func summaryOf(t *plait.TraceSummary, spans []plait.Span, found *eval.Found, shown int) traceJSONSummary {
	out := traceJSONSummary{
		TraceID: t.TraceID.String(), RootServiceName: t.RootService, RootTraceName: t.RootName,
		StartNanos:     strconv.FormatInt(t.StartNanos, 10),
		DurationMillis: min(t.DurationNanos/1_000_000, math.MaxInt32),
		ServiceStats:   map[string]serviceStats{},
	}
	if t.RootService == "" && t.RootName == "" {
		out.RootServiceName = noRoot
	}
	for i := range spans {
		stats := out.ServiceStats[spans[i].Resource.Service()]
		stats.SpanCount++
		if spans[i].Status == plait.StatusError {
			stats.ErrorCount++
		}
		out.ServiceStats[spans[i].Resource.Service()] = stats
	}
	named := tracetree.Distinct(spans)
	for _, set := range found.Sets {
		shownSet := spanSetJSON{Matched: len(set.Spans), Attributes: attributesOf(set.Groups), Spans: []spanJSON{}}
		for _, i := range set.Spans[:min(shown, len(set.Spans))] {
			shownSet.Spans = append(shownSet.Spans, spanOf(&named[i], found.Attributes(i)))
		}
		out.SpanSets = append(out.SpanSets, shownSet)
	}
	return out
}

// spanOf shows a span with what the query names, and its service.
func spanOf(s *plait.Span, asked plait.Attributes) spanJSON {
	const service = "service.name"
	if _, ok := asked.Get(service); !ok {
		asked = append(slices.Clip(asked), plait.Attribute{Key: service, Value: plait.StringValue(s.Resource.Service())})
	}
	return spanJSON{
		SpanID: s.SpanID.String(), Name: s.Name,
		StartNanos: strconv.FormatInt(s.StartNanos, 10), DurationNanos: strconv.FormatInt(max(s.DurationNanos(), 0), 10),
		Attributes: attributesOf(asked),
	}
}

func attributesOf(attributes plait.Attributes) (out []attributeJSON) {
	for i := range attributes {
		if v, ok := valueOf(attributes[i].Value); ok {
			out = append(out, attributeJSON{attributes[i].Key, v})
		}
	}
	return out
}

// valueOf writes a value; an empty one has no answer that Grafana reads.
func valueOf(v plait.Value) (out valueJSON, ok bool) {
	switch v.Kind() {
	case plait.KindEmpty:
		return out, false
	case plait.KindBool:
		b := v.Bool()
		out.Bool = &b
	case plait.KindInt:
		n := strconv.FormatInt(v.Int(), 10)
		out.Int = &n
	case plait.KindDouble:
		if d := v.Double(); !math.IsNaN(d) && !math.IsInf(d, 0) {
			out.Double = &d
			return out, true
		}
		text := v.Text()
		out.String = &text
	default:
		text := v.Text()
		out.String = &text
	}
	return out, true
}

// oneTypeEach makes texts of the values of each key that has values of several types: a column of Grafana's table has one
// type. Numbers with and without a fraction go together.
func oneTypeEach(traces []traceJSONSummary) {
	types := map[string]map[string]bool{}
	each := func(use func(*attributeJSON)) {
		for t := range traces {
			for s := range traces[t].SpanSets {
				set := &traces[t].SpanSets[s]
				for a := range set.Attributes {
					use(&set.Attributes[a])
				}
				for p := range set.Spans {
					for a := range set.Spans[p].Attributes {
						use(&set.Spans[p].Attributes[a])
					}
				}
			}
		}
	}
	each(func(a *attributeJSON) {
		if types[a.Key] == nil {
			types[a.Key] = map[string]bool{}
		}
		types[a.Key][a.Value.typeName()] = true
	})
	each(func(a *attributeJSON) {
		if len(types[a.Key]) > 1 {
			text := a.Value.text()
			a.Value = valueJSON{String: &text}
		}
	})
}

func (v valueJSON) typeName() string {
	switch {
	case v.Bool != nil:
		return "bool"
	case v.String != nil:
		return "string"
	}
	return "number"
}

func (v valueJSON) text() string {
	switch {
	case v.String != nil:
		return *v.String
	case v.Int != nil:
		return *v.Int
	case v.Double != nil:
		return strconv.FormatFloat(*v.Double, 'g', -1, 64)
	}
	return strconv.FormatBool(*v.Bool)
}
