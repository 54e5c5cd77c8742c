package openmetrics_test

import (
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/plaithq/plait/test/openmetrics"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestValidPagesPass(t *testing.T) {
	t.Parallel()
	page := `# HELP a Help with "quotes" and \\ and \n.
# TYPE a counter
a_total{x="1"} 3.0 # {trace_id="00"} 0.5 1.5
a_created{x="1"} 1.0
a_total{x="2"} 3.0
# HELP b_seconds B.
# TYPE b_seconds histogram
# UNIT b_seconds seconds
b_seconds_bucket{x="\"}",le="1.0"} 1 # {trace_id="00"} 0.5
b_seconds_bucket{x="\"}",le="+Inf"} 2
b_seconds_sum{x="\"}"} 2
b_seconds_count{x="\"}"} 2
# TYPE c gauge
c -1
# EOF
`
	if err := openmetrics.Check(page); err != nil {
		t.Error(err)
	}
}

func TestInvalidPagesDoNot(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string]string{
		"one name for two families":       "# TYPE a gauge\na 1\n# TYPE a counter\na_total 1",
		"samples of two families":         "# TYPE a_total gauge\na_total 1\n# TYPE a counter\na_total 1",
		"families that interleave":        "# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# TYPE a gauge\na{x=\"1\"} 1",
		"metrics that interleave":         "# TYPE a counter\na_total{x=\"1\"} 1\na_total{x=\"2\"} 1\na_created{x=\"1\"} 1",
		"a sample twice":                  "# TYPE a gauge\na 1\na 1",
		"a counter without its suffix":    "# TYPE a counter\na 1",
		"an exemplar at a gauge":          "# TYPE a gauge\na 1 # {x=\"1\"} 1",
		"a long exemplar":                 "# TYPE a counter\na_total 1 # {x=\"" + strings.Repeat("x", 128) + "\"} 1",
		"a negative counter":              "# TYPE a counter\na_total -1",
		"buckets without an infinite one": "# TYPE a histogram\na_bucket{le=\"1\"} 1",
		"another count":                   "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_count 2",
		"buckets that fall":               "# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1",
		"an unknown escape":               "# TYPE a gauge\na{x=\"\\t\"} 1",
		"a unit that the name lacks":      "# TYPE a gauge\n# UNIT a seconds\na 1",
		"a label twice":                   "# TYPE a gauge\na{x=\"1\",x=\"2\"} 1",
		"help after samples":              "# TYPE a gauge\na 1\n# HELP a A.",
		"a free comment":                  "# hello",
		"a sample of no family":           "a 1",
	} {
		if err := openmetrics.Check(lines + "\n# EOF\n"); err == nil {
			t.Errorf("%s passes", name)
		}
	}
	if err := openmetrics.Check("# TYPE a gauge\na 1\n"); err == nil {
		t.Error("a page without an end passes")
	}
}
