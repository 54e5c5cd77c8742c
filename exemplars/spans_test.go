package exemplars

import (
	"testing"
	"time"

	"github.com/plaithq/plait"
)

// start is the time at which the tests' clocks begin.
var start = time.Unix(1_700_000_000, 0)

// clock is a clock that moves when it is told to.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time          { return c.now }
func (c *clock) advance(d time.Duration) { c.now = c.now.Add(d) }

func newGenerator(t testing.TB, c Config) (*Generator, *clock) {
	t.Helper()
	clock := &clock{start}
	c.Now = clock.Now
	g, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return g, clock
}

// spec describes a span; zero fields have defaults.
type spec struct {
	trace, id, parent byte
	service, name     string
	kind              plait.SpanKind
	status            plait.StatusCode
	took              time.Duration
	end               time.Time
	attributes        plait.Attributes
	links             []plait.Link
}

func (s spec) span() plait.Span {
	end := s.end
	if end.IsZero() {
		end = start
	}
	out := plait.Span{
		TraceID: plait.TraceID{15: s.trace}, SpanID: plait.SpanID{7: s.id},
		StartNanos: end.Add(-s.took).UnixNano(), EndNanos: end.UnixNano(),
		Name: s.name, Kind: s.kind, Status: s.status, Attributes: s.attributes, Links: s.links,
		Resource: &plait.Resource{Attributes: plait.Attributes{{Key: "service.name", Value: plait.StringValue(s.service)}}},
		Scope:    &plait.Scope{},
	}
	if s.parent != 0 {
		out.ParentSpanID = plait.SpanID{7: s.parent}
	}
	return out
}

func spans(specs ...spec) []plait.Span {
	var out []plait.Span
	for _, s := range specs {
		out = append(out, s.span())
	}
	return out
}

func text(key, value string) plait.Attributes {
	return plait.Attributes{{Key: key, Value: plait.StringValue(value)}}
}
