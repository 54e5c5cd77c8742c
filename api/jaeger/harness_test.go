package jaeger

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/facetest"
	"github.com/plaithq/plait/api/tracesearch"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

// base is when the shop's trace begins, and now a minute later.
var (
	base = time.Date(2026, 11, 21, 10, 0, 0, 123_456_789, time.UTC)
	now  = base.Add(time.Minute)
)

// server is the face on a socket, over a store.
type server struct{ url string }

func start(t *testing.T, r Reader, changes ...func(*tracesearch.Config)) *server {
	t.Helper()
	c := tracesearch.Config{
		Timeout: time.Minute, MaxSpans: 1000, Memory: plait.NewAnswerMemory(32 << 20),
		Logger: facetest.Logger(t), Now: func() time.Time { return now },
	}
	for _, change := range changes {
		change(&c)
	}
	h, err := NewHandler(r, c)
	if err != nil {
		t.Fatal(err)
	}
	return &server{facetest.Serve(t, h) + Prefix}
}

func (s *server) get(t *testing.T, path string) (status int, body []byte) {
	t.Helper()
	return s.ask(t.Context(), t, http.MethodGet, path)
}

func (s *server) ask(ctx context.Context, t *testing.T, method, path string) (status int, body []byte) {
	t.Helper()
	a := facetest.Ask(ctx, t, method, s.url+path)
	if a.Kind() != "application/json" {
		t.Errorf("%s %s is answered with Content-Type %q", method, path, a.Kind())
	}
	return a.Status, a.Body
}

var attr = facetest.Attr

// shopTrace is a trace with one of everything that the face has a word for.
func shopTrace() *plait.Traces {
	shop := &plait.Resource{Attributes: plait.Attributes{attr("service.name", "shop"), attr("host.name", "a")}}
	cart := &plait.Resource{Attributes: plait.Attributes{attr("service.name", "cart/v1"), attr("host.name", "b")}}
	scope := &plait.Scope{Name: "net/http", Version: "1.2"}
	at := func(ms int) int64 { return base.Add(time.Duration(ms) * time.Millisecond).UnixNano() }
	id := func(n byte) plait.SpanID { return plait.SpanID{7: n} }
	trace := plait.TraceID{0: 0x4b, 1: 0xf9, 15: 0x36}
	spans := []plait.Span{
		{
			SpanID: id(1), Name: "GET /checkout", Kind: plait.SpanKindServer, StartNanos: at(0), EndNanos: at(400), Resource: shop, Status: plait.StatusError, StatusMessage: "no stock",
			TraceState: "vendor=1", Flags: 0x101,
			Attributes: plait.Attributes{
				{Key: "http.status_code", Value: plait.IntValue(500)}, {Key: "ratio", Value: plait.DoubleValue(0.5)}, {Key: "cached", Value: plait.BoolValue(false)},
				{Key: "large", Value: plait.IntValue(1<<60 + 1)}, {Key: "raw", Value: plait.BytesValue("\x00\xff")}, {Key: "items", Value: plait.ArrayValue(`["a",1]`)}, attr("user.id", "u1"),
			},
			Events: []plait.Event{{TimeNanos: at(300), Name: "exception", Attributes: plait.Attributes{attr("exception.type", "StockError")}, DroppedAttributes: 2}},
			Links:  []plait.Link{{TraceID: plait.TraceID{15: 9}, SpanID: id(9)}},
		},
		{SpanID: id(2), ParentSpanID: id(1), Name: "GET /cart", Kind: plait.SpanKindClient, StartNanos: at(10), EndNanos: at(200), Resource: shop},
		// The server's side carries the id of the client's, and its clock is a second ahead.
		{SpanID: id(2), ParentSpanID: id(1), Name: "get /cart", Kind: plait.SpanKindServer, StartNanos: at(1050), EndNanos: at(1150), Resource: cart, Status: plait.StatusOK},
		{SpanID: id(3), ParentSpanID: id(2), Name: "SELECT", Kind: plait.SpanKindClient, StartNanos: at(1060), EndNanos: at(1100), Resource: cart},
		{SpanID: id(4), ParentSpanID: id(8), Name: "orphan", StartNanos: at(20), EndNanos: at(30), Resource: shop},
		{SpanID: id(5), ParentSpanID: id(1), Name: "unfinished", Kind: plait.SpanKindInternal, StartNanos: at(40), Resource: shop},
	}
	for i := range spans {
		spans[i].TraceID, spans[i].Scope = trace, scope
	}
	return &plait.Traces{Spans: spans}
}

func shopStore(t *testing.T) *store.Store {
	t.Helper()
	s := storetest.New(t)
	if _, err := s.WriteTraces(t.Context(), shopTrace()); err != nil {
		t.Fatal(err)
	}
	return s
}
