package correlate

import (
	"regexp"
	"slices"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
)

// The samples of the service graph's metrics are calls. Which calls there are is told by package spanmetrics;
// here a selector of such a metric becomes questions about spans. What they find are candidates:
// whether one is a side of a call between the services asked for is told by its trace
// (callsearch.go).

// sides says which spans of a call are samples of a metric.
type sides uint8

const (
	serversSide sides = iota + 1 // the server's span, or the client's if that is the only one
	clientsSide                  // the client's span
	eitherSide
)

// takes says whether a metric takes a span of a call.
func (s sides) takes(c *call) bool {
	switch s {
	case serversSide:
		return c.server || c.other == nil
	case clientsSide:
		return !c.server
	}
	return true
}

// edgeSelector restricts the edges of a metric of the service graph.
type edgeSelector struct {
	sides                      sides
	client, server, connection predicates
}

func newEdgeSelector(s sides, matchers []plait.Matcher) (*edgeSelector, error) {
	e := &edgeSelector{sides: s}
	for label, to := range map[string]*predicates{"client": &e.client, "server": &e.server, "connection_type": &e.connection} {
		var err error
		if *to, err = predicatesOf(matchers, label); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (e *edgeSelector) match(x spanmetrics.Edge) bool {
	return e.client.match(x.Client) && e.server.match(x.Server) && e.connection.match(x.ConnectionType.String())
}

// connects says whether edges of one of the types can match.
func (e *edgeSelector) connects(types ...spanmetrics.ConnectionType) bool {
	return slices.ContainsFunc(types, func(c spanmetrics.ConnectionType) bool { return e.connection.match(c.String()) })
}

// answered and fromOutside say whether calls with both sides, and those of the user node, can match.
func (e *edgeSelector) answered() bool {
	return e.connects(spanmetrics.ConnectionDirect, spanmetrics.ConnectionMessaging)
}

func (e *edgeSelector) fromOutside() bool {
	return e.client.match(spanmetrics.UserNode) && e.connects(spanmetrics.ConnectionVirtualNode)
}

const (
	serverKinds = spanmetrics.KindServer + "|" + spanmetrics.KindConsumer
	clientKinds = spanmetrics.KindClient + "|" + spanmetrics.KindProducer
)

// questions ask for the spans that may be samples; the other conditions are those of the metric.
func (e *edgeSelector) questions(metric spanQuestion) (all []spanQuestion) {
	if kinds := e.serverKinds(); e.sides != clientsSide && kinds != "" {
		all = append(all, restricted(metric, kinds, e.server))
	}
	asked := restricted(metric, clientKinds, e.client)
	unanswered := e.connects(spanmetrics.ConnectionVirtualNode, spanmetrics.ConnectionMessaging, spanmetrics.ConnectionDatabase)
	switch {
	case e.sides != serversSide && e.answered():
		all = append(all, asked)
	case unanswered:
		asked.AnyAttribute = e.peerAttributes()
		all = append(all, asked)
	}
	return all
}

// serverKinds are those of the answering spans whose edges can match, in a pattern. Consumers answer
// nothing but messages; that a server does is too rare to look through all servers for it.
func (e *edgeSelector) serverKinds() string {
	served := e.connects(spanmetrics.ConnectionDirect) || e.fromOutside()
	switch taken := e.connects(spanmetrics.ConnectionMessaging); {
	case served && taken:
		return serverKinds
	case served:
		return spanmetrics.KindServer
	case taken:
		return spanmetrics.KindConsumer
	}
	return ""
}

// fromOtherSide asks for the spans on the other side of those that may be samples, for when these
// are too many to be looked at: calls of one client among all that its server answered.
func (e *edgeSelector) fromOtherSide() (spanQuestion, bool) {
	ends, kinds := e.client, clientKinds
	if e.sides == clientsSide {
		ends, kinds = e.server, serverKinds
	}
	names := slices.ContainsFunc(ends, func(p predicate) bool {
		return p.matcher.Op == plait.MatchEqual || p.matcher.Op == plait.MatchRegexp
	})
	return restricted(spanQuestion{}, kinds, ends), names && e.answered()
}

// restricted adds the kinds and the service of spans to a question.
func restricted(q spanQuestion, kinds string, service predicates) spanQuestion {
	q.Matchers = slices.Clone(q.Matchers)
	for _, p := range service {
		q.Matchers = append(q.Matchers, plait.Matcher{Name: "service", Op: p.matcher.Op, Value: p.matcher.Value})
	}
	q.Matchers = append(q.Matchers, plait.Matcher{Name: "span_kind", Op: plait.MatchRegexp, Value: kinds})
	return q
}

// peerAttributes are those by which a client may name the server asked for.
func (e *edgeSelector) peerAttributes() (all []plait.Matcher) {
	keys := spanmetrics.PeerKeys
	text, known := e.server.text()
	switch {
	case known && !spanmetrics.Clipped(text):
		for _, key := range keys {
			all = append(all, plait.Matcher{Name: key, Op: plait.MatchEqual, Value: text})
		}
		if address, _, port := lastCut(text, ":"); port {
			for _, key := range keys {
				all = append(all, plait.Matcher{Name: key, Op: plait.MatchEqual, Value: address})
			}
		}
		return all
	case !known && !e.connects(spanmetrics.ConnectionVirtualNode, spanmetrics.ConnectionMessaging):
		keys = spanmetrics.DatabaseKeys
	}
	for _, key := range keys {
		all = append(all, plait.Matcher{Name: key, Op: plait.MatchNotEqual})
	}
	return all
}

// lastCut cuts a text at the last separator.
func lastCut(text, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(text, separator); i >= 0 {
		return text[:i], text[i+len(separator):], true
	}
	return text, "", false
}

// text is the one value that can match, if the predicates say it.
func (p predicates) text() (string, bool) {
	for _, one := range p {
		switch one.matcher.Op {
		case plait.MatchEqual:
			return one.matcher.Value, true
		case plait.MatchRegexp:
			pattern, err := regexp.Compile(one.matcher.Value)
			if err != nil {
				continue // not one by itself: it is compiled within parentheses
			}
			if text, whole := pattern.LiteralPrefix(); whole {
				return text, true
			}
		}
	}
	return "", false
}

// call is a call as one of its sides knows it.
type call struct {
	edge   spanmetrics.Edge
	server bool        // the side is the server's
	other  *plait.Span // the other side, nil if it sent no span
}

// callsOf returns the calls that a span is a side of, among the spans of its trace and those that
// links join to it.
func callsOf(span *plait.Span, spans []*plait.Span) (all []call) {
	at := slices.Index(spans, span)
	for c := range graphOf(spans).All() {
		side := call{edge: c.Edge, server: c.Server == at}
		other := c.Client
		switch {
		case side.server:
		case c.Client == at && spanmetrics.Calls(span.Kind):
			other = c.Server
		default:
			continue
		}
		if other >= 0 {
			side.other = spans[other]
		}
		all = append(all, side)
	}
	return all
}

func graphOf(spans []*plait.Span) *spanmetrics.Graph {
	sides := make([]spanmetrics.Side, len(spans))
	for i, s := range spans {
		sides[i] = spanmetrics.SideOf(s, spanmetrics.Clip(s.Resource.Service()))
	}
	return spanmetrics.NewGraph(sides)
}
