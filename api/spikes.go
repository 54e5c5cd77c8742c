package api

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/correlate"
	"github.com/plaithq/plait/correlate/spikes"
	"github.com/plaithq/plait/spanmetrics"
)

type spikesParams struct {
	ask.Window
	Service string     `query:"service"`
	Limit   int        `query:"limit" default:"50" max:"1000"`
	Bins    spikesBins `query:"bins" default:"each"`
}

// spikesBins is which spikes have the bins of their operation: each, or the newest of it alone.
type spikesBins string

// UnmarshalText reads each or newest.
func (b *spikesBins) UnmarshalText(text []byte) error {
	if *b = spikesBins(text); *b == "each" || *b == "newest" {
		return nil
	}
	return plait.Errorf(plait.ErrInvalid, "%q is neither each nor newest", text)
}

type spikesAnswer struct {
	Start  string  `json:"start"`
	End    string  `json:"end"`
	Spikes []spike `json:"spikes"`
	Hint   string  `json:"hint,omitempty"`
}

type spike struct {
	Rank     int         `json:"rank"`
	Kind     spikes.Kind `json:"kind"`
	Service  string      `json:"service"`
	Name     string      `json:"name"`
	SpanKind string      `json:"span_kind"`
	Start    string      `json:"start"`
	End      string      `json:"end"`
	Requests int64       `json:"requests"`
	Failed   int64       `json:"failed"`
	// Logged says that failed requests are those that logged errors.
	Logged     bool         `json:"logged,omitempty"`
	P95NS      int64        `json:"p95_ns"`
	Usual      usualOfSpike `json:"usual"`
	Query      string       `json:"query"`
	MinSeconds float64      `json:"min_seconds,omitempty"`
	Bins       []spikeBin   `json:"bins"`
	Links      spikeLinks   `json:"links"`
}

type usualOfSpike struct {
	Spans     int64   `json:"spans"`
	P95NS     int64   `json:"p95_ns"`
	ErrorRate float64 `json:"error_rate"`
	Within    bool    `json:"within,omitempty"`
}

type spikeBin struct {
	Start    string `json:"start"`
	Requests int64  `json:"requests"`
	Failed   int64  `json:"failed"`
	P95NS    int64  `json:"p95_ns"`
}

type spikeLinks struct {
	Pivot string `json:"pivot"`
}

// spikeReader is what spikes are found by.
type spikeReader struct {
	VolumeReader
	correlate.TraceReader
	correlate.LogReader
}

// spikes finds where latency or errors rise.
func (s *Server) spikes(ctx context.Context, p spikesParams) (*spikesAnswer, error) {
	within, err := p.Bounded(s.deps.Now())
	if err != nil {
		return nil, err
	}
	found, err := spikes.Find(ctx, spikeReader{s.deps.Volumes, s.deps.Traces, s.deps.Logs}, spikes.Question{Range: within, Service: p.Service, Limit: p.Limit})
	if err != nil {
		return nil, err
	}
	answer := &spikesAnswer{
		Start: ask.Stamp(within.From.UnixNano()), End: ask.Stamp(within.To.UnixNano()), Spikes: make([]spike, 0, len(found.Spikes)), Hint: found.Hint,
	}
	told, l := map[spikes.Operation]bool{}, s.linksFor(ctx)
	for i := range found.Spikes {
		one := &found.Spikes[i]
		if p.Bins == "newest" && told[one.Operation] {
			one.Bins = nil
		}
		told[one.Operation] = true
		answer.Spikes = append(answer.Spikes, l.spike(one))
	}
	return answer, nil
}

func (l links) spike(s *spikes.Spike) spike {
	labels := plait.Labels{
		{Name: spanmetrics.LabelService, Value: spanmetrics.Clip(s.Service)},
		{Name: spanmetrics.LabelSpanName, Value: spanmetrics.Clip(s.Name)},
		{Name: spanmetrics.LabelSpanKind, Value: spanmetrics.KindLabel(s.Operation.Kind)},
	}
	out := spike{
		Rank: s.Rank, Kind: s.Kind, Service: s.Service, Name: s.Name, SpanKind: s.Operation.Kind.String(),
		Start: ask.Stamp(s.Range.From.UnixNano()), End: ask.Stamp(s.Range.To.UnixNano()),
		Requests: s.Requests, Failed: s.Failed, Logged: s.Logged, P95NS: int64(s.P95),
		Usual:      usualOfSpike{s.Usual.Spans, int64(s.Usual.P95), s.Usual.ErrorRate, s.Usual.Within},
		Query:      correlate.Selector(spanmetrics.Latency, labels),
		MinSeconds: s.Slow.Seconds(), Bins: make([]spikeBin, len(s.Bins)),
	}
	for i, b := range s.Bins {
		out.Bins[i] = spikeBin{ask.Stamp(b.Start.UnixNano()), b.Requests, b.Failed, int64(b.P95)}
	}
	behind := labels
	if s.Kind == spikes.Errors && !s.Logged {
		behind = append(behind, plait.Label{Name: spanmetrics.LabelStatusCode, Value: spanmetrics.StatusError})
	}
	out.Links.Pivot = l.pivotFrom(correlate.Selector(spanmetrics.Latency, behind), s.Range, s.Slow)
	return out
}

// pivotFrom is pivot for values of a duration or more; 0 is all.
func (l links) pivotFrom(query string, r plait.TimeRange, least time.Duration) string {
	address := l.pivot(query, r)
	if least > 0 {
		address += "&" + url.Values{"min": {strconv.FormatFloat(least.Seconds(), 'g', -1, 64)}}.Encode()
	}
	return address
}
