package canonical_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/canonical"
)

// everyKind has a value of every kind, with its canonical JSON.
var everyKind = []struct {
	name  string
	value plait.Value
	json  string
	text  string
}{
	{"empty", plait.Value{}, `null`, ``},
	{"string", plait.StringValue("a"), `"a"`, `a`},
	{"empty string", plait.StringValue(""), `""`, ``},
	{"escapes", plait.StringValue("\"\\\n\t\r\x01/é\U0001F600"), "\"\\\"\\\\\\n\\t\\r\\u0001/é\U0001F600\"", "\"\\\n\t\r\x01/é\U0001F600"},
	{"true", plait.BoolValue(true), `true`, `true`},
	{"false", plait.BoolValue(false), `false`, `false`},
	{"int", plait.IntValue(42), `42`, `42`},
	{"zero", plait.IntValue(0), `0`, `0`},
	{"least int", plait.IntValue(math.MinInt64), `-9223372036854775808`, `-9223372036854775808`},
	{"whole double", plait.DoubleValue(42), `42.0`, `42.0`},
	{"double", plait.DoubleValue(-0.125), `-0.125`, `-0.125`},
	{"large double", plait.DoubleValue(1e300), `1e+300`, `1e+300`},
	{"small double", plait.DoubleValue(5e-324), `5e-324`, `5e-324`},
	{"negative zero", plait.DoubleValue(math.Copysign(0, -1)), `-0.0`, `-0.0`},
	{"infinity", plait.DoubleValue(math.Inf(1)), `{"$double":"Infinity"}`, `{"$double":"Infinity"}`},
	{"negative infinity", plait.DoubleValue(math.Inf(-1)), `{"$double":"-Infinity"}`, `{"$double":"-Infinity"}`},
	{"bytes", plait.BytesValue("\x00\xff"), `{"$bytes":"AP8="}`, `{"$bytes":"AP8="}`},
	{"no bytes", plait.BytesValue(""), `{"$bytes":""}`, `{"$bytes":""}`},
	{"array", plait.ArrayValue(`[1,"]",[null]]`), `[1,"]",[null]]`, `[1,"]",[null]]`},
	{"map", plait.MapValue(`{"a":{"$$bytes":"x"}}`), `{"a":{"$$bytes":"x"}}`, `{"a":{"$$bytes":"x"}}`},
	{"empty map", plait.MapValue(`{}`), `{}`, `{}`},
}

var equalAttributes = cmp.Comparer(func(a, b plait.Value) bool { return a == b })

func TestValuesOfEveryKindReadBackTheSame(t *testing.T) {
	t.Parallel()
	for _, tt := range everyKind {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := string(tt.value.AppendJSON(nil)); got != tt.json {
				t.Errorf("AppendJSON = %s, want %s", got, tt.json)
			}
			if got := tt.value.Text(); got != tt.text {
				t.Errorf("Text = %s, want %s", got, tt.text)
			}
			got, err := canonical.ParseValue(tt.json)
			if err != nil || got != tt.value {
				t.Errorf("ParseValue(%s) = %#v, %v, want %#v", tt.json, got, err, tt.value)
			}
			in := plait.Attributes{{Key: "before", Value: plait.IntValue(1)}, {Key: tt.name, Value: tt.value}, {Key: "", Value: tt.value}}
			out, err := canonical.ParseAttributes(string(in.AppendJSON(nil)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(in, out, equalAttributes); diff != "" {
				t.Errorf("attributes changed (-written +read):\n%s", diff)
			}
		})
	}
}

func TestNaNReadsBackAsNaN(t *testing.T) {
	t.Parallel()
	v, err := canonical.ParseValue(string(plait.DoubleValue(math.NaN()).AppendJSON(nil)))
	if err != nil || v.Kind() != plait.KindDouble || !math.IsNaN(v.Double()) {
		t.Errorf("got %v, %v", v, err)
	}
}

