package logs

import (
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/store/dictionary"
)

var (
	resourceFields = []condition.Name{condition.Service, condition.ResourceAttribute}
	scopeFields    = []condition.Name{condition.ScopeName, condition.ScopeVersion, condition.ScopeAttribute}
	classFields    = append([]condition.Name{condition.LogSeverityText, condition.LogEventName}, scopeFields...)
)

// resourcesOf returns the ids of the resources whose records may fit a condition; nil is any.
func resourcesOf(entries *dictionary.Entries, n condition.Node) ([]int64, error) {
	of, err := newFacts(n, resourceFields...)
	if err != nil || len(of) == 0 {
		return nil, err
	}
	return fitting(entries.Resources, func(r *plait.Resource) bool {
		return !of.exclude(n, &plait.LogRecord{Resource: r})
	}), nil
}

// classesOf returns the ids of the log classes whose records may fit a condition; nil is any.
func classesOf(entries *dictionary.Entries, n condition.Node) ([]int64, error) {
	all, err := newFacts(n, classFields...)
	if err != nil || len(all) == 0 || !entries.Scopes.Whole() {
		return nil, err
	}
	ofScope, err := newFacts(n, scopeFields...)
	if err != nil {
		return nil, err
	}
	return fitting(entries.LogClasses, func(c dictionary.LogClass) bool {
		scope, _ := entries.Scopes.Get(c.Scope)
		record := &plait.LogRecord{Scope: scope, SeverityText: c.SeverityText, EventName: c.EventName}
		if c.SeverityText+c.EventName == "" { // then rows may have texts of their own
			return !ofScope.exclude(n, record)
		}
		return !all.exclude(n, record)
	}), nil
}

// fitting returns the ids of the entries that fit; nil where all do, or where not all are known.
func fitting[V any](table *dictionary.Table[V], fits func(V) bool) []int64 {
	if !table.Whole() {
		return nil
	}
	ids, all := []int64{}, true
	for id, v := range table.All() {
		if fits(v) {
			ids = append(ids, id)
		} else {
			all = false
		}
	}
	if all && len(ids) > 0 || !table.Whole() {
		return nil
	}
	return ids
}

// facts are the leaves of a condition that a dictionary decides.
type facts map[condition.Leaf]*condition.Logs

// newFacts compiles the leaves about some fields.
func newFacts(n condition.Node, fields ...condition.Name) (facts, error) {
	decided := make(facts)
	var bad error
	condition.Walk(n, func(n condition.Node) bool {
		l, ok := n.(condition.Leaf)
		if !ok || !slices.Contains(fields, l.Field.Name) || decided[l] != nil {
			return true
		}
		c, err := condition.CompileLogs(l)
		if err != nil {
			bad = err
			return false
		}
		decided[l] = c
		return true
	})
	return decided, bad
}

// exclude says that no record fits which has what an entry has.
func (f facts) exclude(n condition.Node, entry *plait.LogRecord) bool {
	return condition.Reduce(n, func(l condition.Leaf) condition.Tristate {
		if c := f[l]; c != nil {
			return condition.Known(c.Match(entry))
		}
		return condition.Unknown
	}) == condition.Const(false)
}
