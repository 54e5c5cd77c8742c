package zipkin

import (
	"errors"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/plaithq/plait"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSharedSpansStayTwoSpans(t *testing.T) {
	body, err := os.ReadFile("testdata/yelp.json")
	if err != nil {
		t.Fatal(err)
	}
	traces, err := DecodeJSON(body, nil)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[plait.SpanID]map[plait.SpanKind]bool{}
	for _, s := range traces.Spans {
		if s.TraceID.IsZero() || s.SpanID.IsZero() || s.StartNanos == 0 {
			t.Errorf("span %s of %s has no id or start", s.SpanID, s.TraceID)
		}
		if kinds[s.SpanID] == nil {
			kinds[s.SpanID] = map[plait.SpanKind]bool{}
		}
		kinds[s.SpanID][s.Kind] = true
	}
	shared := 0
	for _, k := range kinds {
		if k[plait.SpanKindClient] && k[plait.SpanKindServer] {
			shared++
		}
	}
	if shared == 0 {
		t.Error("no span id is shared by a client and a server")
	}
}

func TestDecodeJSON(t *testing.T) {
	traces, err := DecodeJSON([]byte(`[{"traceId":"5af7183fb1d4cf5f","id":"6b221d5bc9e6496c","parentId":"1","kind":"client",
		"name":"get","timestamp":1556604172355737,"duration":1431,
		"localEndpoint":{"serviceName":"shop","ipv4":"10.0.0.1"},
		"remoteEndpoint":{"serviceName":"db","ipv4":"bad","ipv6":"::1","port":5432},
		"annotations":[{"timestamp":1556604172355800,"value":"sent"}],"tags":{"error":"","b":"2","a":"1"},"shared":true}]`), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := traces.Spans[0]
	checks := map[string]bool{
		"64-bit ids are padded on the left": s.TraceID.String() == "00000000000000005af7183fb1d4cf5f" && s.ParentSpanID.String() == "0000000000000001",
		"microseconds become nanoseconds":   s.StartNanos == 1556604172355737000 && s.DurationNanos() == 1431000,
		"kind is read in any case":          s.Kind == plait.SpanKindClient,
		"an empty error tag is an error":    s.Status == plait.StatusError,
		"annotations are events":            len(s.Events) == 1 && s.Events[0].Name == "sent",
		"the local service is the resource": s.Resource.Service() == "shop",
	}
	for fact, ok := range checks {
		if !ok {
			t.Errorf("false: %s: %+v", fact, s)
		}
	}
	if got := string(s.Attributes.AppendJSON(nil)); got != `{"a":"1","b":"2","error":"","peer.service":"db","network.peer.address":"::1","network.peer.port":5432,"zipkin.shared":true}` {
		t.Errorf("attributes: %s", got)
	}
}

func TestDecodeJSONRefuses(t *testing.T) {
	for _, body := range []string{``, `{}`, `[1]`, `[{"traceId":"x","id":"1"}]`, `[{"traceId":"","id":"1"}]`, `[{"traceId":"1","id":"12345678901234567"}]`, `[{"traceId":"1","id":"1"`} {
		if _, err := DecodeJSON([]byte(body), nil); !errors.Is(err, plait.ErrInvalid) {
			t.Errorf("%s: got %v, want invalid input", body, err)
		}
	}
}

func TestBadZipkinSpanIsRefusedAlone(t *testing.T) {
	const good = `{"traceId":"1","id":"2","name":"good","timestamp":1795600800000000,"duration":5}`
	for want, bad := range map[string]string{
		"neither a timestamp": `{"traceId":"1","id":"3"}`,
		`kind "WORKER" is`:    `{"traceId":"1","id":"3","kind":"WORKER","timestamp":1795600800000000}`,
		"traceId":             `{"traceId":"x","id":"3","timestamp":1795600800000000}`,
		"want a string":       `{"traceId":"1","id":"3","timestamp":1795600800000000,"tags":{"a":[1]}}`,
		"number of micros":    `{"traceId":"1","id":"3","timestamp":"yesterday"}`,
		"want {":              `7`,
		"traceId \"\" is":     `null`,
	} {
		traces, err := DecodeJSON([]byte("["+bad+","+good+"]"), nil)
		if err != nil {
			t.Errorf("%s: %v", want, err)
			continue
		}
		if len(traces.Spans) != 1 || len(traces.Refused) != 1 || !strings.Contains(traces.Refused[0].Reason, want) {
			t.Errorf("%s: %d spans, refused %v", want, len(traces.Spans), traces.Refused)
		}
	}
}

func TestSpanWithoutTimestampBeginsWithItsFirstAnnotation(t *testing.T) {
	traces, err := DecodeJSON([]byte(`[{"traceId":"1","id":"3","annotations":[{"timestamp":1795600800000007,"value":"b"},{"timestamp":1795600800000000,"value":"a"}]}]`), nil)
	if err != nil || traces.Spans[0].StartNanos != 1795600800000000000 {
		t.Errorf("%+v, %v", traces, err)
	}
}

func FuzzDecodeJSON(f *testing.F) {
	for _, name := range []string{"testdata/skew.json", "testdata/yelp.json"} {
		body, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Add([]byte(`[{"traceId":"1","id":"2","binaryAnnotations":[]}]`))
	f.Add([]byte(`[{"traceId":"1","id":"2","kind":"client","timestamp":9e18,"duration":9e18}]`))
	f.Add([]byte(`[{"traceId":"1","id":"2","tags":{"otlp.link.0":"0102030405060708090a0b0c0d0e0f10|0102030405060708||{}|0","otel.status_code":"ERROR"},` +
		`"annotations":[{"timestamp":1,"value":"a|{\"b\":1}|0"},{"timestamp":2,"value":"\"a\": {\"b\":[1]}"}]}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		traces, err := DecodeJSON(body, nil)
		if err != nil {
			return
		}
		for i := range traces.Spans {
			if traces.Spans[i].Resource == nil || traces.Spans[i].Scope == nil {
				t.Fatal("a span without resource or scope")
			}
		}
	})
}
