package tracetree

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/plaithq/plait"
)

// A drawing shows a trace as time lines, a span a line, children indented below their parent:
//
//	shop server  |##====##|  self 4
//	  pay client |  ####  |  self 4
//
// A column is a millisecond; # and = are the span's duration, # where the critical path is
// in the span itself. A name may say its instance (pay@b) and its own column of skew (pay@b+3:
// its clock is three columns ahead, and the line shows the times it recorded).
const column = int64(1e6)

type drawnSpan struct {
	name, instance, kind string
	depth, self          int
	from, to             int // columns
	critical             []int
}

func parseDrawing(t *testing.T, drawing string) []drawnSpan {
	t.Helper()
	var spans []drawnSpan
	for line := range strings.Lines(drawing) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		head, rest, ok := strings.Cut(line, "|")
		bar, tail, closed := strings.Cut(rest, "|")
		words := strings.Fields(head)
		if !ok || !closed || len(words) != 2 {
			t.Fatalf("line %q is not: name kind |time line| self N", line)
		}
		d := drawnSpan{kind: words[1], depth: indent(head) / 2}
		d.name, d.instance, _ = strings.Cut(words[0], "@")
		if _, err := fmt.Sscanf(strings.TrimSpace(tail), "self %d", &d.self); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		d.from, d.to = strings.IndexAny(bar, "#="), strings.LastIndexAny(bar, "#=")+1
		for i := range bar {
			if bar[i] == '#' {
				d.critical = append(d.critical, i)
			}
		}
		spans = append(spans, d)
	}
	base := spans[0].depth
	for i := range spans {
		spans[i].depth -= base
	}
	return spans
}

func indent(s string) int {
	s = strings.ReplaceAll(s, "\t", "")
	return len(s) - len(strings.TrimLeft(s, " "))
}

func (d drawnSpan) span(id, parent int) plait.Span {
	instance := d.instance
	if instance == "" {
		instance = "a"
	}
	return plait.Span{
		TraceID: plait.TraceID{15: 1}, SpanID: spanID(id), ParentSpanID: spanID(parent),
		Name: d.name, Kind: kindNamed(d.kind), Resource: resource("shop", instance), Scope: &plait.Scope{},
		StartNanos: int64(d.from) * column, EndNanos: int64(d.to) * column,
	}
}

// drawnTrace numbers spans by line from 1 and finds parents by indentation.
func drawnTrace(drawn []drawnSpan) []plait.Span {
	var spans []plait.Span
	ancestors := []int{0}
	for i, d := range drawn {
		ancestors = append(ancestors[:d.depth+1], i+1)
		spans = append(spans, d.span(i+1, ancestors[d.depth]))
	}
	return spans
}

func kindNamed(name string) plait.SpanKind {
	for k := plait.SpanKindInternal; k <= plait.SpanKindConsumer; k++ {
		if k.String() == name {
			return k
		}
	}
	panic("no span kind " + name)
}

func resource(service, instance string) *plait.Resource {
	return &plait.Resource{Attributes: plait.Attributes{
		{Key: "service.name", Value: plait.StringValue(service)},
		{Key: "service.instance.id", Value: plait.StringValue(instance)},
	}}
}

func spanID(n int) (id plait.SpanID) {
	binary.BigEndian.PutUint64(id[:], uint64(n))
	return id
}

// criticalColumns draws the segments that a node holds of the critical path.
func criticalColumns(tree *Tree, node int) []int {
	var columns []int
	for _, s := range tree.CriticalPath {
		if s.Node == node {
			for c := s.FromNanos / column; c < s.ToNanos/column; c++ {
				columns = append(columns, int(c))
			}
		}
	}
	slices.Sort(columns)
	return columns
}
