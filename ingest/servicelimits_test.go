package ingest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
)

// ofServices are limits of spans a second, by service.
func ofServices(limits map[string]float64) *servicePaces {
	var list []ServiceLimit
	for service, n := range limits {
		list = append(list, ServiceLimit{Service: service, MaxSpansPerSecond: &n})
	}
	return newServicePaces(list, func(l *ServiceLimit) *float64 { return l.MaxSpansPerSecond })
}

func TestALimitOfAServiceHoldsBesideThatOfAll(t *testing.T) {
	t.Parallel()
	type bounds struct{ least, most float64 } // spans a second that are kept
	for name, c := range map[string]struct {
		all     int
		limits  map[string]float64
		traffic []traffic
		kept    map[string]bounds
		whole   []string // of which nothing may be left out, and none says that it was
	}{
		"a noisy service beside one without a limit": {
			limits:  map[string]float64{"noisy": 100},
			traffic: []traffic{{name: "noisy", perSecond: 2000}, {name: "quiet", perSecond: 300}},
			kept:    map[string]bounds{"noisy": {90, 105}}, whole: []string{"quiet"},
		},
		"what a limit of a service leaves out does not count in that of all": {
			all: 200, limits: map[string]float64{"noisy": 100},
			traffic: []traffic{{name: "noisy", perSecond: 2000}, {name: "quiet", perSecond: 80}},
			kept:    map[string]bounds{"noisy": {90, 105}}, whole: []string{"quiet"},
		},
		"both limits hold": {
			all: 200, limits: map[string]float64{"noisy": 100},
			traffic: []traffic{{name: "noisy", perSecond: 2000}, {name: "quiet", perSecond: 200}},
			kept:    map[string]bounds{"noisy": {90, 105}, "quiet": {80, 110}},
		},
		"each other service has the limit for itself": {
			limits:  map[string]float64{OtherServices: 50},
			traffic: []traffic{{name: "a", perSecond: 200}, {name: "b", perSecond: 1000}, {name: "c", perSecond: 40}},
			kept:    map[string]bounds{"a": {43, 53}, "b": {43, 53}}, whole: []string{"c"},
		},
		"a named service may have no limit": {
			limits:  map[string]float64{OtherServices: 50, "a": 0},
			traffic: []traffic{{name: "a", perSecond: 200}, {name: "b", perSecond: 1000}},
			kept:    map[string]bounds{"b": {43, 53}}, whole: []string{"a"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
			l := newLimiter(traces, c.all, ofServices(c.limits), func() time.Time { return clock })
			outcomes := simulate(l, &clock, rand.New(rand.NewPCG(16, 5)), c.traffic)
			for of, b := range c.kept {
				if perSecond := float64(outcomes[of].kept) / 60; perSecond < b.least || perSecond > b.most {
					t.Errorf("of %s %.1f a second are kept, want %v", of, perSecond, b)
				}
			}
			for _, of := range c.whole {
				if o := outcomes[of]; o.kept != o.came || o.untouched != o.came {
					t.Errorf("of %d of %s %d are kept, and %d say nothing new", o.came, of, o.kept, o.untouched)
				}
			}
			for of, o := range outcomes {
				if off := math.Abs(o.adjusted - float64(o.came)); off > 5*math.Sqrt(o.squares) {
					t.Errorf("%d of %s stand for %.0f, which are %d in truth", o.kept, of, o.adjusted, o.came)
				}
			}
		})
	}
}

func TestFailuresOfAServiceAreKeptWithinItsLimit(t *testing.T) {
	t.Parallel()
	clock := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	l := newLimiter(traces, 0, ofServices(map[string]float64{"shop": 100}), func() time.Time { return clock })
	r := rand.New(rand.NewPCG(16, 5))
	kept := map[plait.StatusCode]int{}
	for range 300 {
		clock = clock.Add(time.Second / 10)
		good, bad := traffic{name: "shop"}, traffic{name: "shop", failed: true}
		b := good.load(r, 100)
		b.Spans = append(b.Spans, bad.load(r, 5).Spans...)
		if _, err := l.limitSpans(b, func(int64) error { return nil }); err != nil {
			t.Fatal(err)
		}
		for i := range b.Spans {
			kept[b.Spans[i].Status]++
		}
	}
	if kept[plait.StatusError] != 1500 || kept[plait.StatusUnset] > 3000 {
		t.Errorf("kept are %v", kept)
	}
}

