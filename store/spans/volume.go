package spans

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/search"
	"github.com/plaithq/plait/store/tally"
)

// SpanVolume counts spans by groups and the steps in which they start, in the order of their groups. It reads what is
// counted by the minute, and the rows of minutes that a step cuts, so it is exact. It is plait.ErrInvalid for a condition on
// what is not counted, and plait.ErrTooLarge when there are more groups and steps than an answer has room for.
func (s *Reader) SpanVolume(ctx context.Context, q query.SpanVolume) (query.SpanVolumes, error) {
	v, err := s.newVolume(ctx, q)
	if err != nil {
		return query.SpanVolumes{}, fmt.Errorf("count spans: %w", err)
	}
	steps := tally.NewSteps(q.Range, q.Length, q.Aligned)
	if err := s.tally.Spans(ctx, steps, func(c *counts.SpanCell) error { return v.cells.Add(ctx, c) }); err != nil {
		return query.SpanVolumes{}, err
	}
	if err := v.cells.Flush(ctx); err != nil {
		return query.SpanVolumes{}, fmt.Errorf("count spans: %w", err)
	}
	return query.SpanVolumes{Groups: v.groups(), Unnamed: v.unnamed}, nil
}

// volumeKey is what of a cell decides its group.
type volumeKey struct {
	operation, resource int64
	status              plait.StatusCode
}

// volumeGroup is a group without its steps.
type volumeGroup struct {
	service, name string
	kind          plait.SpanKind
	status        plait.StatusCode
}

// volumeStep is a step of a group.
type volumeStep struct {
	counts.SpanCell // without a key
	failed          int64
}

type volume struct {
	store  *Reader
	by     query.SpanDimensions
	fits   spanFits
	cells  tally.Grouping[counts.SpanCell, volumeKey]
	memory search.Memory

	numbers map[volumeGroup]int
	found   []volumeGroup
	steps   []map[int]*volumeStep // of each group
	unnamed int64
}

// maybe is the group of spans of which their names decide whether they fit, and which have their own.
const maybe = tally.Outside - 1

func (s *Reader) newVolume(ctx context.Context, q query.SpanVolume) (*volume, error) {
	v := &volume{store: s, by: q.By, numbers: map[volumeGroup]int{}, memory: search.NewMemory(ctx)}
	v.cells = tally.Grouping[counts.SpanCell, volumeKey]{
		Key: func(c *counts.SpanCell) volumeKey {
			return volumeKey{c.Operation, c.Resource, plait.StatusCode(c.Status)}
		},
		Clone: func(c *counts.SpanCell) counts.SpanCell {
			clone := *c
			clone.Buckets = slices.Clone(c.Buckets)
			return clone
		},
		Find: v.find, Use: v.use,
	}
	var err error
	v.fits, err = newSpanFits(q.Condition)
	return v, err
}

// find finds the groups of keys.
func (v *volume) find(ctx context.Context, keys []volumeKey) ([]int, error) {
	resources, err := v.store.entries.Resources.Entries(ctx, dictionary.Column(keys, func(k *volumeKey) int64 { return k.resource }))
	if err != nil {
		return nil, fmt.Errorf("read resources: %w", err)
	}
	operations, err := v.store.entries.Operations.Entries(ctx, dictionary.Column(keys, func(k *volumeKey) int64 { return k.operation }))
	if err != nil {
		return nil, fmt.Errorf("read operations: %w", err)
	}
	groups := make([]int, len(keys))
	for i, k := range keys {
		o := operations[k.operation]
		s := &plait.Span{Name: o.Name, Kind: o.Kind, Status: k.status, Resource: resources[k.resource]}
		groups[i] = v.groupOf(s)
	}
	return groups, nil
}

