package zipkin

import (
	"slices"

	"github.com/plaithq/plait"
)

// In version 1 a span has no kind and no endpoint of its own. Annotations with names that Zipkin defines say when
// which side sent and received, and each tells its endpoint. Client and server may write to the same span, which is
// one record then: here it becomes two spans with one id, as version 2 has them.

// mark is what an annotation that Zipkin defines says: whose side it is of, and whether that side ends with it.
type mark struct {
	kind plait.SpanKind
	ends bool
}

var marks = map[string]mark{
	"cs": {plait.SpanKindClient, false}, "cr": {plait.SpanKindClient, true},
	"sr": {plait.SpanKindServer, false}, "ss": {plait.SpanKindServer, true},
	"ms": {plait.SpanKindProducer, false}, "mr": {plait.SpanKindConsumer, false},
}

// addresses are the binary annotations that hold the endpoint of the other side, and the kind of the side that has
// it.
var addresses = map[string]plait.SpanKind{
	"sa": plait.SpanKindClient, "ca": plait.SpanKindServer, "ma": plait.SpanKindProducer,
}

// local is the binary annotation that names the component of a local span.
const local = "lc"

// side is one side of a span of version 1.
type side struct {
	span
	ends int64 // 0: nobody knows
}

// sides makes spans of version 2 of one of version 1: one, or two if both sides of a call are in it.
func (z *span) sides() []span {
	sides := z.markedSides()
	if len(sides) == 0 {
		sides = []*side{{span: z.bare(z.kindByAddress())}}
	}
	first := &sides[0].span
	if first.timestamp = z.timestamp; first.timestamp == 0 {
		first.timestamp = z.starts(first.kind)
	}
	first.duration = z.duration
	for i, s := range sides {
		if i > 0 || z.duration == 0 {
			s.duration = max(s.ends-s.start(), 0)
		}
		// A server that did not begin the span shares it with its client.
		s.shared = s.kind == plait.SpanKindServer && (len(sides) > 1 || z.timestamp == 0)
	}
	z.share(sides)
	out := make([]span, len(sides))
	for i, s := range sides {
		out[i] = s.span
	}
	return out
}

// bare is a span with the ids of z, and nothing that belongs to one side.
func (z *span) bare(kind plait.SpanKind) span {
	return span{traceID: z.traceID, id: z.id, parentID: z.parentID, name: z.name, debug: z.debug, kind: kind}
}

// markedSides are the sides that left marks, a client before its server.
func (z *span) markedSides() (sides []*side) {
	for _, a := range z.annotations {
		m, ok := marks[a.value]
		if !ok {
			continue
		}
		i := slices.IndexFunc(sides, func(s *side) bool { return s.kind == m.kind })
		if i < 0 {
			i = len(sides)
			sides = append(sides, &side{span: z.bare(m.kind)})
			sides[i].timestamp = z.starts(m.kind)
		}
		if sides[i].localEndpoint == nil {
			sides[i].localEndpoint = a.endpoint
		}
		if m.ends {
			sides[i].ends = a.nanos
		}
	}
	slices.SortStableFunc(sides, func(a, b *side) int { return rank(a.kind) - rank(b.kind) })
	return sides
}

// rank orders those who call before those who answer.
func rank(kind plait.SpanKind) int {
	if kind == plait.SpanKindServer || kind == plait.SpanKindConsumer {
		return 1
	}
	return 0
}

// starts is when a side began, by its mark; 0 if it left none.
func (z *span) starts(kind plait.SpanKind) int64 {
	for _, a := range z.annotations {
		if m, ok := marks[a.value]; ok && m.kind == kind && !m.ends {
			return a.nanos
		}
	}
	return 0
}

// kindByAddress is the kind of a span without marks: whoever knows the address of the other side calls or answers.
func (z *span) kindByAddress() plait.SpanKind {
	for _, t := range z.tags {
		if kind, ok := addresses[t.key]; ok && t.truth {
			return kind
		}
	}
	return plait.SpanKindInternal
}

// share gives each side the annotations and tags that name its service, and the first side all others.
func (z *span) share(sides []*side) {
	of := func(e *endpoint) *side {
		for _, s := range sides {
			if e != nil && s.localEndpoint != nil && s.localEndpoint.serviceName == e.serviceName {
				return s
			}
		}
		if first := sides[0]; first.localEndpoint == nil {
			first.localEndpoint = e
		}
		return sides[0]
	}
	for _, a := range z.annotations {
		if _, ok := marks[a.value]; !ok {
			s := of(a.endpoint)
			s.annotations = append(s.annotations, annotation{nanos: a.nanos, value: a.value})
		}
	}
	for _, t := range z.tags {
		kind, ok := addresses[t.key]
		if ok && t.truth {
			i := max(slices.IndexFunc(sides, func(s *side) bool { return s.kind == kind }), 0)
			sides[i].remoteEndpoint = t.endpoint
			continue
		}
		s := of(t.endpoint)
		if t.key != local || t.value != "" {
			s.tags = append(s.tags, tag{key: t.key, value: t.value})
		}
	}
}
