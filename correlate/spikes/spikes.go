// Package spikes finds where latency or errors rise against what is usual, without any setting: for each operation it
// compares the spans of a range with those of the time before, as they are counted by the minute. A healthy range has
// no spikes. It knows neither SQL nor HTTP.
package spikes

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
)

// Reader counts telemetry and reads what a spike of logged errors is about.
type Reader interface {
	// SpanVolume counts spans by groups and the steps in which they start.
	SpanVolume(ctx context.Context, q query.SpanVolume) (query.SpanVolumes, error)
	// LogVolume counts log records by groups and steps.
	LogVolume(ctx context.Context, q query.LogVolume) ([]query.LogVolumeGroup, error)
	// Logs searches, newest first.
	Logs(ctx context.Context, q query.Logs) ([]plait.LogRecord, string, error)
	// Trace returns spans of a trace, at most maxSpans, those that first names among them.
	Trace(ctx context.Context, id plait.TraceID, maxSpans int, first ...plait.SpanID) (*plait.Trace, error)
}

// Question asks for the spikes of a range.
type Question struct {
	Range   plait.TimeRange // both ends are needed
	Service string          // empty is all
	Limit   int
}

// Kind is what rises.
type Kind string

// The kinds of spikes.
const (
	Latency Kind = "latency"
	Errors  Kind = "errors"
)

// Operation is what spans have in common that are compared.
type Operation struct {
	Service, Name string
	Kind          plait.SpanKind
}

// Spike is a time in which an operation was unlike its usual.
type Spike struct {
	Kind Kind
	Operation
	Range plait.TimeRange // whole bins, within the range that was asked for
	// Rank is 1 for the spike that is furthest from its usual.
	Rank int
	// Requests are the spans of the operation that started in Range, Failed those of them that have the status error, or
	// where Logged says so wrote log records of severity ERROR or above.
	Requests, Failed int64
	Logged           bool
	P95              time.Duration // of the durations in Range
	// Slow is the duration beyond which a span counts as slow: at least twice the usual P95. 0 for errors.
	Slow  time.Duration
	Usual Usual
	Bins  []Bin // of the whole range that was asked for, in order
	// Score is how far the spike is from the usual: by how many doublings its spans took longer than Slow, in the mean, or twice
	// the share that failed beyond the usual one. It is above zero.
	Score float64

	surprise float64
}

// Usual is what an operation was like when nothing was the matter.
type Usual struct {
	Spans     int64
	P95       time.Duration
	ErrorRate float64 // failed of all, 0 to 1
	// Within says that there is too little before the range, so that its own quieter part tells.
	Within bool
}

// Bin is a part of the range.
type Bin struct {
	Start            time.Time
	Requests, Failed int64
	P95              time.Duration
}

// Answer is what was found.
type Answer struct {
	Spikes []Spike // those that began last first; of one time, by their rank
	// Hint says why there may be more than is known; empty where the range could be compared.
	Hint string
}

// Find finds the spikes of a range: at most q.Limit, those furthest from their usual.
func Find(ctx context.Context, r Reader, q Question) (*Answer, error) {
	f, err := newFinder(ctx, r, q)
	if err != nil {
		return nil, err
	}
	if err := f.learn(ctx); err != nil {
		return nil, err
	}
	all, known := f.find()
	logged, err := f.loggedErrors(ctx, all)
	if err != nil {
		return nil, fmt.Errorf("look for errors in logs: %w", err)
	}
	answer := &Answer{Spikes: ranked(append(all, logged...), q.Limit)}
	switch {
	case len(f.operations) == 0:
		answer.Hint = "No spans started in this range."
	case known == 0:
		answer.Hint = "There is nothing to compare with yet: each operation has too few spans in this range and before it."
	}
	return answer, nil
}

// find finds the spikes that spans tell, and says of how many operations the usual is known.
func (f *finder) find() (all []Spike, known int) {
	for i := range f.operations {
		if o := &f.operations[i]; f.knowsUsual(o) {
			known++
			all = append(append(all, f.latency(o)...), f.failures(o)...)
		}
	}
	return besideOthers(all), known
}

