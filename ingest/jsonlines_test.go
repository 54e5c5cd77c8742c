package ingest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/plaithq/plait/query"
)

func TestApplicationsSendTheirLinesAsTheyAre(t *testing.T) {
	t.Parallel()
	ts := start(t)
	body := `{"level":"error","msg":"refused","service":"cart","time":"2026-11-21T10:00:00Z","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}` + "\nlevel=info a line of text\n"
	for _, media := range []string{"application/x-ndjson", "application/jsonl; charset=utf-8", mediaJSON} {
		got := ts.post(t, "/ingest/logs", strings.NewReader(body), "Content-Type: "+media)
		if got.code != http.StatusNoContent {
			t.Fatalf("%s: %d %s", media, got.code, got.body)
		}
	}
	if got := ts.post(t, "/ingest/logs", strings.NewReader(body), "Content-Type: application/x-www-form-urlencoded"); got.code != http.StatusUnsupportedMediaType {
		t.Errorf("a form: %d %s", got.code, got.body)
	}
	all, _, err := ts.store.Logs(t.Context(), query.Logs{})
	if err != nil || len(all) != 4 { // what has a time is stored once, what has none is an event at each arrival
		t.Fatalf("%d records, %v", len(all), err)
	}
	refused := all[3]
	if refused.Body.Str() != "refused" || refused.Severity.String() != "ERROR" || refused.Resource.Service() != "cart" || refused.TraceID.String() != "4bf92f3577b34da6a3ce929d0e0e4736" {
		t.Errorf("%+v of %+v", refused, refused.Resource)
	}
	if text := all[0]; text.Severity.String() != "INFO" || text.Body.Str() != "level=info a line of text" {
		t.Errorf("%+v", text)
	}
}
