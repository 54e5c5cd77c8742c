package logs

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/logql/patterns"
	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
	"github.com/plaithq/plait/store/tally"
)

const classPatternsSQL = `
SELECT id, severity_text, CASE WHEN template = '' THEN pattern ELSE template END, first_seen
FROM plait_store.log_class
WHERE id = ANY ($1)`

// LogPatterns counts log records by service, level and pattern, the most frequent patterns of a service first. It reads
// what is counted by the minute and no rows. What classes have in their templates and patterns is folded to fewer patterns.
// It is plait.ErrTooLarge when there are more classes and steps than an answer has room for.
func (s *Reader) LogPatterns(ctx context.Context, q query.LogPatterns) ([]query.LogPattern, error) {
	steps := minuteSteps(q)
	sums, err := s.classSums(ctx, q, steps)
	if err != nil {
		return nil, fmt.Errorf("count log records by pattern: %w", err)
	}
	bodies, err := s.bodiesOf(ctx, q, sums)
	if err != nil {
		return nil, fmt.Errorf("count log records by pattern: %w", err)
	}
	var all []query.LogPattern
	for from, texts := range bodies {
		all = append(all, foldBodies(from, texts, steps)...)
	}
	slices.SortFunc(all, func(a, b query.LogPattern) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Pattern, b.Pattern), cmp.Compare(a.Level, b.Level))
	})
	return all, nil
}

// minuteSteps are the steps of a question, of whole minutes.
func minuteSteps(q query.LogPatterns) tally.Steps {
	r, step := q.Range, q.Step.Truncate(time.Minute)
	if step < q.Step {
		step += time.Minute
	}
	r.From = r.From.Truncate(time.Minute)
	if to := r.To.Truncate(time.Minute); to.Before(r.To) {
		r.To = to.Add(time.Minute)
	}
	return tally.NewSteps(r, step, true)
}

// stepCount is how many records are in a step.
type stepCount struct {
	step  int
	count int64
}

// add adds to the last step, or begins another one. There may be several of a step.
func add(to []stepCount, step int, count int64) []stepCount {
	if n := len(to); n > 0 && to[n-1].step == step {
		to[n-1].count += count
		return to
	}
	return append(to, stepCount{step, count})
}

// classSums are the counts of records by resource, class, severity and step.
func (s *Reader) classSums(ctx context.Context, q query.LogPatterns, steps tally.Steps) (map[volumeKey][]stepCount, error) {
	entries, err := s.entries.Catalog.Fresh(ctx)
	if err != nil {
		return nil, err
	}
	meant := map[int64]bool{}
	isMeant := func(id int64) bool {
		is, known := meant[id]
		if !known {
			r, found := entries.Resources.Get(id)
			is = !found || q.Of == nil || q.Of(r) // what is not found is looked at later
			meant[id] = is
		}
		return is
	}
	sums, memory := map[volumeKey][]stepCount{}, search.NewMemory(ctx)
	const keyBytes, stepBytes = 200, 32
	return sums, s.counted.Logs(ctx, steps, true, func(c *counts.LogCell) error {
		if !isMeant(c.Resource) {
			return nil
		}
		key := volumeKey{c.Resource, c.Class, c.Severity}
		before, known := sums[key]
		after := add(before, int(c.Minute), c.Count)
		sums[key] = after
		if !known {
			memory.Take(keyBytes)
		}
		if len(after) > len(before) && !memory.Take(stepBytes) {
			return plait.Errorf(plait.ErrTooLarge, "the kinds of log records and steps are too many: make the step longer or the range shorter, or ask for one service")
		}
		return nil
	})
}

// bodyOrigin is where bodies come from.
type bodyOrigin struct{ service, level string }

// bodyKind is a template or pattern of bodies.
type bodyKind struct {
	text      string
	count     int64
	steps     []stepCount
	firstSeen time.Time
}

