package forward

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plaithq/plait/store/outbox"
)

// instruments are the metrics of forwarding. Counters tell of this gateway, gauges of the database, which all gateways share.
type instruments struct {
	records  *prometheus.CounterVec
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	lag      *prometheus.GaugeVec
	waiting  *prometheus.GaugeVec
	failing  *prometheus.GaugeVec
}

func newInstruments(registerer prometheus.Registerer) *instruments {
	labels := []string{"target", "signal"}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	}
	in := &instruments{
		records: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "plait_forward_records_total",
			Help: "Records that this gateway is done with for a target, by what became of them: sent, left_out by its filter, refused by it, expired before they were sent, given_up because too much waited, or for too long."},
			append(labels, "result")),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "plait_forward_requests_total",
			Help: "Requests to a target, by its answer: ok, the status of HTTP or gRPC, no_answer, or unwritten where it took one and does not say that it wrote anything."}, append(labels, "answer")),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "plait_forward_request_seconds",
			Help: "Time of a request to a target.", Buckets: prometheus.ExponentialBuckets(0.005, 4, 8)}, labels),
		lag:     gauge("plait_forward_lag_seconds", "Age of the oldest committed record that a target has not got, whichever gateway sends."),
		waiting: gauge("plait_forward_waiting_records", "Committed records of the signal that a target has not got, before its filter, whichever gateway sends."),
		failing: gauge("plait_forward_failing_seconds", "For how long a target has taken nothing that was sent to it, 0 when it does."),
	}
	registerer.MustRegister(in.records, in.requests, in.seconds, in.lag, in.waiting, in.failing)
	return in
}

// report brings the gauges up to date. Targets that are no more go.
func (in *instruments) report(all []outbox.Status) {
	for _, g := range []*prometheus.GaugeVec{in.lag, in.waiting, in.failing} {
		g.Reset()
	}
	for _, s := range all {
		in.lag.WithLabelValues(s.Target, s.Signal.String()).Set(s.Lag.Seconds())
		in.waiting.WithLabelValues(s.Target, s.Signal.String()).Set(float64(s.Waiting))
		in.failing.WithLabelValues(s.Target, s.Signal.String()).Set(s.Failing.Seconds())
	}
}

// streamCounts are the metrics of one stream.
type streamCounts struct {
	sent, leftOut, refused, expired, givenUp prometheus.Counter

	requests *prometheus.CounterVec // by answer
	seconds  prometheus.Observer
}

func (in *instruments) of(target, signal string) streamCounts {
	records := in.records.MustCurryWith(prometheus.Labels{"target": target, "signal": signal})
	return streamCounts{
		sent:     records.WithLabelValues("sent"),
		leftOut:  records.WithLabelValues("left_out"),
		refused:  records.WithLabelValues("refused"),
		expired:  records.WithLabelValues("expired"),
		givenUp:  records.WithLabelValues("given_up"),
		requests: in.requests.MustCurryWith(prometheus.Labels{"target": target, "signal": signal}),
		seconds:  in.seconds.WithLabelValues(target, signal),
	}
}

// add counts what became of a batch.
func (c *streamCounts) add(p outbox.Progress) {
	c.sent.Add(float64(p.Sent))
	c.leftOut.Add(float64(p.LeftOut))
	c.refused.Add(float64(p.Refused))
	c.expired.Add(float64(p.Expired))
	c.givenUp.Add(float64(p.GivenUp))
}

func (c *streamCounts) request(answer string, took time.Duration) {
	c.requests.WithLabelValues(answer).Inc()
	c.seconds.Observe(took.Seconds())
}
