package entry_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/condition/conditiontest"
	"github.com/plaithq/plait/query/logql"
	"github.com/plaithq/plait/query/logql/entry"
	"github.com/plaithq/plait/query/logql/pipeline"
)

const drawnTrace = "c0ff0000000000000000000000000001" // of package conditiontest

func oneOf(t *rapid.T, of ...string) string {
	return of[rapid.IntRange(0, len(of)-1).Draw(t, "one of")]
}

func drawnLabel(t *rapid.T) string {
	return oneOf(t, "k", "n", "b_c", "http_route", "level", "service_name", "detected_level", "severity_text", "scope_name", "order_id", "trace_id", "o_d_d", "loki_resource_labels")
}

func drawnMatcher(t *rapid.T) string {
	value := oneOf(t, "x", "5", "", "5.0", "true", "shop", "error", "[1]", "aGk=", drawnTrace, "NaN", "0.5", "unknown_service")
	if op := oneOf(t, "=", "!=", "=~", "!~"); strings.HasSuffix(op, "~") {
		return fmt.Sprintf("%s%s%q", drawnLabel(t), op, oneOf(t, "x|5", ".*", ".+", "(?i)X.*", "", "5|error", "[0-5]", "x|aGk=", "|shop"))
	} else {
		return fmt.Sprintf("%s%s%q", drawnLabel(t), op, value)
	}
}

func drawnStage(t *rapid.T) string {
	text := oneOf(t, "x", "", "X", "user", "5", "\x00", "\ufffd", drawnTrace, "5a00000000000001", "{")
	switch rapid.IntRange(0, 5).Draw(t, "stage") {
	case 0, 1:
		return fmt.Sprintf("%s %q", oneOf(t, "|=", "!="), text) + oneOf(t, "", ` or "y"`)
	case 2:
		return fmt.Sprintf("%s %q", oneOf(t, "|~", "!~"), oneOf(t, "x|y", "(?i)USER", "a.c", "4.", "^x$"))
	case 3, 4:
		return "| " + drawnMatcher(t) + oneOf(t, "", " or ", " and ", ", ", " or n > 3 or ")
	}
	return oneOf(t, "| json", "| logfmt", "| drop k", "| drop __error__", "| keep n", "| line_format `x{{.k}}`", "| decolorize", "| unpack", "| distinct k",
		"| label_format k=n", "| label_format n=`{{ contains \"x\" __line__ }}` | n=\"true\" or k=\"5\"", "| json k=\"id\"", "| regexp `(?P<k>x)`", "| pattern `<k> <_>`")
}

func drawnQuery(t *rapid.T) string {
	query := "{" + drawnMatcher(t) + oneOf(t, "", ", "+drawnMatcher(t)) + "}"
	for range rapid.IntRange(0, 4).Draw(t, "stages") {
		s := drawnStage(t)
		if trimmed := strings.TrimRight(s, " "); strings.HasSuffix(trimmed, " or") || strings.HasSuffix(trimmed, " and") || strings.HasSuffix(trimmed, ",") {
			s += drawnMatcher(t)
		}
		query += " " + s
	}
	return query
}

// keeps says whether a query keeps a record, all by itself.
func keeps(t *rapid.T, l logql.Log, e *pipeline.Entry) bool {
	p, err := pipeline.New(l)
	if err != nil {
		t.Fatal(err)
	}
	if !p.Selects(e.Stream) {
		return false
	}
	_, kept, err := p.Process(e)
	return err == nil && kept
}

func TestTheStoreIsAskedForAllThatQueriesKeep(t *testing.T) {
	t.Parallel()
	mapping, err := entry.NewMapping([]string{"k", "http.route"})
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		l, err := logql.ParseLog(drawnQuery(t))
		if err != nil {
			t.Skip(err)
		}
		node, err := mapping.Narrow(l)
		if err != nil {
			t.Fatal(err)
		}
		asked, err := condition.CompileLogs(node)
		if err != nil {
			t.Fatalf("%s: %s: %v", l, node, err)
		}
		var parts []*condition.Logs
		for _, n := range entry.Parts(node) {
			part, err := condition.CompileLogs(n)
			if err != nil {
				t.Fatalf("%s: %s: %v", l, n, err)
			}
			parts = append(parts, part)
		}
		records := conditiontest.Draw(t, 1, 6).Logs
		maker := mapping.NewMaker()
		for i := range records {
			if rapid.IntRange(0, 2).Draw(t, "pushed") == 0 {
				records[i].Resource.Attributes = append(records[i].Resource.Attributes, plait.Attribute{Key: entry.LabelsAttribute, Value: plait.StringValue("n,level")})
				maker = mapping.NewMaker()
			}
			fitting := 0
			for _, part := range parts {
				if part.Match(&records[i]) {
					fitting++
				}
			}
			if fits := asked.Match(&records[i]); fitting > 1 || fits != (fitting == 1) {
				t.Fatalf("%s: %d parts fit what fits: %v", node, fitting, fits)
			}
			if keeps(t, l, maker.Entry(&records[i])) && !asked.Match(&records[i]) {
				t.Fatalf("%s\nkeeps %+v %+v %+v\nwhich does not fit %s", l, records[i], records[i].Resource, maker.Entry(&records[i]), node)
			}
		}
	})
}
