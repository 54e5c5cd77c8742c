package ingest

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/sampling"
	"github.com/plaithq/plait/spanmetrics"
)

// traffic is spans that come each second at the same pace.
type traffic struct {
	name      string // and the service's
	perSecond int
	failed    bool
	state     string                      // the trace state of all of them
	sampled   func(id plait.TraceID) bool // by their own sampler; nil: not
	foreign   bool                        // that decides by something else than the ids' random bits
}

// load makes the spans of a part of a second, each of a trace of its own.
func (f *traffic) load(r *rand.Rand, n int) *plait.Traces {
	b := &plait.Traces{ForeignThresholds: f.foreign}
	resource := resourceOf(f.name)
	for len(b.Spans) < n {
		s := plait.Span{Name: f.name, TraceState: f.state, TraceID: randomTraceID(r), Resource: resource}
		if f.failed {
			s.Status = plait.StatusError
		}
		if f.sampled == nil || f.sampled(s.TraceID) {
			b.Spans = append(b.Spans, s)
		}
	}
	return b
}

func resourceOf(service string) *plait.Resource {
	return &plait.Resource{Attributes: plait.Attributes{{Key: "service.name", Value: plait.StringValue(service)}}}
}

func randomTraceID(r *rand.Rand) (id plait.TraceID) {
	for i := range id {
		id[i] = byte(r.Uint32())
	}
	return id
}

// outcomeOf is what became of a traffic once its limit had settled.
type outcomeOf struct {
	came, kept, untouched int
	adjusted, squares     float64 // the sum of what the kept spans stand for, and of its squares
}

const simulatedPerSecond = 10 // batches

// simulate sends traffics side by side for a while and then counts for a minute.
func simulate(l *limiter, clock *time.Time, r *rand.Rand, all []traffic) map[string]*outcomeOf {
	outcomes := map[string]*outcomeOf{}
	for i := range 90 * simulatedPerSecond {
		*clock = clock.Add(time.Second / simulatedPerSecond)
		for _, f := range all {
			b := f.load(r, f.perSecond/simulatedPerSecond)
			came := len(b.Spans)
			out, err := l.limitSpans(b, func(int64) error { return nil })
			if err != nil || out.records()+len(b.Spans) != came {
				panic("spans got lost")
			}
			if i < 30*simulatedPerSecond {
				continue
			}
			o := outcomes[f.name]
			if o == nil {
				o = &outcomeOf{}
				outcomes[f.name] = o
			}
			o.came += came
			o.kept += len(b.Spans)
			for j := range b.Spans {
				if b.Spans[j].TraceState == f.state {
					o.untouched++
				}
				n := float64(spanmetrics.AdjustedCount(&b.Spans[j]))
				o.adjusted += n
				o.squares += n * n
			}
		}
	}
	return outcomes
}

// tenth keeps the traces that OpenTelemetry's samplers keep of ten.
func tenth(id plait.TraceID) bool { return sampling.OfShare(0.1).Keeps(sampling.Randomness(id)) }

// datadogsTenth keeps one in ten as Datadog's tracers do.
func datadogsTenth(id plait.TraceID) bool {
	return id.Low()*1111111111111111111 < math.MaxUint64/10
}

