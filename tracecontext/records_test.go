package tracecontext

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/canonical"
)

// A sample is a body as an ecosystem's loggers write it, and the ids to find in it. In its file a line
// with two dashes names it, the next has the ids, - for none, and the rest is the body.
type sample struct{ name, trace, span, body string }

func readSamples(t testing.TB) (all []sample) {
	t.Helper()
	files, err := filepath.Glob("testdata/records/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(err, "no samples")
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split("\n"+string(text), "\n-- ")[1:] {
			lines := strings.SplitN(strings.TrimSuffix(part, "\n"), "\n", 3)
			s := sample{name: strings.TrimSuffix(filepath.Base(file), ".txt") + ": " + lines[0], body: lines[2]}
			s.trace, s.span, _ = strings.Cut(lines[1], " ")
			all = append(all, s)
		}
	}
	return all
}

// TestFromLogReadsWhatLoggersWrite looks for each sample's ids in it as it is, as a map, in what
// collectors wrap around lines, and in an attribute that keeps the line.
func TestFromLogReadsWhatLoggersWrite(t *testing.T) {
	t.Parallel()
	for _, s := range readSamples(t) {
		var want Context
		if s.trace != "-" {
			want.TraceID = traceID(t, s.trace)
		}
		if s.span != "-" && s.span != "" {
			want.SpanID = spanID(t, s.span)
		}
		wrapped, err := json.Marshal(map[string]string{"log": s.body + "\n", "stream": "stdout"})
		if err != nil {
			t.Fatal(err)
		}
		records := map[string]*plait.LogRecord{
			"text":            {Body: plait.StringValue(s.body)},
			"docker's JSON":   {Body: plait.StringValue(string(wrapped))},
			"an attribute":    {Attributes: plait.Attributes{str("event.original", s.body)}},
			"behind a prefix": {Body: plait.StringValue("2026-11-25T10:00:00.000000001Z stdout F " + s.body)},
		}
		if json.Valid([]byte(s.body)) {
			records["a map"] = &plait.LogRecord{Body: plait.MapValue(s.body)}
			var members map[string]json.RawMessage
			if err := json.Unmarshal([]byte(s.body), &members); err != nil {
				t.Fatal(err)
			}
			records["attributes"] = &plait.LogRecord{Attributes: attributesOf(t, members)}
		}
		for how, rec := range records {
			got, ok := FromLog(rec)
			got.Sampled = 0
			if got != want || ok != (s.trace != "-") {
				t.Errorf("%s, as %s:\n got %v %v, want %s %s in\n%s", s.name, how, got.TraceID, got.SpanID, s.trace, s.span, s.body)
			}
		}
	}
}

func attributesOf(t *testing.T, members map[string]json.RawMessage) (attributes plait.Attributes) {
	t.Helper()
	for key, raw := range members {
		v, err := canonical.ParseValue(string(raw))
		if err != nil {
			continue // a number beyond 64 bits, which no attribute has
		}
		attributes = append(attributes, plait.Attribute{Key: key, Value: v})
	}
	return attributes
}
