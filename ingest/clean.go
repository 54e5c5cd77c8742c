package ingest

import (
	"fmt"
	"time"

	"github.com/plaithq/plait"
)

// cleaner repairs or refuses single records, so that one bad record costs nobody else anything.
// The checks run in this order, because each may rely on those before it:
//
//	spans: zero ids         refused: nothing can ever find or join them
//	logs:  time             0 becomes the observed time, else the time of arrival
//	logs:  trace, span id   looked for in attributes and body when the fields are empty
//	logs:  severity         looked for in the text of it, attributes and body when the number is 0
//	text                    NUL and invalid UTF-8 become U+FFFD: Postgres stores neither
//	names                   cut: they are index keys
//	attributes              cut in number and size; of a repeated key the last value stays
//	times                   absurd ones and ends before starts are kept as sent, and counted
//
// Trace id and severity are looked for in what was sent, before it is cut. Resources and scopes are shared
// by the records of a batch and cleaned once. What was done is counted by reason.
type cleaner struct {
	limits Config
	meters *meters
	now    func() time.Time
	ids    func(*plait.LogRecord) bool // fills in ids found elsewhere in the record
}

// cleaning is the cleaning of one batch.
type cleaning struct {
	limits   Config
	counts   [reasonCount]int
	resource *plait.Resource // the last one that was cleaned
	scope    *plait.Scope
	earliest int64 // times before and after these are absurd
	latest   int64
}

// reason is why a record was repaired or is remarkable.
type reason int

const (
	reasonText reason = iota
	reasonNameCut
	reasonValueCut
	reasonTooManyAttributes
	reasonRepeatedKey
	reasonNoTime
	reasonAbsurdTime
	reasonEndsEarly
	reasonCount
)

// reasonNames are the label values of plait_ingest_repaired_total.
var reasonNames = [reasonCount]string{
	reasonText:              "bad_text",
	reasonNameCut:           "name_cut",
	reasonValueCut:          "value_cut",
	reasonTooManyAttributes: "too_many_attributes",
	reasonRepeatedKey:       "repeated_key",
	reasonNoTime:            "no_time",
	reasonAbsurdTime:        "absurd_time",
	reasonEndsEarly:         "ends_before_start",
}

// Times before epochNanos, or further ahead of the clock than maxAhead, cannot be meant.
var epochNanos = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()

const maxAhead = 24 * time.Hour

func (c *cleaner) start() *cleaning {
	return &cleaning{limits: c.limits, earliest: epochNanos, latest: c.now().Add(maxAhead).UnixNano()}
}

// finish counts what was repaired.
func (c *cleaner) finish(signal string, done *cleaning) {
	for r, n := range done.counts {
		if n > 0 {
			c.meters.repaired.WithLabelValues(signal, reasonNames[r]).Add(float64(n))
		}
	}
}

// cleanSpans repairs the spans of a batch in place and takes out those that are refused.
func (c *cleaner) cleanSpans(b *plait.Traces, o *outcome) {
	work := c.start()
	kept := 0
	for i := range b.Spans {
		s := &b.Spans[i]
		if why, flaw := zeroID(s); why != "" {
			o.refuse(1, fmt.Sprintf("span %d (%.64q of service %.64q): %s", i, s.Name, s.Resource.Service(), flaw))
			c.meters.refused.WithLabelValues(traces, why).Inc()
			continue
		}
		work.span(s)
		if kept < i {
			b.Spans[kept] = *s
		}
		kept++
	}
	b.Spans = b.Spans[:kept]
	c.finish(traces, work)
}

// zeroID says which id of a span is missing: as a label, and to the sender.
func zeroID(s *plait.Span) (why, flaw string) {
	switch {
	case s.TraceID.IsZero():
		return "zero_trace_id", "its trace id is missing or all zeros"
	case s.SpanID.IsZero():
		return "zero_span_id", "its span id is missing or all zeros"
	}
	return "", ""
}

// cleanLogs repairs the records of a batch in place. None is refused.
func (c *cleaner) cleanLogs(b *plait.Logs) {
	work := c.start()
	found, arrival := 0, c.now().UnixNano()
	for i := range b.Records {
		r := &b.Records[i]
		if r.TimeNanos == 0 {
			if r.TimeNanos = r.ObservedNanos; r.TimeNanos == 0 {
				r.TimeNanos = arrival
				work.counts[reasonNoTime]++
			}
		}
		if c.ids(r) {
			found++
		}
		if r.Severity == 0 {
			findSeverity(r)
		}
		work.log(r)
	}
	if found > 0 {
		c.meters.traceIDs.Add(float64(found))
	}
	c.finish(logs, work)
}

func (w *cleaning) span(s *plait.Span) {
	w.shared(s.Resource, s.Scope)
	w.name(&s.Name)
	w.name(&s.TraceState)
	w.text(&s.StatusMessage)
	w.attributes(&s.Attributes, &s.DroppedAttributes)
	for i := range s.Events {
		e := &s.Events[i]
		w.name(&e.Name)
		w.attributes(&e.Attributes, &e.DroppedAttributes)
	}
	for i := range s.Links {
		l := &s.Links[i]
		w.name(&l.TraceState)
		w.attributes(&l.Attributes, &l.DroppedAttributes)
	}
	w.time(s.StartNanos)
	if s.EndNanos < s.StartNanos {
		w.counts[reasonEndsEarly]++
	}
}

func (w *cleaning) log(r *plait.LogRecord) {
	w.shared(r.Resource, r.Scope)
	w.value(&r.Body)
	w.name(&r.SeverityText)
	w.name(&r.EventName)
	w.attributes(&r.Attributes, &r.DroppedAttributes)
	w.time(r.TimeNanos)
}

// shared cleans what the records of a batch have in common, once for neighbours.
func (w *cleaning) shared(r *plait.Resource, s *plait.Scope) {
	if r != w.resource && r != nil {
		w.resource = r
		w.name(&r.SchemaURL)
		w.attributes(&r.Attributes, &r.DroppedAttributes)
		w.service(r.Attributes)
	}
	if s != w.scope && s != nil {
		w.scope = s
		w.name(&s.Name)
		w.name(&s.Version)
		w.name(&s.SchemaURL)
		w.attributes(&s.Attributes, &s.DroppedAttributes)
	}
}

// service holds a resource's service.name to the limit of names.
func (w *cleaning) service(a plait.Attributes) {
	for i := range a {
		if v := &a[i].Value; a[i].Key == "service.name" && v.Kind() == plait.KindString && len(v.Str()) > w.limits.MaxNameBytes {
			service := v.Str()
			w.name(&service)
			*v = plait.StringValue(service)
		}
	}
}

func (w *cleaning) time(nanos int64) {
	if nanos < w.earliest || nanos > w.latest {
		w.counts[reasonAbsurdTime]++
	}
}

// attributes bounds a list in number and size and makes its keys unique.
func (w *cleaning) attributes(list *plait.Attributes, dropped *uint32) {
	a := *list
	if excess := len(a) - w.limits.MaxAttributes; excess > 0 {
		w.counts[reasonTooManyAttributes]++
		a = a[:w.limits.MaxAttributes]
		*dropped += uint32(excess)
	}
	for i := range a {
		w.name(&a[i].Key)
		w.value(&a[i].Value)
	}
	if unique := a.Unique(); len(unique) < len(a) {
		w.counts[reasonRepeatedKey]++
		a = unique
	}
	*list = a
}
