package health

import (
	"fmt"
	"time"
)

// recent is for how long spans may be on their way: exporters wait some seconds, and retry for about a minute.
const recent = 2 * time.Minute

// likely chooses the likeliest reason, by what the steps say.
func (s *search) likely(sampled, age Outcome, limited limitedStep, refused Step) *Advice {
	at := s.seenAt()
	switch {
	case s.thinned != nil:
		return &Advice{"It went when its day was thinned.", "Keep more with --thin-keep, --thin-slower-than or --thin-rare-below, or for longer with --thin-after."}
	case sampled == No:
		return &Advice{"It was sampled away.", mendSampling}
	case age == No:
		return &Advice{"It has expired.", "Keep spans for longer with --retention-traces."}
	case limited.step.Outcome == Warn:
		return &Advice{"It was probably sampled out as it came in: there were more spans than " + limited.setting + ".", mendLimit}
	case !at.IsZero() && s.setting.Now.Sub(at) < recent && s.setting.Now.After(at.Add(-recent)):
		return &Advice{"Its spans may be on their way.", "Look again in a minute: exporters send every few seconds, and try again for about a minute."}
	case len(s.logs) > 0 && refused.Outcome == Warn:
		return &Advice{fmt.Sprintf("%s wrote log records in it, but none of its spans was stored; requests were refused.", named(s.services())), refused.Says}
	case len(s.logs) > 0:
		return &Advice{fmt.Sprintf("%s wrote log records in it, but sent no span of it.", named(s.services())),
			"See that the SDK exports traces to this gateway (OTEL_TRACES_EXPORTER=otlp, OTEL_EXPORTER_OTLP_ENDPOINT), that it samples all (OTEL_TRACES_SAMPLER=parentbased_always_on), and that it is shut down in good order, so that the last spans are sent."}
	case len(s.exemplars) > 0:
		return &Advice{"A metric's exemplar points at it, but no span of it came: it was sampled away, or is sent elsewhere.",
			"Let only sampled traces become exemplars (OTEL_METRICS_EXEMPLAR_FILTER=trace_based), and send spans and metrics to the same gateway."}
	case refused.Outcome == Warn:
		return &Advice{"Nothing of it was ever stored, and requests were refused.", refused.Says}
	}
	return &Advice{"Nothing of it has ever been stored.",
		"See that the id was copied whole, that the service which wrote it sends to this gateway (OTEL_EXPORTER_OTLP_ENDPOINT), and that its sampler keeps all (OTEL_TRACES_SAMPLER=parentbased_always_on)."}
}

const mendSampling = "Sample all traces (OTEL_TRACES_SAMPLER=parentbased_always_on, or a higher OTEL_TRACES_SAMPLER_ARG), or let a Collector choose whole traces by what is in them (tail_sampling)."
