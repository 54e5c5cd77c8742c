package jsonvalue

import (
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/plaithq/plait"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestValues(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 70) + strings.Repeat("]", 70)
	for text, want := range map[string]plait.Value{
		` "a\n" `:                   plait.StringValue("a\n"),
		`7`:                         plait.IntValue(7),
		`-9223372036854775808`:      plait.IntValue(-9223372036854775808),
		`9223372036854775808`:       plait.DoubleValue(9223372036854775808),
		`7.0`:                       plait.DoubleValue(7),
		`1e3`:                       plait.DoubleValue(1000),
		`1e999`:                     plait.StringValue("1e999"),
		`true`:                      plait.BoolValue(true),
		`false`:                     plait.BoolValue(false),
		`null`:                      {},
		`[ 1 , [ "x" ] , {"b":2} ]`: plait.ArrayValue(`[1,["x"],{"b":2}]`),
		`{ "a" : {} , "b":[ ] }`:    plait.MapValue(`{"a":{},"b":[]}`),
		deep:                        plait.ArrayValue(strings.Repeat("[", 64) + `"…"` + strings.Repeat("]", 64)),
	} {
		r := Of(text)
		got := r.Value()
		if r.End(); r.Err != nil || got != want {
			t.Errorf("%s: %v %s (%v), want %v %s", text, got.Kind(), got.AppendJSON(nil), r.Err, want.Kind(), want.AppendJSON(nil))
		}
		if nested := got.Kind() == plait.KindArray || got.Kind() == plait.KindMap; nested && r.Written != len(got.Str()) || !nested && r.Written != 0 {
			t.Errorf("%s: %d bytes are said to be written", text, r.Written)
		}
	}
	for text, want := range map[string]string{"": "byte 0: want a value", "[1,": "byte 3", `{"a":x}`: "byte 5", "[1}": "byte 2"} {
		r := Of(text)
		if r.Value(); r.Err == nil || !strings.HasPrefix(fmt.Sprint(r.Err), want) {
			t.Errorf("%q: %v, want %s", text, r.Err, want)
		}
	}
}
