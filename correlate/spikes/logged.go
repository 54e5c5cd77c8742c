package spikes

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
)

// Many services do not say in their spans that something failed, but log it. Where a service's records of severity ERROR rise,
// some of them are read, and their spans tell which operations failed.
const (
	recordsRead = 200
	tracesRead  = 40
	spansOfEach = 2_000
	// servicesRead bounds the services whose records are read, those first that log the most errors beyond the usual.
	servicesRead = 10
)

// leastSevere is OTLP's number of ERROR.
const leastSevere = plait.SeverityNumber(17)

// loggedService is a service whose error records rise.
type loggedService struct {
	name   string
	at     run
	inside share // of its records
	usual  float64
}

// loggedErrors finds operations whose spans logged errors, beyond those spikes of failures that are known.
func (f *finder) loggedErrors(ctx context.Context, known []Spike) (all []Spike, err error) {
	services, err := f.loggingServices(ctx)
	if err != nil {
		return nil, err
	}
	failing := map[Operation]bool{}
	for _, s := range known {
		if s.Kind == Errors {
			failing[s.Operation] = true
		}
	}
	for _, s := range services {
		found, err := f.operationsOf(ctx, s)
		if err != nil {
			return nil, err
		}
		all = append(all, slices.DeleteFunc(found, func(s Spike) bool { return failing[s.Operation] })...)
	}
	return all, nil
}

// loggingServices finds the services whose error records rise.
func (f *finder) loggingServices(ctx context.Context) (found []loggedService, err error) {
	inRange, err := f.countLogs(ctx, f.steps, f.bins)
	if err != nil || len(inRange) == 0 {
		return nil, err
	}
	usual, err := f.countLogs(ctx, f.before(max(usualReach, f.question.Range.To.Sub(f.question.Range.From))), 1)
	if err != nil {
		return nil, err
	}
	day, err := f.countLogs(ctx, f.before(usualDay), 1)
	if err != nil {
		return nil, err
	}
	for name, bins := range inRange {
		var before *share
		for _, of := range []map[string][]share{usual, day} {
			if s := of[name]; before == nil && len(s) > 0 && s[0].all >= enough {
				before = &s[0]
			}
		}
		for _, at := range failedRule.runs(bins, before) {
			if at.surprise >= oddRun {
				found = append(found, loggedService{name: name, at: at, inside: sumOf(bins[at.from:at.to]), usual: at.usual.rate()})
			}
		}
	}
	slices.SortFunc(found, func(a, b loggedService) int {
		return cmp.Or(cmp.Compare(b.excess(), a.excess()), strings.Compare(a.name, b.name), cmp.Compare(a.at.from, b.at.from))
	})
	return found[:min(servicesRead, len(found))], nil
}

// excess is how many error records are beyond the usual.
func (s *loggedService) excess() float64 {
	return float64(s.inside.bad) - s.usual*float64(s.inside.all)
}

// countLogs counts the records of each service, and those of severity ERROR and above, in each bin.
func (f *finder) countLogs(ctx context.Context, steps query.Steps, bins int) (map[string][]share, error) {
	groups, err := f.reader.LogVolume(ctx, query.LogVolume{Condition: f.ofService(), Steps: steps, By: query.LogDimensions{Service: true, Severity: true}})
	if err != nil {
		return nil, err
	}
	counted := map[string][]share{}
	for _, g := range groups {
		of := counted[g.Service]
		if of == nil {
			of = make([]share, bins)
			counted[g.Service] = of
		}
		for _, s := range g.Steps {
			of[s.Index].all += s.Count
			if g.Severity >= leastSevere {
				of[s.Index].bad += s.Count
			}
		}
	}
	return counted, nil
}

// logged are the spans of an operation that logged errors, by bin.
type logged map[spanKey]int

type spanKey struct {
	trace plait.TraceID
	span  plait.SpanID
}

// operationsOf finds out by some of a service's error records which of its operations wrote them.
func (f *finder) operationsOf(ctx context.Context, s loggedService) (all []Spike, err error) {
	within := plait.TimeRange{From: f.steps.Begin(s.at.from), To: f.end(s.at.to)}
	records, _, err := f.reader.Logs(ctx, query.Logs{
		Condition: condition.And{query.Service(s.name), query.SeverityAtLeast(leastSevere)}, Range: within, Page: query.Page{Limit: recordsRead},
	})
	if err != nil || len(records) == 0 {
		return nil, err
	}
	byOperation, read, err := f.spansOf(ctx, records)
	if err != nil {
		return nil, err
	}
	for i := range f.operations {
		o := &f.operations[i]
		spans := byOperation[o.Operation]
		if int64(len(spans)) < failedRule.leastBad || !f.knowsUsual(o) {
			continue
		}
		spike := f.spike(o, Errors, s.at)
		if spike.Requests == 0 {
			continue
		}
		spike.Logged = true
		spike.Failed = min(spike.Requests, int64(len(spans))*s.inside.bad/int64(read))
		rate := share{spike.Failed, spike.Requests}.rate()
		spike.Usual.ErrorRate = min(1, rate*s.usual/s.inside.rate())
		for b := range spike.Bins {
			spike.Bins[b].Failed = 0
		}
		for _, bin := range spans {
			spike.Bins[bin/f.together].Failed++
		}
		if rate < failedRule.leastRate {
			continue
		}
		spike.Score = failedWeight * (rate - spike.Usual.ErrorRate)
		all = append(all, spike)
	}
	return all, nil
}

// spansOf finds the operations whose spans wrote records, and says how many of the records' traces were read.
func (f *finder) spansOf(ctx context.Context, records []plait.LogRecord) (map[Operation]logged, int, error) {
	byTrace := map[plait.TraceID][]plait.LogRecord{}
	var order []plait.TraceID
	for _, r := range records {
		if r.TraceID.IsZero() || r.SpanID.IsZero() {
			continue
		}
		if byTrace[r.TraceID] == nil {
			if len(order) == tracesRead {
				continue
			}
			order = append(order, r.TraceID)
		}
		byTrace[r.TraceID] = append(byTrace[r.TraceID], r)
	}
	found, read := map[Operation]logged{}, 0
	for _, id := range order {
		bins, wanted := map[plait.SpanID]int{}, []plait.SpanID{}
		for _, r := range byTrace[id] {
			bins[r.SpanID] = min(max(f.steps.Index(time.Unix(0, r.TimeNanos)), 0), f.bins-1)
			wanted = append(wanted, r.SpanID)
		}
		trace, err := f.reader.Trace(ctx, id, spansOfEach, wanted...)
		if errors.Is(err, plait.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		read += len(byTrace[id])
		for i := range trace.Spans {
			span := &trace.Spans[i]
			if bin, ok := bins[span.SpanID]; ok {
				o := Operation{span.Resource.Service(), span.Name, span.Kind}
				if found[o] == nil {
					found[o] = logged{}
				}
				found[o][spanKey{id, span.SpanID}] = bin
			}
		}
	}
	return found, read, nil
}
