package zipkin

import (
	"fmt"
	"strings"
	"testing"

	"github.com/plaithq/plait"
)

// outline is spans in a line each: kind, service, start and duration in microseconds after the first, and what else they have.
func outline(spans []plait.Span) string {
	var b strings.Builder
	for i := range spans {
		s := &spans[i]
		fmt.Fprintf(&b, "%s %s +%d %d %s", s.Kind, s.Resource.Service(), (s.StartNanos-spans[0].StartNanos)/1000, s.DurationNanos()/1000, s.Attributes.AppendJSON(nil))
		for _, e := range s.Events {
			b.WriteString(" " + e.Name)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestVersion1BecomesVersion2(t *testing.T) {
	t.Parallel()
	const (
		web = `"endpoint":{"serviceName":"web","ipv4":"10.0.0.1","port":80}`
		app = `"endpoint":{"serviceName":"app","ipv4":"10.0.0.2"}`
	)
	note := func(at int, value, endpoint string) string {
		return fmt.Sprintf(`{"timestamp":%d,"value":%q,%s}`, 1_700_000_000_000_000+at, value, endpoint)
	}
	for name, c := range map[string]struct {
		times, annotations, binary string
		want                       string
	}{
		"a client": {`"timestamp":1700000000000000,"duration":90,`, note(0, "cs", web) + "," + note(90, "cr", web), `{"key":"http.path","value":"/","endpoint":` + web[len(`"endpoint":`):] + `}`,
			"client web +0 90 {\"http.path\":\"/\"}\n"},
		"a client without times of its own": {``, note(0, "cs", web) + "," + note(5, "retry", web) + "," + note(90, "cr", web), ``,
			"client web +0 90 {} retry\n"},
		"a server that goes on with its client's span": {``, note(20, "sr", app) + "," + note(70, "ss", app), `{"key":"ca","value":true,"endpoint":{"ipv4":"10.0.0.9","port":99}}`,
			"server app +0 50 {\"network.peer.address\":\"10.0.0.9\",\"network.peer.port\":99,\"zipkin.shared\":true}\n"},
		"a server that began its span": {`"timestamp":1700000000000020,"duration":50,`, note(20, "sr", app) + "," + note(70, "ss", app), ``,
			"server app +0 50 {}\n"},
		"both sides in one": {`"timestamp":1700000000000000,"duration":90,`,
			note(0, "cs", web) + "," + note(20, "sr", app) + "," + note(30, "locked", app) + "," + note(70, "ss", app) + "," + note(90, "cr", web),
			`{"key":"a","value":"web's",` + web + `},{"key":"b","value":7,` + app + `},{"key":"error","value":"late",` + app + `}`,
			"client web +0 90 {\"a\":\"web's\"}\nserver app +20 50 {\"b\":\"7\",\"error\":\"late\",\"zipkin.shared\":true} locked\n"},
		"a server that is written before its client": {``,
			note(20, "sr", app) + "," + note(70, "ss", app) + "," + note(0, "cs", web) + "," + note(90, "cr", web), ``,
			"client web +0 90 {}\nserver app +20 50 {\"zipkin.shared\":true}\n"},
		"a message": {``, note(0, "ms", web), `{"key":"ma","value":true,"endpoint":{"serviceName":"kafka"}}`,
			"producer web +0 0 {\"peer.service\":\"kafka\"}\n"},
		"a message that came": {``, note(0, "mr", app), ``, "consumer app +0 0 {}\n"},
		"a local span": {`"timestamp":1700000000000000,"duration":3,`, ``, `{"key":"lc","value":"parser",` + app + `}`,
			"internal app +0 3 {\"lc\":\"parser\"}\n"},
		"a call of a database, by its address alone": {`"timestamp":1700000000000000,"duration":3,`, ``, `{"key":"sa","value":true,"endpoint":{"serviceName":"mysql"}},{"key":"q","value":"1",` + app + `}`,
			"client app +0 3 {\"q\":\"1\",\"peer.service\":\"mysql\"}\n"},
		"an address that is a text": {`"timestamp":1700000000000000,`, ``, `{"key":"sa","value":"true",` + app + `}`,
			"internal app +0 0 {\"sa\":\"true\"}\n"},
		"an end before its start": {``, note(90, "cs", web) + "," + note(0, "cr", web), ``, "client web +0 0 {}\n"},
	} {
		body := `[{"traceId":"48485a3953bb6124","id":"6b221d5bc9e6496c","name":"get",` + c.times + `"annotations":[` + c.annotations + `],"binaryAnnotations":[` + c.binary + `]}]`
		traces, err := DecodeJSON([]byte(body), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := outline(traces.Spans); got != c.want {
			t.Errorf("%s:\n%s, want\n%s", name, got, c.want)
		}
		for _, s := range traces.Spans {
			if s.SpanID.String() != "6b221d5bc9e6496c" || s.TraceID.String() != "000000000000000048485a3953bb6124" || s.Name != "get" {
				t.Errorf("%s: %+v", name, s)
			}
		}
	}
}

func TestASpanOfVersion1WithoutTimesIsRefusedAlone(t *testing.T) {
	t.Parallel()
	traces, err := DecodeJSON([]byte(`[{"traceId":"1","id":"2","name":"get","binaryAnnotations":[]},
		{"traceId":"1","id":"3","annotations":[{"timestamp":1795600800000000,"value":"sr","endpoint":{"serviceName":"a"}}]}]`), nil)
	if err != nil || len(traces.Spans) != 1 || len(traces.Refused) != 1 || !strings.Contains(traces.Refused[0].Reason, `span 0 ("get"): it has neither`) {
		t.Errorf("%+v, %v", traces, err)
	}
}