// bodiesOf finds the texts of classes.
func (s *Reader) bodiesOf(ctx context.Context, q query.LogPatterns, sums map[volumeKey][]stepCount) (map[bodyOrigin]map[string]*bodyKind, error) {
	keys := slices.Collect(maps.Keys(sums))
	resources, err := s.entries.Resources.Entries(ctx, dictionary.Column(keys, func(k *volumeKey) int64 { return k.resource }))
	if err != nil {
		return nil, fmt.Errorf("read resources: %w", err)
	}
	classes, err := s.classTexts(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("read log classes: %w", err)
	}
	bodies := map[bodyOrigin]map[string]*bodyKind{}
	for k, steps := range sums {
		r := resources[k.resource]
		if q.Of != nil && !q.Of(r) {
			continue
		}
		class := classes[k.class]
		from := bodyOrigin{r.Service(), condition.Level(&plait.LogRecord{Severity: plait.SeverityNumber(k.severity), SeverityText: class.severityText})}
		if bodies[from] == nil {
			bodies[from] = map[string]*bodyKind{}
		}
		kind := bodies[from][class.text]
		if kind == nil {
			kind = &bodyKind{text: class.text, firstSeen: class.firstSeen}
			bodies[from][class.text] = kind
		}
		kind.include(steps, class.firstSeen)
	}
	return bodies, nil
}

func (k *bodyKind) include(steps []stepCount, firstSeen time.Time) {
	if firstSeen.Before(k.firstSeen) {
		k.firstSeen = firstSeen
	}
	for _, s := range steps {
		k.count += s.count
		k.steps = add(k.steps, s.step, s.count)
	}
}

// classText is what of a class tells a pattern.
type classText struct {
	severityText, text string
	firstSeen          time.Time
}

func (s *Reader) classTexts(ctx context.Context, keys []volumeKey) (map[int64]classText, error) {
	ids := map[int64]bool{}
	for _, k := range keys {
		ids[k.class] = true
	}
	texts := make(map[int64]classText, len(ids))
	err := pg.QueryRows(ctx, s.lookup, func(v [][]byte) {
		var since time.Time
		if micros := rowcodec.TimeMicros(v[3]); micros > rowcodec.MinMicros {
			since = time.UnixMicro(micros).UTC()
		}
		texts[rowcodec.Int8(v[0])] = classText{string(v[1]), string(v[2]), since}
	}, classPatternsSQL, slices.Sorted(maps.Keys(ids)))
	return texts, err
}

// foldBodies makes patterns of what an origin's bodies are.
func foldBodies(from bodyOrigin, texts map[string]*bodyKind, steps tally.Steps) []query.LogPattern {
	kinds := slices.SortedFunc(maps.Values(texts), func(a, b *bodyKind) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.text, b.text))
	})
	lines := make([]string, len(kinds))
	for i, k := range kinds {
		lines[i] = k.text
	}
	byPattern := map[string]*bodyKind{}
	for i, pattern := range patterns.Fold(lines) {
		sum := byPattern[pattern]
		if sum == nil {
			sum = &bodyKind{text: pattern, firstSeen: kinds[i].firstSeen}
			byPattern[pattern] = sum
		}
		sum.include(kinds[i].steps, kinds[i].firstSeen)
	}
	all := make([]query.LogPattern, 0, len(byPattern))
	for _, sum := range byPattern {
		p := query.LogPattern{Service: from.service, Level: from.level, Pattern: sum.text, Count: sum.count, FirstSeen: sum.firstSeen}
		slices.SortFunc(sum.steps, func(a, b stepCount) int { return cmp.Compare(a.step, b.step) })
		var inOrder []stepCount
		for _, s := range sum.steps {
			inOrder = add(inOrder, s.step, s.count)
		}
		for _, s := range inOrder {
			p.Steps = append(p.Steps, query.PatternStep{Start: multipleBefore(steps, s.step), Count: s.count})
		}
		all = append(all, p)
	}
	return all
}

// multipleBefore is the multiple of the steps' length with which a step begins, which may be before the range.
func multipleBefore(s tally.Steps, step int) time.Time {
	begin := s.Begin(step)
	if s.Aligned {
		begin = rowcodec.FloorDiv(begin, s.Length) * s.Length
	}
	return time.UnixMicro(begin).UTC()
}
