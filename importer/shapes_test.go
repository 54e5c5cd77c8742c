package importer

import (
	"encoding/json"
	"errors"
	"testing"
)

func TestPayloadsOfWhatIsNoTelemetry(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{}`, `{"trace":{}}`, `{"trace":5}`, `{"trace":{"spans":[]}}`, `{"data":[{"resourceSpans":[]}]}`, `{"level":"info","msg":"resourceSpans"}`} {
		if _, err := payloadsOf([]byte(text)); !errors.Is(err, errNotTelemetry) {
			t.Errorf("%s: %v, want that it is no telemetry", text, err)
		}
	}
}

func FuzzPayloads(f *testing.F) {
	for _, seed := range []string{
		`{"resourceSpans":[],"resource_logs":[]}`, `{"trace":{"batches":[]}}`, `{"batches":[{"traceId":"8eHQaKvN7wEjRWeJob9T7A=="}]}`,
		`{"resourceSpans":[{"instrumentationLibrarySpans":[{"instrumentationLibrary":{}}]}]}`, `{"traceId" : "===================== =="}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		payloads, err := payloadsOf(raw)
		if err == nil && len(payloads) == 0 {
			t.Error("neither a request nor an error")
		}
		for _, p := range payloads {
			if !json.Valid(p.body) {
				t.Errorf("%s became %s, which is no JSON", raw, p.body)
			}
		}
	})
}
