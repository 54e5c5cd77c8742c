package api

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/query"
)

// VolumeReader counts telemetry.
type VolumeReader interface {
	// LogVolume counts log records by groups and steps. It is exact, its answer is bounded, and more than that is
	// plait.ErrTooLarge.
	LogVolume(ctx context.Context, q query.LogVolume) ([]query.LogVolumeGroup, error)
	// SpanVolume counts spans by groups and the steps in which they start, as LogVolume does.
	SpanVolume(ctx context.Context, q query.SpanVolume) (query.SpanVolumes, error)
}

// volumeSteps are the parameters of time of a question about volume.
type volumeSteps struct {
	ask.Window
	Step ask.Period `query:"step"`
}

// defaultSteps are how long steps are when a question does not say: the shortest that makes at most so many.
var defaultSteps = []time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour}

const maxDefaultSteps = 120

func (v volumeSteps) of(now time.Time) (query.Steps, error) {
	within, err := v.Bounded(now)
	if err != nil {
		return query.Steps{}, err
	}
	steps := query.Steps{Range: within, Length: time.Duration(v.Step), Aligned: true}
	if steps.Length == 0 {
		steps.Length = stepFor(within.To.Sub(within.From))
	}
	if steps.Length%time.Microsecond != 0 {
		return steps, plait.Errorf(plait.ErrInvalid, "parameter step: %v is not of whole microseconds", steps.Length)
	}
	return steps, nil
}

func stepFor(length time.Duration) time.Duration {
	for _, step := range defaultSteps {
		if length/step <= maxDefaultSteps {
			return step
		}
	}
	const day = 24 * time.Hour
	return (length / maxDefaultSteps).Truncate(day) + day
}

// stepStart is the time at which a step begins.
func stepStart(s query.Steps, index int) string { return ask.Stamp(s.Begin(index).UnixNano()) }

// dimensions are what is counted apart, by their names.
type dimensions []string

// read sets what is named, and refuses what is not there. none names nothing.
func (d dimensions) read(into map[string]*bool) error {
	for _, name := range d {
		switch set := into[name]; {
		case set != nil:
			*set = true
		case name == "none" && len(d) == 1:
		default:
			names := make([]string, 0, len(into))
			for name := range into {
				names = append(names, name)
			}
			slices.Sort(names)
			return plait.Errorf(plait.ErrInvalid, "parameter by: %q is none of %s, nor none alone", name, strings.Join(names, ", "))
		}
	}
	return nil
}

// UnmarshalText reads names with commas between them.
func (d *dimensions) UnmarshalText(text []byte) error {
	for name := range strings.SplitSeq(string(text), ",") {
		*d = append(*d, strings.TrimSpace(name))
	}
	return nil
}

// told is a text of a group where it is counted apart.
func told(is bool, text string) *string {
	if !is {
		return nil
	}
	return &text
}

type logVolumeParams struct {
	Service  []string   `query:"service"`
	Severity severity   `query:"severity"`
	Level    []level    `query:"level"`
	By       dimensions `query:"by" default:"service,severity"`
	volumeSteps
}

type logVolumeAnswer struct {
	Start   string     `json:"start"`
	End     string     `json:"end"`
	StepNS  int64      `json:"step_ns"`
	Volumes []logGroup `json:"volumes"`
}

type logGroup struct {
	Service  *string `json:"service,omitempty"`
	Severity *string `json:"severity,omitempty"`
	Template *string `json:"template,omitempty"`
	logCount
	Steps []logStep `json:"steps"`
}

type logStep struct {
	Start string `json:"start"`
	logCount
}

type logCount struct {
	Records   int64 `json:"records"`
	BodyBytes int64 `json:"body_bytes"`
}

