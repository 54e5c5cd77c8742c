package promsel_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/promsel"
)

func TestExpressionsTooLargeToParseAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ expression, says string }{
		"parentheses":       {strings.Repeat("(", 30_000) + "up" + strings.Repeat(")", 30_000), "nests more than 100 deep"},
		"calls":             {strings.Repeat("abs(", 10_000) + "up" + strings.Repeat(")", 10_000), "nests more than 100 deep"},
		"unclosed":          {strings.Repeat("(", 60_000), "nests more than 100 deep"},
		"sums":              {"up" + strings.Repeat("+1", 30_000), "more than 1000 operators"},
		"signs":             {strings.Repeat("-", 60_000) + "1", "more than 1000 operators"},
		"ranges":            {"x[" + strings.Repeat("(", 30_000), "nests more than 100 deep"},
		"duration sums":     {"x[1m" + strings.Repeat("+1m", 10_000) + "]", "more than 1000 operators"},
		"length":            {strings.Repeat(" ", 70_000) + "up", "the limit is 65536"},
		"a long regexp":     {`up{job=~"` + strings.Repeat("a|", 30_000) + `"}`, ""},
		"brackets in texts": {`up{job="` + strings.Repeat("([{", 10_000) + `"}`, ""},
		"the largest":       {strings.Repeat("(", 99) + "up" + strings.Repeat("+1", 1000) + strings.Repeat(")", 99), ""},
	} {
		_, err := promsel.Selectors(c.expression)
		if c.says == "" && err != nil || c.says != "" && (!errors.Is(err, plait.ErrInvalid) || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}
