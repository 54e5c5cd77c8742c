package tempo

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/storetest"
	"github.com/plaithq/plait/wire/otlp"
)

// TestTheSidesOfASharedSpanHaveAnIDEach asks for a trace and searches it: both name the sides alike.
func TestTheSidesOfASharedSpanHaveAnIDEach(t *testing.T) {
	t.Parallel()
	st := storetest.New(t, storetest.Now(func() time.Time { return now }))
	sent := shopTrace()
	sent.Spans = sent.Spans[:2]
	client, server := &sent.Spans[0], &sent.Spans[1]
	client.Kind, client.Name = plait.SpanKindClient, "calls"
	server.Kind, server.Name, server.SpanID, server.ParentSpanID = plait.SpanKindServer, "called", client.SpanID, client.ParentSpanID
	if _, err := st.WriteTraces(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	s := start(t, st)
	a := s.get(t, "/api/traces/"+shopID.String(), "Accept", protobuf)
	trace, err := otlp.DecodeTraces(a.body)
	if err != nil {
		t.Fatalf("%v: %d %s", err, a.status, a.body)
	}
	ids := map[string]plait.SpanID{}
	for i := range trace.Spans {
		ids[trace.Spans[i].Name] = trace.Spans[i].SpanID
		if one := &trace.Spans[i]; one.Name == "called" && one.ParentSpanID != client.SpanID {
			t.Errorf("the callee's side is below %s, want %s", one.ParentSpanID, client.SpanID)
		}
	}
	if ids["calls"] != client.SpanID || ids["called"] == client.SpanID {
		t.Errorf("ids %v", ids)
	}
	var found searchJSON
	if err := json.Unmarshal(s.search(t, `{ kind = server }`).body, &found); err != nil || len(found.Traces) != 1 {
		t.Fatalf("%v, %+v", err, found)
	}
	if got := found.Traces[0].SpanSets[0].Spans[0].SpanID; got != ids["called"].String() {
		t.Errorf("a search shows the callee's side as %s, the trace as %s", got, ids["called"])
	}
}
