package condition_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/plaithq/plait"
	. "github.com/plaithq/plait/query/condition"
)

func logFits(t *testing.T, name string, n Node, r *plait.LogRecord, want bool) {
	t.Helper()
	for _, n := range []Node{n, Simplify(n)} {
		c, err := CompileLogs(n)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := c.Match(r); got != want {
			t.Errorf("%s: %s is %v, want %v", name, n, got, want)
		}
	}
}

func line(body string) *plait.LogRecord { return &plait.LogRecord{Body: plait.StringValue(body)} }

// TestAttributesAreFoundByWhatTheySay asks for each value as users type it: of a record's own, in a map, and
// in a list of maps.
func TestAttributesAreFoundByWhatTheySay(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		value    plait.Value
		askedAs  []string
		butNotAs []string
	}{
		{plait.IntValue(1234567890123456789), []string{"1234567890123456789", "1234567890123456789.0", "1.234567890123456789e18"},
			[]string{"1234567890123456768", "1234567890123456790", "1.2345678901234568e18", `"1234567890123456789"`}},
		{plait.IntValue(math.MinInt64), []string{"-9223372036854775808"}, []string{"-9223372036854775807", "9223372036854775808"}},
		{plait.IntValue(1000), []string{"1000", "1e3", "1E3", "1000.0", "+1000"}, []string{"1000.5", "100", "10000", "1000x", ""}},
		{plait.IntValue(0), []string{"0", "-0", "0.0"}, []string{"", "null", "false"}},
		{plait.DoubleValue(1000), []string{"1000", "1000.0", "1e3"}, []string{"1000.1", `"1000"`}},
		{plait.DoubleValue(0.1), []string{"0.1", "1e-1", ".1", "0.10"}, []string{"0.2"}},
		{plait.DoubleValue(1234567890123456768), []string{"1234567890123456768", "1.2345678901234568e18"}, []string{"1234567890123456789"}},
		{plait.DoubleValue(math.NaN()), []string{"NaN", "nan"}, []string{"0", ""}},
		{plait.DoubleValue(math.Inf(-1)), []string{"-Infinity", "-inf"}, []string{"Infinity"}},
		{plait.BoolValue(true), []string{"true", "True"}, []string{"1", `"true"`, "false"}},
		{plait.StringValue("1"), []string{"1", `"1"`}, []string{"1.0", "01"}},
		{plait.StringValue(`say "é"/a`), []string{`say "é"/a`, `"say \"\u00e9\"\/a"`}, []string{`say \"é\"/a`, "say"}},
		{plait.Value{}, []string{"", "null"}, []string{"0"}},
		{plait.BytesValue("hi"), []string{"aGk=", `{"$bytes":"aGk="}`}, []string{"hi"}},
		{plait.ArrayValue(`["gold",7,2.0]`), []string{"gold", `"gold"`, "7", "2", "2.0", `["gold",7,2.0]`, `[ "gold", 7.0, 2 ]`}, []string{"gol", `["gold"]`, "8"}},
		{plait.MapValue(`{"a":1,"b":[true]}`), []string{`{"a":1,"b":[true]}`, `{ "b": [true], "a": 1.0 }`}, []string{`{"a":1}`, "1"}},
	} {
		json := string(tt.value.AppendJSON(nil))
		r := &plait.LogRecord{Attributes: has("own", tt.value, "in", plait.MapValue(`{"map":`+json+`,"$$own":`+json+`}`),
			"in.list", plait.ArrayValue(`[3,{"of":{"maps":`+json+`}}]`))}
		for _, key := range []string{"own", "in.map", "in.$own", "in.list.of.maps"} {
			f := Field{Name: LogAttribute, Key: key, Lookup: LookupDotted}
			for _, text := range tt.askedAs {
				logFits(t, key, equal(f, Said(text)), r, true)
			}
			for _, text := range tt.butNotAs {
				logFits(t, key, equal(f, Said(text)), r, false)
			}
		}
	}
	empty := &plait.LogRecord{Attributes: has("x", plait.Value{})}
	f := Attribute(LogAttribute, "x")
	logFits(t, "what is null says so and is not there", And{equal(f, Said("null")), Absent(f)}, empty, true)
}

