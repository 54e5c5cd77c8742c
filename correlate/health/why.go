// Package health tells whether the signals join: why a trace is not here, and which services send telemetry that cannot be
// joined, with what to change in the sender. It reads samples within bounds, and knows neither SQL nor HTTP.
package health

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
)

// Outcome is what a look at something says.
type Outcome string

// The outcomes.
const (
	OK      Outcome = "ok"      // as it should be
	No      Outcome = "no"      // this is why it is not here
	Warn    Outcome = "warn"    // this may be why
	Unknown Outcome = "unknown" // nobody can tell
)

// Step is one thing that was looked at.
type Step struct {
	Kind    string // read, spans, logs, exemplars, thinned, sampled, age, limited, refused
	Outcome Outcome
	Says    string // a sentence
}

// Advice is what is the matter and what to change, in sentences.
type Advice struct{ Says, Mend string }

// Reading is a trace id as a user wrote it.
type Reading struct {
	TraceID    plait.TraceID
	SpanID     plait.SpanID // zero where it names none
	NotSampled bool         // the spelling says so
	ReadAs     string       // what spelling it was taken for, in words
	// Began is when the trace began, where the spelling tells it; else zero.
	Began time.Time
}

// MissingReader reads what is stored of a trace.
type MissingReader interface {
	TraceSummaries(ctx context.Context, ids []plait.TraceID) ([]plait.TraceSummary, error)
	TraceLogs(ctx context.Context, id plait.TraceID, limit int) ([]plait.LogRecord, bool, error)
	TraceExemplars(ctx context.Context, id plait.TraceID) ([]plait.SeriesExemplar, error)
	ThinnedTrace(ctx context.Context, id plait.TraceID) (*plait.ThinnedTrace, error)
	Logs(ctx context.Context, q query.Logs) ([]plait.LogRecord, string, error)
}

// Setting is what the gateway knows of itself.
type Setting struct {
	Now             time.Time
	RetentionTraces time.Duration // 0 where it is not known
	Intake          []plait.IntakeReport
	// Limited tells when limits of ingest left records out, in stretches that overlap a range.
	Limited func(context.Context, plait.TimeRange) ([]plait.Limited, error)
}

// Missing says why a trace is not here.
type Missing struct {
	Reading Reading
	Found   bool // spans are stored
	Steps   []Step
	// Likely is the likeliest reason, nil where the trace is found.
	Likely *Advice
}

// WhyMissing looks for what is known of a trace. Of several readings of an id that one is told of which something is
// stored, else the first.
func WhyMissing(ctx context.Context, r MissingReader, setting Setting, readings []Reading) (*Missing, error) {
	var first *search
	for _, reading := range readings {
		s := &search{reader: r, setting: setting, reading: reading}
		if err := s.look(ctx); err != nil {
			return nil, fmt.Errorf("look for trace %s: %w", reading.TraceID, err)
		}
		if first == nil {
			first = s
		}
		if s.seen() {
			return s.answer(ctx)
		}
	}
	return first.answer(ctx)
}

// logsRead bounds the log records of the trace that are read, and those of its services that are compared with.
const logsRead = 200

// search is what was found of one reading.
type search struct {
	reader    MissingReader
	setting   Setting
	reading   Reading
	trace     *plait.TraceSummary
	logs      []plait.LogRecord
	moreLogs  bool
	exemplars []plait.SeriesExemplar
	thinned   *plait.ThinnedTrace
}

func (s *search) seen() bool {
	return s.trace != nil || s.thinned != nil || len(s.logs)+len(s.exemplars) > 0
}

func (s *search) look(ctx context.Context) error {
	id := s.reading.TraceID
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		found, err := s.reader.TraceSummaries(ctx, []plait.TraceID{id})
		if len(found) > 0 {
			s.trace = &found[0]
		}
		return err
	})
	g.Go(func() (err error) {
		s.logs, s.moreLogs, err = s.reader.TraceLogs(ctx, id, logsRead)
		return err
	})
	g.Go(func() (err error) {
		s.exemplars, err = s.reader.TraceExemplars(ctx, id)
		return err
	})
	g.Go(func() (err error) {
		s.thinned, err = s.reader.ThinnedTrace(ctx, id)
		return err
	})
	return g.Wait()
}

