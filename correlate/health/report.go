package health

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
)

// Reader counts telemetry and reads samples of it.
type Reader interface {
	SpanVolume(ctx context.Context, q query.SpanVolume) (query.SpanVolumes, error)
	LogVolume(ctx context.Context, q query.LogVolume) ([]query.LogVolumeGroup, error)
	Logs(ctx context.Context, q query.Logs) ([]plait.LogRecord, string, error)
	Traces(ctx context.Context, q query.Traces) ([]plait.TraceSummary, string, error)
	TraceSummaries(ctx context.Context, ids []plait.TraceID) ([]plait.TraceSummary, error)
	Trace(ctx context.Context, id plait.TraceID, maxSpans int, first ...plait.SpanID) (*plait.Trace, error)
	// DanglingExemplars looks at exemplars of a range, at most limit of them, and counts those whose trace is not stored.
	DanglingExemplars(ctx context.Context, r plait.TimeRange, limit int) (looked, dangling int, err error)
}

// Question asks whether what came in a range joins.
type Question struct {
	Range   plait.TimeRange // both ends are needed
	Service string          // empty is all
	Now     time.Time
	// Seen is what a Watch has noticed, nil for nothing.
	Seen map[string]Noticed
	// Limited are the times of LimitedAround(Range) in which limits of ingest left records out.
	Limited []plait.Limited
}

// Report says whether it does.
type Report struct {
	Totals
	DanglingExemplars int64
	// Services are those with something to mend first, then by name.
	Services []Service
	// Sampled says that numbers beside those of log records and spans are estimated from samples.
	Sampled bool
}

// Totals are numbers of a range.
type Totals struct {
	LogRecords  int64
	WithTraceID int64 // of the log records
	IDsFound    int64 // of those with a trace id, those of which spans are stored
	HalfIDs     int64 // spans and log records that came with half a trace id
	Spans       int64
	Orphans     int64 // spans whose parent is not stored
	Duplicates  int64 // spans and log records that came again, and were stored once
}

// Service is what there is of one service.
type Service struct {
	Name string
	Totals
	// ClockSkew is by how much its clock is ahead of the others'; negative where it is behind.
	ClockSkew time.Duration
	Findings  []Finding
}

// Finding is something to mend.
type Finding struct {
	Kind string // logs_without_ids, sampled_away, ids_not_found, orphans, context_lost, clock, half_ids, duplicates, no_service_name
	Advice
}

const (
	servicesRead  = 100
	exemplarsRead = 2_000
	readersAtOnce = 4
)

// Correlate looks whether what came in a range joins, a service at a time.
func Correlate(ctx context.Context, r Reader, q Question) (*Report, error) {
	s := &survey{reader: r, question: q, services: map[string]*sampled{}}
	if err := s.count(ctx); err != nil {
		return nil, fmt.Errorf("count telemetry: %w", err)
	}
	if err := s.readLogs(ctx); err != nil {
		return nil, fmt.Errorf("read log records: %w", err)
	}
	if err := s.readTraces(ctx); err != nil {
		return nil, fmt.Errorf("read traces: %w", err)
	}
	looked, dangling, err := r.DanglingExemplars(ctx, q.Range, exemplarsRead)
	if err != nil {
		return nil, err
	}
	s.partly = s.partly || looked == exemplarsRead
	return s.report(int64(dangling)), nil
}

// survey is one report in the making.
type survey struct {
	reader   Reader
	question Question
	services map[string]*sampled
	partly   bool
	lost     []halfCall // calls of which one side may be in another trace
}

// count counts spans and log records of each service.
func (s *survey) count(ctx context.Context) error {
	var of condition.Node
	if s.question.Service != "" {
		of = query.Service(s.question.Service)
	}
	all := query.Steps{Range: s.question.Range}
	spans, err := s.reader.SpanVolume(ctx, query.SpanVolume{Condition: of, Steps: all, By: query.SpanDimensions{Service: true}})
	if err != nil {
		return err
	}
	for i := range spans.Groups {
		total := spans.Groups[i].Total()
		s.of(spans.Groups[i].Service).Spans = total.Count
	}
	logs, err := s.reader.LogVolume(ctx, query.LogVolume{Condition: of, Steps: all, By: query.LogDimensions{Service: true}})
	for _, g := range logs {
		for _, step := range g.Steps {
			s.of(g.Service).LogRecords += step.Count
		}
	}
	return err
}

func (s *survey) of(service string) *sampled {
	of := s.services[service]
	if of == nil {
		of = &sampled{Service: Service{Name: service}}
		s.services[service] = of
	}
	return of
}

// largest are the services that have most of something, so many that they can be read.
func (s *survey) largest(most int, size func(*sampled) int64) (some []*sampled) {
	for _, of := range s.services {
		if size(of) > 0 {
			some = append(some, of)
		}
	}
	slices.SortFunc(some, func(a, b *sampled) int { return cmp.Or(cmp.Compare(size(b), size(a)), strings.Compare(a.Name, b.Name)) })
	s.partly = s.partly || len(some) > most
	return some[:min(most, len(some))]
}

// each does something for each of some, a few at once.
func each[T any](ctx context.Context, some []T, do func(context.Context, T) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readersAtOnce)
	for _, one := range some {
		g.Go(func() error { return do(ctx, one) })
	}
	return g.Wait()
}

func (s *survey) report(dangling int64) *Report {
	s.compareClocks()
	s.matchCalls()
	r := &Report{DanglingExemplars: dangling, Sampled: s.partly}
	limitOfParents := settingAmong(s.question.Limited, ofOneService, ofAllTogether)
	for _, of := range s.services {
		if s.question.Service != "" && of.Name != s.question.Service {
			continue
		}
		of.estimate(s.question.Seen[of.Name])
		of.limit, of.limitOfParents = settingAmong(s.question.Limited, ofAllTogether, func(l *plait.Limited) bool { return l.Service == of.Name }), limitOfParents
		of.Findings = of.findings()
		r.Services = append(r.Services, of.Service)
		r.add(&of.Totals)
	}
	slices.SortFunc(r.Services, func(a, b Service) int {
		return cmp.Or(cmp.Compare(min(len(b.Findings), 1), min(len(a.Findings), 1)), strings.Compare(a.Name, b.Name))
	})
	return r
}

func (t *Totals) add(o *Totals) {
	t.LogRecords += o.LogRecords
	t.WithTraceID += o.WithTraceID
	t.IDsFound += o.IDsFound
	t.HalfIDs += o.HalfIDs
	t.Spans += o.Spans
	t.Orphans += o.Orphans
	t.Duplicates += o.Duplicates
}
