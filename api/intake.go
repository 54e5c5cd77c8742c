package api

import (
	"context"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/query"
)

type noParams struct{}

type intakeAnswer struct {
	// Newest are the times of what is stored, null where there is none.
	Newest newestStored `json:"newest"`
	Doors  []doorReport `json:"doors"`
	// Limited are the newest times first.
	Limited []limitedTime `json:"limited"`
}

type newestStored struct {
	Spans     *string `json:"spans"`
	Logs      *string `json:"logs"`
	JoinedLog *string `json:"joined_log"` // a log record whose trace is stored
	Metrics   bool    `json:"metrics"`
}

type doorReport struct {
	Door        string   `json:"door"`
	Requests    int64    `json:"requests"`
	Stored      int64    `json:"stored"`
	Refused     int64    `json:"refused"`
	Sampled     int64    `json:"sampled"`
	P95NS       int64    `json:"p95_ns"`
	LastRefusal *refusal `json:"last_refusal"`
}

type refusal struct {
	Time   string `json:"time"`
	Sender string `json:"sender"`
	Answer string `json:"answer"`
	Reason string `json:"reason"`
}

type limitedTime struct {
	Signal     string  `json:"signal"`
	Service    string  `json:"service,omitempty"`
	Start      string  `json:"start"`
	End        string  `json:"end"`
	Came       int64   `json:"came"`
	Sampled    int64   `json:"sampled"`
	LeastShare float64 `json:"least_share"`
}

// limitedTold is how far back it is told when limits left records out, maxLimitedTimes of how many times.
const (
	limitedTold     = 24 * time.Hour
	maxLimitedTimes = 100
)

// intake tells what comes in and what was refused.
func (s *Server) intake(ctx context.Context, _ noParams) (*intakeAnswer, error) {
	now := s.deps.Now()
	limited, err := s.deps.Limited(ctx, plait.TimeRange{From: now.Add(-limitedTold), To: now.Add(time.Minute)})
	if err != nil {
		return nil, err
	}
	answer := &intakeAnswer{Doors: []doorReport{}, Limited: limitedTimes(limited)}
	for _, r := range s.deps.Intake() {
		d := doorReport{Door: r.Door, Requests: r.Requests, Stored: r.Stored, Refused: r.Refused, Sampled: r.Sampled, P95NS: int64(r.P95)}
		if r.LastRefusal != nil {
			d.LastRefusal = &refusal{ask.Stamp(r.LastRefusal.Time.UnixNano()), r.LastRefusal.Sender, r.LastRefusal.Answer, r.LastRefusal.Reason}
		}
		answer.Doors = append(answer.Doors, d)
	}
	answer.Newest, err = s.newestStored(ctx)
	return answer, err
}

// limitedTimes are the newest of the times in which limits left records out, the newest first.
func limitedTimes(times []plait.Limited) []limitedTime {
	list := []limitedTime{}
	for _, l := range times[:min(len(times), maxLimitedTimes)] {
		list = append(list, limitedTime{l.Signal, l.Service, ask.Stamp(l.From.UnixNano()), ask.Stamp(l.To.UnixNano()), l.Came, l.SampledOut, l.LeastShare})
	}
	return list
}

// joinedAmong is how many of the newest records with a trace id are looked at for one whose trace is stored.
const joinedAmong = 20

// newestStored looks for the newest of each signal.
func (s *Server) newestStored(ctx context.Context) (newestStored, error) {
	var n newestStored
	one := query.Page{Limit: 1}
	traces, _, err := s.deps.Traces.Traces(ctx, query.Traces{Page: one})
	if err != nil {
		return n, err
	}
	if len(traces) > 0 {
		n.Spans = new(ask.Stamp(traces[0].StartNanos))
	}
	records, _, err := s.deps.Logs.Logs(ctx, query.Logs{Page: one})
	if err != nil {
		return n, err
	}
	if len(records) > 0 {
		n.Logs = new(ask.Stamp(records[0].TimeNanos))
	}
	if n.Spans != nil && n.Logs != nil {
		if n.JoinedLog, err = s.newestJoined(ctx); err != nil {
			return n, err
		}
	}
	names, err := s.deps.Metrics.MetricNames(ctx, 1)
	n.Metrics = len(names) > 0
	return n, err
}

func (s *Server) newestJoined(ctx context.Context) (*string, error) {
	records, _, err := s.deps.Logs.Logs(ctx, query.Logs{Condition: query.LogJoined(true), Page: query.Page{Limit: joinedAmong}})
	if err != nil {
		return nil, err
	}
	ids := make([]plait.TraceID, 0, len(records))
	for i := range records {
		ids = append(ids, records[i].TraceID)
	}
	stored, err := s.deps.Traces.TraceSummaries(ctx, ids)
	if err != nil || len(stored) == 0 {
		return nil, err
	}
	return new(ask.Stamp(records[0].TimeNanos)), nil
}

type aboutAnswer struct {
	Version         string       `json:"version"`
	GrafanaURL      string       `json:"grafana_url,omitempty"`
	PrivatePostgres bool         `json:"private_postgres"`
	Retention       retention    `json:"retention"`
	Listens         listensAt    `json:"listens"`
	Oldest          oldestStored `json:"oldest"`
}

type retention struct {
	TracesNS  int64 `json:"traces_ns"`
	LogsNS    int64 `json:"logs_ns"`
	MetricsNS int64 `json:"metrics_ns"`
}

type listensAt struct {
	HTTP string `json:"http"`
	GRPC string `json:"grpc"`
}

type oldestStored struct {
	// Seen is when the first of the services that are kept was first seen, null without any.
	Seen *string `json:"seen"`
}

// about tells what the program is and how it is set.
func (s *Server) about(ctx context.Context, _ noParams) (*aboutAnswer, error) {
	a := &s.deps.About
	answer := &aboutAnswer{
		Version: a.Version, GrafanaURL: a.GrafanaURL, PrivatePostgres: a.PrivatePostgres,
		Retention: retention{int64(a.RetentionTraces), int64(a.RetentionLogs), int64(a.RetentionMetrics)},
		Listens:   listensAt{a.IngestAddr, a.OTLPGRPCAddr},
	}
	services, err := s.deps.Services.Services(ctx, "", maxServicesAsked)
	if err != nil {
		return nil, err
	}
	var first time.Time
	for _, seen := range services {
		if first.IsZero() || seen.First.Before(first) {
			first = seen.First
		}
	}
	if !first.IsZero() {
		answer.Oldest.Seen = new(ask.Stamp(first.UnixNano()))
	}
	return answer, nil
}

// maxServicesAsked bounds the services that the oldest is looked for among.
const maxServicesAsked = 5_000