// besideOthers are the spikes among those that may be some. Failures that are not unlikely enough by themselves are one where others
// fail at the same time that are: so a trouble is told of a caller with few requests, too, and not only of the callee that it tries
// again and again. What is slow takes each of them as long, and needs no such help.
func besideOthers(all []Spike) []Spike {
	var failing []plait.TimeRange
	for i := range all {
		if all[i].Kind == Errors && all[i].surprise >= oddRun {
			failing = append(failing, all[i].Range)
		}
	}
	beside := func(s *Spike) bool {
		return s.Kind == Errors && slices.ContainsFunc(failing, func(r plait.TimeRange) bool { return s.Range.From.Before(r.To) && r.From.Before(s.Range.To) })
	}
	return slices.DeleteFunc(all, func(s Spike) bool { return s.surprise < oddRun && !beside(&s) })
}

// bySurprise puts those first that are spikes by themselves.
func bySurprise(a, b Spike) int {
	switch {
	case a.surprise >= oddRun && b.surprise < oddRun:
		return -1
	case a.surprise < oddRun && b.surprise >= oddRun:
		return 1
	}
	return 0
}

// ranked numbers spikes by how far they are from the usual, keeps the first, and puts those first that began last.
func ranked(all []Spike, limit int) []Spike {
	slices.SortFunc(all, func(a, b Spike) int {
		return cmp.Or(bySurprise(a, b), cmp.Compare(b.Score, a.Score), b.Range.From.Compare(a.Range.From), strings.Compare(a.Service, b.Service),
			strings.Compare(a.Name, b.Name), cmp.Compare(a.Operation.Kind, b.Operation.Kind), cmp.Compare(a.Kind, b.Kind))
	})
	all = all[:min(limit, len(all))]
	for i := range all {
		all[i].Rank = i + 1
	}
	slices.SortStableFunc(all, func(a, b Spike) int { return b.Range.From.Compare(a.Range.From) })
	return all
}

// finder is one search.
type finder struct {
	reader     Reader
	question   Question
	steps      query.Steps // from where the spans of the range begin
	bins       int
	together   int // so many bins are told as one
	operations []operation
}

// operation is what is known of one operation.
type operation struct {
	Operation
	steps  []query.SpanStep // of each bin
	usual  *query.SpanStep  // before the range; nil where there is too little
	within *query.SpanStep  // of the range's own quieter part
}

// maxBins is how many bins are told.
const maxBins = 60

func newFinder(ctx context.Context, r Reader, q Question) (*finder, error) {
	f := &finder{reader: r, question: q, steps: query.Steps{Range: q.Range, Length: stepFor(q.Range.To.Sub(q.Range.From)), Aligned: true}}
	groups, err := f.count(ctx, f.steps)
	if err != nil {
		return nil, err
	}
	for _, shorter := range []func(query.Steps, []query.SpanVolumeGroup) (query.Steps, bool){finely, finest} {
		steps, ok := shorter(f.steps, groups)
		if !ok {
			break
		}
		f.steps = steps
		if groups, err = f.count(ctx, f.steps); err != nil {
			return nil, err
		}
	}
	f.bins = f.steps.Index(q.Range.To.Add(-time.Microsecond)) + 1
	f.together = together(f.bins)
	for i := range groups {
		o := operation{Operation: operationOf(&groups[i]), steps: make([]query.SpanStep, f.bins)}
		if o.Name == "" {
			continue // spans of many names, which have nothing in common
		}
		for _, s := range groups[i].Steps {
			o.steps[s.Index] = s
		}
		f.operations = append(f.operations, o)
	}
	return f, nil
}

func operationOf(g *query.SpanVolumeGroup) Operation { return Operation{g.Service, g.Name, g.Kind} }

// count counts the spans of each operation.
func (f *finder) count(ctx context.Context, steps query.Steps) ([]query.SpanVolumeGroup, error) {
	found, err := f.reader.SpanVolume(ctx, query.SpanVolume{
		Condition: f.ofService(), Steps: steps, By: query.SpanDimensions{Service: true, Name: true, Kind: true},
	})
	return found.Groups, err
}

func (f *finder) ofService() condition.Node {
	if f.question.Service == "" {
		return nil
	}
	return query.Service(f.question.Service)
}
