package jsonlines_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/canonical"
	"github.com/plaithq/plait/wire/jsonlines"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// written is a record in one line.
func written(r *plait.LogRecord) string {
	level := r.SeverityText
	if r.Severity != 0 {
		level = r.Severity.String()
	}
	service := ""
	if len(r.Resource.Attributes) > 0 {
		service = r.Resource.Service()
	}
	return fmt.Sprintf("%d|%s|%s|%s|%s", r.TimeNanos, service, level, r.Body.Text(), r.Attributes.AppendJSON(nil))
}

func TestLinesOfLoggersAreUnderstood(t *testing.T) {
	t.Parallel()
	const at = "1700000000123456789"
	for name, tt := range map[string]struct{ line, want string }{
		"zap":                        {`{"level":"info","ts":1700000000.123456,"caller":"a.go:1","msg":"paid","order":17}`, `1700000000123456000||info|paid|{"caller":"a.go:1","order":17}`},
		"zerolog":                    {`{"level":"warn","time":1700000000,"message":"paid","n":1.5}`, `1700000000000000000||warn|paid|{"n":1.5}`},
		"slog":                       {`{"time":"2023-11-14T22:13:20.123456789Z","level":"ERROR","msg":"paid","user":{"id":5}}`, at + `||ERROR|paid|{"user":{"id":5}}`},
		"logrus":                     {`{"level":"warning","msg":"paid","time":"2023-11-14T22:13:20Z"}`, `1700000000000000000||warning|paid|{}`},
		"pino":                       {`{"level":30,"time":1700000000123,"pid":1,"hostname":"h","msg":"paid"}`, `1700000000123000000|||paid|{"level":30,"pid":1,"hostname":"h"}`},
		"Bunyan":                     {`{"name":"cart","hostname":"h","pid":1,"level":30,"msg":"paid","time":"2023-11-14T22:13:20.123Z","v":0}`, `1700000000123000000|cart||paid|{"name":"cart","hostname":"h","pid":1,"level":30,"v":0}`},
		"Winston":                    {`{"level":"info","message":"paid","service":"cart","timestamp":"2023-11-14T22:13:20.123Z"}`, `1700000000123000000|cart|info|paid|{}`},
		"Python":                     {`{"asctime":"2023-11-14 22:13:20,123","levelname":"INFO","message":"paid","name":"root"}`, `1700000000123000000||INFO|paid|{"name":"root"}`},
		"structlog":                  {`{"event":"paid","level":"info","timestamp":"2023-11-14T22:13:20.123456Z"}`, `1700000000123456000||info|paid|{}`},
		"Logback":                    {`{"@timestamp":"2023-11-14T22:13:20.123+0000","@version":"1","message":"paid","logger_name":"a.B","level":"INFO","level_value":20000}`, `1700000000123000000||INFO|paid|{"@version":"1","logger_name":"a.B","level_value":20000}`},
		"Log4j":                      {`{"instant":{"epochSecond":1700000000,"nanoOfSecond":123456789},"level":"INFO","message":"paid"}`, at + `||INFO|paid|{}`},
		"ECS":                        {`{"@timestamp":"2023-11-14T22:13:20.123Z","log.level":"error","message":"paid","service.name":"cart","trace.id":"x"}`, `1700000000123000000|cart|error|paid|{"trace.id":"x"}`},
		"ECS nested":                 {`{"@timestamp":"2023-11-14T22:13:20.123Z","log":{"level":"error"},"message":"paid","service":{"name":"cart","version":"1"}}`, `1700000000123000000|cart||paid|{"log":{"level":"error"},"service":{"name":"cart","version":"1"}}`},
		"pino with Datadog's ids":    {`{"level":30,"time":1700000000123,"msg":"paid","dd":{"trace_id":"1","service":"cart"}}`, `1700000000123000000|cart||paid|{"level":30,"dd":{"trace_id":"1","service":"cart"}}`},
		"Serilog with Datadog's ids": {`{"@t":"2023-11-14T22:13:20.1234567Z","@m":"paid","dd_service":"cart","dd_trace_id":"1"}`, `1700000000123456700|cart|INFO|paid|{"dd_trace_id":"1"}`},
		"a dd that is none":          {`{"msg":"paid","app":"cart","dd":"x"}`, `0|cart||paid|{"dd":"x"}`},
		"Serilog":                    {`{"@t":"2023-11-14T22:13:20.1234567Z","@mt":"paid {Order}","Order":17}`, `1700000000123456700||INFO|paid {Order}|{"Order":17}`},
		"Serilog with a level":       {`{"@t":"2023-11-14T22:13:20.1234567Z","@m":"paid","@l":"Warning"}`, `1700000000123456700||Warning|paid|{}`},
		"Docker":                     {`{"log":"paid\n","stream":"stderr","time":"2023-11-14T22:13:20.123456789Z"}`, at + `|||paid|{"log.iostream":"stderr"}`},
		"JSON in Docker":             {`{"log":"{\"level\":\"info\",\"msg\":\"paid\"}\n","stream":"stdout","time":"2023-11-14T22:13:20.123456789Z"}`, at + `||info|paid|{"log.iostream":"stdout"}`},
		"CRI":                        {`2023-11-14T22:13:20.123456789Z stdout F level=info msg=paid`, at + `|||level=info msg=paid|{"log.iostream":"stdout"}`},
		"JSON in CRI":                {`2023-11-14T23:13:20.123456789+01:00 stderr F {"level":"error","msg":"paid","service":"cart"}`, at + `|cart|error|paid|{"log.iostream":"stderr"}`},
		"journald":                   {`{"__REALTIME_TIMESTAMP":"1700000000123456","MESSAGE":"paid","PRIORITY":"6","SYSLOG_IDENTIFIER":"cart"}`, `1700000000123456000|cart||paid|{"PRIORITY":"6"}`},
		"VictoriaLogs":               {`{"_time":"2023-11-14T22:13:20.123456789Z","_msg":"x","msg":"paid"}`, at + `|||paid|{"_msg":"x"}`},
		"small letters in a time":    {`{"time":"2023-11-14t22:13:20.123456789z","msg":"paid"}`, at + `|||paid|{}`},
		"minutes":                    {`{"time":"2023-11-14T22:13Z","msg":"paid"}`, `1699999980000000000|||paid|{}`},
		"ISO 8601's basic form":      {`{"time":"20231114T221320.123456789+0000","msg":"paid"}`, at + `|||paid|{}`},
		"a comma behind":             {`{"msg":"paid"},`, `0|||paid|{}`},
		"logfmt":                     {`level=info msg=paid`, `0|||level=info msg=paid|{}`},
		"no message":                 {`{"level":"info","order":17}`, `0||info|{"level":"info","order":17}|{}`},
		"a message that is no text":  {`{"message":{"a":1}}`, `0|||{"message":{"a":1}}|{}`},
		"broken JSON":                {`{"msg":"pa`, `0|||{"msg":"pa|{}`},
		"something behind it":        {`{"msg":"a"} x`, `0|||{"msg":"a"} x|{}`},
		"values of all types":        {`{"msg":"a","t1":true,"n":null,"l":[1,"x",{"$a":0.5}],"big":1e999,"far":123456789012345678901}`, `0|||a|{"t1":true,"n":null,"l":[1,"x",{"$$a":0.5}],"big":"1e999","far":123456789012345680000.0}`},
	} {
		got, err := jsonlines.Decode([]byte(tt.line+"\n"), nil)
		if err != nil || len(got.Records) != 1 {
			t.Errorf("%s: %v, %v", name, got, err)
			continue
		}
		if diff := cmp.Diff(tt.want, written(&got.Records[0])); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestBodiesAreLinesOrAnArrayOrAnObject(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"a\n\n  \r\nb\r\nc":                                       "a b c",
		`[{"msg":"a"}, {"msg":"b"}]`:                              "a b",
		"{\n \"msg\": \"a\"\n}\n":                                 "a",
		"{\"msg\":\"a\"}\n{\"msg\":\"b\"}":                        "a b",
		"{\n \"msg\": \"a\"\n}\n{\n}\n{ \"msg\":\n\"b\" }":        "a {\n} b",
		"{\n \"msg\": \"a\"\n} x\n":                               "{  \"msg\": \"a\" } x",
		`{"msg":"a"}{"msg":"b"} {"msg":"c"}, {"msg":"d"},` + "\n": "a b c d",
		`{"msg":"a}{"}{"msg":"b"}` + "\r\n" + `{"msg":"c {}{}"}`:  "a}{ b c {}{}",
		`{"msg":"a"}{"msg":"b"} x`:                                `{"msg":"a"}{"msg":"b"} x`,
		`{"msg":"a"}{"msg":"b`:                                    `{"msg":"a"}{"msg":"b`,
		"\ufeff" + `{"msg":"a"}`:                                  "a",
		"\ufeff" + `[{"msg":"a"}]`:                                "a",
		"[2023] text\n[x]":                                        "[2023] text [x]",
		"":                                                        "",
	} {
		got, err := jsonlines.Decode([]byte(body), nil)
		if err != nil {
			t.Fatal(err)
		}
		var bodies []string
		for _, r := range got.Records {
			bodies = append(bodies, r.Body.Text())
		}
		if all := strings.Join(bodies, " "); all != want {
			t.Errorf("%q became %q", body, all)
		}
	}
}

func TestServicesNestingAndMemoryAreBounded(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 5_000 {
		fmt.Fprintf(&b, `{"msg":"a","service":"s%d"}`+"\n", i)
	}
	fmt.Fprintf(&b, `{"msg":"a","deep":%s%s}`+"\n", strings.Repeat(`[`, 10_000), strings.Repeat(`]`, 10_000))
	got, err := jsonlines.Decode([]byte(b.String()), nil)
	if err != nil {
		t.Fatal(err)
	}
	resources := map[*plait.Resource]bool{}
	for _, r := range got.Records {
		resources[r.Resource] = true
	}
	if len(got.Records) != 5_001 || len(resources) > 1_100 {
		t.Errorf("%d records of %d resources", len(got.Records), len(resources))
	}
	if deep := got.Records[5_000].Attributes[0].Value.Str(); len(deep) > 300 || !strings.Contains(deep, "…") {
		t.Errorf("%d bytes of a deep value", len(deep))
	}
	refuse, asked := errors.New("no"), int64(0)
	_, err = jsonlines.Decode([]byte(b.String()), func(n int64) error {
		if asked += n; asked > 100<<10 {
			return refuse
		}
		return nil
	})
	if !errors.Is(err, refuse) || asked > 1<<20 {
		t.Errorf("%v after %d bytes", err, asked)
	}
}

func FuzzDecode(f *testing.F) {
	for _, line := range []string{`{"msg":"a","x":[1,{"$y":2}]}`, "2023-11-14T22:13:20.1Z stdout F {}", `{"log":"x","stream":"stdout","time":"2023-11-14T22:13:20Z"}`, `[{"a":1}]`, "x\ny"} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := jsonlines.Decode(body, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range got.Records {
			if _, err := canonical.ParseAttributes(string(r.Attributes.AppendJSON(nil))); err != nil {
				t.Errorf("%s: %v", r.Attributes.AppendJSON(nil), err)
			}
		}
	})
}
