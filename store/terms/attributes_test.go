package terms

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/plaithq/plait"
)

// oneRow returns the head of one row that has an attribute.
func oneRow(t *testing.T, key string, v plait.Value) *Head {
	t.Helper()
	b := NewBlock(testHasher)
	b.Row(traceID(1), 1)
	keyJSON := plait.AppendJSONString(nil, key)
	b.Attribute(testHasher.AttributeKey(keyJSON), keyJSON, v.AppendJSON(nil))
	h, err := ParseHead(b.AppendTo(nil))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func finds(h *Head, p *Plan) bool { return len(newMatcher(testHasher, p).find(h)) > 0 }

func TestAttributeIsFoundByWhatItSays(t *testing.T) {
	t.Parallel()
	many := `[` + strings.Repeat(`"x",`, 200) + `"last"]`
	for _, c := range []struct {
		key   string
		value plait.Value
		asks  string
		says  string // canonical JSON
		found bool
	}{
		{"user", plait.StringValue("ada"), "user", `"ada"`, true},
		{"user", plait.StringValue("ada"), "user", `"grace"`, false},
		{"user", plait.StringValue("ada"), "users", `"ada"`, false},
		{"n", plait.IntValue(5), "n", `5`, true},
		{"n", plait.DoubleValue(5), "n", `5`, true},
		{"n", plait.IntValue(5), "n", `5.0`, true},
		{"n", plait.StringValue("5"), "n", `5`, false},
		{"n", plait.DoubleValue(math.Copysign(0, -1)), "n", `0`, true},
		{"n", plait.IntValue(0), "n", `-0.0`, true},
		{"n", plait.IntValue(10), "n", `1`, false},
		{"n", plait.DoubleValue(1.5), "n", `1.5`, true},
		{"n", plait.IntValue(math.MaxInt64), "n", `9223372036854775807`, true},
		{"s", plait.StringValue("5.0"), "s", `"5"`, false},
		{"a.b", plait.StringValue("x"), "a.b", `"x"`, true},
		{"order", plait.MapValue(`{"id":7,"of":{"$$x":"y"}}`), "order.id", `7`, true},
		{"order", plait.MapValue(`{"id":7,"of":{"$$x":"y"}}`), "order.id", `8`, false},
		{"order", plait.MapValue(`{"id":7,"of":{"$$x":"y"}}`), "order.of.$x", `"y"`, true},
		{"order", plait.MapValue(`{"id":7}`), "order", `{"id":7}`, true},
		{"tags", plait.ArrayValue(`["a",["b",{"c":1.0}]]`), "tags", `"a"`, true},
		{"tags", plait.ArrayValue(`["a",["b",{"c":1.0}]]`), "tags", `"b"`, true},
		{"tags", plait.ArrayValue(`["a",["b",{"c":1.0}]]`), "tags.c", `1`, true},
		{"tags", plait.ArrayValue(`["a",["b",{"c":1.0}]]`), "tags", `"c"`, false},
		{"tags", plait.ArrayValue(many), "tags", `"last"`, true},
		{"m", plait.MapValue(`{"deep":` + many + `}`), "m.deep", `"last"`, true},
		{"m", plait.MapValue(`{"a\"b.c":1}`), `m.a"b.c`, `1`, true},
		{"bytes", plait.BytesValue("hi"), "bytes", `{"$bytes":"aGk="}`, true},
		{"none", plait.Value{}, "none", `null`, true},
	} {
		h := oneRow(t, c.key, c.value)
		if got := finds(h, testHasher.HasAttribute(c.asks, []byte(c.says))); got != c.found {
			t.Errorf("%s = %s is found by %s = %s: %t", c.key, c.value.Text(), c.asks, c.says, got)
		}
		if c.found && !finds(h, testHasher.HasKey(c.asks)) {
			t.Errorf("%s = %s is not found by the key %s", c.key, c.value.Text(), c.asks)
		}
	}
	if finds(oneRow(t, "user", plait.StringValue("x")), testHasher.HasKey("other")) {
		t.Error("a row is found by a key that it has not")
	}
}

func TestSpacesAreApart(t *testing.T) {
	t.Parallel()
	seen := map[Term]string{}
	note := func(name string, term Term) {
		if other, ok := seen[term]; ok {
			t.Errorf("%s and %s have one term", name, other)
		}
		seen[term] = name
	}
	for space := range spaces {
		for _, text := range []string{"", "1", "12", "1234567890123456", "12345678901234567"} {
			note(fmt.Sprint(space, text), testHasher.Text(space, text))
		}
		note(fmt.Sprint(space, "id"), testHasher.ID(space, 1))
	}
	note("another key", NewHasher([32]byte{9}).ID(Operation, 1))
}

func TestTermsOfSimilarTextsSpreadEvenly(t *testing.T) {
	t.Parallel()
	const n = 1 << 18
	seen := make(map[Term]struct{}, 2*n)
	var top [64]int
	for i := range n {
		for _, term := range []Term{testHasher.ID(Class, int64(i)), testHasher.Text(word, fmt.Sprintf("a user with the number %d", i))} {
			seen[term] = struct{}{}
			top[term>>26]++
		}
	}
	// Of 2^19 values in 2^32, 32 pairs are expected to collide.
	if lost := 2*n - len(seen); lost > 100 {
		t.Errorf("%d of %d terms collide", lost, 2*n)
	}
	for i, count := range top {
		if want := 2 * n / len(top); count < want*9/10 || count > want*11/10 {
			t.Errorf("%d terms begin with %d, want about %d", count, i, want)
		}
	}
}
