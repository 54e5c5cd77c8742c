package loki

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/logql"
	"github.com/plaithq/plait/query/logql/pipeline"
)

// Bounds of lists.
const (
	maxStreams  = 20_000
	maxMatchers = 100 // selectors in one question
)

// counted is a stream with its numbers.
type counted struct {
	labels object
	steps  []query.LogStep
}

// counted counts the streams that one of some queries selects, all when there is none.
func (h *handler) counted(ctx context.Context, q *request, step time.Duration, of ...logql.Log) ([]counted, error) {
	var selectors []*pipeline.Pipeline
	for _, l := range of {
		p, err := pipeline.New(logql.Log{Matchers: l.Matchers})
		if err != nil {
			return nil, err
		}
		selectors = append(selectors, p)
	}
	all, err := h.Logs.LogStreams(ctx, query.LogStreams{Range: q.within, Step: step})
	if err != nil {
		return nil, err
	}
	maker := h.Mapping.NewMaker()
	var found []counted
	for i := range all {
		labels := maker.Stream(all[i].Resource)
		if len(of) == 0 || slices.ContainsFunc(selectors, func(p *pipeline.Pipeline) bool { return p.Selects(labels) }) {
			each := int64(maker.MetadataBytes(all[i].Resource))
			for j := range all[i].Steps {
				all[i].Steps[j].Bytes += each * all[i].Steps[j].Count
			}
			found = append(found, counted{object(labels), all[i].Steps})
		}
	}
	return found, nil
}

// selected are the streams of the parameter query.
func (h *handler) selected(ctx context.Context, q *request, step time.Duration) (logql.Log, []counted, error) {
	l, err := q.logQuery()
	if err != nil {
		return l, nil, err
	}
	found, err := h.counted(ctx, q, step, l)
	return l, found, err
}

// labels lists the names of stream labels.
func (h *handler) labels(ctx context.Context, q *request) (any, error) {
	_, found, err := h.selected(ctx, q, 0)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, s := range found {
		for _, l := range s.labels {
			names[l.Name] = true
		}
	}
	return succeed(sortedKeys(names)), nil
}

// labelValues lists the values of one.
func (h *handler) labelValues(ctx context.Context, q *request) (any, error) {
	_, found, err := h.selected(ctx, q, 0)
	if err != nil {
		return nil, err
	}
	values := map[string]bool{}
	for _, s := range found {
		for _, l := range s.labels {
			if l.Name == q.name {
				values[l.Value] = true
			}
		}
	}
	return succeed(sortedKeys(values)), nil
}

func sortedKeys(of map[string]bool) []string {
	keys := slices.AppendSeq([]string{}, maps.Keys(of))
	slices.Sort(keys)
	return keys
}

// series lists streams by their labels.
func (h *handler) series(ctx context.Context, q *request) (any, error) {
	matches := append(q.form["match[]"], q.form["match"]...)
	if len(matches) > maxMatchers {
		return nil, plait.Errorf(plait.ErrInvalid, "match[] is given %d times, the limit is %d", len(matches), maxMatchers)
	}
	var of []logql.Log
	for _, m := range matches {
		matchers, err := logql.ParseSelector(m)
		if err != nil {
			return nil, err
		}
		of = append(of, logql.Log{Matchers: matchers})
	}
	found, err := h.counted(ctx, q, 0, of...)
	if err != nil {
		return nil, err
	}
	byLabels := map[string]bool{}
	all := []object{}
	for _, s := range found {
		if key := string(s.labels.append(nil)); !byLabels[key] {
			byLabels[key] = true
			all = append(all, s.labels)
		}
	}
	return succeed(all[:min(len(all), maxStreams)]), nil
}

// stats says what a query would be about.
func (h *handler) stats(ctx context.Context, q *request) (any, error) {
	_, found, err := h.selected(ctx, q, 0)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Streams int   `json:"streams"`
		Chunks  int   `json:"chunks"`
		Entries int64 `json:"entries"`
		Bytes   int64 `json:"bytes"`
	}
	answer.Streams, answer.Chunks = len(found), len(found)
	for _, s := range found {
		for _, step := range s.steps {
			answer.Entries += step.Count
			answer.Bytes += step.Bytes
		}
	}
	return answer, nil
}

// detectedLabel is a label with how many values it has.
type detectedLabel struct {
	Label       string `json:"label"`
	Cardinality int    `json:"cardinality"`
}

// detectedLabels lists stream labels with their numbers of values.
func (h *handler) detectedLabels(ctx context.Context, q *request) (any, error) {
	_, found, err := h.selected(ctx, q, 0)
	if err != nil {
		return nil, err
	}
	values := map[string]map[string]bool{}
	for _, s := range found {
		for _, l := range s.labels {
			if values[l.Name] == nil {
				values[l.Name] = map[string]bool{}
			}
			values[l.Name][l.Value] = true
		}
	}
	answer := struct {
		Labels []detectedLabel `json:"detectedLabels"`
	}{[]detectedLabel{}}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		answer.Labels = append(answer.Labels, detectedLabel{name, len(values[name])})
	}
	return answer, nil
}
