package tempo

import (
	"net/http"
	"net/url"
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

func start(t *testing.T, st *store.Store, changes ...func(*tracesearch.Config)) *server {
	t.Helper()
	c := tracesearch.Config{
		Timeout: time.Minute, MaxSpans: 1000, Memory: plait.NewAnswerMemory(32 << 20), Ready: st.Ping, Version: "test",
		Logger: facetest.Logger(t), Now: func() time.Time { return now },
	}
	for _, change := range changes {
		change(&c)
	}
	h, err := NewHandler(st, c)
	if err != nil {
		t.Fatal(err)
	}
	return &server{facetest.Serve(t, h) + Prefix}
}

// shopServer is a server with the shop's trace.
func shopServer(t *testing.T, changes ...func(*tracesearch.Config)) *server {
	t.Helper()
	st := storetest.New(t, storetest.Now(func() time.Time { return now }))
	if _, err := st.WriteTraces(t.Context(), shopTrace()); err != nil {
		t.Fatal(err)
	}
	return start(t, st, changes...)
}

type answer struct {
	status int
	kind   string
	body   []byte
}

func (s *server) get(t *testing.T, path string, header ...string) answer {
	t.Helper()
	a := facetest.Get(t, s.url+path, header...)
	return answer{a.Status, a.Kind(), a.Body}
}

// search asks for traces by TraceQL, with more parameters by name and value.
func (s *server) search(t *testing.T, text string, more ...string) answer {
	t.Helper()
	return s.get(t, "/api/search?"+asked(text, more...))
}

func asked(text string, more ...string) string {
	q := url.Values{"q": {text}}
	for i := 0; i < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return q.Encode()
}

// golden compares a good answer with its file.
func golden(t *testing.T, name string, a answer) {
	t.Helper()
	if a.status != http.StatusOK || a.kind != "application/json" {
		t.Fatalf("%s: %d %s: %s", name, a.status, a.kind, a.body)
	}
	facetest.Golden(t, name, a.body)
}

var attr = facetest.Attr

var shopID = plait.TraceID{0: 0x4b, 1: 0xf9, 15: 0x36}

// shopTrace is a trace with one of everything that a search shows.
func shopTrace() *plait.Traces {
	front := &plait.Resource{Attributes: plait.Attributes{attr("service.name", "shop"), attr("host.name", "a")}}
	cart := &plait.Resource{Attributes: plait.Attributes{attr("service.name", "cart"), attr("host.name", "b")}}
	at := func(ms int) int64 { return base.Add(time.Duration(ms) * time.Millisecond).UnixNano() }
	id := func(n byte) plait.SpanID { return plait.SpanID{7: n} }
	spans := []plait.Span{
		{
			SpanID: id(1), Name: "GET /checkout", Kind: plait.SpanKindServer, StartNanos: at(0), EndNanos: at(400), Resource: front, Status: plait.StatusError, StatusMessage: "no stock",
			Attributes: plait.Attributes{
				{Key: "http.status_code", Value: plait.IntValue(500)}, {Key: "ratio", Value: plait.DoubleValue(0.5)}, {Key: "cached", Value: plait.BoolValue(false)},
				{Key: "items", Value: plait.ArrayValue(`["a",1]`)}, attr("mixed", "text"),
			},
			Events: []plait.Event{{TimeNanos: at(300), Name: "exception", Attributes: plait.Attributes{attr("exception.type", "StockError")}}},
			Links:  []plait.Link{{TraceID: plait.TraceID{15: 9}, SpanID: id(9), Attributes: plait.Attributes{attr("link.kind", "retry")}}},
		},
		{SpanID: id(2), ParentSpanID: id(1), Name: "GET /cart", Kind: plait.SpanKindClient, StartNanos: at(10), EndNanos: at(200), Resource: front},
		{
			SpanID: id(3), ParentSpanID: id(2), Name: "get /cart", Kind: plait.SpanKindServer, StartNanos: at(50), EndNanos: at(150), Resource: cart, Status: plait.StatusOK,
			Attributes: plait.Attributes{{Key: "mixed", Value: plait.IntValue(7)}},
		},
		{SpanID: id(4), ParentSpanID: id(3), Name: "SELECT", Kind: plait.SpanKindClient, StartNanos: at(60), EndNanos: at(100), Resource: cart},
	}
	for i := range spans {
		spans[i].TraceID, spans[i].Scope = shopID, &plait.Scope{Name: "net/http", Version: "1.2"}
	}
	return &plait.Traces{Spans: spans}
}
