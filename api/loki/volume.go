package loki

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/logql"
)

// volume is how many bytes streams have, added up by some of their labels.
type volume struct {
	metric object
	total  int64
	steps  map[int]int64
}

// volumes adds up by the labels that the question names, or else its selector does. An answer by labels has
// their names alone.
func (h *handler) volumes(ctx context.Context, q *request, step time.Duration) ([]*volume, error) {
	limit, err := q.number("limit", defaultLimit)
	if err != nil {
		return nil, err
	}
	l, found, err := h.selected(ctx, q, step)
	if err != nil {
		return nil, err
	}
	targets := volumeTargets(q, l)
	byLabels := map[string]*volume{}
	add := func(metric object, s *counted) {
		key := string(metric.append(nil))
		v := byLabels[key]
		if v == nil {
			v = &volume{metric: metric, steps: map[int]int64{}}
			byLabels[key] = v
		}
		for _, step := range s.steps {
			v.total += step.Bytes
			v.steps[step.Index] += step.Bytes
		}
	}
	named := q.form.Get("aggregateBy") == "labels"
	for i := range found {
		var metric object
		for _, label := range found[i].labels {
			switch {
			case named && (q.form.Get("targetLabels") == "" || slices.Contains(targets, label.Name)):
				add(object{{Name: label.Name}}, &found[i])
			case slices.Contains(targets, label.Name):
				metric = append(metric, label)
			}
		}
		if !named && metric != nil {
			add(metric, &found[i])
		}
	}
	all := slices.Collect(maps.Values(byLabels))
	slices.SortFunc(all, func(a, b *volume) int {
		return cmp.Or(cmp.Compare(b.total, a.total), cmp.Compare(string(a.metric.append(nil)), string(b.metric.append(nil))))
	})
	return all[:min(len(all), limit)], nil
}

func volumeTargets(q *request, l logql.Log) (targets []string) {
	for _, list := range q.form["targetLabels"] {
		for name := range strings.SplitSeq(list, ",") {
			if name != "" {
				targets = append(targets, name)
			}
		}
	}
	if targets == nil {
		for _, m := range l.Matchers {
			targets = append(targets, m.Name)
		}
	}
	return targets
}

// volume answers for the range as a whole.
func (h *handler) volume(ctx context.Context, q *request) (any, error) {
	all, err := h.volumes(ctx, q, 0)
	if err != nil {
		return nil, err
	}
	vector := []vectorSample{}
	for _, v := range all {
		vector = append(vector, vectorSample{v.metric, sample{q.within.To.UnixNano(), float64(v.total)}})
	}
	return succeed(resultOf{ResultType: "vector", Result: vector}), nil
}

// volumeOverTime answers for each step, at its end. Steps end at multiples of their length, and the last one with the range, as in Loki.
func (h *handler) volumeOverTime(ctx context.Context, q *request) (any, error) {
	step, err := q.step()
	if err != nil {
		return nil, err
	}
	if step < time.Millisecond {
		return nil, plait.Errorf(plait.ErrInvalid, "parameter step: %s is less than a millisecond", step)
	}
	all, err := h.volumes(ctx, q, step)
	if err != nil {
		return nil, err
	}
	steps := query.Steps{Range: q.within, Length: step, Aligned: true}
	matrix := []matrixSeries{}
	for _, v := range all {
		series := matrixSeries{Metric: v.metric}
		for _, i := range slices.Sorted(maps.Keys(v.steps)) {
			end := steps.Begin(i + 1)
			if end.After(q.within.To) {
				end = q.within.To
			}
			series.Values = append(series.Values, sample{end.UnixNano(), float64(v.steps[i])})
		}
		matrix = append(matrix, series)
	}
	return succeed(resultOf{ResultType: "matrix", Result: matrix}), nil
}
