package loki

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/logql"
	"github.com/plaithq/plait/query/logql/entry"
	"github.com/plaithq/plait/query/logql/patterns"
	"github.com/plaithq/plait/query/logql/pipeline"
)

// Bounds of patterns.
const (
	patternLines    = 20_000 // that are looked at, the newest, where the counts do not tell
	maxPatterns     = 300    // in an answer
	maxPatternsKept = 5_000
)

// pattern is what lines have in common, with how many there are in each step.
type pattern struct {
	Pattern string     `json:"pattern"`
	Level   string     `json:"level"`
	Samples [][2]int64 `json:"samples"` // seconds, lines
}

// patternKey is what lines of a pattern share.
type patternKey struct{ text, level string }

// patternSteps counts lines by pattern and by the second in which their step begins.
type patternSteps map[patternKey]map[int64]int64

func (p patternSteps) add(key patternKey, second, lines int64) {
	if p[key] == nil {
		p[key] = map[int64]int64{}
	}
	p[key][second] += lines
}

// patterns finds what lines have in common.
func (h *handler) patterns(ctx context.Context, q *request) (any, error) {
	l, err := q.logQuery()
	if err != nil {
		return nil, err
	}
	step, err := q.step()
	if err != nil {
		return nil, err
	}
	count := h.readPatterns
	if ofLevels(l) {
		count = h.countedPatterns
	}
	counts, err := count(ctx, l, q.within, step)
	if err != nil {
		return nil, err
	}
	return succeed(mostFrequent(counts)), nil
}

func mostFrequent(counts patternSteps) []pattern {
	totals := map[patternKey]int64{}
	for key, steps := range counts {
		for _, lines := range steps {
			totals[key] += lines
		}
	}
	keys := slices.SortedFunc(maps.Keys(totals), func(a, b patternKey) int {
		return cmp.Or(cmp.Compare(totals[b], totals[a]), cmp.Compare(a.text, b.text), cmp.Compare(a.level, b.level))
	})
	found := []pattern{}
	for _, key := range keys[:min(len(keys), maxPatterns)] {
		p := pattern{Pattern: key.text, Level: key.level}
		for _, at := range slices.Sorted(maps.Keys(counts[key])) {
			p.Samples = append(p.Samples, [2]int64{at, counts[key][at]})
		}
		found = append(found, p)
	}
	return found
}

// ofLevels says whether a query asks for nothing but streams and levels, which the counts by the minute tell.
func ofLevels(l logql.Log) bool {
	names, ok := countable(logql.Log{Stages: l.Stages}, nil)
	return ok && !slices.ContainsFunc(names, func(name string) bool { return name != entry.LevelLabel })
}

// countedPatterns asks for what is counted by the minute.
func (h *handler) countedPatterns(ctx context.Context, l logql.Log, within plait.TimeRange, step time.Duration) (patternSteps, error) {
	selector, err := pipeline.New(logql.Log{Matchers: l.Matchers})
	if err != nil {
		return nil, err
	}
	levels, err := pipeline.New(logql.Log{Stages: l.Stages})
	if err != nil {
		return nil, err
	}
	maker := h.Mapping.NewMaker()
	ctx, release := h.Memory.Begin(ctx)
	defer release()
	found, err := h.Logs.LogPatterns(ctx, query.LogPatterns{
		Range: within, Step: step, Of: func(r *plait.Resource) bool { return selector.Selects(maker.Stream(r)) },
	})
	if err != nil {
		return nil, err
	}
	counts := patternSteps{}
	for i := range found {
		p := &found[i]
		_, kept, err := levels.Process(&pipeline.Entry{Line: p.Pattern, Metadata: []plait.Label{{Name: entry.LevelLabel, Value: p.Level}}})
		if err != nil {
			return nil, err
		}
		if !kept || p.Pattern == "" {
			continue
		}
		for _, s := range p.Steps {
			counts.add(patternKey{p.Pattern, p.Level}, s.Start.Unix(), s.Count)
		}
	}
	return counts, nil
}

// readPatterns reads the newest lines that a query's filters leave.
func (h *handler) readPatterns(ctx context.Context, l logql.Log, within plait.TimeRange, step time.Duration) (patternSteps, error) {
	seconds := max(int64(step/time.Second), 1)
	read, lines := patternSteps{}, 0
	err := h.results(ctx, reading{of: l, within: within, page: maxPage}, func(r *pipeline.Result) error {
		key := patternKey{patterns.Of(r.Line), levelOf(r)}
		if read[key] != nil || len(read) < maxPatternsKept {
			read.add(key, r.TimeNanos/1e9/seconds*seconds, 1)
		}
		if lines++; lines == patternLines {
			return errEnough
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	byLevel := map[string][]string{}
	for key := range read {
		byLevel[key.level] = append(byLevel[key.level], key.text)
	}
	counts := patternSteps{}
	for level, texts := range byLevel {
		slices.Sort(texts)
		for i, folded := range patterns.Fold(texts) {
			for at, lines := range read[patternKey{texts[i], level}] {
				counts.add(patternKey{folded, level}, at, lines)
			}
		}
	}
	return counts, nil
}

func levelOf(r *pipeline.Result) string {
	for _, l := range r.Metadata {
		if l.Name == entry.LevelLabel {
			return l.Value
		}
	}
	return ""
}