func TestALimitHoldsAndWhatIsKeptStandsForAll(t *testing.T) {
	t.Parallel()
	const limit = 200
	tenthState := sampling.WithThreshold("", sampling.OfShare(0.1))
	for name, c := range map[string]struct {
		traffic []traffic
		// whole is of which nothing may be left out, and none says that it was.
		whole string
		// of how many each of a traffic's spans is one to begin with
		heads map[string]float64
		least float64 // of the limit that is used
	}{
		"less than the limit":                  {traffic: []traffic{{name: "a", perSecond: 180}}, whole: "a", least: 0.89},
		"ten times the limit":                  {traffic: []traffic{{name: "a", perSecond: 2000}}, least: 0.9},
		"a little above the limit":             {traffic: []traffic{{name: "a", perSecond: 220}}, least: 0.9},
		"failures are kept":                    {traffic: []traffic{{name: "a", perSecond: 1000}, {name: "failed", perSecond: 100, failed: true}}, whole: "failed", least: 0.9},
		"failures above the limit":             {traffic: []traffic{{name: "a", perSecond: 1000}, {name: "failed", perSecond: 800, failed: true}}, least: 0.9},
		"more failures than others":            {traffic: []traffic{{name: "a", perSecond: 10}, {name: "failed", perSecond: 800, failed: true}}, least: 0.9},
		"sampled by the same bits":             {traffic: []traffic{{name: "a", perSecond: 400, state: tenthState, sampled: tenth}}, heads: map[string]float64{"a": 10}, least: 0.9},
		"sampled by the same bits, and enough": {traffic: []traffic{{name: "a", perSecond: 1000}, {name: "b", perSecond: 40, state: tenthState, sampled: tenth}}, whole: "b", heads: map[string]float64{"b": 10}, least: 0.9},
		"sampled by other bits": {traffic: []traffic{{name: "a", perSecond: 400, state: tenthState, sampled: datadogsTenth, foreign: true}, {name: "b", perSecond: 200}},
			heads: map[string]float64{"a": 10}, least: 0.9},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
			l := newLimiter(traces, limit, nil, func() time.Time { return clock })
			kept := 0
			outcomes := simulate(l, &clock, rand.New(rand.NewPCG(16, 5)), c.traffic)
			if failed := outcomes["failed"]; failed != nil && failed.kept*outcomes["a"].came < outcomes["a"].kept*failed.came*9/10 {
				t.Errorf("of %d failures %d are kept, and of %d others %d", failed.came, failed.kept, outcomes["a"].came, outcomes["a"].kept)
			}
			for of, o := range outcomes {
				kept += o.kept
				if of == c.whole && (o.kept != o.came || o.untouched != o.came) {
					t.Errorf("of %d %q %d are kept, and %d say nothing new", o.came, of, o.kept, o.untouched)
				}
				truth := float64(o.came) * max(c.heads[of], 1)
				if off := math.Abs(o.adjusted - truth); off > 5*math.Sqrt(o.squares) && of != c.whole {
					t.Errorf("%d %q stand for %.0f, which are %.0f in truth", o.kept, of, o.adjusted, truth)
				}
				if o.kept == 0 {
					t.Errorf("of %d %q none is kept", o.came, of)
				}
			}
			if perSecond := float64(kept) / 60; perSecond > 1.05*limit || perSecond < c.least*limit {
				t.Errorf("%.0f spans are kept in a second, the limit is %d", perSecond, limit)
			}
		})
	}
}

func TestALimitFollowsTheTraffic(t *testing.T) {
	t.Parallel()
	clock := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	l := newLimiter(traces, 100, nil, func() time.Time { return clock })
	r := rand.New(rand.NewPCG(16, 5))
	var shares []float64
	kept := 0
	second := func(perSecond int) float64 {
		for range simulatedPerSecond {
			b := (&traffic{perSecond: perSecond}).load(r, perSecond/simulatedPerSecond)
			if _, err := l.limitSpans(b, func(int64) error { return nil }); err != nil {
				t.Fatal(err)
			}
			kept += len(b.Spans)
			clock = clock.Add(time.Second / simulatedPerSecond)
		}
		return l.share()
	}
	if share := second(400); share != 1 {
		t.Errorf("a burst of some seconds' worth of the limit: a share of %v is kept", share)
	}
	for range 20 {
		second(10)
	}
	kept = 0
	for range 30 {
		shares = append(shares, second(1000))
	}
	if times := float64(kept) / 30 / 100; times < 1.3 || times > 1.7 {
		t.Errorf("in the half minute after the traffic rose to ten times the limit %.2f times the limit is kept", times)
	}
	for i := range shares[1:] {
		if shares[i+1] > shares[i] {
			t.Errorf("while the traffic is ten times the limit the share rises: %v", shares)
		}
	}
	if last := shares[len(shares)-1]; last < 0.08 || last > 0.105 {
		t.Errorf("in the end a share of %v is kept of ten times the limit", last)
	}
	for range 20 {
		second(10)
	}
	if share := second(10); share != 1 {
		t.Errorf("long after the traffic fell a share of %v is kept", share)
	}
	clock = clock.Add(-time.Hour) // a clock that is set back does no harm
	if share := second(10); share != 1 {
		t.Errorf("after the clock was set back a share of %v is kept", share)
	}
}