func TestNULAndInvalidUTF8BecomeReplacementCharacters(t *testing.T) {
	t.Parallel()
	got, err := canonical.ParseAttributes(string(plait.Attributes{{Key: "a\x00\xff", Value: plait.StringValue("\xc3\x28\x00")}}.AppendJSON(nil)))
	want := plait.Attributes{{Key: "a\ufffd\ufffd", Value: plait.StringValue("\ufffd(\ufffd")}}
	if err != nil || !cmp.Equal(got, want, equalAttributes) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestBadAttributeJSONIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		` `, `[]`, `null`, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{"a":1}x`, `{"a" 1}`, `{a:1}`, `{"a":"}`,
		`{"a":01}`, `{"a":1.}`, `{"a":.5}`, `{"a":-}`, `{"a":1e}`, `{"a":+1}`, `{"a":1_0}`, `{"a":9223372036854775808}`, `{"a":1e999}`,
		`{"a":nul}`, `{"a":[}`, `{"a":[1}`, `{"a":[1,]}`, `{"a":{"$bytes":"?"}}`, `{"a":{"$double":"x"}}`, "{\"a\":\"\n\"}", `{"a":"\x"}`,
	} {
		if got, err := canonical.ParseAttributes(text); err == nil {
			t.Errorf("ParseAttributes(%s) = %v, want an error", text, got)
		}
	}
}

func FuzzParseAttributes(f *testing.F) {
	for _, tt := range everyKind {
		f.Add(`{"k":` + tt.json + `,"$":` + tt.json + "}")
	}
	f.Add(`{ "a" : [ 1 , {"b":"\u0041"} ] , "a" : -1.5e+3 }`)
	f.Fuzz(func(t *testing.T, text string) {
		a, err := canonical.ParseAttributes(text)
		if err != nil {
			return
		}
		if text != "" && !json.Valid([]byte(text)) {
			t.Fatalf("%q was read as %v and is no JSON", text, a)
		}
		written := string(a.Unique().AppendJSON(nil))
		again, err := canonical.ParseAttributes(written)
		if err != nil {
			t.Fatalf("%q was written as %q, which does not read back: %v", text, written, err)
		}
		if got := string(again.AppendJSON(nil)); got != written {
			t.Fatalf("%q was written as %q and then as %q", text, written, got)
		}
	})
}

func FuzzAppendJSON(f *testing.F) {
	f.Add("k", "v", int64(1), 1.5, []byte{0})
	f.Add("", "\x00\xff\"", int64(math.MinInt64), math.Inf(-1), []byte(nil))
	f.Fuzz(func(t *testing.T, key, s string, i int64, d float64, b []byte) {
		in := plait.Attributes{
			{Key: key, Value: plait.StringValue(s)},
			{Key: key + "i", Value: plait.IntValue(i)},
			{Key: key + "d", Value: plait.DoubleValue(d)},
			{Key: key + "b", Value: plait.BytesValue(string(b))},
			{Key: s, Value: plait.BoolValue(i > 0)},
		}
		text := string(in.AppendJSON(nil))
		if !json.Valid([]byte(text)) || !utf8.ValidString(text) || strings.Contains(text, `\u0000`) {
			t.Fatalf("%q is not canonical", text)
		}
		out, err := canonical.ParseAttributes(text)
		if err != nil {
			t.Fatal(err)
		}
		if want := in.Unique(); len(out) != len(want) {
			t.Fatalf("%q has %d attributes, want %d", text, len(out), len(want))
		}
		for j, a := range in.Unique() {
			same := out[j].Value == a.Value ||
				a.Value.Kind() == plait.KindDouble && math.IsNaN(d) && math.IsNaN(out[j].Value.Double()) ||
				a.Value.Kind() == plait.KindString && (!utf8.ValidString(s) || strings.Contains(s, "\x00"))
			if !same {
				t.Fatalf("attribute %d of %q reads %v, want %v", j, text, out[j].Value, a.Value)
			}
		}
	})
}

func BenchmarkParseAttributes(b *testing.B) {
	text := `{"http.request.method":"GET","url.path":"/api/orders/42","http.response.status_code":200,"server.address":"orders","retry":false,"ratio":0.5}`
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := canonical.ParseAttributes(text); err != nil {
			b.Fatal(err)
		}
	}
}
