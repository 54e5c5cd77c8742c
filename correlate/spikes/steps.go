package spikes

import (
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
)

// Bins are whole minutes or more, which counts tell. Shorter ones need the rows of spans, but a trouble of some seconds is in each of a
// few minutes, and not in each of many quarters of them.

// stepLengths are how long bins may be that are made of counts.
var stepLengths = []time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour}

// stepFor is the shortest step of whole minutes with which a range has no more bins than are told. The first and
// the last may be cut.
func stepFor(length time.Duration) time.Duration {
	for _, step := range stepLengths {
		if length/step+2 <= maxBins {
			return step
		}
	}
	const day = 24 * time.Hour
	return (length / (maxBins - 2)).Truncate(day) + day
}

// together is how many bins are told as one.
func together(bins int) int { return (bins + maxBins - 1) / maxBins }

const (
	// fineStep is how long bins are that rows are read for, fineReach how long spans may have come for that, and fineSpans how many.
	fineStep  = 15 * time.Second
	fineReach = 65 * time.Minute
	fineSpans = 250_000
	// firstStep is how long they are while the first spans have come for no longer than firstReach: the fewer bins there are, the longer
	// a trouble is in most of them.
	firstStep  = 5 * time.Second
	firstReach = 4 * time.Minute
)

// finely are short steps from where the spans of a range begin, if there are not too many.
func finely(steps query.Steps, groups []query.SpanVolumeGroup) (query.Steps, bool) {
	first, spans := beginning(groups)
	if first < 0 || spans > fineSpans {
		return steps, false
	}
	fine := query.Steps{Range: steps.Range, Length: fineStep, Aligned: true}
	if first > 0 {
		fine.Range.From = steps.Begin(first)
	}
	return fine, fine.Range.To.Sub(fine.Range.From) <= fineReach
}

// finest are the shortest steps, if spans begin to come within the range.
func finest(steps query.Steps, groups []query.SpanVolumeGroup) (query.Steps, bool) {
	first, _ := beginning(groups)
	if first <= 0 {
		return steps, false
	}
	fine := query.Steps{Range: plait.TimeRange{From: steps.Begin(first), To: steps.Range.To}, Length: firstStep, Aligned: true}
	return fine, fine.Range.To.Sub(fine.Range.From) <= firstReach
}

// beginning is the first step that has spans, less than 0 where there is none, and how many spans there are.
func beginning(groups []query.SpanVolumeGroup) (first int, spans int64) {
	first = -1
	for i := range groups {
		for _, s := range groups[i].Steps {
			if spans += s.Count; s.Count > 0 && (first < 0 || s.Index < first) {
				first = s.Index
			}
		}
	}
	return first, spans
}