// logVolume counts log records.
func (s *Server) logVolume(ctx context.Context, p logVolumeParams) (*logVolumeAnswer, error) {
	steps, err := p.of(s.deps.Now())
	if err != nil {
		return nil, err
	}
	choice := logChoice{Service: p.Service, Level: p.Level}
	q := query.LogVolume{Steps: steps, Condition: append(recordsOf(plait.TraceID{}, ask.SpanID{}, p.Severity), choice.condition())}
	err = p.By.read(map[string]*bool{"service": &q.By.Service, "severity": &q.By.Severity, "template": &q.By.Template})
	if err != nil {
		return nil, err
	}
	groups, err := s.deps.Volumes.LogVolume(ctx, q)
	if err != nil {
		return nil, err
	}
	answer := &logVolumeAnswer{
		Start: ask.Stamp(steps.Range.From.UnixNano()), End: ask.Stamp(steps.Range.To.UnixNano()), StepNS: int64(steps.Length), Volumes: make([]logGroup, 0, len(groups)),
	}
	for _, g := range groups {
		shown := logGroup{Service: told(q.By.Service, g.Service), Severity: told(q.By.Severity, g.Severity.String()), Template: told(q.By.Template, shownTemplate(g.Template))}
		for _, step := range g.Steps {
			shown.Records, shown.BodyBytes = shown.Records+step.Count, shown.BodyBytes+step.Bytes
			shown.Steps = append(shown.Steps, logStep{stepStart(steps, step.Index), logCount{step.Count, step.Bytes}})
		}
		answer.Volumes = append(answer.Volumes, shown)
	}
	return answer, nil
}

// shownTemplate has <_> for each run of digits, as Loki's patterns have for what varies.
func shownTemplate(template string) string {
	return strings.ReplaceAll(template, string(query.TemplateMark), "<_>")
}

type spanVolumeParams struct {
	spanParams
	By dimensions `query:"by" default:"service"`
	volumeSteps
}

type spanVolumeAnswer struct {
	Start   string      `json:"start"`
	End     string      `json:"end"`
	StepNS  int64       `json:"step_ns"`
	Volumes []spanGroup `json:"volumes"`
	Unnamed int64       `json:"unnamed_spans"`
}

type spanGroup struct {
	Service *string `json:"service,omitempty"`
	Name    *string `json:"name,omitempty"`
	Kind    *string `json:"kind,omitempty"`
	Status  *string `json:"status,omitempty"`
	spanCount
	Steps []spanStep `json:"steps"`
}

type spanStep struct {
	Start string `json:"start"`
	spanCount
}

type spanCount struct {
	Spans   int64   `json:"spans"`
	Failed  int64   `json:"failed"`
	Latency latency `json:"latency"`
}

// spanVolume counts spans.
func (s *Server) spanVolume(ctx context.Context, p spanVolumeParams) (*spanVolumeAnswer, error) {
	steps, err := p.of(s.deps.Now())
	if err != nil {
		return nil, err
	}
	q := query.SpanVolume{Steps: steps, Condition: p.spans()}
	err = p.By.read(map[string]*bool{"service": &q.By.Service, "name": &q.By.Name, "kind": &q.By.Kind, "status": &q.By.Status})
	if err != nil {
		return nil, err
	}
	found, err := s.deps.Volumes.SpanVolume(ctx, q)
	if err != nil {
		return nil, err
	}
	answer := &spanVolumeAnswer{
		Start: ask.Stamp(steps.Range.From.UnixNano()), End: ask.Stamp(steps.Range.To.UnixNano()), StepNS: int64(steps.Length),
		Volumes: make([]spanGroup, 0, len(found.Groups)), Unnamed: found.Unnamed,
	}
	for _, g := range found.Groups {
		total := g.Total()
		shown := spanGroup{
			Service: told(q.By.Service, g.Service), Name: told(q.By.Name, g.Name), Kind: told(q.By.Kind, g.Kind.String()), Status: told(q.By.Status, g.Status.String()),
			spanCount: countOf(&total), Steps: make([]spanStep, 0, len(g.Steps)),
		}
		for i := range g.Steps {
			shown.Steps = append(shown.Steps, spanStep{stepStart(steps, g.Steps[i].Index), countOf(&g.Steps[i])})
		}
		answer.Volumes = append(answer.Volumes, shown)
	}
	return answer, nil
}

func countOf(s *query.SpanStep) spanCount {
	return spanCount{s.Count, s.Failed, latency{
		MeanNS: s.SumNanos / max(s.Count, 1), P50NS: int64(s.Quantile(0.5)), P95NS: int64(s.Quantile(0.95)), P99NS: int64(s.Quantile(0.99)),
	}}
}
