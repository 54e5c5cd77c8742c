package logs

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"unsafe"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/search"
	"github.com/plaithq/plait/store/tally"
)

// LogVolume counts log records by groups and steps, in the order of their groups. It reads what is counted by the minute,
// or by the quarter of one where no templates are asked for, and the rows of what a step cuts, so it is exact. It is plait.ErrInvalid for a condition on what is not counted,
// and plait.ErrTooLarge when there are more groups and steps than an answer has room for.
func (s *Reader) LogVolume(ctx context.Context, q query.LogVolume) ([]query.LogVolumeGroup, error) {
	v, err := s.newVolume(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("count log records: %w", err)
	}
	steps := tally.NewSteps(q.Range, q.Length, q.Aligned)
	if err := s.counted.Logs(ctx, steps, q.By.Template, func(c *counts.LogCell) error { return v.cells.Add(ctx, c) }); err != nil {
		return nil, err
	}
	if err := v.cells.Flush(ctx); err != nil {
		return nil, fmt.Errorf("count log records: %w", err)
	}
	return v.groups(), nil
}

// volumeKey is what of a cell decides its group.
type volumeKey struct {
	resource, class int64
	severity        int16
}

// volumeGroup is a group without its steps.
type volumeGroup struct {
	service, template string
	severity          plait.SeverityNumber
}

type volume struct {
	store  *Reader
	by     query.LogDimensions
	fits   *condition.Logs
	cells  tally.Grouping[counts.LogCell, volumeKey]
	memory search.Memory

	numbers map[volumeGroup]int
	found   []volumeGroup
	steps   [][]query.LogStep // of each group, in order
	classes *dictionary.Table[dictionary.LogClass]
}

// countedOfLogs are the fields of log records that their counts tell.
var countedOfLogs = []condition.Name{condition.Service, condition.ResourceAttribute, condition.LogSeverity}

func (s *Reader) newVolume(ctx context.Context, q query.LogVolume) (*volume, error) {
	v := &volume{store: s, by: q.By, numbers: map[volumeGroup]int{}, memory: search.NewMemory(ctx)}
	v.cells = tally.Grouping[counts.LogCell, volumeKey]{
		Key: v.key, Clone: func(c *counts.LogCell) counts.LogCell { return *c }, Find: v.find, Use: v.use,
	}
	n := q.Condition
	if n == nil {
		n = condition.Const(true)
	}
	if err := search.OnlyFields(n, countedOfLogs...); err != nil {
		return nil, err
	}
	var err error
	v.fits, err = condition.CompileLogs(n)
	return v, err
}

// key leaves out the class where nobody asks for it: there are many.
func (v *volume) key(c *counts.LogCell) volumeKey {
	k := volumeKey{resource: c.Resource, severity: c.Severity}
	if v.by.Template {
		k.class = c.Class
	}
	return k
}

// find finds the groups of keys.
func (v *volume) find(ctx context.Context, keys []volumeKey) ([]int, error) {
	resources, err := v.store.entries.Resources.Entries(ctx, dictionary.Column(keys, func(k *volumeKey) int64 { return k.resource }))
	if err != nil {
		return nil, fmt.Errorf("read resources: %w", err)
	}
	if v.by.Template {
		if err := v.readTemplates(ctx); err != nil {
			return nil, err
		}
	}
	groups := make([]int, len(keys))
	for i, k := range keys {
		groups[i] = v.groupOf(k, resources[k.resource])
	}
	return groups, nil
}

// readTemplates reads the classes that were entered since it did last.
func (v *volume) readTemplates(ctx context.Context) error {
	entries, err := v.store.entries.Catalog.Fresh(ctx)
	if err != nil {
		return err
	}
	if v.classes = entries.LogClasses; !v.classes.Whole() {
		return plait.Errorf(plait.ErrTooLarge, "there are too many templates of log records to count by them")
	}
	return nil
}

func (v *volume) groupOf(k volumeKey, resource *plait.Resource) int {
	if !v.fits.Match(&plait.LogRecord{Resource: resource, Severity: plait.SeverityNumber(k.severity)}) {
		return tally.Outside
	}
	var g volumeGroup
	if v.by.Service {
		g.service = resource.Service()
	}
	if v.by.Severity {
		g.severity = firstOfRange(plait.SeverityNumber(k.severity))
	}
	if v.by.Template {
		class, _ := v.classes.Get(k.class)
		g.template = class.Template
	}
	number, ok := v.numbers[g]
	if !ok {
		number = len(v.found)
		v.numbers[g] = number
		v.found, v.steps = append(v.found, g), append(v.steps, nil)
		v.memory.Take(groupBytes + len(g.service) + len(g.template))
	}
	return number
}

// firstOfRange is the first severity with the same name.
func firstOfRange(n plait.SeverityNumber) plait.SeverityNumber {
	if n == 0 {
		return 0
	}
	return (n-1)/4*4 + 1
}

// groupBytes is about what a group takes beside its texts and steps.
const groupBytes = 200

// use adds a cell to its group.
func (v *volume) use(group int, c *counts.LogCell) error {
	steps := v.steps[group]
	at, found := slices.BinarySearchFunc(steps, int(c.Minute), func(s query.LogStep, index int) int { return cmp.Compare(s.Index, index) })
	if !found {
		before := cap(steps)
		steps = slices.Insert(steps, at, query.LogStep{Index: int(c.Minute)})
		v.memory.Take((cap(steps) - before) * int(unsafe.Sizeof(query.LogStep{})))
		v.steps[group] = steps
	}
	step := &steps[at]
	step.Count, step.Bytes = step.Count+c.Count, step.Bytes+c.Bytes
	if !v.memory.Left() {
		return search.ErrTooManyGroups
	}
	return nil
}

// groups are what was counted.
func (v *volume) groups() []query.LogVolumeGroup {
	all := make([]query.LogVolumeGroup, len(v.found))
	for i, g := range v.found {
		all[i] = query.LogVolumeGroup{Service: g.service, Severity: g.severity, Template: g.template, Steps: v.steps[i]}
	}
	slices.SortFunc(all, func(a, b query.LogVolumeGroup) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Template, b.Template))
	})
	return all
}