func (s *search) answer(ctx context.Context) (*Missing, error) {
	m := &Missing{Reading: s.reading, Found: s.trace != nil}
	m.Steps = append(m.Steps, s.stepRead(), s.stepSpans(), s.stepLogs(), s.stepExemplars())
	if m.Found {
		return m, nil
	}
	sampled, err := s.stepSampled(ctx)
	if err != nil {
		return nil, err
	}
	limited, err := s.stepLimited(ctx)
	if err != nil {
		return nil, err
	}
	age, refused := s.stepAge(), s.stepRefused()
	if s.thinned != nil {
		m.Steps = append(m.Steps, s.stepThinned())
	}
	m.Steps = append(m.Steps, sampled, age)
	if limited.step.Says != "" {
		m.Steps = append(m.Steps, limited.step)
	}
	m.Steps = append(m.Steps, refused)
	m.Likely = s.likely(sampled.Outcome, age.Outcome, limited, refused)
	return m, nil
}

func (s *search) stepRead() Step {
	says := "Read as " + s.reading.ReadAs + ": trace " + s.reading.TraceID.String()
	if !s.reading.SpanID.IsZero() {
		says += ", span " + s.reading.SpanID.String()
	}
	return Step{"read", OK, says + "."}
}

func (s *search) stepSpans() Step {
	if s.trace == nil {
		return Step{"spans", No, "No span is stored under this id, nor under the lower half of it."}
	}
	t := s.trace
	return Step{"spans", OK, fmt.Sprintf("%s of %s, from %s on.", counted(t.SpanCount, "span"), named(t.Services), stamp(time.Unix(0, t.StartNanos)))}
}

func (s *search) stepLogs() Step {
	if len(s.logs) == 0 {
		return Step{"logs", Unknown, "No log record names it."}
	}
	first, last := s.logs[0].TimeNanos, s.logs[len(s.logs)-1].TimeNanos
	n := counted(len(s.logs), "log record")
	if s.moreLogs {
		n = "More than " + n
	}
	outcome := Warn
	if s.trace != nil {
		outcome = OK
	}
	verb := "name"
	if len(s.logs) == 1 && !s.moreLogs {
		verb = "names"
	}
	return Step{"logs", outcome, fmt.Sprintf("%s of %s %s it, from %s to %s.", n, named(s.services()), verb, stamp(time.Unix(0, first)), stamp(time.Unix(0, last)))}
}

func (s *search) services() (services []string) {
	for i := range s.logs {
		services = append(services, s.logs[i].Resource.Service())
	}
	slices.Sort(services)
	return slices.Compact(services)
}

func (s *search) stepExemplars() Step {
	if len(s.exemplars) == 0 {
		return Step{"exemplars", Unknown, "No exemplar of a metric points at it."}
	}
	e := &s.exemplars[0]
	outcome := Warn
	if s.trace != nil {
		outcome = OK
	}
	return Step{"exemplars", outcome, fmt.Sprintf("%s at it, the first of %s at %s.", pointing(len(s.exemplars)), metricOf(e.Series), stamp(time.Unix(0, e.TimeNanos)))}
}

func pointing(n int) string {
	if n == 1 {
		return "1 exemplar points"
	}
	return counted(n, "exemplar") + " point"
}

// metricOf tells a metric and the service that it is about.
func metricOf(series plait.Labels) string {
	metric, service := "", ""
	for _, l := range series {
		switch l.Name {
		case "__name__":
			metric = l.Value
		case "service", "service_name", "job":
			service = l.Value
		}
	}
	if service != "" {
		return metric + " of " + service
	}
	return metric
}

