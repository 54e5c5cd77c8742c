package logs

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/terms"
	"github.com/plaithq/plait/store/traceid"
)

// plan is a condition on log records, and what the columns of rows that fit have: by that Postgres leaves
// out most rows, and the others are compared.
type plan struct {
	condition condition.Node
	fits      *condition.Logs
	needs     needs

	within    plait.TimeRange
	traces    [][16]byte // nil: any
	spans     []int64    // nil: any
	resources []int64    // nil: any
	classes   []int64    // nil: any
	severity  int16      // at least
	terms     *terms.Plan
	untraced  bool // no row of a trace fits
	nothing   bool // no row fits
}

// needs says what of a row is decoded.
type needs struct {
	resource, class, scope, extra bool
	attributes                    bool
	labels                        bool // keys of attributes read as labels
	// within says what the JSON of attributes has in it, where a row has one that is asked for; nil is anything.
	within []string
}

// everything is needed to show a record.
var everything = needs{resource: true, class: true, scope: true, extra: true, attributes: true}

// plan prepares a question. An error is plait.ErrInvalid where the condition cannot be asked.
func (s *Reader) plan(ctx context.Context, q query.Logs) (*plan, error) {
	asked := q.Condition
	if asked == nil {
		asked = condition.Const(true)
	}
	if _, err := condition.CompileLogs(asked); err != nil {
		return nil, err
	}
	n, err := s.spell(ctx, asked)
	if err != nil {
		return nil, err
	}
	p := &plan{condition: condition.Simplify(condition.And{n, query.During(condition.LogTime, q.Range)})}
	if p.fits, err = condition.CompileLogs(p.condition); err != nil {
		return nil, err
	}
	p.needs = needsOf(p.condition)
	p.bound()
	if p.nothing {
		return p, nil
	}
	return p, s.narrow(ctx, p)
}

// bound reads off the condition what columns of its rows have, without the dictionaries.
func (p *plan) bound() {
	least, most := condition.Bounds(p.condition, condition.Field{Name: condition.LogTime})
	if p.nothing = least > most || p.condition == condition.Const(false); p.nothing {
		return
	}
	if least > math.MinInt64 {
		p.within.From = time.Unix(0, least)
	}
	if most < math.MaxInt64 {
		p.within.To = time.Unix(0, most+1)
	}
	if ids, ok := choices(p.condition, condition.LogTraceID, condition.TypeTraceID); ok {
		p.traces = [][16]byte{}
		for _, id := range ids {
			p.traces = append(p.traces, id.TraceID())
		}
	}
	if ids, ok := choices(p.condition, condition.LogSpanID, condition.TypeSpanID); ok {
		p.spans = []int64{}
		for _, id := range ids {
			p.spans = append(p.spans, id.SpanID().Int64())
		}
	}
	severity, _ := condition.Bounds(p.condition, condition.Field{Name: condition.LogSeverity})
	p.severity = int16(max(0, min(severity, math.MaxUint8)))
}

// choices are the values one of which a field has, if all of them are of a type.
func choices(n condition.Node, name condition.Name, of condition.Type) ([]condition.Value, bool) {
	values, ok := condition.Choices(n, condition.Field{Name: name})
	for _, v := range values {
		ok = ok && v.Type() == of
	}
	return values, ok
}

// maxSpelled bounds for how many trace ids other spellings are looked up.
const maxSpelled = 1_000

// spell replaces each id of a trace by all under which its rows are stored: an id and its lower half find
// each other's records.
func (s *Reader) spell(ctx context.Context, n condition.Node) (condition.Node, error) {
	asked := make(map[plait.TraceID]bool)
	condition.Walk(n, func(n condition.Node) bool {
		if id, ok := traceOf(n); ok {
			asked[id] = true
		}
		return true
	})
	if len(asked) == 0 {
		return n, nil
	}
	if len(asked) > maxSpelled {
		return nil, plait.Errorf(plait.ErrTooLarge, "the condition names %d traces, and may name %d", len(asked), maxSpelled)
	}
	ids := make([]plait.TraceID, 0, len(asked))
	for id := range asked {
		ids = append(ids, id)
	}
	spelled, err := s.ids.Spell(ctx, ids...)
	if err != nil {
		return nil, err
	}
	return condition.Replace(n, func(l condition.Leaf) condition.Node {
		id, ok := traceOf(l)
		if !ok {
			return l
		}
		return anySpelling(id, spelled)
	}), nil
}

