package pipeline_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/logql"
	"github.com/plaithq/plait/query/logql/pipeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func compiled(t *testing.T, query string) *pipeline.Pipeline {
	t.Helper()
	l, err := logql.ParseLog(query)
	if err != nil {
		t.Fatal(err)
	}
	p, err := pipeline.New(l)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// written is a result in one line, without error details; empty if the entry is gone.
func written(t *testing.T, p *pipeline.Pipeline, e pipeline.Entry) string {
	t.Helper()
	r, ok, err := p.Process(&e)
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return ""
	}
	text := func(all []plait.Label) string {
		var names []string
		for _, l := range all {
			if l.Name != pipeline.DetailsLabel {
				names = append(names, l.Name+"="+l.Value)
			}
		}
		slices.Sort(names)
		return strings.Join(names, " ")
	}
	return fmt.Sprintf("%s|%s|%s|%s", r.Line, text(r.Stream), text(r.Metadata), text(r.Parsed))
}

func TestStagesChangeEntries(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ line, stages, want string }{
		{`{"n":5,"app":"y","pod":"z"}`, `| json`, `{"n":5,"app":"y","pod":"z"}|app=x|pod=p|app_extracted=y n=5 pod_extracted=z`},
		{`a`, `| json`, `a|app=x|pod=p|__error__=JSONParserErr`},
		{`a`, `| json | __error__=""`, ``},
		{`a`, `| json | drop __error__`, `a|app=x|pod=p|`},
		{`n=1`, `| json | logfmt | drop __error__, __error_details__ | n=1`, `n=1|app=x|pod=p|n=1`},
		{`n=1 m=`, `| logfmt`, `n=1 m=|app=x|pod=p|n=1`},
		{`n=1 m=`, `| logfmt --keep-empty`, `n=1 m=|app=x|pod=p|m= n=1`},
		{`n=1`, `| logfmt | n > 1`, ``},
		{`n=x`, `| logfmt | n > 1`, `n=x|app=x|pod=p|__error__=LabelFilterErr n=x`},
		{`n=x`, `| m > 1`, ``},
		{`n=x`, `| logfmt | n > 1 | m > 7`, `n=x|app=x|pod=p|__error__=LabelFilterErr n=x`},
		{`a`, `| absent!="x" | absent="" | absent=~".*"`, `a|app=x|pod=p|`},
		{`d=250ms s=10KB`, `| logfmt | d>=250ms | d<1s and s=10KB`, `d=250ms s=10KB|app=x|pod=p|d=250ms s=10KB`},
		{`a`, `| app="y" or pod="p"`, `a|app=x|pod=p|`},
		{`a`, `| app=~"x|y" | pod!~"p.+"`, `a|app=x|pod=p|`},
		{`a b`, `|= "a" or "c" != "d" |~ "B" or "b$"`, `a b|app=x|pod=p|`},
		{`a b`, `!~ "x" or "b"`, ``},
		{`a b`, `|= ""`, `a b|app=x|pod=p|`},
		{`a 10.0.0.1`, `|= ip("10.0.0.0/8")`, `a 10.0.0.1|app=x|pod=p|`},
		{`pay 7 refused`, `|> "pay <_> refused" !> "<_> 7"`, `pay 7 refused|app=x|pod=p|`},
		{`old`, `| line_format "new {{.app}}" |= "new" != "old"`, `new x|app=x|pod=p|`},
		{`old`, `| line_format "{{ div 1 0 }}"`, `old|app=x|pod=p|__error__=TemplateFormatErr`},
		{`a`, "| label_format b=app, c=`{{.pod}}`, d=absent", `a|b=x|pod=p|c=p`},
		{`a`, "| label_format app=`{{.app}}{{.app}}` | app=`xx`", `a||pod=p|app=xx`},
		{`n=1`, `| logfmt | keep n`, `n=1|||n=1`},
		{`a`, `| json | keep n`, `a|||__error__=JSONParserErr`},
		{`n=1 m=2`, `| logfmt | drop n="2", m=~"2|3", pod`, `n=1 m=2|app=x||n=1`},
		{"\x1b[31mred\x1b[0m", `| decolorize |= "red"`, `red|app=x|pod=p|`},
		{`{"_entry":"in","k":"v"}`, `| unpack`, `in|app=x|pod=p|k=v`},
		{`{"a":"1"}`, `| json a="b" | json`, `{"a":"1"}|app=x|pod=p|a=`},
		{`GET /x`, "| pattern `<m> <p>` | regexp `(?P<q>/.)`", `GET /x|app=x|pod=p|m=GET p=/x q=/x`},
		{`a`, `| pod=ip("::1")`, ``},
	} {
		e := pipeline.Entry{Line: tt.line, Stream: []plait.Label{{Name: "app", Value: "x"}}, Metadata: []plait.Label{{Name: "pod", Value: "p"}}}
		if got := written(t, compiled(t, `{app="x"} `+tt.stages), e); got != tt.want {
			t.Errorf("%s %s: %q, want %q", tt.line, tt.stages, got, tt.want)
		}
	}
}

func TestMetadataNamedAsALabelGetsAnotherName(t *testing.T) {
	t.Parallel()
	e := pipeline.Entry{Line: "a", Stream: []plait.Label{{Name: "app", Value: "x"}}, Metadata: []plait.Label{{Name: "app", Value: "y"}}}
	if got := written(t, compiled(t, `{app="x"} | app_extracted="y"`), e); got != "a|app=x|app_extracted=y|" {
		t.Error(got)
	}
}

func TestDistinctKeepsTheFirst(t *testing.T) {
	t.Parallel()
	p := compiled(t, `{app="x"} | logfmt | distinct a, b`)
	kept := 0
	for _, line := range []string{"a=1 b=2", "a=1 b=2 c=3", "a=1", "a=12", "b=12"} {
		if _, ok, err := p.Process(&pipeline.Entry{Line: line}); err != nil {
			t.Fatal(err)
		} else if ok {
			kept++
		}
	}
	if kept != 4 {
		t.Errorf("%d entries are distinct", kept)
	}
	long := strings.Repeat("x", 1<<20)
	for i := range 20 {
		if _, _, err := p.Process(&pipeline.Entry{Line: fmt.Sprintf("a=%d%s", i, long)}); err != nil {
			if !errors.Is(err, plait.ErrTooLarge) {
				t.Error(err)
			}
			return
		}
	}
	t.Error("distinct remembers without end")
}

func TestSelectorsFitStreams(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]bool{`{app="x"}`: true, `{app=~"x|y", b=""}`: true, `{app=~"[xy]", b!=""}`: false, `{app=~".", app!~"x"}`: false, `{app=~"x.+"}`: false} {
		if got := compiled(t, query).Selects([]plait.Label{{Name: "app", Value: "x"}}); got != want {
			t.Errorf("%s: %v", query, got)
		}
	}
}

func TestLinesWithManyKeysHaveABound(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&b, "k%d=1 ", i)
	}
	r, ok, err := compiled(t, `{app="x"} | logfmt`).Process(&pipeline.Entry{Line: b.String()})
	if err != nil || !ok || len(r.Parsed) != 4096 {
		t.Error(ok, err, len(r.Parsed))
	}
}
