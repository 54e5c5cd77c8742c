package datadog

import "testing"

func TestTheShareThatASamplerKeptIsToldAsOpenTelemetryDoes(t *testing.T) {
	t.Parallel()
	dropped := Tracer{DroppedTraces: true}
	for name, c := range map[string]struct {
		meta, metrics object
		want          string
	}{
		"nothing is told":      {object{}, object{}, ""},
		"the agent's rate":     {object{}, object{"_dd.agent_psr", 0.25}, "ot=th:c"},
		"all of them":          {object{}, object{"_dd.agent_psr", 1.0}, ""},
		"none of them":         {object{}, object{"_dd.agent_psr", 0.0}, ""},
		"a rule's":             {object{}, object{"_dd.rule_psr", 0.5, "_dd.agent_psr", 0.25}, "ot=th:8"},
		"a rule's and a limit": {object{}, object{"_dd.rule_psr", 0.5, "_dd.limit_psr", 0.5}, "ot=th:c"},
		"another service's":    {object{"_dd.p.ksr", "0.125"}, object{}, "ot=th:e"},
		"no number":            {object{"_dd.p.ksr", "often"}, object{}, ""},
		"kept by hand":         {object{"_dd.p.dm", "-4"}, object{"_dd.agent_psr", 0.25}, ""},
		"kept":                 {object{}, object{"_dd.rule_psr", 0.5, "_sampling_priority_v1", 2}, "ot=th:8"},
		"rejected":             {object{}, object{"_dd.rule_psr", 0.5, "_sampling_priority_v1", -1}, ""},
		"hardly any":           {object{}, object{"_dd.agent_psr", 1e-30}, "ot=th:ffffffffffffff"},
	} {
		body := packed(t, []any{[]any{
			object{"trace_id", 1, "span_id", 1, "meta", object{}},
			object{"trace_id", 1, "span_id", 2, "meta", c.meta, "metrics", c.metrics},
		}, []any{object{"trace_id", 2, "span_id", 1, "meta", object{}}}})
		traces, err := Decode(body, dropped, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !traces.ForeignThresholds {
			t.Errorf("%s: thresholds pass for those of OpenTelemetry's samplers", name)
		}
		if got := [3]string{traces.Spans[0].TraceState, traces.Spans[1].TraceState, traces.Spans[2].TraceState}; got != [3]string{c.want, c.want, ""} {
			t.Errorf("%s: %q, want %q for the first two", name, got, c.want)
		}
		if traces, err = Decode(body, Tracer{}, nil); err != nil || traces.Spans[0].TraceState != "" || traces.Spans[1].TraceState != "" {
			t.Errorf("%s, and what the sampler rejected came along: %q, %q, %v", name, traces.Spans[0].TraceState, traces.Spans[1].TraceState, err)
		}
	}
}
