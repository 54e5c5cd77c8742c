package condition_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/plaithq/plait"
	. "github.com/plaithq/plait/query/condition"
)

// FuzzTextsAreFoundInAnyCase compares with what lower-cases a copy.
func FuzzTextsAreFoundInAnyCase(f *testing.F) {
	for _, seed := range [][2]string{{"Paid", "pAID"}, {"ÜBER", "über"}, {"20 \u212a", "k"}, {"İstanbul", "i"}, {"ΣΑΣ", "σας"}, {"aaab", "aab"}, {"a@`A", "`a"}, {"", ""}, {"ǅ", "ǆ"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, body, text string) {
		if !utf8.ValidString(body) || !utf8.ValidString(text) {
			return // nothing else is kept
		}
		c := must(CompileLogs(compare(Field{Name: LogBody}, OpContainsFold, String(text))))
		if got, want := c.Match(line(body)), strings.Contains(Fold(body), Fold(text)); got != want {
			t.Errorf("%q in %q: got %v, want %v", text, body, got, want)
		}
	})
}

// FuzzExpressionsFitAsTheMachineSays compares what is made of expressions with what the standard library's
// machine says, as they are and simplified.
func FuzzExpressionsFitAsTheMachineSays(f *testing.F) {
	for _, expression := range []string{"cart", "cart|carp|shop", ".*cart.*", "cart.*", ".*cart", ".*", ".+", "(?i)cart", "ca[rp]t?", "(a|b)(c|d)", "^cart$", "a{2}", "(?:)", `\Qa.b\E`,
		".*?cart", "(?-s).*", "(?m)^cart$", `\bcart\b`, "[^c]art", "(?s:.)*", "cart|", "(.*)cart(.*)", "x*", "[[:alpha:]]", `\x{1F642}`, "a)|(b", "("} {
		for _, text := range []string{"cart", "the cart", "cart 5", "CART", "", "a\ncart\n", "aa", "ab", "ac", "🙂"} {
			f.Add(expression, text)
		}
	}
	f.Fuzz(func(t *testing.T, expression, text string) {
		if !utf8.ValidString(text) || !utf8.ValidString(expression) || strings.Contains(text, "\ufffd") {
			return
		}
		_, bad := regexp.Compile(expression)
		for op, anchored := range map[Op]string{OpRegexp: `^(?s:` + expression + `)$`, OpSearch: expression} {
			for _, n := range []Node{compare(Field{Name: SpanName}, op, String(expression)), Simplify(compare(Field{Name: SpanName}, op, String(expression)))} {
				c, err := CompileSpans(n)
				if bad != nil {
					if err == nil {
						t.Errorf("%q compiles", expression)
					}
					continue
				}
				machine, machineErr := regexp.Compile(anchored)
				if err != nil || machineErr != nil {
					if machineErr == nil {
						t.Errorf("%q: %v", expression, err)
					}
					continue
				}
				if got, want := c.Match(&SpanView{Span: &plait.Span{Name: text}}), machine.MatchString(text); got != want {
					t.Errorf("%s of %q: got %v, want %v", n, text, got, want)
				}
			}
		}
	})
}

func TestExpressionsNameTheTextThatIsAlwaysThere(t *testing.T) {
	t.Parallel()
	body := Field{Name: LogBody}
	for _, tt := range []struct {
		leaf Leaf
		want string
	}{
		{Leaf{body, OpRegexp, String(".*order [0-9]+ paid.*")}, "order "},
		{Leaf{body, OpSearch, String("(?i)time(out)?d+")}, "TIME"},
		{Leaf{body, OpSearch, String("(refused){2}")}, "refused"},
		{Leaf{body, OpSearch, String("(refused){0,2}")}, ""},
		{Leaf{body, OpSearch, String("paid|refused")}, ""},
		{Leaf{body, OpSearch, String("(")}, ""},
		{Leaf{body, OpContainsFold, String("Paid")}, "Paid"},
		{Leaf{body, OpEqual, Text("all of it")}, "all of it"},
		{Leaf{body, OpEqual, Said(`"all of it"`)}, ""},
		{Leaf{body, OpLess, String("a")}, ""},
		{Leaf{Field{Name: LogBody, Path: "/id"}, OpEqual, String("a")}, ""},
	} {
		if got, ok := tt.leaf.Contained(); got != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: got %q, %v, want %q", tt.leaf, got, ok, tt.want)
		}
	}
}
