package loki

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/logql"
	"github.com/plaithq/plait/query/logql/entry"
	"github.com/plaithq/plait/query/logql/metric"
	"github.com/plaithq/plait/query/logql/pipeline"
)

var _ metric.Counter = source{}

// Counted implements metric.Counter: the histogram that Grafana shows above every search, and others whose
// labels tell few groups of records apart.
func (s source) Counted(ctx context.Context, of logql.Log, labels []string, after, upTo, step int64, yield func(*pipeline.Entry, int64) error) (bool, error) {
	labels, ok := countable(of, labels)
	if !ok || after%1000 != 0 || upTo%1000 != 0 || step%1000 != 0 || step <= 0 || (upTo-after)/step > maxSteps {
		return false, nil
	}
	node, err := s.Mapping.Narrow(logql.Log{Matchers: of.Matchers})
	if err != nil {
		return false, err
	}
	maker := s.Mapping.NewMaker()
	like, err := likeOf(of, labels, maker)
	if err != nil {
		return false, err
	}
	q := query.LogGroups{Condition: node, After: after, UpTo: upTo, Step: step, Like: like, Severity: slices.Contains(labels, entry.LevelLabel)}
	for _, l := range labels {
		if l != entry.ServiceLabel && l != entry.LevelLabel {
			q.Attributes = append(q.Attributes, l)
		}
	}
	groups, ok, err := s.Logs.LogGroups(ctx, q)
	if err != nil || !ok {
		return false, err
	}
	for i := range groups {
		e := maker.Entry(&groups[i].Record)
		e.TimeNanos = after + int64(groups[i].Step+1)*step
		if err := yield(e, groups[i].Count); err != nil {
			return false, err
		}
	}
	return true, nil
}

// likeOf tells resources apart by what of them makes a difference: whether the selector fits, and labels that are asked for.
func likeOf(of logql.Log, labels []string, maker *entry.Maker) (func(*plait.Resource) string, error) {
	selector, err := pipeline.New(logql.Log{Matchers: of.Matchers})
	if err != nil {
		return nil, err
	}
	return func(r *plait.Resource) string {
		if !selector.Selects(maker.Stream(r)) {
			return ""
		}
		text := []byte{'+'}
		for kind, list := range [][]plait.Label{maker.Stream(r), maker.Metadata(r)} {
			for _, l := range list {
				if slices.Contains(labels, l.Name) {
					text = fmt.Appendf(text, "%d%q%q", kind, l.Name, l.Value)
				}
			}
		}
		return string(text)
	}, nil
}

// countable says whether a query looks at nothing of entries but labels that few keys read as, and returns
// these with those that it is grouped by.
func countable(of logql.Log, labels []string) ([]string, bool) {
	labels = slices.Clone(labels)
	for _, s := range of.Stages {
		switch s := s.(type) {
		case logql.Drop:
			for _, c := range s.Labels {
				if !strings.HasPrefix(c.Name, "__") {
					return nil, false
				}
			}
		case logql.LabelFilter:
			names, ok := compared(s.Of)
			if !ok {
				return nil, false
			}
			labels = append(labels, names...)
		default:
			return nil, false
		}
	}
	for _, l := range labels {
		if l != entry.ServiceLabel && l != entry.LevelLabel && (strings.Contains(l, "_") || l == "flags") {
			return nil, false
		}
	}
	return labels, true
}

// compared are the labels whose text a condition compares.
func compared(p logql.Predicate) (names []string, ok bool) {
	both := func(l, r logql.Predicate) ([]string, bool) {
		left, leftOK := compared(l)
		right, rightOK := compared(r)
		return append(left, right...), leftOK && rightOK
	}
	switch p := p.(type) {
	case logql.And:
		return both(p.Left, p.Right)
	case logql.Or:
		return both(p.Left, p.Right)
	case logql.TextFilter:
		return []string{p.Name}, true
	}
	return nil, false
}
