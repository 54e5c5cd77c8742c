package ingest

import (
	"strings"
	"testing"

	"github.com/plaithq/plait"
)

func TestSeverityIsFoundInText(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]plait.SeverityNumber{
		// what loggers write
		"16:48:42.407 INFO  t.s.TravelServiceImpl#518 [getRoute] Route is: x":                 9,
		"2026-11-25 10:00:00,001 ERROR basket is gone":                                        17,
		"2026-11-25T10:00:00.000Z  INFO 12345 --- [main] c.e.App : started":                   9,
		"2026-11-25 10:00:00.001  WARN [shop,f1e1d058abcdef01,a1b2c3d4008e39b1,true] 7 --- x": 13,
		"10:00:00.000 [main] DEBUG com.foo - warming up":                                      5,
		"2026-11-25 10:00:00 [http-nio-8080-exec-1] WARN  c.f.B - slow":                       13,
		"WARNING:root:low on space":                                                           13,
		"2026-11-25 10:00:00,001 - myapp.db - ERROR - no answer":                              17,
		"2026-11-25 10:00:00,001 - myapp - CRITICAL - no answer":                              21,
		"2026-11-25 10:00:00.000 | SUCCESS  | app:main:12 - done":                             0,
		"2026-11-25 10:00:00.000 | WARNING  | app:main:12 - done":                             13,
		"[2026-11-25T10:00:00Z INFO  stock::db] row":                                          9,
		"[2026-11-25 10:00:00 +0000] [7] [INFO] Starting":                                     9,
		"[2026-11-25 10:00:00,000: WARNING/MainProcess] late":                                 13,
		"INFO:     127.0.0.1:1234 - \"GET / HTTP/1.1\" 200 OK":                                9,
		"warn: Shop.Basket[14]\n      basket is stale":                                        13,
		"fail: Shop.Basket[15]\n      no":                                                     17,
		"[10:00:00 INF] started":                                                              9,
		"10:00AM WRN slow row":                                                                13,
		"2026-11-25T10:00:00.000Z\tinfo\tcontroller\tstarted":                                 9,
		"INFO[0000] started":                                                                  9,
		`time="2026-11-25T10:00:00Z" level=warning msg="slow"`:                                13,
		`ts=1 caller=a.go:1 lvl=eror msg=x`:                                                   17,
		"2026/11/25 10:00:00 [error] 31#31: *1 upstream timed out":                            17,
		"2026/11/25 10:00:00 [emerg] 1#1: bind() failed":                                      21,
		"[Wed Nov 25 10:00:00.000000 2026] [core:error] [pid 1:tid 2] AH0: x":                 17,
		"[Wed Nov 25 10:00:00 2026] [notice] Apache configured":                               10,
		"10:00:00.000 [info] GET /":                                                           9,
		"10:00:00.000 request_id=F1 [warning] slow":                                           13,
		"=ERROR REPORT==== 25-Nov-2026::10:00:00 ===":                                         17,
		"[WARNING] 329/100000 (123) : down":                                                   13,
		"2026-11-25T10:00:00.000000Z 0 [Warning] [MY-010068] [Server] CA":                     13,
		"2026-11-25 10:00:00.000 UTC [123] LOG:  database system is ready":                    9,
		"2026-11-25 10:00:00.000 UTC [123] PANIC:  could not write":                           19,
		"2026-11-25 10:00:00.000 UTC [123] app@shop DETAIL:  Key exists":                      9,
		"[2026-11-25 10:00:00,001] INFO started (kafka.server.KafkaServer)":                   9,
		"2026-11-25 10:00:00,001 [myid:1] - INFO  [main:Foo@12] - started":                    9,
		"26/11/25 10:00:00 INFO util.Native: loaded":                                          9,
		"25-Nov-2026 10:00:00.001 SEVERE [main] org.apache.X no":                              17,
		"Nov 25, 2026 10:00:00 AM com.foo.Bar start\nSEVERE: no":                              17,
		"2026-11-25T10:00:00.000Z [INFO]  agent: started":                                     9,
		"[2026-11-25 10:00:00.000][12][warning][main] [source/server.cc:1] x":                 13,
		"2026-11-25T10:00:00.000000000Z stderr F ERROR no":                                    17,
		"web_1  | ERROR no": 17,
		"I1125 10:00:00.000001   12345 file.go:12] started":                                          9,
		"E1125 10:00:00.000001   12345 file.go:12] no":                                               17,
		"11-25 10:00:00.001  1234  5678 W ActivityManager: slow":                                     13,
		"W, [2026-11-25T10:00:00.000001 #12]  WARN -- : slow":                                        13,
		"<34>Oct 11 22:14:15 host su: failed":                                                        18,
		"<165>1 2026-11-25T10:00:00Z host app - - - x":                                               10,
		"\x1b[2m2026-11-25T10:00:00.000001Z\x1b[0m \x1b[33m WARN\x1b[0m \x1b[1mrequest\x1b[0m: slow": 13,
		"\x1b[31mERROR\x1b[0m no":                                                                    17,
		"error: no such table":                                                                       17,
		"Error: connect ECONNREFUSED":                                                                17,
		"DEBUG 17":                                                                                   5,

		// what messages say
		"":                         0,
		"error occurred":           0,
		"an ERROR occurred":        0,
		"no error: all is well":    0,
		"information about orders": 0,
		"Alert the team":           0,
		"Fatal flaw found":         0,
		"log: written":             0,
		"Note: nothing":            0,
		"fine":                     0,
		"I am here":                0,
		"level=high water":         0,
		"water_level=critical":     0,
		"paid 10 EUR":              0,
		"GET /error 200":           0,
		"<b>bold</b>":              0,
		"10 warnings":              0,
		"2026-11-25 10:00:00 user logged an ERROR": 0,
		"System started":     0,
		"STATEMENT was sent": 0,
		"E = mc2":            0,
	} {
		r := plait.LogRecord{Body: plait.StringValue(line)}
		if findSeverity(&r); r.Severity != want {
			t.Errorf("%q: got %d, want %d", line, r.Severity, want)
		}
	}
}