func anySpelling(id plait.TraceID, spelled traceid.Spelling) condition.Node {
	or := condition.Or{}
	for stored := range spelled.Only(map[plait.TraceID]bool{id: true}) {
		or = append(or, query.LogTrace(stored))
	}
	return or
}

// traceOf is the trace that a leaf asks for, by its id or its text.
func traceOf(n condition.Node) (id plait.TraceID, ok bool) {
	l, ok := n.(condition.Leaf)
	if !ok || l.Field.Name != condition.LogTraceID || l.Op != condition.OpEqual {
		return id, false
	}
	if l.Value.Type() == condition.TypeTraceID {
		return l.Value.TraceID(), true
	}
	err := id.UnmarshalText([]byte(l.Value.Str()))
	return id, err == nil && id.String() == l.Value.Str()
}

// needsOf says what a condition looks at.
func needsOf(n condition.Node) (needs needs) {
	of := condition.NeedsOf(n)
	needs.within = []string{}
	for _, f := range of.Fields {
		switch f.Name {
		case condition.Service, condition.ResourceAttribute:
			needs.resource = true
		case condition.ScopeName, condition.ScopeVersion, condition.ScopeAttribute:
			needs.class, needs.scope = true, true
		case condition.LogSeverityText, condition.LogEventName, condition.LogLevel:
			needs.class, needs.extra = true, true
		case condition.LogBody:
			needs.extra = needs.extra || f.Path != ""
		case condition.LogAttribute:
			needs.attributes = true
			needs.labels = needs.labels || f.Lookup == condition.LookupLabel
			needs.within = needs.lookFor(f)
		}
	}
	return needs
}

// lookFor adds what the JSON of a row with an attribute of the field has in it.
func (n needs) lookFor(f condition.Field) []string {
	if n.within == nil || f.Lookup == condition.LookupLabel {
		return nil // a key that reads as a label may have any characters
	}
	key := f.Key
	if f.Lookup == condition.LookupDotted {
		key, _, _ = strings.Cut(key, ".")
	}
	json := plait.AppendJSONString(nil, key)
	return append(n.within, string(json[:len(json)-1]))
}

// mayHold says whether the JSON of a row's attributes may have one that is asked for.
func (n *needs) mayHold(attributes string) bool {
	if n.within == nil {
		return true
	}
	for _, part := range n.within {
		if strings.Contains(attributes, part) {
			return true
		}
	}
	return false
}

// narrow finds the dictionary entries of rows that fit, and the terms that they have.
func (s *Reader) narrow(ctx context.Context, p *plan) error {
	if p.traces != nil { // whose few rows are compared
		return nil
	}
	entries, err := s.entries.Catalog.Fresh(ctx)
	if err != nil {
		return err
	}
	if p.resources, err = resourcesOf(entries, p.condition); err != nil {
		return err
	}
	if p.untraced, err = onlyUntraced(entries, p.condition); err != nil {
		return err
	}
	if p.classes, err = classesOf(entries, s.templates, p.condition); err != nil {
		return err
	}
	planner := termPlanner{hasher: s.index.Hasher(), entries: entries, templates: s.templates}
	if p.needs.labels {
		if planner.keys, err = dictionary.ReadRecordKeys(ctx, s.lookup); err != nil {
			return err
		}
	}
	p.terms = planner.node(p.condition)
	p.nothing = p.resources != nil && len(p.resources) == 0 || p.classes != nil && len(p.classes) == 0
	return planner.err
}
