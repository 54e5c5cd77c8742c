package api

import (
	"encoding/json"
	"math"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
)

// What several answers are made of. Field order is the order in the JSON; what openapi.yaml says
// of each schema is held by a test.

// number is a value of a series; JSON knows no NaN and no infinity, which are null.
type number float64

// MarshalJSON writes a number or null.
func (n number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// attributes are canonical values by key, {} when there are none.
func attributes(of plait.Attributes) json.RawMessage { return of.AppendJSON(nil) }

// list is never null.
func list[T any](of []T) []T {
	if of == nil {
		return []T{}
	}
	return of
}

// labels are a series' labels by name.
func labels(of plait.Labels) map[string]string {
	m := make(map[string]string, len(of))
	for _, l := range of {
		m[l.Name] = l.Value
	}
	return m
}

type traceSummary struct {
	TraceID     plait.TraceID `json:"trace_id"`
	RootService string        `json:"root_service"`
	RootName    string        `json:"root_name"`
	Start       string        `json:"start"`
	DurationNS  int64         `json:"duration_ns"`
	SpanCount   int           `json:"span_count"`
	ErrorCount  int           `json:"error_count"`
	Services    []string      `json:"services"`
	// Incomplete says that the root span is not here.
	Incomplete bool       `json:"incomplete,omitempty"`
	Links      traceLinks `json:"links"`
}

func (l links) summary(t *plait.TraceSummary) traceSummary {
	return traceSummary{
		TraceID: t.TraceID, RootService: t.RootService, RootName: t.RootName,
		Start: ask.Stamp(t.StartNanos), DurationNS: t.DurationNanos,
		SpanCount: t.SpanCount, ErrorCount: t.ErrorCount, Services: list(t.Services), Incomplete: t.RootService == "" && t.RootName == "",
		Links: l.trace(t.TraceID),
	}
}

type scope struct {
	Name       string          `json:"name"`
	Version    string          `json:"version,omitempty"`
	Attributes json.RawMessage `json:"attributes,omitempty"`
	SchemaURL  string          `json:"schema_url,omitempty"`
}

type logRecord struct {
	ID             string          `json:"id"`
	Time           string          `json:"time"`
	ObservedTime   string          `json:"observed_time,omitempty"`
	Severity       string          `json:"severity"`
	SeverityNumber int             `json:"severity_number"`
	SeverityText   string          `json:"severity_text,omitempty"`
	Service        string          `json:"service"`
	Body           json.RawMessage `json:"body"`
	EventName      string          `json:"event_name,omitempty"`
	TraceID        string          `json:"trace_id,omitempty"`
	SpanID         string          `json:"span_id,omitempty"`
	Trace          *lineTrace      `json:"trace,omitempty"`
	Attributes     json.RawMessage `json:"attributes"`
	Resource       json.RawMessage `json:"resource"`
	Scope          *scope          `json:"scope,omitempty"`
	Flags          uint32          `json:"flags,omitempty"`
	Dropped        uint32          `json:"dropped_attributes_count,omitempty"`
	Links          logLinks        `json:"links"`
}

func (l links) record(r *plait.LogRecord) logRecord {
	out := logRecord{
		ID: r.ID, Time: ask.Stamp(r.TimeNanos),
		Severity: r.Severity.String(), SeverityNumber: int(r.Severity), SeverityText: r.SeverityText,
		Service: r.Resource.Service(), Body: r.Body.AppendJSON(nil), EventName: r.EventName,
		Attributes: attributes(r.Attributes), Resource: attributes(r.Resource.Attributes), Scope: scopeOf(r.Scope), Links: l.log(r),
		Flags: r.Flags, Dropped: r.DroppedAttributes,
	}
	if r.ObservedNanos != 0 {
		out.ObservedTime = ask.Stamp(r.ObservedNanos)
	}
	if !r.TraceID.IsZero() {
		out.TraceID = r.TraceID.String()
	}
	if !r.SpanID.IsZero() {
		out.SpanID = r.SpanID.String()
	}
	return out
}

func (l links) records(of []plait.LogRecord) []logRecord {
	out := make([]logRecord, 0, len(of))
	for i := range of {
		out = append(out, l.record(&of[i]))
	}
	return out
}

// scopeOf is nil for a scope that says nothing.
func scopeOf(s *plait.Scope) *scope {
	if s == nil || s.Name == "" && s.Version == "" && s.SchemaURL == "" && len(s.Attributes) == 0 {
		return nil
	}
	out := &scope{Name: s.Name, Version: s.Version, SchemaURL: s.SchemaURL}
	if len(s.Attributes) > 0 {
		out.Attributes = attributes(s.Attributes)
	}
	return out
}