// atShare is a limiter that keeps about a share of each class.
func atShare(signal string, share float64) *limiter {
	at := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	l := newLimiter(signal, 1e9, nil, func() time.Time { return at })
	l.all.at = at
	l.all.arrivals[priority] = arrivals{count: [weightClasses]float64{1e9 / share}, standFor: [weightClasses]float64{1e9 / share}}
	l.all.arrivals[plain] = arrivals{count: [weightClasses]float64{1e8 / share}, standFor: [weightClasses]float64{1e8 / share}}
	return l
}

func TestSpansOfATraceAreKeptAlike(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(16, 5))
	few, many := atShare(traces, 0.1), atShare(traces, 0.3)
	keptFew, keptMany := 0, 0
	for range 1000 {
		id := randomTraceID(r)
		kept := func(l *limiter) bool {
			var n [2]int
			for i := range n { // in requests of their own
				b := &plait.Traces{Spans: []plait.Span{{TraceID: id, SpanID: plait.SpanID{byte(i)}}, {TraceID: id, SpanID: plait.SpanID{9}}}}
				if _, err := l.limitSpans(b, func(int64) error { return nil }); err != nil {
					t.Fatal(err)
				}
				n[i] = len(b.Spans)
			}
			if n[0] != n[1] || n[0] == 1 {
				t.Fatalf("of a trace %d spans of 2 are kept, and %d of 2", n[0], n[1])
			}
			return n[0] > 0
		}
		byFew, byMany := kept(few), kept(many)
		if byFew && !byMany {
			t.Errorf("trace %s is kept by who keeps fewer, and not by who keeps more", id)
		}
		if byFew {
			keptFew++
		}
		if byMany {
			keptMany++
		}
	}
	if keptFew == 0 || keptMany <= keptFew || keptMany == 1000 {
		t.Errorf("of 1000 traces %d and %d are kept", keptFew, keptMany)
	}
}

func TestWhatIsUrgent(t *testing.T) {
	t.Parallel()
	with := func(key string, v plait.Value) plait.Span {
		return plait.Span{Attributes: plait.Attributes{{Key: "http.method", Value: plait.StringValue("GET")}, {Key: key, Value: v}}}
	}
	for name, c := range map[string]struct {
		span   plait.Span
		urgent bool
	}{
		"nothing":                 {plait.Span{}, false},
		"a failure":               {plait.Span{Status: plait.StatusError}, true},
		"a success":               {plait.Span{Status: plait.StatusOK}, false},
		"Datadog, kept by a user": {with("_sampling_priority_v1", plait.IntValue(2)), true},
		"Datadog, kept by rate":   {with("_sampling_priority_v1", plait.IntValue(1)), false},
		"Datadog, as a double":    {with("_sampling_priority_v1", plait.DoubleValue(2)), true},
		"Datadog, rejected":       {with("_sampling_priority_v1", plait.IntValue(-1)), false},
		"OpenTracing":             {with("sampling.priority", plait.IntValue(1)), true},
		"OpenTracing, not":        {with("sampling.priority", plait.IntValue(0)), false},
		"OpenTracing, a text":     {with("sampling.priority", plait.StringValue("1")), false},
		"Jaeger's debug":          {with("jaeger.debug", plait.BoolValue(true)), true},
		"Jaeger's debug, not":     {with("jaeger.debug", plait.BoolValue(false)), false},
		"B3's debug":              {with("zipkin.debug", plait.BoolValue(true)), true},
	} {
		c.span.TraceID = plait.TraceID{1}
		spans := []plait.Span{{TraceID: plait.TraceID{1}}, c.span, {TraceID: plait.TraceID{2}}}
		urgent := urgentTraces(spans)
		if urgent[plait.TraceID{1}] != c.urgent || urgent[plait.TraceID{2}] {
			t.Errorf("%s: urgent are %v", name, urgent)
		}
	}
}