func TestBodiesContainWhatTheySay(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body, text string
		fits             bool
	}{
		{"any case", `Paid 100%, "order_7"`, `pAID 100%, "ORDER_7`, true},
		{"no pattern", `Paid 100%, "order_7"`, `1__%`, false},
		{"case beyond ASCII", "ÜBER\\limit", "über", true},
		{"a backslash", "ÜBER\\limit", `r\l`, true},
		{"the empty text", "", "", true},
		{"JSON escapes", `{"msg":"say \"gold\""}`, `say "gold"`, true},
		{"JSON in JSON escapes", `{"log":"{\"msg\":\"quota \\\"gold\\\" exceeded\"}"}`, `quota "gold" exceeded`, true},
		{"written with escapes", `{"msg":"caf\u00e9\/bar"}`, `CAFÉ/bar`, true},
		{"a character beyond 16 bits, with escapes", `{"msg":"\ud83d\ude42 ok"}`, `🙂 ok`, true},
		{"quotes, with .NET's escapes", `{"msg":"\u003C\u0022it\u0027s\u0022\u003E"}`, `<"it's">`, true},
		{"NUL and what is not UTF-8, as they are kept", "a\ufffd\ufffdb", "\x00\xff", true},
		{"what it does not say", "quota exceeded", "quote", false},
		{"longer than the body", "ab", "abc", false},
		{"a sign that folds to an ASCII letter", "20 \u212a", "20 k", true}, // Kelvin
		{"it begins again within what it began with", "aaab", "aab", true},
	} {
		logFits(t, tt.name, BodyContains(tt.text), line(tt.body), tt.fits)
	}
	structured := &plait.LogRecord{Body: plait.MapValue(`{"order":7}`)}
	logFits(t, "a map", BodyContains(`"order":7`), structured, true)
}

func TestWordsStandAlone(t *testing.T) {
	t.Parallel()
	word := func(w string) Node { return compare(Field{Name: LogBody}, OpHasWord, String(w)) }
	for body, fits := range map[string]bool{
		"user 42 paid": true, "42": true, "(42)": true, "x=42,": true, "id_42": true, "142": false, "42x": false, "4 2": false,
		"1423 42": true, "É42": false, "42é": false,
	} {
		logFits(t, body, word("42"), line(body), fits)
	}
	logFits(t, "in any case", word("ÜBER"), line("nichts über alles"), true)
}

func TestPathsLeadIntoBodiesAndAttributes(t *testing.T) {
	t.Parallel()
	body := func(path string) Field { return Field{Name: LogBody, Path: path} }
	attribute := func(path string) Field { return Field{Name: LogAttribute, Key: "order", Path: path} }
	value := plait.MapValue(`{"id":7,"items":[{"n":1},{"n":2.5}],"a/b":{"c~d":true},"$$x":"y"}`)
	r := &plait.LogRecord{Body: value, Attributes: has("order", value)}
	foreign := line(` {"id":7,"items":[{"n":1},{"n":2.5}],"a/b":{"c~d":true},"$x":"y"}`)
	for _, f := range []func(string) Field{body, attribute} {
		for path, want := range map[string]Value{"/id": Int(7), "/items/1/n": Float(2.5), "/a~1b/c~0d": Bool(true), "/$x": String("y")} {
			logFits(t, path, equal(f(path), want), r, true)
		}
		for _, path := range []string{"/ids", "/items/2", "/items/01", "/items/-1", "/items/n", "/id/x", "/", "/items/99999999999999999999"} {
			logFits(t, path, Exists(f(path)), r, false)
		}
	}
	for path, want := range map[string]Value{"/id": Int(7), "/items/1/n": Float(2.5), "/a~1b/c~0d": Bool(true), "/$x": String("y")} {
		logFits(t, "of text: "+path, equal(body(path), want), foreign, true)
	}
	for _, text := range []string{"", "  ", "plain", `{"id":`, `"id"`, "7"} {
		logFits(t, text, Exists(body("/id")), line(text), false)
	}
}

