package ingest

import (
	"bytes"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
)

// FuzzHTTPDoors sends anything as a body, in every media type and encoding that a door takes. No
// request may crash the gateway, keep memory of its budget, or be answered with a failure of ours.
func FuzzHTTPDoors(f *testing.F) {
	good := marshal(f, testTrace(1, "a", "b"))
	f.Add(good, byte(0))
	f.Add(good[:len(good)-1], byte(0))
	for i, c := range codings {
		f.Add(c.encode(f, good), byte(i))
	}
	f.Add([]byte(traceJSON("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "GET /")), byte(9))
	f.Add(marshal(f, testLogs("a line")), byte(18))
	ts := start(f, func(c *Config, _ *Deps) { c.MaxBodyBytes = 1 << 20 })
	encodings := append([]string{""}, slices.Sorted(maps.Keys(decompressors))...)
	medias := []string{mediaProtobuf, mediaJSON}
	f.Fuzz(func(t *testing.T, body []byte, how byte) {
		n := int(how)
		encoding, n := encodings[n%len(encodings)], n/len(encodings)
		media, n := medias[n%2], n/2
		sig := otlpSignals[n%3]
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost"+sig.path, bytes.NewReader(body))
		req.Header.Set("Content-Type", media)
		req.Header.Set("Content-Encoding", encoding)
		w := newDeadlineRecorder()
		ts.http.Handler().ServeHTTP(w, req)
		switch w.Code {
		case http.StatusOK, http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		default:
			t.Errorf("answer %d %q", w.Code, w.Body)
		}
		if held := ts.intake.budget.inUse(); held != 0 {
			t.Errorf("%d bytes are held after the answer", held)
		}
	})
}
