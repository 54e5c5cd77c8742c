package api

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/correlate"
	"github.com/plaithq/plait/query"
)

type traceUsualParams struct {
	ID anyID `path:"id"`
}

type traceUsualAnswer struct {
	Operations []usualOperation `json:"operations"`
}

// usualOperation is what was usual for an operation of a trace. Within is the time that tells it.
type usualOperation struct {
	Service string `json:"service"`
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	spanCount
	Within usualWithin `json:"within"`
}

type usualWithin struct {
	Start string `json:"start"`
	End   string `json:"end"`
}

// usualBefore are the times before a trace that tell what is usual, the first in which an operation has enough spans.
var usualBefore = []time.Duration{15 * time.Minute, 24 * time.Hour}

// leastUsual is how many spans tell what is usual.
const leastUsual = 5

// traceUsual tells what was usual for the operations of a trace before it began.
func (s *Server) traceUsual(ctx context.Context, p traceUsualParams) (*traceUsualAnswer, error) {
	v, err := s.traceView(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	wanted := operationsOf(v)
	answer := &traceUsualAnswer{Operations: []usualOperation{}}
	// Whole minutes are counted already.
	end := time.Unix(0, v.Summary.StartNanos).UTC().Truncate(time.Minute)
	for _, before := range usualBefore {
		if len(wanted) == 0 {
			break
		}
		found, err := s.usualOf(ctx, wanted, plait.TimeRange{From: end.Add(-before), To: end})
		if err != nil {
			return nil, err
		}
		answer.Operations = append(answer.Operations, found...)
	}
	slices.SortFunc(answer.Operations, func(a, b usualOperation) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind))
	})
	return answer, nil
}

// operationKey is what makes spans comparable.
type operationKey struct {
	service, name string
	kind          plait.SpanKind
}

func operationsOf(v *correlate.TraceView) map[operationKey]bool {
	wanted := map[operationKey]bool{}
	for i := range v.Tree.Nodes {
		span := v.Tree.Nodes[i].Span
		wanted[operationKey{span.Resource.Service(), span.Name, span.Kind}] = true
	}
	return wanted
}

// usualOf counts the spans of operations within a range. Those of which there are enough are wanted no more.
func (s *Server) usualOf(ctx context.Context, wanted map[operationKey]bool, within plait.TimeRange) ([]usualOperation, error) {
	var services []string
	for o := range wanted {
		services = append(services, o.service)
	}
	slices.Sort(services)
	counted, err := s.deps.Volumes.SpanVolume(ctx, query.SpanVolume{
		Condition: query.Services(slices.Compact(services)),
		Steps:     query.Steps{Range: within, Length: within.To.Sub(within.From), Aligned: true},
		By:        query.SpanDimensions{Service: true, Name: true, Kind: true},
	})
	if err != nil {
		return nil, err
	}
	var found []usualOperation
	for _, g := range counted.Groups {
		o, total := operationKey{g.Service, g.Name, g.Kind}, g.Total()
		if !wanted[o] || total.Count < leastUsual {
			continue
		}
		delete(wanted, o)
		found = append(found, usualOperation{
			Service: g.Service, Name: g.Name, Kind: g.Kind.String(), spanCount: countOf(&total),
			Within: usualWithin{ask.Stamp(within.From.UnixNano()), ask.Stamp(within.To.UnixNano())},
		})
	}
	return found, nil
}
