package spanmetrics

import (
	"iter"
	"slices"

	"github.com/plaithq/plait"
)

// A call is known by the spans of its two sides: a client's or producer's, and the server's or
// consumer's that answers it. These are the rules by which they find each other, for all that need
// them: Graph joins spans that are at hand, exemplars those that come in one by one.
//
//  1. A server or consumer with the id of a client answers that one (B3 shares ids).
//  2. Otherwise it answers its parent, if that is a client or producer. Spans of neither kind in
//     between are looked through: those of the server's own service, and those of the client's.
//     Of an id that two sides share, children belong to the server's.
//  3. A consumer answers every client or producer that its first MaxLinks links lead to as well,
//     in its own trace or another. A parent of the same service and no producer is then how it
//     fetched its messages, and no call.
//  4. A call of a database has no other side, even if something below it says that it answers.
//  5. A server or consumer that answers none of these, below a span of another service, answers
//     that span. (What comes in one by one does not know such parents, and does not look through
//     spans: see exemplars.)
//  6. A server without a parent, and a consumer without a parent and links, was called from
//     outside: OutsideEdge.
//  7. A client or producer that nobody answers called what its attributes name: UnansweredEdge.
//
// Every server that answers a client is a call of its own. Ids of 64 bits are the lower halves of
// those of 128 bits, as everywhere in Plait.

// MaxLinks is how many links of a consumer count.
const MaxLinks = 128

// maxBetween bounds the spans between a server and its client.
const maxBetween = 32

// Target names a span.
type Target struct {
	TraceID plait.TraceID
	SpanID  plait.SpanID
}

// Ref is what both spellings of a Target have in common, to look spans up by.
type Ref struct {
	low  [8]byte // half of the trace id
	span plait.SpanID
}

// Ref returns the key of a target. Spans with one key may yet be of different traces: SameTrace.
func (t Target) Ref() Ref { return Ref{[8]byte(t.TraceID[8:]), t.SpanID} }

// SameTrace says whether two ids name one trace, where either may be the lower half only.
func SameTrace(a, b plait.TraceID) bool {
	if [8]byte(a[8:]) != [8]byte(b[8:]) {
		return false
	}
	none := [8]byte{}
	x, y := [8]byte(a[:8]), [8]byte(b[:8])
	return x == y || x == none || y == none
}

// Side is what pairing needs to know of a span.
type Side struct {
	Target
	ParentSpanID plait.SpanID
	Kind         plait.SpanKind
	Service      string         // clipped
	Peer         string         // callers: PeerOf; answering spans without a parent: CallerOf
	Connection   ConnectionType // callers: PeerOf
	Links        []Target       // consumers: LinksOf
	Failed       bool
	Adjusted     int64 // AdjustedCount of the span
}

// SideOf reads a span of a service, whose name is clipped. It keeps no part of it but strings.
func SideOf(s *plait.Span, service string) Side {
	side := Side{
		Target: Target{s.TraceID, s.SpanID}, ParentSpanID: s.ParentSpanID, Kind: s.Kind,
		Service: service, Links: LinksOf(s), Failed: s.Status == plait.StatusError,
		Adjusted: AdjustedCount(s),
	}
	switch {
	case Calls(s.Kind):
		side.Peer, side.Connection = PeerOf(s.Kind, s.Attributes)
	case Answers(s.Kind) && s.ParentSpanID.IsZero():
		side.Peer = CallerOf(s.Attributes)
	}
	return side
}

// LinksOf returns the links of a consumer that count, none of any other span.
func LinksOf(s *plait.Span) []Target {
	if s.Kind != plait.SpanKindConsumer || len(s.Links) == 0 {
		return nil
	}
	links := make([]Target, 0, min(len(s.Links), MaxLinks))
	for i := range s.Links[:min(len(s.Links), MaxLinks)] {
		links = append(links, Target{s.Links[i].TraceID, s.Links[i].SpanID})
	}
	return links
}

// Calls says whether spans of a kind call, Answers whether they answer calls.
func Calls(k plait.SpanKind) bool {
	return k == plait.SpanKindClient || k == plait.SpanKindProducer
}

// Answers says whether spans of a kind answer calls.
func Answers(k plait.SpanKind) bool {
	return k == plait.SpanKindServer || k == plait.SpanKindConsumer
}

// Accepts says whether an answering side answers a caller that its id, its parent or one of its
// links leads to; byLink says that it is a link.
func (s *Side) Accepts(caller *Side, byLink bool) bool {
	if caller.Connection == ConnectionDatabase {
		return false
	}
	return byLink || len(s.Links) == 0 || caller.Kind == plait.SpanKindProducer || caller.Service != s.Service
}

// Outermost says whether an answering side was called from outside if by nobody else.
func (s *Side) Outermost() bool { return s.ParentSpanID.IsZero() && len(s.Links) == 0 }

// Answered is the edge of a call whose sides are both known.
func Answered(client, server *Side) Edge {
	return AnsweredEdge(client.Service, server.Service, client.Kind == plait.SpanKindProducer || server.Kind == plait.SpanKindConsumer)
}

// Call is a call between sides of a Graph. Client or Server is -1 where that side sent no span. The
// client may be a span that calls nobody, see rule 5.
type Call struct {
	Client, Server int
	Edge           Edge
	Failed         bool // on either side
}

