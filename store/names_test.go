package store_test

import (
	"slices"
	"testing"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/storetest"
)

func TestOperationsAreListedByServiceNameAndKind(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	traces := &plait.Traces{}
	for i, o := range []struct {
		service, name string
		kind          plait.SpanKind
	}{
		{"b", "GET", plait.SpanKindServer}, {"b", "GET", plait.SpanKindClient}, {"b", "ADD", plait.SpanKindServer}, {"b", "", plait.SpanKindServer},
		{"a", "GET", plait.SpanKindServer}, {"B", "x", plait.SpanKindInternal}, {"", "y", plait.SpanKindInternal},
	} {
		for version := range 3 { // operations of several scopes are one here
			traces.Spans = append(traces.Spans, plait.Span{
				TraceID: plait.TraceID{15: byte(i + 1)}, SpanID: plait.SpanID{7: byte(version + 1)}, Name: o.name, Kind: o.kind, StartNanos: 1e18, EndNanos: 1e18 + 1,
				Resource: &plait.Resource{Attributes: plait.Attributes{{Key: "service.name", Value: plait.StringValue(o.service)}}},
				Scope:    &plait.Scope{Name: "scope", Version: string(rune('1' + version))},
			})
		}
	}
	if _, err := s.WriteTraces(t.Context(), traces); err != nil {
		t.Fatal(err)
	}
	if _, err := s.WriteLogs(t.Context(), &plait.Logs{Records: []plait.LogRecord{{
		TimeNanos: 1e18, Resource: &plait.Resource{Attributes: plait.Attributes{{Key: "service.name", Value: plait.StringValue("logs only")}}}, Scope: &plait.Scope{},
	}}}); err != nil {
		t.Fatal(err)
	}

	services, err := s.SpanServices(t.Context(), 10)
	if want := []string{"B", "a", "b", plait.ServiceUnknown}; err != nil || !slices.Equal(services, want) {
		t.Errorf("services are %q (%v), want %q", services, err, want)
	}
	if services, err := s.SpanServices(t.Context(), 2); err != nil || len(services) != 2 {
		t.Errorf("two services are %q (%v)", services, err)
	}
	for service, want := range map[string][]plait.Operation{
		"b": {{Name: "ADD", Kind: plait.SpanKindServer}, {Name: "GET", Kind: plait.SpanKindServer}, {Name: "GET", Kind: plait.SpanKindClient}},
		"B": {{Name: "x", Kind: plait.SpanKindInternal}}, "c": nil, "\x00\xff": nil,
	} {
		if got, err := s.Operations(t.Context(), service, 10); err != nil || !slices.Equal(got, want) {
			t.Errorf("operations of %q are %v (%v), want %v", service, got, err, want)
		}
	}
	if got, err := s.Operations(t.Context(), "b", 1); err != nil || len(got) != 1 {
		t.Errorf("one operation is %v (%v)", got, err)
	}
}
