package servicemap

import (
	"context"
	"fmt"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
)

// maxFineRange is the longest range of which a course may have steps that are no quarters of minutes: nothing of it is remembered.
const maxFineRange = 15 * time.Minute

// maxCourseSteps bounds the maps of a course.
const maxCourseSteps = 1_000

// ServiceMapCourse draws a map of each step of a range, in order, those without calls too. Steps begin at multiples of
// their length since 1970, the first with the range; they are multiples of 15 s, or others in a range of a quarter of an
// hour at most. What ServiceMap says of spans, and of samples of them, holds here.
func (s *Reader) ServiceMapCourse(ctx context.Context, r plait.TimeRange, step time.Duration) ([]spanmetrics.ServiceMap, error) {
	micros := step.Microseconds()
	walk := search.NewWalk(r, false, s.now()) // for its ends
	whole := micros%quarterMicros == 0
	switch {
	case micros <= 0, !whole && walk.To-walk.From > maxFineRange.Microseconds():
		return nil, plait.Errorf(plait.ErrInvalid, "steps of a service map are multiples of 15s, or others in %v at most: not %v", maxFineRange, step)
	case (walk.To-walk.From)/micros > maxCourseSteps:
		return nil, plait.Errorf(plait.ErrInvalid, "a service map has at most %d steps: take longer ones", maxCourseSteps)
	}
	done, err := s.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	parts, err := s.courseParts(ctx, walk.From, walk.To, micros, whole)
	if err != nil {
		return nil, fmt.Errorf("read the course of the service map: %w", err)
	}
	first := rowcodec.FloorDiv(walk.From, micros)
	steps := make([]spanmetrics.ServiceMap, max(0, rowcodec.FloorDiv(walk.To-1, micros)-first+1))
	of := make([][]*minuteSums, len(steps))
	for _, part := range joined(parts) {
		if part.first <= part.last { // it has spans
			at := rowcodec.FloorDiv(part.first, micros) - first
			of[at] = append(of[at], part)
		}
	}
	for i := range steps {
		from := (first + int64(i)) * micros
		steps[i] = sumOfMinutes(of[i], max(from, walk.From), min(from+micros, walk.To))
	}
	return steps, nil
}

// courseParts returns the calls of quarters of minutes, or of other steps, none of which lies in two steps of the course.
func (s *Reader) courseParts(ctx context.Context, from, to, step int64, whole bool) ([]*minuteSums, error) {
	if whole {
		return s.minutes(ctx, from, to)
	}
	spans, err := s.spansByMinute(ctx, from, to)
	if err != nil || from >= to {
		return nil, err
	}
	run := minuteRun{rowcodec.FloorDiv(from, counts.MinuteMicros), rowcodec.FloorDiv(to-1, counts.MinuteMicros)}
	q := s.newQuestion(run, from, to, sampleOf(spans.of(run.read())), spans)
	sums, err := q.steps(ctx, step)
	if err != nil {
		return nil, err
	}
	parts := make([]*minuteSums, 0, len(sums))
	for _, part := range sums {
		parts = append(parts, part)
	}
	return parts, nil
}
