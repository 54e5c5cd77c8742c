package api

import (
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plaithq/plait"
)

// notation is telemetry as the scripts below testdata/pivots write it, a line each:
//
//	span      trace=a1 id=b1 parent=b0 service=cart instance=pod-1 name="GET /" kind=server start=10:00:00 dur=120ms status=error link=a2/b7
//	log       trace=a1 id=b1 service=cart at=10:00:00.5 severity=error body="no stock"
//	series    http_seconds_count{job="cart"} at=10:00:00 value=12
//	exemplar  http_seconds_bucket{job="cart",le="1"} trace=a1 id=b1 at=10:00:00 value=0.2
//	metadata  http_seconds type=histogram
//
// An id is a few hex digits; half:a1 is the lower half of trace a1. What else is said of a span or log
// record is an attribute (http.route=/x, n=5, "5" in quotes is text), after "resource." one of its resource.
// padding=8000 is an attribute of so many bytes. times=20 every=1s makes 20 of a line; those of spans are
// in traces of their own: a1, a1.1, a1.2…
type notation struct {
	traces  plait.Traces
	logs    plait.Logs
	metrics plait.Metrics
}

// day is the day of all telemetry of scripts.
var day = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)

// words are key=value; a value may be quoted, a word without an equals sign is a key alone.
var words = regexp.MustCompile(`([^\s={}]+(?:\{[^}]*\})?)(?:=("(?:[^"\\]|\\.)*"|\S*))?`)

type word struct {
	key, value string
	quoted     bool
}

func wordsOf(line string) (kind string, all []word, err error) {
	for _, m := range words.FindAllStringSubmatch(line, -1) {
		w := word{key: m[1], value: m[2]}
		if strings.HasPrefix(w.value, `"`) {
			w.quoted = true
			if w.value, err = strconv.Unquote(w.value); err != nil {
				return "", nil, fmt.Errorf("%s: %w", m[2], err)
			}
		}
		all = append(all, w)
	}
	return all[0].key, all[1:], nil
}

// read adds a line.
func (n *notation) read(line string) error {
	kind, all, err := wordsOf(line)
	if err != nil {
		return err
	}
	times, every := 1, time.Duration(0)
	all = slices.DeleteFunc(all, func(w word) bool {
		switch w.key {
		case "times":
			times, err = strconv.Atoi(w.value)
		case "every":
			every, err = time.ParseDuration(w.value)
		default:
			return false
		}
		return true
	})
	for i := 0; i < times && err == nil; i++ {
		later := time.Duration(i) * every
		switch kind {
		case "span":
			err = n.span(all, later, i)
		case "log":
			err = n.log(all, later)
		case "series", "exemplar":
			err = n.series(kind == "exemplar", all, later)
		case "metadata":
			n.metrics.Metadata = append(n.metrics.Metadata, plait.MetricMetadata{Metric: all[0].key, Type: plait.MetricType(all[1].value)})
		default:
			err = fmt.Errorf("no telemetry is called %s", kind)
		}
	}
	return err
}

func (n *notation) span(all []word, later time.Duration, number int) (err error) {
	s := plait.Span{Scope: &plait.Scope{}, Name: "op", Kind: plait.SpanKindServer}
	resource := &plait.Resource{}
	took := 10 * time.Millisecond
	for _, w := range all {
		switch w.key {
		case "trace":
			s.TraceID, err = traceNamed(w.value)
			s.TraceID[0] += byte(number)
		case "id":
			s.SpanID, err = spanNamed(w.value)
		case "parent":
			s.ParentSpanID, err = spanNamed(w.value)
		case "name":
			s.Name = w.value
		case "kind":
			s.Kind = plait.SpanKind(slices.IndexFunc(kindsByNumber, func(k plait.SpanKind) bool { return k.String() == w.value }))
		case "status":
			s.Status = plait.StatusCode(slices.Index([]string{"unset", "ok", "error"}, w.value))
		case "start":
			s.StartNanos, err = clockTime(w.value)
		case "dur":
			took, err = time.ParseDuration(w.value)
		case "link":
			trace, span, _ := strings.Cut(w.value, "/")
			var l plait.Link
			if l.TraceID, err = traceNamed(trace); err == nil {
				l.SpanID, err = spanNamed(span)
			}
			s.Links = append(s.Links, l)
		default:
			w.attribute(resource, &s.Attributes)
		}
		if err != nil {
			return fmt.Errorf("%s=%s: %w", w.key, w.value, err)
		}
	}
	s.Resource = resource
	s.StartNanos += int64(later)
	s.EndNanos = s.StartNanos + int64(took)
	n.traces.Spans = append(n.traces.Spans, s)
	return nil
}