func (v *volume) groupOf(s *plait.Span) int {
	switch v.fits.match(s) {
	case condition.Fails:
		return tally.Outside
	case condition.Unknown:
		return maybe
	}
	var g volumeGroup
	if v.by.Service {
		g.service = s.Resource.Service()
	}
	if v.by.Name {
		g.name = s.Name
	}
	if v.by.Kind {
		g.kind = s.Kind
	}
	if v.by.Status {
		g.status = s.Status
	}
	number, ok := v.numbers[g]
	if !ok {
		number = len(v.found)
		v.numbers[g] = number
		v.found, v.steps = append(v.found, g), append(v.steps, map[int]*volumeStep{})
		v.memory.Take(groupBytes + len(g.service) + len(g.name))
	}
	return number
}

const (
	groupBytes  = 200
	stepBytes   = 150
	bucketBytes = 40 // with what the answer makes of it
)

// use adds a cell to its group.
func (v *volume) use(group int, c *counts.SpanCell) error {
	if group == maybe {
		v.unnamed += c.Count
		return nil
	}
	at := int(c.Minute)
	step := v.steps[group][at]
	if step == nil {
		step = &volumeStep{}
		v.steps[group][at] = step
		v.memory.Take(stepBytes)
	}
	before := len(step.Buckets)
	step.Include(c)
	if plait.StatusCode(c.Status) == plait.StatusError {
		step.failed += c.Count
	}
	if v.memory.Take(bucketBytes * (len(step.Buckets) - before)); !v.memory.Left() {
		return search.ErrTooManyGroups
	}
	return nil
}

// groups are what was counted.
func (v *volume) groups() []query.SpanVolumeGroup {
	all := make([]query.SpanVolumeGroup, len(v.found))
	for i, g := range v.found {
		all[i] = query.SpanVolumeGroup{Service: g.service, Name: g.name, Kind: g.kind, Status: g.status}
		for at, step := range v.steps[i] {
			all[i].Steps = append(all[i].Steps, step.answer(at))
		}
		slices.SortFunc(all[i].Steps, func(a, b query.SpanStep) int { return cmp.Compare(a.Index, b.Index) })
	}
	slices.SortFunc(all, func(a, b query.SpanVolumeGroup) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Status, b.Status))
	})
	return all
}

func (s *volumeStep) answer(at int) query.SpanStep {
	a := query.SpanStep{Index: at, Count: s.Count, Failed: s.failed, SumNanos: s.SumNanos, Durations: make([]query.DurationCount, len(s.Buckets))}
	for i, b := range s.Buckets {
		a.Durations[i] = query.DurationCount{Over: time.Duration(counts.UpperBound(b.Index - 1)), UpTo: time.Duration(counts.UpperBound(b.Index)), Count: b.Count}
	}
	return a
}

// spanFits is a condition on what the counts of spans tell.
type spanFits struct {
	whole  *condition.Spans
	node   condition.Node
	leaves map[condition.Leaf]*condition.Spans
}

func newSpanFits(n condition.Node) (f spanFits, err error) {
	if n == nil {
		n = condition.Const(true)
	}
	err = search.OnlyFields(n, condition.Service, condition.ResourceAttribute, condition.SpanName, condition.SpanKind, condition.SpanStatus)
	if err != nil {
		return f, err
	}
	f = spanFits{node: n, leaves: map[condition.Leaf]*condition.Spans{}}
	if f.whole, err = condition.CompileSpans(n); err != nil {
		return f, err
	}
	condition.Walk(n, func(n condition.Node) bool {
		if l, ok := n.(condition.Leaf); ok && err == nil && l.Field.Name != condition.SpanName {
			f.leaves[l], err = condition.CompileSpans(l)
		}
		return err == nil
	})
	return f, err
}

// match says whether a span fits. One without a name may have one that is not counted.
func (f *spanFits) match(s *plait.Span) condition.Tristate {
	view := condition.SpanView{Span: s}
	if s.Name != "" {
		return condition.Known(f.whole.Match(&view))
	}
	switch condition.Reduce(f.node, func(l condition.Leaf) condition.Tristate {
		if c := f.leaves[l]; c != nil {
			return condition.Known(c.Match(&view))
		}
		return condition.Unknown
	}) {
	case condition.Const(true):
		return condition.Holds
	case condition.Const(false):
		return condition.Fails
	}
	return condition.Unknown
}