func TestLogRecordsAreKeptWithTheirTraces(t *testing.T) {
	t.Parallel()
	kept, out := plait.TraceID{9: 0xff}, plait.TraceID{9: 0x01}
	attributes := plait.Attributes{{Key: "a", Value: plait.IntValue(1)}, {Key: keyThreshold, Value: plait.StringValue("8")}, {Key: "b", Value: plait.IntValue(2)}}
	records := func() *plait.Logs {
		return &plait.Logs{Records: []plait.LogRecord{
			{EventName: "kept", TraceID: kept, Attributes: attributes[:1]},
			{EventName: "out", TraceID: out},
			{EventName: "failed", TraceID: out, Severity: 17},
			{EventName: "sampled before", TraceID: kept, Attributes: attributes[1:]},
			{EventName: "no trace"},
			{EventName: "no trace, unlucky"},
			{EventName: "sampled before by chance", Attributes: attributes[1:2]},
		}}
	}
	chances := []uint64{1<<56 - 1, 1, 1<<56 - 1}
	l := newLimiter(logs, 100, nil, func() time.Time { return time.Time{} })
	l.all.arrivals[plain] = arrivals{count: [weightClasses]float64{400}, standFor: [weightClasses]float64{400}}
	l.chance = func() uint64 { n := chances[0]; chances = chances[1:]; return n }
	b := records()
	claimed := int64(0)
	out1, err := l.limitLogs(b, func(n int64) error { claimed += n; return nil })
	if err != nil || out1.records() != 2 || claimed == 0 {
		t.Fatalf("%+v are left out, %d bytes are asked for: %v", out1, claimed, err)
	}
	type told struct{ Name, Attributes string }
	var got []told
	for _, r := range b.Records {
		got = append(got, told{r.EventName, string(r.Attributes.AppendJSON(nil))})
	}
	quarter := stepOf(l.share()).digits
	eighth := sampling.OfShare(stepOf(l.share()).share / 2).String()
	want := []told{
		{"kept", `{"a":1,"sampling.threshold":"` + quarter + `"}`},
		{"failed", `{}`},
		{"sampled before", `{"b":2,"sampling.threshold":"` + quarter + `"}`},
		{"no trace", `{"sampling.threshold":"` + quarter + `"}`},
		{"sampled before by chance", `{"sampling.threshold":"` + eighth + `"}`},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	if told, _ := attributes.Get(keyThreshold); told.Str() != "8" || attributes[1].Key != keyThreshold {
		t.Errorf("the list in which the attributes of neighbours lie has changed: %v", attributes)
	}
	short := plait.Errorf(plait.ErrOverloaded, "no memory")
	if _, err := l.limitLogs(records(), func(int64) error { return short }); err != short { //nolint:errorlint // the claim's own
		t.Errorf("without memory: %v", err)
	}
	if _, err := l.limitSpans(&plait.Traces{Spans: make([]plait.Span, 1)}, func(int64) error { return short }); err != short { //nolint:errorlint // the claim's own
		t.Errorf("without memory: %v", err)
	}
}

func FuzzWhatIsKeptStandsForMore(f *testing.F) {
	f.Add("ot=th:8,a=1", "2", 0.3, []byte{9: 0xff}, false)
	f.Add("", "20", 1e-9, []byte{9: 0xff, 0xff, 0xff}, false)
	f.Add("ot=rv:ffffffffffffff;th:ffffffffffffff", "", 0.5, []byte{}, true)
	f.Fuzz(func(t *testing.T, state, rate string, share float64, id []byte, foreign bool) {
		s := plait.Span{TraceState: state, Attributes: plait.Attributes{{Key: "SampleRate", Value: plait.StringValue(rate)}}}
		copy(s.TraceID[:], id)
		c := candidate{head: spanHead(&s, foreign)}
		var came arrivals
		came.come(c.standsFor(), 1)
		if share := came.share(0.5); !(share > 0 && share <= 1) {
			t.Errorf("a share of %v is to be kept", share)
		}
		if !c.passes(stepOf(share)) || !c.passes(stepOf(share*share)) {
			return
		}
		threshold, changed := c.told()
		if !changed {
			return
		}
		before := s
		s.TraceState = sampling.WithThreshold(s.TraceState, threshold)
		// Fractions are rounded by the id, and alike.
		if was, is := spanmetrics.AdjustedCount(&before), spanmetrics.AdjustedCount(&s); is < was-1 {
			t.Errorf("%q stands for %d, and sampled again for %d", state, was, is)
		}
	})
}