func TestSeverityIsFoundInJSON(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]plait.SeverityNumber{
		`{"level":30,"time":1,"msg":"x"}`:                                       9,
		`{"level":"50","msg":"x"}`:                                              17,
		`{"name":"bunyan","level":60,"v":0}`:                                    21,
		`{"level":35,"msg":"between"}`:                                          11,
		`{"level":"info","ts":1,"msg":"x"}`:                                     9,
		`{"level":"dpanic","msg":"x"}`:                                          18,
		`{"time":"t","level":"INFO+2","msg":"x"}`:                               11,
		`{"severity":"NOTICE","message":"x"}`:                                   10,
		`{"severity":500,"message":"x"}`:                                        17,
		`{"severity":"DEFAULT"}`:                                                0,
		`{"levelname":"CRITICAL","levelno":50}`:                                 21,
		`{"levelno":30,"msg":"x"}`:                                              13,
		`{"@t":"t","@mt":"x","@l":"Warning"}`:                                   13,
		`{"@t":"t","@mt":"x"}`:                                                  9,
		`{"log.level":"WARN","message":"x"}`:                                    13,
		`{"log":{"level":"error","logger":"a"},"message":"x"}`:                  17,
		`{"LogLevel":"Warning","Category":"Shop","Message":"x"}`:                13,
		`{"@level":"trace","@message":"x"}`:                                     1,
		`{"lvl":"eror"}`:                                                        17,
		`{"level_name":"NOTICE","level":250,"channel":"app"}`:                   10,
		`{"level":250,"channel":"app"}`:                                         10,
		`{"level":"FINEST"}`:                                                    1,
		`{"version":"1.1","host":"h","short_message":"x","level":3}`:            17,
		`{"MESSAGE":"x","PRIORITY":"4"}`:                                        13,
		`{"error_severity":"PANIC","message":"x"}`:                              19,
		`{"level_value":40000}`:                                                 17,
		`{"severityLevel":3,"message":"x"}`:                                     17,
		`{"text":"x","record":{"level":{"icon":"i","name":"WARNING","no":30}}}`: 13,
		`{"log":"{\"level\":\"warn\",\"msg\":\"x\"}\n","stream":"stdout"}`:      13,
		`{"log":"2026-11-25 10:00:00 ERROR no\n","stream":"stderr"}`:            17,
		`{"message":"{\"severity\":\"ERROR\"}"}`:                                17,
		`{"SeverityText":"WARN2"}`:                                              14,
		`{"SeverityNumber":18,"SeverityText":"x"}`:                              18,
		`{"fields":{"level":"error"}}`:                                          17,
		`{"level":"info","nested":{"level":"fatal"}}`:                           9,
		`{"msg":"ERROR in text"}`:                                               0,
		`{"order":{"level":"error"}}`:                                           0,
		`{"level":"high","severity":"low"}`:                                     0,
		`{"level":null}`:                                                        0,
		`{"a":[{"level":"error"}]}`:                                             0,
		`{"level":"error"`:                                                      17,
		`{"level":"err`:                                                         0,
		`2026-11-25T10:00:00.000Z stdout F {"level":"warn"}`:                    13,
	} {
		bodies := []plait.Value{plait.StringValue(body)}
		if strings.HasSuffix(body, "}") && strings.HasPrefix(body, "{") {
			bodies = append(bodies, plait.MapValue(body))
		}
		for _, b := range bodies {
			r := plait.LogRecord{Body: b}
			if findSeverity(&r); r.Severity != want {
				t.Errorf("%s: got %d, want %d", body, r.Severity, want)
			}
		}
	}
}

