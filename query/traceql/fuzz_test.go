package traceql_test

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait/query/traceql"
)

func seed(f *testing.F) {
	f.Helper()
	table, err := os.ReadFile("testdata/editor.txt")
	if err != nil {
		f.Fatal(err)
	}
	for row := range strings.Lines(string(table)) {
		if text, err := strconv.Unquote(strings.SplitN(strings.TrimSpace(row), " ", 3)[2]); err == nil {
			f.Add(text)
		}
	}
}

// FuzzParse: every text is a query, or an error with a place in the text; and a query printed is the query.
func FuzzParse(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text string) {
		q, err := traceql.Parse(text)
		if err != nil {
			place := (*traceql.Error)(nil)
			if !errors.As(err, &place) || place.Line < 1 || place.Column < 1 || place.Line > strings.Count(text, "\n")+1 {
				t.Fatalf("%q: %v, want a place in the text", text, err)
			}
			return
		}
		again, err := traceql.Parse(q.String())
		if err != nil {
			t.Fatalf("%q is printed as %q: %v", text, q, err)
		}
		if diff := cmp.Diff(q, again); diff != "" {
			t.Fatalf("%q is printed as %q, another query: %s", text, q, diff)
		}
	})
}

// FuzzParseUnfinished: what is kept of any text is a filter that can be read.
func FuzzParseUnfinished(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text string) {
		filter := traceql.ParseUnfinished(text)
		if _, err := traceql.Parse(filter.String()); err != nil && len(text) < 1_000 {
			t.Fatalf("%q is narrowed by %q: %v", text, filter, err)
		}
	})
}
