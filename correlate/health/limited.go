package health

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/sampling"
)

// What limits of ingest left out: whether that is why a trace or a parent is not here.

const (
	// limitedAround is how long before and after its time a trace's spans may have come in.
	limitedAround = 5 * time.Minute
	// limitedUntold is how far back limits are looked at for a trace of which nothing tells when it was.
	limitedUntold = 24 * time.Hour
)

// LimitedAround is when limits may have left out what belongs to a range.
func LimitedAround(r plait.TimeRange) plait.TimeRange {
	return plait.TimeRange{From: r.From.Add(-limitedAround), To: r.To.Add(limitedAround)}
}

// limitedStep is what limits may have to do with a missing trace, and the setting that the limit is of.
type limitedStep struct {
	step    Step
	setting string
}

// stepLimited tells whether a limit may have sampled the trace out: one left spans out when the trace was, and its id is not
// among those that were kept all the time. It says nothing where none did.
func (s *search) stepLimited(ctx context.Context) (worst limitedStep, err error) {
	at := s.seenAt()
	r := plait.TimeRange{From: s.setting.Now.Add(-limitedUntold), To: s.setting.Now.Add(limitedAround)}
	if !at.IsZero() {
		r = LimitedAround(plait.TimeRange{From: at, To: at})
	}
	limited, err := s.setting.Limited(ctx, r)
	if err != nil {
		return worst, err
	}
	limited = slices.DeleteFunc(limited, func(l plait.Limited) bool { return l.Signal != "traces" || !s.concerns(l.Service) })
	slices.SortFunc(limited, s.compareLimits)
	if len(limited) == 0 {
		return worst, nil
	}
	return s.limitedBy(&limited[0]), nil
}

// anyOther stands in limits for services that shared one.
const anyOther = "*"

// concerns says whether a limit of a service may be of the trace: where log records tell its services, of one of them.
func (s *search) concerns(service string) bool {
	known := s.services()
	return service == "" || service == anyOther || len(known) == 0 || slices.Contains(known, service)
}

// compareLimits puts the one first that tells the most: what did not keep the trace, of all services before one, the lowest share.
func (s *search) compareLimits(a, b plait.Limited) int {
	rank := func(l *plait.Limited) float64 {
		rank := l.LeastShare
		if s.keptBy(l) {
			rank += 4
		}
		if l.Service != "" {
			rank += 2
		}
		return rank
	}
	return cmp.Compare(rank(&a), rank(&b))
}

// keptBy says whether the smallest share that a limit kept has the trace.
func (s *search) keptBy(l *plait.Limited) bool {
	return sampling.OfShare(l.LeastShare).Keeps(sampling.Randomness(s.reading.TraceID))
}

func (s *search) limitedBy(l *plait.Limited) limitedStep {
	came, of := "more spans came in than may be stored", "the traces"
	switch l.Service {
	case "":
	case anyOther:
		came, of = "more spans of services that share a limit came in than may be stored of them", "their traces"
	default:
		came, of = "more spans of "+plait.OneLine(l.Service, maxServiceTold)+" came in than may be stored of it", "its traces"
	}
	says := fmt.Sprintf("From %s to %s %s: as few as %.2g %% of %s were kept", stamp(l.From), stamp(l.To), came, 100*l.LeastShare, of)
	if s.keptBy(l) {
		return limitedStep{Step{"limited", OK, says + ", and by its id this one is among them."}, settingOf(l)}
	}
	return limitedStep{Step{"limited", Warn, says + ", and by its id this one need not be among them."}, settingOf(l)}
}

// maxServiceTold bounds the bytes of a service's name in a sentence.
const maxServiceTold = 128

// settingOf names the setting of a limit.
func settingOf(l *plait.Limited) string {
	if l.Service == "" {
		return "--max-spans-per-second"
	}
	return "--limits allows"
}

func ofAllTogether(l *plait.Limited) bool { return l.Service == "" }

// ofOneService are those that tear traces: that of all together leaves out whole ones.
func ofOneService(l *plait.Limited) bool { return l.Service != "" }

// settingAmong is the setting of a limit that left spans out, of the first kind of which there is one; empty where none did.
func settingAmong(limited []plait.Limited, kinds ...func(*plait.Limited) bool) string {
	for _, is := range kinds {
		for i := range limited {
			if l := &limited[i]; l.Signal == "traces" && is(l) {
				return settingOf(l)
			}
		}
	}
	return ""
}

func saysLimit(setting string) string {
	return "a rate limit left spans out: more came in than " + setting + "."
}

const mendLimit = "Raise the limit, or let senders sample (OTEL_TRACES_SAMPLER=parentbased_traceidratio), who know which traces matter."