func TestSeverityIsFoundInAttributes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		key   string
		value plait.Value
		want  plait.SeverityNumber
	}{
		{"level", plait.StringValue("WARN"), 13},
		{"level", plait.IntValue(40), 13},
		{"level", plait.DoubleValue(40), 13},
		{"log.level", plait.StringValue("error"), 17},
		{"log", plait.MapValue(`{"level":"error"}`), 17},
		{"PRIORITY", plait.StringValue("3"), 17},
		{"_level", plait.IntValue(4), 13},
		{"syslog.severity", plait.IntValue(2), 18},
		{"log.syslog.severity.name", plait.StringValue("notice"), 10},
		{"levelno", plait.IntValue(20), 9},
		{"detected_level", plait.StringValue("info"), 9},
		{"game.level", plait.StringValue("error"), 0},
		{"level", plait.StringValue("12"), 1},
		{"level", plait.BoolValue(true), 0},
		{"error", plait.StringValue("error"), 0},
	} {
		r := plait.LogRecord{Attributes: plait.Attributes{{Key: test.key, Value: test.value}}, Body: plait.StringValue("DEBUG text")}
		want := test.want
		if want == 0 {
			want = 5 // the body's
		}
		if findSeverity(&r); r.Severity != want {
			t.Errorf("%s=%s: got %d, want %d", test.key, test.value.Text(), r.Severity, want)
		}
	}
}

func TestSeverityOfARecordIsNotReplaced(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		record plait.LogRecord
		want   plait.SeverityNumber
	}{
		{plait.LogRecord{SeverityText: "WARN2", Body: plait.StringValue("ERROR x")}, 14},
		{plait.LogRecord{SeverityText: "30", Body: plait.StringValue("ERROR x")}, 9},
		{plait.LogRecord{SeverityText: "6", Body: plait.StringValue("ERROR x")}, 9},
		{plait.LogRecord{SeverityText: "custom", Body: plait.StringValue("ERROR x")}, 17},
		{plait.LogRecord{Severity: 3, SeverityText: "FATAL", Body: plait.StringValue("ERROR x")}, 3},
	} {
		r := test.record
		cleaner, _ := newTestCleaner(t)
		b := plait.Logs{Records: []plait.LogRecord{r}}
		cleaner.cleanLogs(&b)
		if got := b.Records[0]; got.Severity != test.want || got.SeverityText != r.SeverityText {
			t.Errorf("%d %q: got %d %q, want %d", r.Severity, r.SeverityText, got.Severity, got.SeverityText, test.want)
		}
	}
}

func FuzzFindSeverity(f *testing.F) {
	f.Add("level", `{"level":{"name":"INFO"}}`)
	f.Add("x", "\x1b[2m2026-11-25 10:00:00 [core:error] x")
	f.Add("log", `{"log":"{\"level\":\"warn\"`)
	f.Fuzz(func(t *testing.T, key, text string) {
		for _, r := range []plait.LogRecord{
			{SeverityText: text, Attributes: plait.Attributes{{Key: key, Value: plait.StringValue(text)}}, Body: plait.StringValue(text)},
			{Attributes: plait.Attributes{{Key: key, Value: plait.MapValue(text)}}, Body: plait.MapValue(text)},
			{Body: plait.StringValue(text)},
		} {
			if findSeverity(&r); r.Severity > 24 {
				t.Errorf("severity %d", r.Severity)
			}
		}
	})
}

func BenchmarkFindSeverity(b *testing.B) {
	for name, body := range map[string]string{
		"text":  "16:48:42.407 INFO  t.s.TravelServiceImpl#518 [getRoute] Route is: x",
		"prose": "order 4711 paid by customer 17 with card ending 0042 after 3 attempts in 182 ms",
		"json":  `{"ts":"2026-11-21T10:00:00Z","caller":"pay.go:17","msg":"paid","order":4711,"user":{"id":"u-17"},"level":"info"}`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := plait.LogRecord{Body: plait.StringValue(body)}
				findSeverity(&r)
			}
		})
	}
}
