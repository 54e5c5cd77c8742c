package api

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/query"
)

type logTemplatesParams struct {
	Service  []string `query:"service"`
	Severity severity `query:"severity"`
	Level    []level  `query:"level"`
	// FirstSeen asks for templates that were not logged in the day before the window.
	FirstSeen yes `query:"first_seen"`
	// Course asks how many records each template has in each step.
	Course yes `query:"course"`
	volumeSteps
	Limit int `query:"limit" default:"50" max:"500"`
}

// yes is a choice that is made by 1, true or yes.
type yes bool

// UnmarshalText reads it.
func (y *yes) UnmarshalText(text []byte) error {
	switch string(text) {
	case "1", "true", "yes":
		*y = true
	case "0", "false", "no":
	default:
		return plait.Errorf(plait.ErrInvalid, "%q is neither true nor false", text)
	}
	return nil
}

type logTemplatesAnswer struct {
	Start string `json:"start"`
	End   string `json:"end"`
	// StepNS is how exact first_seen and last_seen are, and how long the steps of a course.
	StepNS    int64         `json:"step_ns"`
	Templates []logTemplate `json:"templates"`
	// Total is how many there are, of which Templates are the first.
	Total int `json:"total"`
}

type logTemplate struct {
	Template  string `json:"template"`
	Severity  string `json:"severity"`
	Service   string `json:"service"`
	Count     int64  `json:"count"`
	FirstSeen string `json:"first_seen"`
	LastSeen  string `json:"last_seen"`
	// Steps are those with records, where a course was asked for.
	Steps []templateStep `json:"steps,omitempty"`
}

type templateStep struct {
	Start   string `json:"start"`
	Records int64  `json:"records"`
}

// courseOf is how many records of a group are in each step that has some.
func courseOf(steps query.Steps, g query.LogVolumeGroup) []templateStep {
	course := make([]templateStep, 0, len(g.Steps))
	for _, step := range g.Steps {
		course = append(course, templateStep{stepStart(steps, step.Index), step.Count})
	}
	return course
}

// dayBefore is how long before the window a template must not have been logged to be first seen in it.
const dayBefore = 24 * time.Hour

// templateKey is what tells templates apart.
type templateKey struct {
	service, template string
	severity          plait.SeverityNumber
}

// logTemplates lists the templates of log records, the most severe first, then the most frequent.
func (s *Server) logTemplates(ctx context.Context, p logTemplatesParams) (*logTemplatesAnswer, error) {
	steps, err := p.of(s.deps.Now())
	if err != nil {
		return nil, err
	}
	within := steps.Range
	choice := logChoice{Service: p.Service, Level: p.Level}
	q := query.LogVolume{
		Condition: append(recordsOf(plait.TraceID{}, ask.SpanID{}, p.Severity), choice.condition()),
		Steps:     steps,
		By:        query.LogDimensions{Service: true, Severity: true, Template: true},
	}
	groups, err := s.deps.Volumes.LogVolume(ctx, q)
	if err != nil {
		return nil, err
	}
	known := map[templateKey]bool{}
	if p.FirstSeen && len(groups) > 0 {
		before := q
		before.Steps = query.Steps{Range: plait.TimeRange{From: within.From.Add(-dayBefore), To: within.From}}
		earlier, err := s.deps.Volumes.LogVolume(ctx, before)
		if err != nil {
			return nil, err
		}
		for _, g := range earlier {
			known[templateKey{g.Service, g.Template, g.Severity}] = true
		}
	}
	groups = slices.DeleteFunc(groups, func(g query.LogVolumeGroup) bool {
		return g.Template == "" || known[templateKey{g.Service, g.Template, g.Severity}]
	})
	counts := make(map[templateKey]int64, len(groups))
	for _, g := range groups {
		for _, step := range g.Steps {
			counts[templateKey{g.Service, g.Template, g.Severity}] += step.Count
		}
	}
	slices.SortStableFunc(groups, func(a, b query.LogVolumeGroup) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity),
			cmp.Compare(counts[templateKey{b.Service, b.Template, b.Severity}], counts[templateKey{a.Service, a.Template, a.Severity}]))
	})
	answer := &logTemplatesAnswer{
		Start: ask.Stamp(within.From.UnixNano()), End: ask.Stamp(within.To.UnixNano()), StepNS: int64(q.Length),
		Templates: make([]logTemplate, 0, min(len(groups), p.Limit)), Total: len(groups),
	}
	for _, g := range groups[:min(len(groups), p.Limit)] {
		shown := logTemplate{
			Template: shownTemplate(g.Template), Severity: g.Severity.String(), Service: g.Service, Count: counts[templateKey{g.Service, g.Template, g.Severity}],
			FirstSeen: stepStart(steps, g.Steps[0].Index), LastSeen: stepStart(steps, g.Steps[len(g.Steps)-1].Index),
		}
		if p.Course {
			shown.Steps = courseOf(steps, g)
		}
		answer.Templates = append(answer.Templates, shown)
	}
	return answer, nil
}