var kindsByNumber = []plait.SpanKind{
	plait.SpanKindUnspecified, plait.SpanKindInternal, plait.SpanKindServer, plait.SpanKindClient, plait.SpanKindProducer, plait.SpanKindConsumer,
}

func (n *notation) log(all []word, later time.Duration) (err error) {
	r := plait.LogRecord{Scope: &plait.Scope{}}
	resource := &plait.Resource{}
	for _, w := range all {
		switch w.key {
		case "trace":
			r.TraceID, err = traceNamed(w.value)
		case "id":
			r.SpanID, err = spanNamed(w.value)
		case "at":
			r.TimeNanos, err = clockTime(w.value)
		case "severity":
			r.Severity = plait.ParseSeverity(w.value)
		case "body":
			r.Body = plait.StringValue(w.value)
		default:
			w.attribute(resource, &r.Attributes)
		}
		if err != nil {
			return fmt.Errorf("%s=%s: %w", w.key, w.value, err)
		}
	}
	r.Resource = resource
	r.TimeNanos += int64(later)
	n.logs.Records = append(n.logs.Records, r)
	return nil
}

// attribute adds a word to the attributes of a record, or of its resource.
func (w word) attribute(resource *plait.Resource, own *plait.Attributes) {
	v := plait.StringValue(w.value)
	if number, err := strconv.ParseInt(w.value, 10, 64); err == nil && !w.quoted {
		v = plait.IntValue(number)
	} else if w.value == "true" && !w.quoted {
		v = plait.BoolValue(true)
	}
	key, ofResource := strings.CutPrefix(w.key, "resource.")
	switch w.key {
	case "padding":
		size, _ := strconv.Atoi(w.value)
		v = plait.StringValue(strings.Repeat("x", size))
	case "service":
		key, ofResource = "service.name", true
	case "namespace":
		key, ofResource = "service.namespace", true
	case "instance":
		key, ofResource = "service.instance.id", true
	}
	a := plait.Attribute{Key: key, Value: v}
	if ofResource {
		resource.Attributes = append(resource.Attributes, a)
	} else {
		*own = append(*own, a)
	}
}

func (n *notation) series(isExemplar bool, all []word, later time.Duration) (err error) {
	d := plait.SeriesData{}
	if d.Labels, err = labelsWritten(all[0].key); err != nil {
		return err
	}
	value, at := 1.0, int64(0)
	var e plait.Exemplar
	for _, w := range all[1:] {
		switch w.key {
		case "at":
			at, err = clockTime(w.value)
		case "value":
			value, err = strconv.ParseFloat(w.value, 64)
		case "trace":
			e.TraceID, err = traceNamed(w.value)
		case "id":
			e.SpanID, err = spanNamed(w.value)
		default:
			err = fmt.Errorf("a series has none")
		}
		if err != nil {
			return fmt.Errorf("%s=%s: %w", w.key, w.value, err)
		}
	}
	at += int64(later)
	d.Samples = []plait.Sample{{TimeMillis: at / 1e6, Value: value}}
	if isExemplar {
		e.TimeNanos, e.Value = at, value
		d.Exemplars = []plait.Exemplar{e}
	}
	n.metrics.Series = append(n.metrics.Series, d)
	return nil
}

// labelsWritten reads name{label="value",…}.
func labelsWritten(text string) (plait.Labels, error) {
	name, rest, _ := strings.Cut(strings.TrimSuffix(text, "}"), "{")
	all := plait.Labels{{Name: plait.NameLabel, Value: name}}
	for pair := range strings.SplitSeq(rest, ",") {
		if label, quoted, ok := strings.Cut(pair, "="); ok {
			value, err := strconv.Unquote(quoted)
			if err != nil {
				return nil, fmt.Errorf("label %s: %w", pair, err)
			}
			all = append(all, plait.Label{Name: label, Value: value})
		}
	}
	slices.SortFunc(all, func(a, b plait.Label) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// traceNamed makes an id of a few hex digits: both halves of it.
func traceNamed(name string) (id plait.TraceID, err error) {
	digits, half := strings.CutPrefix(name, "half:")
	n, err := strconv.ParseUint(digits, 16, 48)
	if !half {
		binary.BigEndian.PutUint64(id[:8], n)
	}
	binary.BigEndian.PutUint64(id[8:], n)
	return id, err
}

func spanNamed(name string) (id plait.SpanID, err error) {
	n, err := strconv.ParseUint(name, 16, 64)
	return plait.SpanIDFromInt64(int64(n)), err
}

// clockTime is the time of a day that a script names.
func clockTime(text string) (int64, error) {
	t, err := time.Parse("15:04:05.999999999", text)
	return day.Add(time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second).Add(time.Duration(t.Nanosecond())).UnixNano(), err
}