// TestATraceIsWholeWhereItsMostLimitedServiceKeepsIt: services of a trace decide by the same bits.
func TestATraceIsWholeWhereItsMostLimitedServiceKeepsIt(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	l := newLimiter(traces, 0, ofServices(map[string]float64{"few": 1e9, "many": 1e9}), func() time.Time { return at })
	for name, share := range map[string]float64{"few": 0.1, "many": 0.3} {
		p := l.services.named[name]
		p.at = at
		p.arrivals = atShare(traces, share).all.arrivals
	}
	few, many, unlimited := resourceOf("few"), resourceOf("many"), resourceOf("unlimited")
	r := rand.New(rand.NewPCG(16, 5))
	kept := map[string]int{}
	for range 1000 {
		id := randomTraceID(r)
		b := &plait.Traces{Spans: []plait.Span{{TraceID: id, Resource: few}, {TraceID: id, Resource: unlimited}, {TraceID: id, Resource: many}}}
		if _, err := l.limitSpans(b, func(int64) error { return nil }); err != nil {
			t.Fatal(err)
		}
		var names []string
		for i := range b.Spans {
			names = append(names, b.Spans[i].Resource.Service())
			if n := spanmetrics.AdjustedCount(&b.Spans[i]); (n > 1) != (b.Spans[i].Resource != unlimited) {
				t.Fatalf("a span of %s stands for %d", names[len(names)-1], n)
			}
		}
		kept[strings.Join(names, " ")]++
	}
	if len(kept) != 3 || kept["few unlimited many"] < 50 || kept["unlimited many"] < 100 || kept["unlimited"] < 500 {
		t.Errorf("of traces are kept %v", kept)
	}
}

// TestNamesThatAreMadeUpGainNothing: services beyond a bound share a limit, and are forgotten once they are quiet.
func TestNamesThatAreMadeUpGainNothing(t *testing.T) {
	t.Parallel()
	clock := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	l := newLimiter(traces, 0, ofServices(map[string]float64{OtherServices: 10, "named": 10}), func() time.Time { return clock })
	r := rand.New(rand.NewPCG(16, 5))
	send := func(services, from int) (kept int) {
		for i := range services {
			b := (&traffic{name: fmt.Sprint("made up ", from+i)}).load(r, 3)
			if _, err := l.limitSpans(b, func(int64) error { return nil }); err != nil {
				t.Fatal(err)
			}
			kept += len(b.Spans)
		}
		return kept
	}
	keptLate := 0
	for second := range 40 {
		clock = clock.Add(time.Second)
		if kept := send(3*maxServicePaces, second*3*maxServicePaces); second >= 20 && second < 28 {
			keptLate += kept
		}
		if n := len(l.services.seen); n > maxServicePaces {
			t.Fatalf("%d services are remembered", n)
		}
	}
	if perSecond := float64(keptLate) / 8; perSecond > 15 {
		t.Errorf("of names that are new in each second %.1f spans a second are kept, of a limit of 10", perSecond)
	}
	clock = clock.Add(forgetService + time.Second)
	if kept := send(10, 0); kept != 30 || len(l.services.seen) != 10 {
		t.Errorf("after they were quiet %d spans of 30 are kept, and %d services remembered", kept, len(l.services.seen))
	}
}

