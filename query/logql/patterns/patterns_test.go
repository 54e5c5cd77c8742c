package patterns

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/plaithq/plait/query/logql/extract"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWordsWithDigitsVary(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"":                     "",
		"payment 4f2a refused": "payment <_> refused",
		"took 45ms of 1.5s":    "took <_> of <_>",
		"10.0.0.7:8080 GET /cart/17/items HTTP/1.1":       "<_> GET /cart/<_>/items HTTP/<_>",
		`ts=2026-11-21T10:00:00.1Z level=info msg="done"`: `ts=<_> level=info msg="done"`,
		`{"order":17,"state":"paid"}`:                     `{"order":<_>,"state":"paid"}`,
		"4bf92f35-77b3-4da6-a3ce-929d0e0e4736 done":       "<_> done",
		"trace \u0001-\u0001 took \u0001ms":               "trace <_> took <_>",
		"server.go:123 <user> said <b>hi</b> <_> < 3":     "server.go:<_> <_> said <_>hi</b> <_> < <_>",
		"<a><b> <a>1":                                        "<_> <_>",
		"no digits - here ... at all":                        "no digits - here ... at all",
		"größe 17 für müller":                                "größe <_> für müller",
		strings.Repeat("a", 3000):                            strings.Repeat("a", 1024) + "<_>",
		strings.Repeat("ä", 3000):                            strings.Repeat("ä", 512) + "<_>",
		strings.Repeat("a ", 300):                            strings.Repeat("a ", 127) + "a<_>",
		"payment <_> refused by <_>: <_>":                    "payment <_> refused by <_>: <_>",
		"at com.shop.Cart$Inner.add(Cart.java:17) [main] ok": "at com.shop.Cart$Inner.add(Cart.java:<_>) [main] ok",
	} {
		if got := Of(line); got != want {
			t.Errorf("%.80q is %q, want %q", line, got, want)
		}
	}
}

func TestWhatLinesDifferInVaries(t *testing.T) {
	t.Parallel()
	m := NewMiner()
	if got := m.Learn("user alice logged in from paris"); got != "" {
		t.Errorf("a line without its like has the pattern %q", got)
	}
	for _, line := range []string{"user bob logged in from paris", "user carol logged in from paris"} {
		if got := m.Learn(line); got != "user <_> logged in from paris" {
			t.Errorf("%q is %q", line, got)
		}
	}
	m.Learn("cache miss, cold start")
	if got := m.Learn("user dave logged in from rome"); got != "user <_> logged in from <_>" {
		t.Errorf("it is %q", got)
	}
	m.Learn("payment accepted")
	if got := m.Learn("payment refused"); got != "" {
		t.Errorf("one of two words is the same, and the pattern is %q", got)
	}
}

func TestAMinerIsBounded(t *testing.T) {
	t.Parallel()
	m := NewMiner()
	line := func(i int) string { return "work" + strings.Repeat("!", i) + " is done" }
	for range 2 {
		for i := range 3 * maxGroups {
			m.Learn(line(i))
			m.Learn("one that is always there")
		}
	}
	if len(m.groups) != maxGroups {
		t.Errorf("it keeps %d groups", len(m.groups))
	}
	if got := m.Learn("one that is always there"); got != "one that is always there" {
		t.Errorf("what is used was forgotten: %q", got)
	}
}

func TestFewAlternativesAreStatements(t *testing.T) {
	t.Parallel()
	lines := []string{"order is now paid", "order is now sent", "order is now lost"}
	for i := range 20 {
		lines = append(lines, fmt.Sprintf("user %c%c logged in", 'a'+i, 'b'+i))
	}
	for i := range 60 {
		lines = append(lines, fmt.Sprintf("user=%c city=%c method=%c path=/cart done", 'a'+i%5, 'p'+i%4, 'v'+i%3))
	}
	lines = append(lines, "user <_> logged out", "user zoe logged out", "unlike all others")
	var folded []string
	for _, pattern := range Fold(lines) {
		if !slices.Contains(folded, pattern) {
			folded = append(folded, pattern)
		}
	}
	want := []string{"order is now paid", "order is now sent", "order is now lost", "user <_> logged in", "user=<_> city=<_> method=v path=/cart done", "user=<_> city=<_> method=w path=/cart done",
		"user=<_> city=<_> method=x path=/cart done", "user <_> logged out", "unlike all others"}
	if !slices.Equal(folded, want) {
		t.Errorf("%q", folded)
	}
}

// fits fails unless patterns are ones that LogQL reads and that fit their lines.
func fits(t *testing.T, lines ...string) {
	t.Helper()
	m := NewMiner()
	of := [][]string{make([]string, len(lines)), make([]string, len(lines)), Fold(lines)}
	for i, line := range lines {
		of[0][i], of[1][i] = Of(line), m.Learn(line)
		if again := Of(of[0][i]); again != of[0][i] && len(of[0][i]) <= maxBytes {
			t.Errorf("%q is a pattern, and of %q once more", of[0][i], again)
		}
	}
	for _, patterns := range of {
		for i, text := range patterns {
			p, err := extract.ParseLinePattern(text)
			if err != nil {
				t.Errorf("%q, of %q: %v", text, lines[i], err)
			} else if lines[i] != "" && !p.In(lines[i]) {
				t.Errorf("%q does not fit %q", text, lines[i])
			}
		}
	}
}

func FuzzPatternsFitTheirLines(f *testing.F) {
	f.Add("user alice logged in", "user bob logged in", "user 17 <logged> in")
	f.Add("<a>1:<b><_>", "<<a>b:1>", "a<_<b>>")
	f.Add("a:b<c>", "d:e<c>", "::1:2+3")
	f.Add(strings.Repeat("<a", 600), strings.Repeat("a ", 200), "\u0001:<_>:x")
	f.Fuzz(func(t *testing.T, a, b, c string) { fits(t, a, b, c, a+" "+b, a+" "+c, b+" "+b) })
}

func BenchmarkLearn(b *testing.B) {
	m := NewMiner()
	var lines []string
	for i := range 1000 {
		lines = append(lines, fmt.Sprintf("%c%c: payment of order %d for user %c%c refused by bank after %dms: insufficient funds on account", 'a'+i%20, 'c'+i/20%20, i, 'd'+i%19, 'e'+i%23, i%77))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		m.Learn(lines[i%len(lines)])
	}
}
