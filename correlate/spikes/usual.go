package spikes

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
)

// What is usual for an operation are its spans of the time before the range: as long a time, and a quarter of an hour at least.
// Where it has few of them, those of the day before tell, and where it has hardly any, or was in trouble then as well, the quieter half
// of the range itself: its quietest third while the first spans come, of which a trouble may fill a half.
const (
	usualReach = 15 * time.Minute
	usualDay   = 24 * time.Hour
	// enough is how many spans of the time before tell what is usual, and few how many tell it of a day.
	enough = 20
	few    = 5
	// quieter is the part of the bins, one of so many, that tells it within the range, and quietest that while the first spans come.
	quieter, quietest = 2, 3
	// fewestBins is how many bins with spans have to be compared at least.
	fewestBins = 3
	// troubled is how many times the p95 of the range's quietest part that of the time before is, if that was in trouble.
	troubled = 4
)

// learn finds out what is usual before the range.
func (f *finder) learn(ctx context.Context) error {
	if len(f.operations) == 0 {
		return nil
	}
	reach := max(usualReach, f.question.Range.To.Sub(f.question.Range.From))
	if err := f.learnFrom(ctx, reach, enough); err != nil {
		return err
	}
	for i := range f.operations {
		if f.operations[i].usual == nil && reach < usualDay {
			return f.learnFrom(ctx, usualDay, few)
		}
	}
	return nil
}

// before is the time before the range, without the minute that the range cuts: so no rows have to be read.
func (f *finder) before(reach time.Duration) query.Steps {
	to := f.question.Range.From.Truncate(time.Minute)
	return query.Steps{Range: plait.TimeRange{From: to.Add(-reach).Truncate(time.Minute), To: to}}
}

// learnFrom learns from so long before the range what is not known yet of operations with so many spans.
func (f *finder) learnFrom(ctx context.Context, reach time.Duration, least int64) error {
	groups, err := f.count(ctx, f.before(reach))
	if err != nil {
		return err
	}
	usual := make(map[Operation]*query.SpanVolumeGroup, len(groups))
	for i := range groups {
		usual[operationOf(&groups[i])] = &groups[i]
	}
	for i := range f.operations {
		o := &f.operations[i]
		if g := usual[o.Operation]; o.usual == nil && g != nil {
			if total := g.Total(); total.Count >= least {
				o.usual = &total
			}
		}
	}
	return nil
}

// knowsUsual says whether there are enough spans to tell what is usual, before the range or within.
func (f *finder) knowsUsual(o *operation) bool {
	part := quieter
	if f.steps.Length == firstStep {
		part = quietest
	}
	o.within = o.quietPart(part)
	if o.usual != nil && o.within != nil && o.usual.Quantile(tail) > troubled*o.within.Quantile(tail) {
		o.usual = nil
	}
	return o.usual != nil || o.within != nil
}

// quietPart are those bins, one of so many, in which spans were quickest, nil where they have too few.
func (o *operation) quietPart(part int) *query.SpanStep {
	var some []query.SpanStep
	for _, s := range o.steps {
		if s.Count > 0 {
			some = append(some, s)
		}
	}
	if len(some) < fewestBins {
		return nil
	}
	slices.SortStableFunc(some, func(a, b query.SpanStep) int { return cmp.Compare(a.Quantile(tail), b.Quantile(tail)) })
	quiet := sum(some[:(len(some)+part-1)/part])
	if quiet.Count < enough {
		return nil
	}
	return &quiet
}

// sum adds up steps.
func sum(steps []query.SpanStep) query.SpanStep {
	g := query.SpanVolumeGroup{Steps: steps}
	return g.Total()
}
