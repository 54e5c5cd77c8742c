package logs

import (
	"iter"
	"sync"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/recent"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/search"
	"github.com/plaithq/plait/store/terms"
)

// termPlanner makes plans for the term index: what it leaves out is compared in the rows.
type termPlanner struct {
	hasher    *terms.Hasher
	entries   *dictionary.Entries
	templates *templates
	keys      *dictionary.RecordKeys // nil where the condition names no label
	err       error
}

// node is the plan for a condition.
func (t *termPlanner) node(n condition.Node) *terms.Plan {
	switch n := n.(type) {
	case condition.Const:
		if !n {
			return terms.Nothing()
		}
	case condition.And:
		return terms.All(t.each(n)...)
	case condition.Or:
		return terms.OneOf(t.each(n)...)
	case condition.Not:
		if l, ok := n.Of.(condition.Leaf); ok {
			return t.entriesOf(l.Field, n)
		}
	case condition.Leaf:
		return t.leaf(n)
	}
	return terms.Everything()
}

func (t *termPlanner) each(nodes []condition.Node) []*terms.Plan {
	plans := make([]*terms.Plan, len(nodes))
	for i, n := range nodes {
		plans[i] = t.node(n)
	}
	return plans
}

func (t *termPlanner) leaf(l condition.Leaf) *terms.Plan {
	switch l.Field.Name {
	case condition.LogAttribute:
		return t.attribute(l)
	case condition.LogBody:
		return t.body(l)
	case condition.LogSeverity, condition.LogLevel:
		return t.severity(l)
	}
	return t.entriesOf(l.Field, l)
}

// entriesOf asks for records of the resources or classes that fit a leaf or its negation.
func (t *termPlanner) entriesOf(f condition.Field, n condition.Node) *terms.Plan {
	var space terms.Space
	var ids []int64
	var err error
	switch f.Name {
	case condition.Service, condition.ResourceAttribute:
		space = terms.Resource
		ids, err = resourcesOf(t.entries, n)
	case condition.LogSeverityText, condition.LogEventName, condition.ScopeName, condition.ScopeVersion, condition.ScopeAttribute:
		space = terms.Class
		ids, err = classesOf(t.entries, t.templates, n)
	default:
		return terms.Everything()
	}
	if err != nil {
		t.err = err
	}
	return t.any(space, ids)
}

// any asks for one of some ids; nil is any.
func (t *termPlanner) any(space terms.Space, ids []int64) *terms.Plan {
	if ids == nil || len(ids) > search.MaxTerms {
		return terms.Everything()
	}
	return t.hasher.AnyID(space, ids...)
}

// maxSeverities is how many severities are asked for one by one. More are not rare.
const maxSeverities = 16

// severity asks for the numbers of which a record may fit.
func (t *termPlanner) severity(l condition.Leaf) *terms.Plan {
	fits, err := condition.CompileLogs(l)
	if err != nil {
		t.err = err
		return terms.Everything()
	}
	var numbers []int64
	for n := range 1 << 8 {
		record := plait.LogRecord{Severity: plait.SeverityNumber(n)}
		critical := plait.LogRecord{Severity: plait.SeverityNumber(n), SeverityText: "critical"}
		if fits.Match(&record) || fits.Match(&critical) {
			numbers = append(numbers, int64(n))
		}
	}
	if len(numbers) > maxSeverities {
		return terms.Everything()
	}
	return t.hasher.AnyID(terms.Severity, numbers...)
}

// attribute asks for records with an attribute in their set or in the row.
func (t *termPlanner) attribute(l condition.Leaf) *terms.Plan {
	fits, err := condition.CompileLogs(l)
	if err != nil {
		t.err = err
		return terms.Everything()
	}
	record := plait.LogRecord{Attributes: make(plait.Attributes, 1)}
	return search.AttributeTerms(t.hasher, t.entries.AttributeSets, t.keys, l, func(a plait.Attribute) bool {
		record.Attributes[0] = a
		return fits.Match(&record)
	})
}

// body asks for records with a text in the body.
func (t *termPlanner) body(l condition.Leaf) *terms.Plan {
	text, ok := l.Contained()
	if !ok || text == "" || !t.entries.LogClasses.Whole() {
		return terms.Everything()
	}
	return terms.NewNeedle(text).Plan(t.hasher, t.templates.of(t.hasher, t.entries.LogClasses))
}

// templates keeps the templates of log classes as they are compared.
type templates struct {
	mu     sync.Mutex
	folded *recent.Map[string, string]
}

// templateBytes is how much is kept.
const templateBytes = 8 << 20

func newTemplates() *templates {
	return &templates{folded: recent.New(templateBytes, func(template, folded string) int { return len(template) + len(folded) })}
}

// of yields the term of each class that has a template, and the template.
func (t *templates) of(h *terms.Hasher, classes *dictionary.Table[dictionary.LogClass]) iter.Seq2[terms.Term, string] {
	return func(yield func(terms.Term, string) bool) {
		for id, c := range classes.All() {
			if c.Template != "" && !yield(h.ID(terms.Class, id), t.fold(c.Template)) {
				return
			}
		}
	}
}

func (t *templates) fold(template string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	folded, ok := t.folded.Get(template)
	if !ok {
		folded = terms.Fold(template)
		t.folded.Put(template, folded)
	}
	return folded
}
