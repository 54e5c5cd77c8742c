package loki

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/plaithq/plait/query/logql/pipeline"
)

// Bounds of patterns.
const (
	patternLines    = 20_000 // that are looked at, the newest
	maxPatterns     = 300    // in an answer
	maxPatternsKept = 5_000
	maxPatternBytes = 1 << 10
)

// pattern is what lines have in common, with how many there are in each step.
type pattern struct {
	Pattern string     `json:"pattern"`
	Level   string     `json:"level"`
	Samples [][2]int64 `json:"samples"` // seconds, lines
	steps   map[int64]int64
	total   int64
}

// patterns finds what the newest lines have in common: words with digits in them are what varies.
func (h *handler) patterns(ctx context.Context, q *request) (any, error) {
	l, err := q.logQuery()
	if err != nil {
		return nil, err
	}
	step, err := q.step()
	if err != nil {
		return nil, err
	}
	seconds := max(int64(step/time.Second), 1)
	byText := map[string]*pattern{}
	count := 0
	err = h.results(ctx, reading{of: l, within: q.within, page: maxPage}, func(r *pipeline.Result) error {
		text, level := patternOf(r.Line), levelOf(r)
		key := level + " " + text
		p := byText[key]
		if p == nil && len(byText) < maxPatternsKept {
			p = &pattern{Pattern: text, Level: level, steps: map[int64]int64{}}
			byText[key] = p
		}
		if p != nil {
			p.total++
			p.steps[r.TimeNanos/1e9/seconds*seconds]++
		}
		if count++; count == patternLines {
			return errEnough
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	all := slices.SortedFunc(maps.Values(byText), func(a, b *pattern) int {
		return cmp.Or(cmp.Compare(b.total, a.total), cmp.Compare(a.Pattern, b.Pattern), cmp.Compare(a.Level, b.Level))
	})
	all = all[:min(len(all), maxPatterns)]
	for _, p := range all {
		for _, at := range slices.Sorted(maps.Keys(p.steps)) {
			p.Samples = append(p.Samples, [2]int64{at, p.steps[at]})
		}
	}
	if all == nil {
		all = []*pattern{}
	}
	return succeed(all), nil
}

func levelOf(r *pipeline.Result) string {
	for _, l := range r.Metadata {
		if l.Name == "detected_level" {
			return l.Value
		}
	}
	return ""
}

// patternOf is a line with <_> for each run of characters with a digit in it between spaces and signs.
func patternOf(line string) string {
	if len(line) > maxPatternBytes {
		line = line[:maxPatternBytes]
	}
	var b strings.Builder
	for line != "" {
		n := strings.IndexFunc(line, func(r rune) bool { return !inWord(r) })
		if n < 0 {
			n = len(line)
		}
		switch word := line[:n]; {
		case n == 0:
			n = 1
			for n < len(line) && line[n]&0xc0 == 0x80 {
				n++
			}
			b.WriteString(line[:n])
		case strings.ContainsAny(word, "0123456789"):
			b.WriteString("<_>")
		default:
			b.WriteString(word)
		}
		line = line[n:]
	}
	return strings.ToValidUTF8(b.String(), "\uFFFD")
}

func inWord(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' || r == '-' || r == '.' || r > 0x7f
}
