package api

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/plaithq/plait"
)

func TestALogRecordIsAnsweredWithAllThatWasSent(t *testing.T) {
	t.Parallel()
	text := func(key string) plait.Attributes {
		return plait.Attributes{{Key: key, Value: plait.StringValue("v")}}
	}
	body, err := json.Marshal(links{}.record(&plait.LogRecord{
		ID: "i", TimeNanos: 1, ObservedNanos: 2, TraceID: plait.TraceID{1}, SpanID: plait.SpanID{2}, Severity: 18, SeverityText: "crit",
		EventName: "paid", Body: plait.MapValue(`{"a":1}`), Attributes: text("own"), DroppedAttributes: 3, Flags: 1,
		Resource: &plait.Resource{Attributes: text("resource")},
		Scope:    &plait.Scope{Version: "2", SchemaURL: "https://schema", Attributes: text("scope")},
	}))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		`"severity":"ERROR"`, `"severity_number":18`, `"severity_text":"crit"`, `"event_name":"paid"`, `"body":{"a":1}`, `"attributes":{"own":"v"}`,
		`"resource":{"resource":"v"}`, `"scope":{"name":"","version":"2","attributes":{"scope":"v"},"schema_url":"https://schema"}`,
		`"flags":1`, `"dropped_attributes_count":3`, `"observed_time":`, `"trace_id":`, `"span_id":`,
	} {
		if !strings.Contains(string(body), part) {
			t.Errorf("no %s in %s", part, body)
		}
	}
}
