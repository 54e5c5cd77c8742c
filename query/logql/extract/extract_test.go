package extract_test

import (
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/plaithq/plait/query/logql/extract"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// found collects labels in one text.
func found(find func(extract.Emit) error) string {
	var b strings.Builder
	err := find(func(name, value string) { fmt.Fprintf(&b, "%s=%s;", name, value) })
	if err != nil {
		b.WriteString("!")
	}
	return b.String()
}

func TestParsersFindLabels(t *testing.T) {
	t.Parallel()
	json := func(line string) string {
		return found(func(e extract.Emit) error { return extract.JSON(line, e) })
	}
	logfmt := func(strict bool) func(string) string {
		return func(line string) string {
			return found(func(e extract.Emit) error { return extract.Logfmt(line, strict, e) })
		}
	}
	unpack := func(line string) string {
		return found(func(e extract.Emit) error {
			entry, ok, err := extract.Unpack(line, e)
			if ok {
				e("line", entry)
			}
			return err
		})
	}
	for _, tt := range []struct {
		parser     func(string) string
		line, want string
	}{
		{json, `{"a":1,"b":{"c-d":"x","e":[1,{"f":2}]},"n":null,"t":true,"f":1e3}`, "a=1;b_c_d=x;t=true;f=1e3;"},
		{json, `{"1x":"d","":"none","héé":"é","sp ace":1}`, "_1x=d;h__=é;sp_ace=1;"},
		{json, `{"o":{"1":2}}`, "o_1=2;"},
		{json, `{"a":"\u00e9\n"}`, "a=é\n;"},
		{json, `{"a":1,"b":`, "a=1;!"},
		{json, `{"a":1} x`, "a=1;"},
		{json, `{}`, ""},
		{json, `[]`, "!"}, {json, ``, "!"}, {json, `42`, "!"}, {json, `null`, "!"},
		{json, strings.Repeat(`{"a":`, 100_000), "!"},
		{logfmt(false), `level=info msg="a \"b\" c" n=5 empty= flag`, `level=info;msg=a "b" c;n=5;empty=;flag=;`},
		{logfmt(false), `a=1 path=/a?b=1 c=2`, "a=1;c=2;"},
		{logfmt(false), `a=1 b"c=2 d=3 =x e="never`, "a=1;d=3;"},
		{logfmt(true), `a=1 path=/a?b=1 c=2`, "a=1;!"},
		{logfmt(true), `a=1 e="never`, "a=1;!"},
		{logfmt(true), `a=1 b`, "a=1;b=;"},
		{logfmt(false), `u="\u00e9\t\q"`, "u=é\t\\q;"},
		{unpack, `{"_entry":"inner","pod":"p","n":5}`, "pod=p;line=inner;"},
		{unpack, `not packed`, "!"}, {unpack, `{"pod":"p",`, "!"},
	} {
		if got := tt.parser(tt.line); got != tt.want {
			t.Errorf("%.80s: %s, want %s", tt.line, got, tt.want)
		}
	}
}

func TestPathsLeadIntoJSON(t *testing.T) {
	t.Parallel()
	line := `{"a":{"b":[{"c":"x"},2]},"h i":null,"s":"t","o":{"k": 1}}`
	for path, want := range map[string]string{
		"a.b[0].c": "x", "a.b[1]": "2", "a.b": `[{"c":"x"},2]`, `["h i"]`: "", "s": "t", "o": `{"k": 1}`, "nope.x": "", `a["b"][0]["c"]`: "x", "s.t": "", "a[0]": "",
	} {
		p, err := extract.ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.Find(line); err != nil || got != want {
			t.Errorf("%s: %q %v", path, got, err)
		}
	}
	for _, path := range []string{"", "a.", ".a", "a[", "a[x]", "a[-1]", "b.[", "a..b", "a]", `a["b]`} {
		if p, err := extract.ParsePath(path); err == nil {
			t.Errorf("%q is a path: %v", path, p)
		}
	}
}

func TestPatternsCaptureFromTheBeginningOfALine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ pattern, line, want string }{
		{`<ip> - <_> "<method> <path>"`, `10.0.0.1 - ana "GET /x"`, "ip=10.0.0.1;method=GET;path=/x;"},
		{`<first> <rest>`, "a b c", "first=a;rest=b c;"},
		{`x <a>`, "y x 1", ""},
		{`<a> [<b>] z`, "1 2 3", "a=1 2 3;"},
		{`<a>=<b>`, "k=", "a=k;b=;"},
		{`a < b <c>`, "a < b 1", "c=1;"},
	} {
		p, err := extract.ParsePattern(tt.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := found(func(e extract.Emit) error { p.Find(tt.line, e); return nil }); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.pattern, got, tt.want)
		}
	}
	for _, pattern := range []string{"", "a", "<_>", "<a><b>", "<a> <a>"} {
		if _, err := extract.ParsePattern(pattern); err == nil {
			t.Errorf("%q is a pattern", pattern)
		}
	}
}

func TestLinePatternsReachTheEndOfALine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, line string
		want          bool
	}{
		{"payment <_> refused", "payment 17 refused", true},
		{"payment <_> refused", "the payment 17 refused", true},
		{"payment <_> refused", "payment 17 refused again", false},
		{"payment <_> refused", "payment  refused", false},
		{"<_> of eve <_>", "session of eve expired", true},
		{"<_>session", "session", false},
		{"user <_>", "user ", false},
		{"<_>", "x", true}, {"<_>", "", false},
		{"", "anything", true},
		{"ab", "xxab", true}, {"ab", "abx", false},
	} {
		p, err := extract.ParseLinePattern(tt.pattern)
		if err != nil || p.In(tt.line) != tt.want {
			t.Errorf("%q in %q: %v %v", tt.pattern, tt.line, !tt.want, err)
		}
	}
	if _, err := extract.ParseLinePattern("<name> x"); err == nil {
		t.Error("a line filter captures")
	}
}

func TestExpressionsNameTheirGroups(t *testing.T) {
	t.Parallel()
	re, err := extract.Regexp(`user=(?P<user>\w+)( (?P<opt>x))?`)
	if err != nil {
		t.Fatal(err)
	}
	if got := found(func(e extract.Emit) error { extract.WithRegexp(re, "a user=bob", e); return nil }); got != "user=bob;opt=;" {
		t.Error(got)
	}
	for _, expression := range []string{"(", "a", "(a)", "(?P<a>x)(?P<a>y)"} {
		if _, err := extract.Regexp(expression); err == nil {
			t.Errorf("%q is an expression", expression)
		}
	}
}

func FuzzParsers(f *testing.F) {
	for _, line := range []string{`{"a":{"b":[1]}}`, `a=1 b="c\"d"`, `{"_entry":"x"}`, "\xff=\"\xff\"", `{"a\ud800":"\ud800"}`} {
		f.Add(line)
	}
	path, _ := extract.ParsePath("a.b[0]")
	pattern, _ := extract.ParsePattern("<a>=<b> <_>")
	f.Fuzz(func(t *testing.T, line string) {
		emit := func(name, value string) {
			if len(value) > 4*len(line) {
				t.Errorf("%q is longer than its line", value)
			}
			_ = extract.Name(name)
		}
		_ = extract.JSON(line, emit)
		_ = extract.Logfmt(line, false, emit)
		_ = extract.Logfmt(line, true, emit)
		_, _, _ = extract.Unpack(line, emit)
		_, _ = path.Find(line)
		pattern.Find(line, emit)
		pattern.In(line)
	})
}
