package otlp

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
	"unsafe"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/protobuf"
	"github.com/plaithq/plait/wire/series"
)

// Tags of an exemplar.
const (
	exemplarTime       protobuf.Tag = 2<<3 | protobuf.Fixed64
	exemplarDouble     protobuf.Tag = 3<<3 | protobuf.Fixed64
	exemplarSpanID     protobuf.Tag = 4<<3 | protobuf.Bytes
	exemplarTraceID    protobuf.Tag = 5<<3 | protobuf.Bytes
	exemplarInt        protobuf.Tag = 6<<3 | protobuf.Fixed64
	exemplarAttributes protobuf.Tag = 7<<3 | protobuf.Bytes
)

// rawExemplar is an exemplar as it lies in the body.
type rawExemplar struct {
	value         float64
	nanos         uint64
	trace, span   string
	valued        bool
	hasAttributes bool
	fields        protobuf.Fields
}

const exemplarBytes = int(unsafe.Sizeof(rawExemplar{}) + 2*unsafe.Sizeof(plait.Exemplar{}))

func (p *point) exemplar(f protobuf.Fields) error {
	p.exemplars = append(p.exemplars, rawExemplar{fields: f})
	e := &p.exemplars[len(p.exemplars)-1]
	for f.Next() {
		switch f.Tag {
		case exemplarTime:
			e.nanos = f.Num
		case exemplarDouble:
			e.value, e.valued = math.Float64frombits(f.Num), true
		case exemplarInt:
			e.value, e.valued = float64(int64(f.Num)), true
		case exemplarTraceID:
			e.trace = f.Text()
		case exemplarSpanID:
			e.span = f.Text()
		case exemplarAttributes:
			e.hasAttributes = true
		}
	}
	return f.Err
}

// fault says why an exemplar cannot be stored, if it cannot.
func (e *rawExemplar) fault() string {
	var bad badID
	bad.read(new(plait.TraceID)[:], e.trace, "trace_id")
	bad.read(new(plait.SpanID)[:], e.span, "span_id")
	switch {
	case bad.field != "":
		return bad.String()
	case !e.valued:
		return "it has no value"
	case math.IsNaN(e.value):
		return "its value is not a number"
	case e.nanos > math.MaxInt64:
		return fmt.Sprintf("its time, %d ns, is after the year 2262", e.nanos)
	}
	return ""
}

// usableExemplars refuses those exemplars of a point that cannot be stored and sorts the others by value.
func (w *metricWalk) usableExemplars(m *metric, p *point) {
	p.exemplars = slices.DeleteFunc(p.exemplars, func(e rawExemplar) bool {
		fault := e.fault()
		if fault != "" {
			w.refuse(0, m.name, "an exemplar is left out: "+fault)
		}
		return fault != ""
	})
	if len(p.exemplars) > 1 {
		slices.SortStableFunc(p.exemplars, func(a, b rawExemplar) int { return cmp.Compare(a.value, b.value) })
	}
}

// exemplarsOf makes those of a range. They know milliseconds only, and those without a time have
// that of their sample.
func (w *metricWalk) exemplarsOf(m *metric, some []rawExemplar, sampleMillis int64) ([]plait.Exemplar, error) {
	if len(some) == 0 {
		return nil, nil
	}
	taken := make([]plait.Exemplar, 0, len(some))
	for i := range some {
		e := &some[i]
		millis := int64(e.nanos) / 1_000_000
		if millis == 0 {
			millis = sampleMillis
		}
		made := plait.Exemplar{Value: e.value, TimeNanos: millis * 1_000_000}
		copy(made.TraceID[:], e.trace)
		copy(made.SpanID[:], e.span)
		if e.hasAttributes {
			var err error
			if made, err = w.withAttributes(e, made); err != nil {
				w.refuse(0, m.name, "an exemplar is left out: "+err.Error())
				continue
			}
			if err := w.ledger.Take(series.LabelBytes(made.Labels)); err != nil {
				return nil, err
			}
		}
		taken = append(taken, made)
	}
	return taken, nil
}

// maxExemplarRunes is how much text OpenMetrics grants the labels of an exemplar.
const maxExemplarRunes = 128

// withAttributes makes labels of what a view took off the series, if Prometheus allows as many.
func (w *metricWalk) withAttributes(e *rawExemplar, made plait.Exemplar) (plait.Exemplar, error) {
	run := attributeRun{e.fields, exemplarAttributes}
	if run.tooLarge() != "" {
		return made, nil
	}
	attributes, err := w.attributes(run)
	if err != nil {
		return made, err
	}
	ids := labels.NewScratchBuilder(2)
	runes := 0
	add := func(name, value string) {
		runes += utf8.RuneCountInString(name) + utf8.RuneCountInString(value)
		ids.Add(name, value)
	}
	if !made.TraceID.IsZero() {
		add("trace_id", made.TraceID.String())
	}
	if !made.SpanID.IsZero() {
		add("span_id", made.SpanID.String())
	}
	alone := ids // the attributes are all taken or none
	for _, a := range attributes.Unique() {
		if runes > maxExemplarRunes {
			break
		}
		add(a.Key, a.Value.Text())
	}
	if runes > maxExemplarRunes {
		ids = alone
	}
	ids.Sort()
	return series.Exemplar(exemplar.Exemplar{Labels: ids.Labels(), Value: made.Value, Ts: made.TimeNanos / 1_000_000, HasTs: true}, 0)
}

// maxRawBytes is how long attributes may be in the body to become labels of a series: values that are
// arrays or maps may get shorter as text, and nothing is decoded that has no chance.
const maxRawBytes = 4 * series.MaxLabelBytes

// tooLarge says why attributes cannot become labels, before they are decoded.
func (r attributeRun) tooLarge() string {
	bytes, count := 0, 0
	for f := r.fields; f.Next(); {
		if f.Tag == r.tag {
			bytes += len(f.Text())
			count++
		}
	}
	switch {
	case bytes > maxRawBytes:
		return fmt.Sprintf("attributes of %d bytes, and labels of a series may take %d", bytes, series.MaxLabelBytes)
	case count > maxRawCount:
		return fmt.Sprintf("%d attributes, and a series may have %d labels", count, series.MaxLabels)
	}
	return ""
}

// maxRawCount leaves room for keys that occur twice.
const maxRawCount = 4 * series.MaxLabels

// attributes decodes attributes, which are valid until the next call.
func (w *metricWalk) attributes(run attributeRun) (list plait.Attributes, err error) {
	if w.values == nil {
		w.values = &decoder{Memory: new(Memory), body: run.fields.Body()}
		w.values.attributes.begin(0)
	}
	w.values.attributes.reset() // what was decoded before is not looked at any more
	w.values.body = run.fields.Body()
	f := run.fields
	for f.Next() {
		if f.Tag != run.tag {
			continue
		}
		if list, err = w.values.attributeList(&f, list); err != nil {
			return nil, err
		}
	}
	return list, f.Err
}
