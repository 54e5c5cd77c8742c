package store_test

import (
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
	"github.com/plaithq/plait/store/storetest"
)

func TestServiceMapJoinsCallsToTheirCallers(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now, id := time.Now(), traceNumber(1, 1)
	kind := func(one plait.Span, kind plait.SpanKind, attributes ...plait.Attribute) plait.Span {
		one.Kind, one.Attributes = kind, attributes
		return one
	}
	failed := func(one plait.Span) plait.Span { one.Status = plait.StatusError; return one }
	linked := kind(span(traceNumber(1, 3), 1, 0, "audit", "receive", now, time.Minute, time.Second), plait.SpanKindConsumer)
	linked.Links = []plait.Link{{TraceID: id, SpanID: spanNumber(17)}}
	// the called span came before its caller
	writeSpans(t, s, failed(span(id, 3, 2, "shop", "pay", now, time.Minute, time.Second)))
	writeSpans(t, s,
		span(id, 1, 0, "web", "GET /", now, time.Minute, 2*time.Second),
		kind(span(id, 2, 1, "web", "POST", now, time.Minute, time.Second), plait.SpanKindClient, strAttribute("server.address", "shop")),
		// a call within a service is none
		span(id, 4, 3, "shop", "inner", now, time.Minute, time.Second),
		// a span that both sides share, and whose parent is another service's
		kind(span(id, 5, 3, "shop", "GET", now, time.Minute, time.Second), plait.SpanKindClient),
		kind(span(id, 5, 3, "stock", "GET", now, time.Minute, time.Second), plait.SpanKindServer),
		// messages
		kind(span(id, 6, 3, "shop", "send", now, time.Minute, time.Second), plait.SpanKindProducer, strAttribute("messaging.system", "kafka")),
		kind(span(id, 7, 6, "mail", "receive", now, time.Minute, time.Second), plait.SpanKindConsumer),
		kind(span(id, 8, 3, "shop", "send", now, time.Minute, time.Second), plait.SpanKindProducer, strAttribute("messaging.system", "kafka"), strAttribute("messaging.destination.name", "audit")),
		// a message that was taken in another trace
		kind(span(id, 17, 3, "shop", "send", now, time.Minute, time.Second), plait.SpanKindProducer, strAttribute("messaging.system", "kafka")),
		linked,
		// a call that was answered by more than one span, a database that answers, a call
		// whose caller sent no client's span
		kind(span(id, 12, 6, "mail", "receive", now, time.Minute, time.Second), plait.SpanKindConsumer),
		kind(span(id, 13, 3, "shop", "SELECT", now, time.Minute, time.Second), plait.SpanKindClient, strAttribute("db.system", "mysql")),
		span(id, 14, 13, "mysqld", "SELECT", now, time.Minute, time.Second),
		span(id, 15, 3, "tax", "GET", now, time.Minute, time.Second),
		// a child of an id that both sides share happened in the server
		span(id, 16, 5, "depot", "GET", now, time.Minute, time.Second),
		// calls that nobody answered
		failed(kind(span(id, 9, 3, "shop", "SELECT", now, time.Minute, time.Second), plait.SpanKindClient, strAttribute("db.system", "postgresql"), strAttribute("db.name", "orders"))),
		kind(span(id, 10, 3, "shop", "GET", now, time.Minute, time.Second), plait.SpanKindClient, strAttribute("server.address", "example.com")),
		kind(span(id, 11, 3, "shop", "GET", now, time.Minute, time.Second), plait.SpanKindClient),
		// another trace with the same span ids, before the range
		span(traceNumber(1, 2), 2, 0, "old", "x", now, 3*time.Hour, time.Second),
		span(traceNumber(1, 2), 3, 2, "shop", "x", now, 3*time.Hour, time.Second))
	got, err := s.ServiceMap(t.Context(), plait.TimeRange{From: now.Add(-time.Hour), To: now})
	if err != nil {
		t.Fatal(err)
	}
	edge := func(client, server string, c spanmetrics.ConnectionType, calls, failed int64) spanmetrics.MapEdge {
		return spanmetrics.MapEdge{
			Edge:  spanmetrics.Edge{Client: client, Server: server, ConnectionType: c},
			Calls: calls, Failed: failed, DurationNanosSum: calls * 1e9,
		}
	}
	fromUser := edge("user", "web", spanmetrics.ConnectionVirtualNode, 1, 0)
	fromUser.DurationNanosSum = 2e9
	want := spanmetrics.ServiceMap{
		SampledOneIn: 1,
		Nodes: []spanmetrics.MapNode{
			{Service: "audit", Calls: 1, DurationNanosSum: 1e9},
			{Service: "depot", Calls: 1, DurationNanosSum: 1e9},
			{Service: "mail", Calls: 2, DurationNanosSum: 2e9},
			{Service: "mysqld", Calls: 1, DurationNanosSum: 1e9},
			{Service: "shop", Calls: 2, Failed: 1, DurationNanosSum: 2e9},
			{Service: "stock", Calls: 1, DurationNanosSum: 1e9},
			{Service: "tax", Calls: 1, DurationNanosSum: 1e9},
			{Service: "web", Calls: 1, DurationNanosSum: 2e9},
		},
		Edges: []spanmetrics.MapEdge{
			edge("shop", "audit", spanmetrics.ConnectionMessaging, 1, 0),
			edge("shop", "example.com", spanmetrics.ConnectionVirtualNode, 1, 0),
			edge("shop", "kafka", spanmetrics.ConnectionMessaging, 1, 0),
			edge("shop", "mail", spanmetrics.ConnectionMessaging, 2, 0),
			edge("shop", "mysql", spanmetrics.ConnectionDatabase, 1, 0),
			edge("shop", "orders", spanmetrics.ConnectionDatabase, 1, 1),
			edge("shop", "stock", spanmetrics.ConnectionDirect, 1, 0),
			edge("shop", "tax", spanmetrics.ConnectionDirect, 1, 0),
			edge("stock", "depot", spanmetrics.ConnectionDirect, 1, 0),
			fromUser,
			edge("web", "shop", spanmetrics.ConnectionDirect, 1, 1),
		},
	}
	quantiles := gocmp.FilterPath(func(p gocmp.Path) bool {
		field, ok := p.Last().(gocmp.StructField)
		return ok && field.Name()[0] == 'P' && len(field.Name()) == 3
	}, gocmp.Ignore())
	if diff := gocmp.Diff(want, got, quantiles, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, e := range got.Edges {
		if e.Client != spanmetrics.UserNode && (e.P50 < 900*time.Millisecond || e.P99 > 1100*time.Millisecond || e.P50 > e.P99) {
			t.Errorf("%s to %s: p50 %v, p99 %v of calls that took a second", e.Client, e.Server, e.P50, e.P99)
		}
	}
}

func TestServiceMapOfNothingIsEmpty(t *testing.T) {
	t.Parallel()
	got, err := storetest.New(t).ServiceMap(t.Context(), plait.TimeRange{})
	if err != nil || len(got.Nodes)+len(got.Edges) > 0 {
		t.Errorf("%v, %v", got, err)
	}
}