func TestFieldsOfLogRecords(t *testing.T) {
	t.Parallel()
	field := func(n Name) Field { return Field{Name: n} }
	r := &plait.LogRecord{TimeNanos: 1_000, ObservedNanos: 2_000, Severity: 17, SeverityText: "ERROR", EventName: "paid", TraceID: plait.TraceID{15: 1}, SpanID: plait.SpanID{7: 1},
		Resource: &plait.Resource{Attributes: has("service.name", "cart", "zone", "b")}, Scope: &plait.Scope{Name: "lib", Attributes: has("s", 1)}}
	bare := &plait.LogRecord{}
	for _, tt := range []struct {
		n          Node
		fits, bare bool
	}{
		{equal(field(LogTime), Time(1_000)), true, false},
		{compare(field(LogObserved), OpGreater, Time(1_000)), true, false},
		{Exists(field(LogObserved)), true, false},
		{compare(field(LogSeverity), OpGreaterOrEqual, Int(13)), true, false},
		{compare(field(LogSeverity), OpLess, Int(13)), false, false},
		{Absent(field(LogSeverity)), false, true},
		{label(field(LogSeverity), "=", "17"), true, false},
		{label(field(LogSeverityText), "=", ""), false, true},
		{equal(field(LogLevel), String("error")), true, false},
		{equal(field(LogLevel), String("unknown")), false, true},
		{label(field(LogLevel), "=~", "error|warn"), true, false},
		{label(field(LogLevel), "!=", ""), true, true},
		{equal(field(Service), String("cart")), true, false},
		{equal(field(Service), String(plait.ServiceUnknown)), false, true},
		{equal(field(LogEventName), String("paid")), true, false},
		{Exists(field(LogTraceID)), true, false},
		{equal(field(LogTraceID), OfTrace(r.TraceID)), true, false},
		{label(field(LogTraceID), "=", r.TraceID.String()), true, false},
		{label(field(LogTraceID), "!=", "a"), true, true},
		{label(field(LogSpanID), "=", ""), false, true},
		{equal(field(LogSpanID), OfSpan(r.SpanID)), true, false},
		{equal(resource("zone"), String("b")), true, false},
		{equal(Attribute(ScopeAttribute, "s"), Int(1)), true, false},
		{equal(field(ScopeName), String("lib")), true, false},
		{Exists(field(ScopeVersion)), false, false},
		{equal(field(LogBody), String("")), true, true},
	} {
		logFits(t, "a record", tt.n, r, tt.fits)
		logFits(t, "an empty record", tt.n, bare, tt.bare)
	}
}

func TestLevelsAreLokis(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		severity plait.SeverityNumber
		text     string
		level    string
	}{
		{0, "", "unknown"}, {1, "", "trace"}, {8, "", "debug"}, {9, "", "info"}, {16, "WARN4", "warn"}, {17, "err", "error"}, {24, "", "fatal"}, {25, "", "unknown"},
		{18, "crit", "critical"}, {21, "CRITICAL", "critical"}, {21, "Critical", "critical"}, {17, "criticism", "error"}, {9, "criteria", "info"},
	} {
		if got := Level(&plait.LogRecord{Severity: tt.severity, SeverityText: tt.text}); got != tt.level {
			t.Errorf("%d %q: got %s, want %s", tt.severity, tt.text, got, tt.level)
		}
	}
}

func TestExpressionsThatAreSearchedAreNotAnchored(t *testing.T) {
	t.Parallel()
	for i, tt := range []struct {
		expression, body string
		fits             bool
	}{{"ab", "cabs", true}, {"^ab", "cabs", false}, {"a.b", "a\nb", false}, {"(?s)a.b", "a\nb", true}, {"(?i)AB", "cabs", true}, {"", "", true}, {"a|b", "xbx", true}} {
		logFits(t, fmt.Sprint(i), compare(Field{Name: LogBody}, OpSearch, String(tt.expression)), line(tt.body), tt.fits)
	}
}