// Adjusted is of how many calls one stands: what the side says that was kept more rarely.
func (g *Graph) Adjusted(c Call) int64 {
	n := int64(1)
	for _, side := range [...]int{c.Client, c.Server} {
		if side >= 0 {
			n = max(n, g.Sides[side].Adjusted)
		}
	}
	return n
}

// Graph joins sides that are at hand.
type Graph struct {
	Sides []Side
	first map[Ref]int32 // sides by their ids
	next  []int32       // the next with the same id, -1 for none
}

// NewGraph makes a graph of sides, in any order. It keeps the slice.
func NewGraph(sides []Side) *Graph {
	g := &Graph{Sides: sides, first: make(map[Ref]int32, len(sides)), next: make([]int32, len(sides))}
	for i := len(sides) - 1; i >= 0; i-- {
		ref := sides[i].Ref()
		g.next[i] = -1
		if other, ok := g.first[ref]; ok {
			g.next[i] = other
		}
		g.first[ref] = int32(i)
	}
	return g
}

// holders are the sides with one id, -1 for none.
type holders struct {
	caller, answering, other int
}

func (g *Graph) holders(t Target) holders {
	h := holders{-1, -1, -1}
	i, ok := g.first[t.Ref()]
	if !ok {
		return h
	}
	for ; i >= 0; i = g.next[i] {
		s := &g.Sides[i]
		if !SameTrace(s.TraceID, t.TraceID) {
			continue
		}
		at := &h.other
		switch {
		case Calls(s.Kind):
			at = &h.caller
		case Answers(s.Kind):
			at = &h.answering
		}
		if *at < 0 {
			*at = int(i)
		}
	}
	return h
}

// All yields the calls: first those that were answered or came from outside, in the order of the
// answering sides, then those that nobody answered.
func (g *Graph) All() iter.Seq[Call] {
	return func(yield func(Call) bool) {
		answered := make([]bool, len(g.Sides))
		var callers []int
		for i := range g.Sides {
			if !Answers(g.Sides[i].Kind) {
				continue
			}
			callers = g.callers(i, callers[:0])
			for _, c := range callers {
				answered[c] = true
			}
			for _, call := range g.answers(i, callers) {
				if !yield(call) {
					return
				}
			}
		}
		for i := range g.Sides {
			s := &g.Sides[i]
			if answered[i] || !Calls(s.Kind) {
				continue
			}
			if edge, ok := UnansweredEdge(s.Service, s.Peer, s.Connection); ok && !yield(Call{i, -1, edge, s.Failed}) {
				return
			}
		}
	}
}

// answers are the calls that side i answers.
func (g *Graph) answers(i int, callers []int) []Call {
	s := &g.Sides[i]
	if len(callers) == 0 && s.Outermost() {
		return []Call{{-1, i, OutsideEdge(s.Peer, s.Service), s.Failed}}
	}
	calls := make([]Call, len(callers))
	for n, c := range callers {
		client := &g.Sides[c]
		calls[n] = Call{c, i, Answered(client, s), s.Failed || client.Failed && Calls(client.Kind)}
	}
	return calls
}

// callers appends whom side i answers: clients and producers, or else a span of another service.
func (g *Graph) callers(i int, found []int) []int {
	s := &g.Sides[i]
	if h := g.holders(s.Target); h.caller >= 0 && s.Accepts(&g.Sides[h.caller], true) {
		return append(found, h.caller)
	}
	for _, link := range s.Links {
		c := g.holders(link).caller
		if c >= 0 && s.Accepts(&g.Sides[c], true) && !slices.Contains(found, c) {
			found = append(found, c)
		}
	}
	caller, over := g.above(s)
	switch {
	case caller >= 0 && s.Accepts(&g.Sides[caller], false) && !slices.Contains(found, caller):
		found = append(found, caller)
	case caller < 0 && over >= 0 && len(found) == 0:
		found = append(found, over)
	}
	return found
}

// above looks for the caller of a side among its ancestors, and else for one of another service.
func (g *Graph) above(s *Side) (caller, over int) {
	over = -1
	parent := s.ParentSpanID
	for range maxBetween {
		if parent.IsZero() {
			break
		}
		h := g.holders(Target{s.TraceID, parent})
		if h.caller >= 0 && h.answering < 0 {
			if over >= 0 && g.Sides[over].Service != g.Sides[h.caller].Service {
				break // a call of the one in between, who told of no client of its own
			}
			return h.caller, -1
		}
		at := h.answering
		if at < 0 {
			at = h.other
		}
		if at < 0 {
			break
		}
		p := &g.Sides[at]
		if over < 0 && p.Service != s.Service {
			over = at
		}
		if Answers(p.Kind) {
			break
		}
		parent = p.ParentSpanID
	}
	return -1, over
}

// Missing yields, with the answering sides that name them, the parents and the targets of links that
// are not there: for callers who can look for them elsewhere.
func (g *Graph) Missing() iter.Seq2[int, Target] {
	return func(yield func(int, Target) bool) {
		for i := range g.Sides {
			s := &g.Sides[i]
			if !Answers(s.Kind) {
				continue
			}
			parent := Target{s.TraceID, s.ParentSpanID}
			if !s.ParentSpanID.IsZero() && !g.has(parent) && g.holders(s.Target).caller < 0 && !yield(i, parent) {
				return
			}
			for _, link := range s.Links {
				if !g.has(link) && !yield(i, link) {
					return
				}
			}
		}
	}
}

func (g *Graph) has(t Target) bool {
	h := g.holders(t)
	return max(h.caller, h.answering, h.other) >= 0
}
