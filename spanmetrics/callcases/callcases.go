// Package callcases reads the table of cases that everybody who pairs the sides of calls has to
// pass: spans, and the edges that they make. It is for tests.
//
// A case begins with "== " and what it shows. Then come spans, a line each: the service, the kind,
// the trace and id as "trace/id" in decimal, where "half 1/2" is id 2 in the trace of which 1 is the
// lower half; and as needed
//
//	below 3        the parent's id
//	link 1/2       a link, any number of them
//	failed         the status
//	took 20        milliseconds; otherwise 10
//	later 3600     starts so many seconds after the others; negative for before
//	key=text       an attribute; key=#5 is the number 5
//
// Then the edges, a line each, "client -> server" with the connection type in between where it is
// not empty, "client -database-> server", and "x2" where there are two calls and "1 failed" where
// some fail. Edges after "metrics:" are those of whoever sees spans one by one, where they differ.
package callcases

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
)

//go:embed calls.txt
var table string

// Case is a case of the table.
type Case struct {
	Name  string
	At    time.Time
	Spans []plait.Span
	// Edges are those of stored spans, Metrics those of spans that are seen one by one.
	Edges, Metrics Edges
}

// Edges are calls by their edge.
type Edges map[spanmetrics.Edge]Count

// Count counts calls, and those among them that failed.
type Count struct{ Calls, Failed int }

// Add counts a call.
func (e Edges) Add(edge spanmetrics.Edge, failed bool) {
	c := e[edge]
	c.Calls++
	if failed {
		c.Failed++
	}
	e[edge] = c
}

// Apart is the time from one case of All to the next.
const Apart = 3 * time.Hour

// All returns the table. The spans of the first case start around a time, those of each next one
// Apart before; no two cases have a trace in common.
func All(at time.Time) ([]Case, error) {
	var cases []Case
	var in *Case
	inMetrics := false
	for n, line := range strings.Split(table, "\n") {
		line = strings.TrimSpace(line)
		if name, begins := strings.CutPrefix(line, "== "); begins {
			cases = append(cases, Case{Name: name, At: at.Add(-Apart * time.Duration(len(cases))), Edges: Edges{}})
			in, inMetrics = &cases[len(cases)-1], false
			continue
		}
		var err error
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case in == nil:
			err = fmt.Errorf("no case")
		case line == "metrics:":
			in.Metrics, inMetrics = Edges{}, true
		case strings.Contains(line, "-> "):
			to := in.Edges
			if inMetrics {
				to = in.Metrics
			}
			err = to.read(line)
		default:
			var s plait.Span
			s, err = span(line, in.At)
			s.TraceID[9] = byte(len(cases))
			for i := range s.Links {
				s.Links[i].TraceID[9] = byte(len(cases))
			}
			in.Spans = append(in.Spans, s)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d of the table of calls: %w", n+1, err)
		}
	}
	for i := range cases {
		if cases[i].Metrics == nil {
			cases[i].Metrics = cases[i].Edges
		}
	}
	return cases, nil
}

// read takes "client -type-> server x2 1 failed".
func (e Edges) read(line string) error {
	f := strings.Fields(line)
	if len(f) < 3 {
		return fmt.Errorf("no edge: %s", line)
	}
	edge := spanmetrics.Edge{Client: f[0], Server: f[2]}
	name := strings.Trim(strings.TrimSuffix(f[1], "->"), "-")
	for c := spanmetrics.ConnectionDirect; c <= spanmetrics.ConnectionDatabase; c++ {
		if c.String() == name {
			edge.ConnectionType = c
		}
	}
	if edge.ConnectionType.String() != name {
		return fmt.Errorf("no connection type: %s", name)
	}
	count := Count{Calls: 1}
	for f = f[3:]; len(f) > 0; f = f[1:] {
		var err error
		if times, ok := strings.CutPrefix(f[0], "x"); ok {
			count.Calls, err = strconv.Atoi(times)
		} else if f[0] != "failed" {
			count.Failed, err = strconv.Atoi(f[0])
		}
		if err != nil {
			return err
		}
	}
	e[edge] = count
	return nil
}

var kinds = map[string]plait.SpanKind{
	"unspecified": plait.SpanKindUnspecified, "internal": plait.SpanKindInternal, "server": plait.SpanKindServer,
	"client": plait.SpanKindClient, "producer": plait.SpanKindProducer, "consumer": plait.SpanKindConsumer,
}

func span(line string, at time.Time) (s plait.Span, err error) {
	f := strings.Fields(line)
	if len(f) < 3 {
		return s, fmt.Errorf("no span: %s", line)
	}
	kind, ok := kinds[f[1]]
	if !ok {
		return s, fmt.Errorf("no kind: %s", f[1])
	}
	s.Name, s.Kind, s.Scope = "op", kind, &plait.Scope{}
	s.Resource = &plait.Resource{Attributes: plait.Attributes{{Key: "service.name", Value: plait.StringValue(f[0])}}}
	f = f[2:]
	half := f[0] == "half"
	if half {
		f = f[1:]
	}
	if s.TraceID, s.SpanID, err = ids(f[0], half); err != nil {
		return s, err
	}
	took, later := 10*time.Millisecond, time.Duration(0)
	for f = f[1:]; len(f) > 0; {
		if f, err = property(&s, f, &took, &later); err != nil {
			return s, err
		}
	}
	s.StartNanos = at.Add(later).UnixNano()
	s.EndNanos = s.StartNanos + int64(took)
	return s, nil
}

// property reads what else is said of a span and returns the rest of the words.
func property(s *plait.Span, f []string, took, later *time.Duration) (rest []string, err error) {
	if key, value, ok := strings.Cut(f[0], "="); ok {
		v := plait.StringValue(value)
		if number, isNumber := strings.CutPrefix(value, "#"); isNumber {
			n, err := strconv.ParseInt(number, 10, 64)
			if err != nil {
				return nil, err
			}
			v = plait.IntValue(n)
		} else if value == "true" {
			v = plait.BoolValue(true)
		}
		s.Attributes = append(s.Attributes, plait.Attribute{Key: key, Value: v})
		return f[1:], nil
	}
	if f[0] == "failed" {
		s.Status = plait.StatusError
		return f[1:], nil
	}
	if len(f) < 2 {
		return nil, fmt.Errorf("what is %q?", f[0])
	}
	n, number := strconv.Atoi(f[1])
	switch f[0] {
	case "below":
		s.ParentSpanID, err = plait.SpanID{6: byte(n >> 8), 7: byte(n)}, number
	case "took":
		*took, err = time.Duration(n)*time.Millisecond, number
	case "later":
		*later, err = time.Duration(n)*time.Second, number
	case "link":
		half := f[1] == "half"
		if half {
			f = f[1:]
		}
		var l plait.Link
		l.TraceID, l.SpanID, err = ids(f[1], half)
		s.Links = append(s.Links, l)
	default:
		err = fmt.Errorf("what is %q?", f[0])
	}
	return f[2:], err
}

// ids reads "trace/id". Upper halves are not zero unless only half of the id is wanted.
func ids(text string, half bool) (trace plait.TraceID, span plait.SpanID, err error) {
	t, s, _ := strings.Cut(text, "/")
	a, err := strconv.Atoi(t)
	if err != nil {
		return trace, span, err
	}
	b, err := strconv.Atoi(s)
	trace = plait.TraceID{0: 0xaa, 1: byte(a), 8: 0x55, 15: byte(a)}
	if half {
		copy(trace[:8], make([]byte, 8))
	}
	return trace, plait.SpanID{6: byte(b >> 8), 7: byte(b)}, err
}
