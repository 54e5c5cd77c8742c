package forward

import (
	"fmt"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
)

// Filter says which spans, log records and series a target gets: those that are as all of it says.
type Filter struct {
	// Services are names of services, of which one has to be that of the span or record, or in a label of the series.
	Services []string `yaml:"services,omitempty"`
	// Attributes are written key=value, as the parameter attr of searches: one of the span or record itself or of its
	// resource, or a label of the series.
	Attributes []string `yaml:"attributes,omitempty"`
	// Severity is the least one of log records: TRACE, DEBUG, INFO, WARN, ERROR or FATAL.
	Severity string `yaml:"severity,omitempty"`
}

// selection is a filter, compiled. Nil conditions take everything.
type selection struct {
	spans *condition.Spans
	logs  *condition.Logs
	// series says whether a series with these labels fits.
	series func(plait.Labels) bool
}

// compile compiles the filter. An error names the setting.
func (f *Filter) compile() (selection, error) {
	spans, logs := condition.And{}, condition.And{}
	if len(f.Services) > 0 {
		spans, logs = append(spans, query.Services(f.Services)), append(logs, query.Services(f.Services))
	}
	for _, a := range f.Attributes {
		key, value, ok := strings.Cut(a, "=")
		if !ok || key == "" {
			return selection{}, fmt.Errorf("attributes: %q is not like key=value", a)
		}
		spans, logs = append(spans, query.SpanAttribute(key, value)), append(logs, query.LogAttribute(key, value))
	}
	if f.Severity != "" {
		least := plait.ParseSeverity(f.Severity)
		if least == 0 {
			return selection{}, fmt.Errorf("severity: %q is not one of TRACE, DEBUG, INFO, WARN, ERROR, FATAL", f.Severity)
		}
		logs = append(logs, query.SeverityAtLeast(least))
	}
	s := selection{series: f.series()}
	var err error
	if len(spans) > 0 {
		if s.spans, err = condition.CompileSpans(spans); err != nil {
			return selection{}, err
		}
	}
	if len(logs) > 0 {
		s.logs, err = condition.CompileLogs(logs)
	}
	return s, err
}

// of returns what the target gets of some records, and how many it does not.
func (s *selection) of(c content) (kept content, leftOut int64) {
	before := c.len()
	if s.spans != nil {
		c.spans = keep(c.spans, func(span *plait.Span) bool { return s.spans.Match(&condition.SpanView{Span: span}) })
	}
	if s.logs != nil {
		c.logs = keep(c.logs, s.logs.Match)
	}
	if s.series != nil {
		c.series = keep(c.series, func(d *plait.SeriesData) bool { return s.series(d.Labels) })
	}
	return c, int64(before - c.len())
}

// keep moves what fits to the front.
func keep[T any](list []T, fits func(*T) bool) []T {
	kept := list[:0]
	for i := range list {
		if fits(&list[i]) {
			kept = append(kept, list[i])
		}
	}
	clear(list[len(kept):])
	return kept
}
