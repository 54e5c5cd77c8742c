package api

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/correlate"
	"github.com/plaithq/plait/correlate/health"
	"github.com/plaithq/plait/tracecontext"
)

type whyMissingParams struct {
	ID anyID `query:"id" required:"true"`
}

// anyID is a trace id as a user has it, with what its spelling tells beside.
type anyID struct {
	text     string
	readings []health.Reading
}

// UnmarshalText reads any spelling of package tracecontext.
func (a *anyID) UnmarshalText(text []byte) error {
	a.text = strings.TrimSpace(string(text))
	for _, c := range tracecontext.ParseAll(a.text) {
		a.readings = append(a.readings, health.Reading{
			TraceID: c.TraceID, SpanID: c.SpanID, NotSampled: c.Sampled == tracecontext.NotSampled, ReadAs: readAs(a.text, c), Began: beganByXRay(a.text, c.TraceID),
		})
	}
	if len(a.readings) == 0 {
		_, err := tracecontext.Parse(a.text)
		return err
	}
	return nil
}

func (a *anyID) traceIDs() (ids ask.TraceID) {
	for _, r := range a.readings {
		ids = append(ids, r.TraceID)
	}
	return ids
}

// readAs says in words which spelling an id was taken for.
func readAs(text string, c tracecontext.Context) string {
	id := hex.EncodeToString(c.TraceID[:])
	lower := strings.ToLower(text)
	switch {
	case strings.Contains(lower, xRay(id)):
		return "an id of AWS X-Ray"
	case c.Bits64() && strings.Contains(text, strconv.FormatUint(c.TraceID.Low(), 10)):
		return "a decimal number, the lower half of an id, as Datadog writes it"
	case strings.Contains(lower, "-"+id+"-"):
		return "a traceparent"
	case strings.Contains(lower, id+"-"), strings.Contains(lower, id[16:]+"-"):
		return "a header b3"
	case strings.Contains(text, ":") && !c.SpanID.IsZero():
		return "an uber-trace-id"
	case c.Bits64():
		return "the lower half of an id, 64 bits of it"
	}
	return "a whole id of 128 bits"
}

// xRay writes an id as X-Ray does.
func xRay(id string) string { return "1-" + id[:8] + "-" + id[8:] }

// beganByXRay is when a trace began, of which an id of X-Ray tells the second.
func beganByXRay(text string, id plait.TraceID) time.Time {
	digits := hex.EncodeToString(id[:])
	if !strings.Contains(strings.ToLower(text), xRay(digits)) {
		return time.Time{}
	}
	seconds, err := strconv.ParseInt(digits[:8], 16, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}

type whyMissingAnswer struct {
	ID      string        `json:"id"`
	TraceID plait.TraceID `json:"trace_id"`
	SpanID  string        `json:"span_id,omitempty"`
	ReadAs  string        `json:"read_as"`
	Found   bool          `json:"found"`
	Steps   []missingStep `json:"steps"`
	Likely  *advice       `json:"likely"`
	Links   traceLinks    `json:"links"`
}

type missingStep struct {
	Kind    string         `json:"kind"`
	Outcome health.Outcome `json:"outcome"`
	Says    string         `json:"says"`
}

type advice struct {
	Says string `json:"says"`
	Mend string `json:"mend"`
}

// missingReader is what is known of a trace that is not here.
type missingReader struct {
	correlate.TraceReader
	correlate.LogReader
	correlate.MetricReader
}

// whyMissing tells why a trace is not here.
func (s *Server) whyMissing(ctx context.Context, p whyMissingParams) (*whyMissingAnswer, error) {
	about := &s.deps.About
	m, err := health.WhyMissing(ctx, missingReader{s.deps.Traces, s.deps.Logs, s.deps.Metrics}, health.Setting{
		Now: s.deps.Now(), RetentionTraces: about.RetentionTraces, Intake: s.deps.Intake(), Limited: s.deps.Limited,
	}, p.ID.readings)
	if err != nil {
		return nil, err
	}
	answer := &whyMissingAnswer{
		ID: p.ID.text, TraceID: m.Reading.TraceID, ReadAs: m.Reading.ReadAs, Found: m.Found, Steps: make([]missingStep, 0, len(m.Steps)),
		Links: s.linksFor(ctx).trace(m.Reading.TraceID),
	}
	if !m.Reading.SpanID.IsZero() {
		answer.SpanID = m.Reading.SpanID.String()
	}
	for _, step := range m.Steps {
		answer.Steps = append(answer.Steps, missingStep(step))
	}
	if m.Likely != nil {
		answer.Likely = &advice{m.Likely.Says, m.Likely.Mend}
	}
	return answer, nil
}

// notHere is an error about a trace of which nothing is stored, with what else is known of it.
type notHere struct {
	error
	why *whyMissingAnswer
}

func (n *notHere) Unwrap() error { return n.error }

// tellWhy adds to an error that a trace is not here why that may be.
func (s *Server) tellWhy(ctx context.Context, id anyID, notFound error) error {
	why, err := s.whyMissing(ctx, whyMissingParams{id})
	if err != nil {
		return fmt.Errorf("look why trace %s is not here: %w", id.text, err)
	}
	return &notHere{notFound, why}
}