func TestSendersAreToldWhoseLimitItWas(t *testing.T) {
	t.Parallel()
	noted := &limitsNoted{}
	one := 1.0
	ts := serve(t, func(c *Config, d *Deps) {
		d.Limits = noted
		c.ServiceLimits = []ServiceLimit{{Service: "shop", MaxSpansPerSecond: &one, MaxRecordsPerSecond: &one}, {Service: OtherServices, MaxSpansPerSecond: &one}}
	})
	l := ts.pipeline.spanLimit
	l.mu.Lock()
	for _, name := range []string{"shop", "till", "desk", "cart", "mail"} {
		p := l.services.of(resourceOf(name), l.now())
		p.at = l.now()
		for c := range p.arrivals {
			p.arrivals[c].count[0], p.arrivals[c].standFor[0] = 1e15, 1e15
		}
	}
	l.mu.Unlock()
	b := &plait.Traces{}
	for _, name := range []string{"shop", "free", "shop", "till", "desk", "cart", "mail", "mail"} {
		b.Spans = append(b.Spans, plait.Span{TraceID: plait.TraceID{8: 1}, SpanID: plait.SpanID{1}, Resource: resourceOf(name), Scope: &plait.Scope{}})
	}
	b.Spans[0].Status = plait.StatusError
	for i := range b.Spans {
		b.Spans[i].TraceID[0] = byte(i)
	}
	out, err := l.limitSpans(b, func(int64) error { return nil })
	if err != nil || len(b.Spans) != 1 || b.Spans[0].Resource.Service() != "free" {
		t.Fatalf("%d spans are kept, %v", len(b.Spans), err)
	}
	const more = " are sampled out and not stored: more come in than 1 a second (limits), so 9.5e-05 % of them are kept"
	want := "2 of 2 spans of shop" + more + "; 1 of 1 spans of till" + more + "; 1 of 1 spans of desk" + more + "; 3 spans of other services are sampled out likewise"
	if out.why != want {
		t.Errorf("told %q\nwant %q", out.why, want)
	}
	ts.pipeline.sampled(&outcome{}, traces, out)
	counts := map[string]float64{"service_limit traces": 6, "service_limit_priority traces": 1}
	if diff := cmp.Diff(counts, counted(t, ts.registry, "plait_ingest_sampled_total")); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
	of := map[string]int64{}
	for _, l := range noted.all() {
		of[l.Service] += l.SampledOut
	}
	if diff := cmp.Diff(map[string]int64{"shop": 2, "till": 1, "desk": 1, "cart": 1, "mail": 2}, of); diff != "" {
		t.Errorf("noted (-want +got):\n%s", diff)
	}
	shares := map[string]float64{"shop logs": 1, "shop traces": stepOf(0).share}
	if diff := cmp.Diff(shares, counted(t, ts.registry, "plait_ingest_service_kept_share")); diff != "" {
		t.Errorf("shares (-want +got):\n%s", diff)
	}
}

func TestLimitsThatCannotWorkNameTheirEntry(t *testing.T) {
	t.Parallel()
	n := func(v float64) *float64 { return &v }
	for _, c := range []struct {
		list []ServiceLimit
		want string
	}{
		{[]ServiceLimit{{Service: "a", MaxSpansPerSecond: n(0)}, {MaxSpansPerSecond: n(1)}}, `entry 2: service: none is named; "*" stands for each other service`},
		{[]ServiceLimit{{Service: "a\xff", MaxSpansPerSecond: n(1)}}, `entry 1: service: "a\xff" is not UTF-8`},
		{[]ServiceLimit{{Service: "a"}}, "service a: neither max-spans-per-second nor max-records-per-second is set"},
		{[]ServiceLimit{{Service: "a", MaxSpansPerSecond: n(1)}, {Service: "a", MaxRecordsPerSecond: n(1)}}, "service a: there are two entries of it"},
		{[]ServiceLimit{{Service: "*", MaxRecordsPerSecond: n(-1)}}, "service *: max-records-per-second: -1 is not between 0 and 1000000000000"},
		{[]ServiceLimit{{Service: "a", MaxSpansPerSecond: n(math.NaN())}}, "service a: max-spans-per-second: NaN is not between"},
		{[]ServiceLimit{{Service: "a", MaxSpansPerSecond: n(math.Inf(1))}}, "service a: max-spans-per-second: +Inf is not between"},
	} {
		config := DefaultConfig()
		config.ServiceLimits = c.list
		if err := config.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	config := DefaultConfig()
	config.ServiceLimits = []ServiceLimit{{Service: "a", MaxSpansPerSecond: n(0.5)}, {Service: "*", MaxRecordsPerSecond: n(0)}}
	if err := config.Validate(); err != nil {
		t.Error(err)
	}
}
