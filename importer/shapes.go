package importer

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/jsontext"
)

// What a JSON object in a file may be:
//
//   - an OTLP export request, of one signal or of several;
//   - what Tempo's API answers for a trace: OTLP below "trace" (v2), or with its resourceSpans
//     called "batches" (v1);
//   - any of these with ids in base64, as protobuf's own JSON mapping writes bytes, and with the
//     names that OTLP had before 0.15.

// signalKeys are the keys of an export request.
var signalKeys = []struct{ key, snake, signal string }{
	{"resourceSpans", "resource_spans", "traces"},
	{"resourceLogs", "resource_logs", "logs"},
	{"resourceMetrics", "resource_metrics", "metrics"},
}

// payloadsOf makes export requests of a JSON object. The error is errNotTelemetry when it is
// none of the known shapes.
func payloadsOf(raw []byte) ([]payload, error) {
	var top map[string]json.RawMessage
	if err := json.Unmarshal(raw, &top); err != nil {
		return nil, fmt.Errorf("read JSON: %w", err)
	}
	if inner, ok := top["trace"]; ok && len(signalsOf(top)) == 0 {
		raw, top = inner, nil
		if err := json.Unmarshal(inner, &top); err != nil {
			return nil, notOTLP(nil)
		}
	}
	if batches, ok := top["batches"]; ok && len(signalsOf(top)) == 0 {
		raw = slices.Concat([]byte(`{"resourceSpans":`), batches, []byte("}"))
		top = map[string]json.RawMessage{"resourceSpans": batches}
	}
	signals := signalsOf(top)
	if len(signals) == 0 {
		return nil, notOTLP(top)
	}
	body := modernOTLP(raw)
	payloads := make([]payload, len(signals))
	for i, signal := range signals {
		payloads[i] = payload{signal: signal, json: true, body: body}
	}
	return payloads, nil
}

func signalsOf(top map[string]json.RawMessage) []string {
	var signals []string
	for _, s := range signalKeys {
		_, camel := top[s.key]
		_, snake := top[s.snake]
		if camel || snake {
			signals = append(signals, s.signal)
		}
	}
	return signals
}

// Of the keys of an object that is no telemetry, these many are named, in so many bytes.
const keysNamed, foundShown = 5, 300

func notOTLP(top map[string]json.RawMessage) error {
	found := "it has no keys"
	if keys := slices.Sorted(maps.Keys(top)); len(keys) > 0 {
		found = "it has " + strings.Join(keys[:min(len(keys), keysNamed)], ", ")
	}
	return fmt.Errorf("%w: not an OTLP export request: neither resourceSpans, resourceLogs nor resourceMetrics is in it; %s", errNotTelemetry, plait.OneLine(found, foundShown))
}

// oldNames are what OTLP called its keys before 0.15, and calls them since.
var oldNames = map[string]string{
	"instrumentationLibrarySpans":   "scopeSpans",
	"instrumentationLibraryLogs":    "scopeLogs",
	"instrumentationLibraryMetrics": "scopeMetrics",
	"instrumentationLibrary":        "scope",
}

// modernOTLP returns a copy of the request with hex ids and today's names.
func modernOTLP(raw []byte) []byte {
	if !bytes.Contains(raw, []byte(`"instrumentationLibrary`)) && !bytes.Contains(raw, []byte(`="`)) {
		return bytes.Clone(raw)
	}
	return jsontext.Rewrite(string(raw), func(key, value string) (string, string) {
		if name, old := oldNames[key]; old {
			return name, value
		}
		if slices.Contains(idKeys, key) {
			return key, hexID(value)
		}
		return key, value
	})
}

var idKeys = []string{"traceId", "trace_id", "spanId", "span_id", "parentSpanId", "parent_span_id"}

// hexID writes an id of 16 or of 8 bytes in hex that is in base64, whose length and padding hex cannot have.
func hexID(value string) string {
	text := strings.Trim(value, `"`)
	if !strings.HasSuffix(text, "=") {
		return value
	}
	id, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(id) != 16 && len(id) != 8 {
		return value
	}
	return `"` + hex.EncodeToString(id) + `"`
}

// isOTLPArray says whether a JSON array holds export requests, as an array of Zipkin spans does not.
func isOTLPArray(body []byte) bool {
	var list []json.RawMessage
	if json.Unmarshal(body, &list) != nil || len(list) == 0 {
		return false
	}
	_, err := payloadsOf(list[0])
	return !errors.Is(err, errNotTelemetry)
}
