package zipkin

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/facetest"
	"github.com/plaithq/plait/api/tracesearch"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
	wire "github.com/plaithq/plait/wire/zipkin"
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
		Logger: facetest.Logger(t), Now: func() time.Time { return now }, Version: "test", Ready: func(context.Context) error { return nil },
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

func (s *server) get(t *testing.T, path string) facetest.Answer {
	t.Helper()
	return facetest.Get(t, s.url+path)
}

var attr = facetest.Attr

// shopTrace is what a Zipkin tracer sent, beside what an SDK of OpenTelemetry did.
func shopTrace(t *testing.T) *plait.Traces {
	t.Helper()
	body, err := os.ReadFile("testdata/shop.in.json")
	if err != nil {
		t.Fatal(err)
	}
	traces, err := wire.DecodeJSON(body, nil)
	if err != nil {
		t.Fatal(err)
	}
	payments := &plait.Resource{Attributes: plait.Attributes{attr("service.name", "Payments"), attr("host.name", "c")}}
	at := func(ms int) int64 { return base.Add(time.Duration(ms) * time.Millisecond).UnixNano() }
	traces.Spans = append(traces.Spans, plait.Span{
		TraceID: traces.Spans[0].TraceID, SpanID: plait.SpanID{7: 3}, ParentSpanID: plait.SpanID{7: 2}, Name: "Pay", Kind: plait.SpanKindServer, StartNanos: at(60), EndNanos: at(90),
		Resource: payments, Scope: &plait.Scope{Name: "net/http", Version: "1.2"}, Status: plait.StatusError, StatusMessage: "no money",
		Attributes: plait.Attributes{{Key: "http.status_code", Value: plait.IntValue(402)}, {Key: "items", Value: plait.ArrayValue(`["a",1]`)}},
		Events:     []plait.Event{{TimeNanos: at(70), Name: "exception", Attributes: plait.Attributes{attr("exception.type", "MoneyError")}}},
	})
	return traces
}

func shopStore(t *testing.T) *store.Store {
	t.Helper()
	s := storetest.New(t)
	if _, err := s.WriteTraces(t.Context(), shopTrace(t)); err != nil {
		t.Fatal(err)
	}
	return s
}
