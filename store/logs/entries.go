package logs

import (
	"maps"
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/terms"
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

// onlyUntraced says whether no record that has a trace id fits a condition, whichever resource it is of.
func onlyUntraced(entries *dictionary.Entries, n condition.Node) (bool, error) {
	of, err := newFacts(n, resourceFields...)
	if err != nil || !entries.Resources.Whole() {
		return false, err
	}
	asked := false
	traced := condition.Replace(n, func(l condition.Leaf) condition.Node {
		if l.Field.Name == condition.LogTraceID && l.Op == condition.OpExists {
			asked = true
			return condition.Const(true)
		}
		return l
	})
	if !asked {
		return false, nil
	}
	for _, r := range entries.Resources.All() {
		if !of.exclude(traced, &plait.LogRecord{Resource: r}) {
			return false, nil
		}
	}
	return entries.Resources.Whole(), nil
}

// classesOf returns the ids of the log classes whose records may fit a condition; nil is any. The template of a class says
// what is in no body of its records.
func classesOf(entries *dictionary.Entries, templates *templates, n condition.Node) ([]int64, error) {
	all, err := newFacts(n, classFields...)
	if err != nil {
		return nil, err
	}
	bodies := needlesOf(n)
	if len(all)+len(bodies) == 0 || !entries.Scopes.Whole() {
		return nil, nil
	}
	ofScope, err := newFacts(n, scopeFields...)
	if err != nil {
		return nil, err
	}
	said := make(map[condition.Leaf]condition.Tristate, len(all)+len(bodies))
	leaves := slices.Concat(slices.Collect(maps.Keys(all)), slices.Collect(maps.Keys(bodies)))
	key, excluded := make([]byte, len(leaves)), make(map[string]bool) // by what is known of the leaves
	return fitting(entries.LogClasses, func(c dictionary.LogClass) bool {
		scope, _ := entries.Scopes.Get(c.Scope)
		record := &plait.LogRecord{Scope: scope, SeverityText: c.SeverityText, EventName: c.EventName}
		known := all
		if c.SeverityText+c.EventName == "" { // then rows may have texts of their own
			known = ofScope
		}
		for i, l := range leaves {
			what := condition.Unknown
			if of := known[l]; of != nil {
				what = condition.Known(of.Match(record))
			} else if needle := bodies[l]; needle != nil && c.Template != "" && !needle.MayBeIn(templates.fold(c.Template)) {
				what = condition.Known(false)
			}
			said[l], key[i] = what, byte(what)
		}
		never, ok := excluded[string(key)]
		if !ok {
			never = condition.Reduce(n, func(l condition.Leaf) condition.Tristate { return said[l] }) == condition.Const(false)
			excluded[string(key)] = never
		}
		return !never
	}), nil
}

// needlesOf are the texts that the leaves about bodies look for.
func needlesOf(n condition.Node) map[condition.Leaf]*terms.Needle {
	found := make(map[condition.Leaf]*terms.Needle)
	condition.Walk(n, func(n condition.Node) bool {
		if l, ok := n.(condition.Leaf); ok && l.Field.Name == condition.LogBody && found[l] == nil {
			if text, ok := l.Contained(); ok {
				found[l] = terms.NewNeedle(text)
			}
		}
		return true
	})
	return found
}

// maxListed bounds how many ids stand in a statement: more narrow little, and cost much.
const maxListed = 10_000

// fitting returns the ids of the entries that fit; nil where all do, or too many, or where not all are known.
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
	if all && len(ids) > 0 || len(ids) > maxListed || !table.Whole() {
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