// stepThinned tells of a trace that went when its day was thinned.
func (s *search) stepThinned() Step {
	t := s.thinned
	return Step{"thinned", No, fmt.Sprintf("It was stored, and went at %s, when %s was thinned: no policy kept it, since it had no error and no exemplar, was not slow and not rare. "+
		"Of such traces, those of its hour and of its services were kept by chance with a probability of %.3g %%.", stamp(t.At), day(t.Day), 100*t.KeptProbability)}
}

// stepSampled tells whether the trace was sampled away.
func (s *search) stepSampled(ctx context.Context) (Step, error) {
	if s.reading.NotSampled {
		return Step{"sampled", No, "The id's own flag says that it is not sampled: its spans were never sent."}, nil
	}
	sampled, not := flagsOf(s.logs)
	switch {
	case sampled > 0:
		return Step{"sampled", OK, "Its log records say that it is sampled."}, nil
	case not > 0:
		return Step{"sampled", No, "Its log records say that it is not sampled: its spans were never sent."}, nil
	case len(s.logs) == 0:
		return Step{"sampled", Unknown, "Nothing tells whether it was sampled."}, nil
	}
	// Loggers that know of flags write them into every record with an id.
	services := s.services()
	others, _, err := s.reader.Logs(ctx, query.Logs{Condition: query.Service(services[0]), Range: around(s.logs[0].TimeNanos), Page: query.Page{Limit: logsRead}})
	if err != nil {
		return Step{}, err
	}
	if sampled, _ = flagsOf(others); sampled > 0 {
		return Step{"sampled", No, fmt.Sprintf("Other log records of %s say that their traces are sampled, those of this one do not: its spans were never sent.", services[0])}, nil
	}
	return Step{"sampled", Unknown, "Its log records do not tell whether it was sampled."}, nil
}

// around is an hour around a time.
func around(nanos int64) plait.TimeRange {
	at := time.Unix(0, nanos).UTC()
	return plait.TimeRange{From: at.Add(-30 * time.Minute), To: at.Add(30 * time.Minute)}
}

// seenAt is when the trace was, as far as anything tells.
func (s *search) seenAt() time.Time {
	switch {
	case !s.reading.Began.IsZero():
		return s.reading.Began
	case s.thinned != nil:
		return s.thinned.Day
	case len(s.logs) > 0:
		return time.Unix(0, s.logs[0].TimeNanos)
	case len(s.exemplars) > 0:
		return time.Unix(0, s.exemplars[0].TimeNanos)
	}
	return time.Time{}
}

func (s *search) stepAge() Step {
	if s.setting.RetentionTraces == 0 {
		return Step{"age", Unknown, "Nothing tells how long spans are kept."}
	}
	keeps := fmt.Sprintf("Spans are kept for %s", inDays(s.setting.RetentionTraces))
	at := s.seenAt()
	if at.IsZero() {
		return Step{"age", Unknown, fmt.Sprintf("%s: those of before %s have expired. Nothing tells when this trace was.", keeps, day(s.expired()))}
	}
	if at.Before(s.expired()) {
		return Step{"age", No, fmt.Sprintf("%s: the trace is from %s and has expired on %s.", keeps, stamp(at), day(at.Add(s.setting.RetentionTraces).AddDate(0, 0, 1)))}
	}
	return Step{"age", OK, fmt.Sprintf("%s, and the trace is from %s.", keeps, stamp(at))}
}

// expired is before when spans are dropped: days are dropped whole.
func (s *search) expired() time.Time {
	return s.setting.Now.Add(-s.setting.RetentionTraces).UTC().Truncate(24 * time.Hour)
}

func (s *search) stepRefused() Step {
	refused, step := int64(0), Step{"refused", OK, "No request with telemetry was refused since this gateway started."}
	var newest time.Time
	for _, r := range s.setting.Intake {
		refused += r.Refused
		if l := r.LastRefusal; l != nil && l.Time.After(newest) {
			newest = l.Time
			step = Step{"refused", Warn, fmt.Sprintf("%s refused a request of %s at %s: %s.", r.Door, l.Sender, stamp(l.Time), strings.TrimRight(l.Reason, "."))}
		}
	}
	return step
}
