package tempo

import (
	"context"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// The answers of tempopb.StreamingQuerier: those of the HTTP API, in protobuf.

// messageBytes is from which size on the traces of a search go on in another message: a client takes 4 MiB at once unless
// it says otherwise.
const messageBytes = 1 << 20

func (h *handler) streamSearch(ctx context.Context, q url.Values, _ string) ([][]byte, error) {
	found, err := h.search(ctx, q)
	if err != nil {
		return nil, err
	}
	answer := found.(searchJSON)
	var messages [][]byte
	var m message
	for i := range answer.Traces {
		m.message(1, func(m *message) { m.trace(&answer.Traces[i]) })
		if len(m.bytes) >= messageBytes && i < len(answer.Traces)-1 {
			messages, m = append(messages, m.bytes), message{}
		}
	}
	m.message(2, func(m *message) { m.searchMetrics(&answer.Metrics) })
	return append(messages, m.bytes), nil
}

func (h *handler) streamTagsV1(ctx context.Context, q url.Values, _ string) ([][]byte, error) {
	found, err := h.tagsV1(ctx, q)
	if err != nil {
		return nil, err
	}
	return oneMessage(func(m *message) { m.texts(1, found.(map[string][]string)["tagNames"]) }), nil
}

func (h *handler) streamTags(ctx context.Context, q url.Values, _ string) ([][]byte, error) {
	found, err := h.tags(ctx, q)
	if err != nil {
		return nil, err
	}
	return oneMessage(func(m *message) {
		for _, scope := range found.(tagsJSON).Scopes {
			m.message(1, func(m *message) {
				m.text(1, scope.Name)
				m.texts(2, scope.Tags)
			})
		}
	}), nil
}

func (h *handler) streamValuesV1(ctx context.Context, q url.Values, tag string) ([][]byte, error) {
	found, err := h.valuesOf(ctx, tag, q)
	if err != nil {
		return nil, err
	}
	return oneMessage(func(m *message) { m.texts(1, textsOf(found)) }), nil
}

func (h *handler) streamValues(ctx context.Context, q url.Values, tag string) ([][]byte, error) {
	found, err := h.valuesOf(ctx, tag, q)
	if err != nil {
		return nil, err
	}
	return oneMessage(func(m *message) {
		for _, v := range found {
			m.message(1, func(m *message) {
				m.text(1, v.Type)
				m.text(2, v.Value)
			})
		}
	}), nil
}

func (h *handler) streamRange(ctx context.Context, q url.Values, _ string) ([][]byte, error) {
	found, err := h.metricsRange(ctx, q)
	if err != nil {
		return nil, err
	}
	answer := found.(seriesAnswer)
	return oneMessage(func(m *message) {
		for i := range answer.Series {
			m.message(1, func(m *message) { m.series(&answer.Series[i]) })
		}
		m.metrics(&answer.Metrics)
	}), nil
}

func (h *handler) streamInstant(ctx context.Context, q url.Values, _ string) ([][]byte, error) {
	found, err := h.metricsInstant(ctx, q)
	if err != nil {
		return nil, err
	}
	answer := found.(instantAnswer)
	return oneMessage(func(m *message) {
		for _, s := range answer.Series {
			m.message(1, func(m *message) {
				m.attributes(1, s.Labels)
				m.double(2, s.Value)
			})
		}
		m.metrics(&answer.Metrics)
	}), nil
}

// message is a message of protobuf that is written field by field. What is zero is left out.
type message struct{ bytes []byte }

func oneMessage(write func(*message)) [][]byte {
	var m message
	write(&m)
	return [][]byte{m.bytes}
}

func (m *message) message(field protowire.Number, write func(*message)) {
	var in message
	write(&in)
	m.bytes = protowire.AppendBytes(protowire.AppendTag(m.bytes, field, protowire.BytesType), in.bytes)
}

func (m *message) text(field protowire.Number, text string) {
	if text != "" {
		m.bytes = protowire.AppendString(protowire.AppendTag(m.bytes, field, protowire.BytesType), text)
	}
}

func (m *message) texts(field protowire.Number, texts []string) {
	for _, text := range texts {
		m.bytes = protowire.AppendString(protowire.AppendTag(m.bytes, field, protowire.BytesType), text)
	}
}

func (m *message) number(field protowire.Number, n int64) {
	if n != 0 {
		m.bytes = protowire.AppendVarint(protowire.AppendTag(m.bytes, field, protowire.VarintType), uint64(n))
	}
}

// decimal is number of what JSON has as a text, because of its 64 bits.
func (m *message) decimal(field protowire.Number, text string) {
	n, _ := strconv.ParseInt(text, 10, 64) // it was written by this package
	m.number(field, n)
}

func (m *message) double(field protowire.Number, v float64) {
	if v != 0 {
		m.bytes = protowire.AppendFixed64(protowire.AppendTag(m.bytes, field, protowire.Fixed64Type), math.Float64bits(v))
	}
}

func (m *message) trace(t *traceJSONSummary) {
	m.text(1, t.TraceID)
	m.text(2, t.RootServiceName)
	m.text(3, t.RootTraceName)
	m.decimal(4, t.StartNanos)
	m.number(5, t.DurationMillis)
	for i := range t.SpanSets {
		m.message(7, func(m *message) { m.spanSet(&t.SpanSets[i]) })
	}
	for _, service := range slices.Sorted(maps.Keys(t.ServiceStats)) {
		stats := t.ServiceStats[service]
		m.message(8, func(m *message) {
			m.text(1, service)
			m.message(2, func(m *message) {
				m.number(1, int64(stats.SpanCount))
				m.number(2, int64(stats.ErrorCount))
			})
		})
	}
}

func (m *message) spanSet(s *spanSetJSON) {
	for i := range s.Spans {
		span := &s.Spans[i]
		m.message(1, func(m *message) {
			m.text(1, span.SpanID)
			m.text(2, span.Name)
			m.decimal(3, span.StartNanos)
			m.decimal(4, span.DurationNanos)
			m.attributes(5, span.Attributes)
		})
	}
	m.number(2, int64(s.Matched))
	m.attributes(3, s.Attributes)
}

func (m *message) series(s *seriesJSON) {
	m.attributes(1, s.Labels)
	for _, sample := range s.Samples {
		m.message(2, func(m *message) {
			m.double(1, sample.Value)
			m.decimal(2, sample.Millis)
		})
	}
	for _, e := range s.Exemplars {
		m.message(4, func(m *message) {
			m.attributes(1, e.Labels)
			m.double(2, e.Value)
			m.decimal(3, e.Millis)
		})
	}
}

// attributes writes KeyValues of OTLP.
func (m *message) attributes(field protowire.Number, attributes []attributeJSON) {
	for i := range attributes {
		a := &attributes[i]
		m.message(field, func(m *message) {
			m.text(1, a.Key)
			m.message(2, func(m *message) { m.value(&a.Value) })
		})
	}
}

// value writes an AnyValue, whose zero values are not nothing.
func (m *message) value(v *valueJSON) {
	switch {
	case v.String != nil:
		m.texts(1, []string{*v.String})
	case v.Bool != nil:
		m.bytes = protowire.AppendVarint(protowire.AppendTag(m.bytes, 2, protowire.VarintType), protowire.EncodeBool(*v.Bool))
	case v.Int != nil:
		n, _ := strconv.ParseInt(*v.Int, 10, 64) // it was written by this package
		m.bytes = protowire.AppendVarint(protowire.AppendTag(m.bytes, 3, protowire.VarintType), uint64(n))
	case v.Double != nil:
		m.bytes = protowire.AppendFixed64(protowire.AppendTag(m.bytes, 4, protowire.Fixed64Type), math.Float64bits(*v.Double))
	}
}

func (m *message) searchMetrics(s *searchMetrics) {
	m.number(1, int64(s.InspectedTraces))
	m.number(4, int64(s.CompletedJobs))
	m.number(5, int64(s.TotalJobs))
}

// metrics writes those of an answer of series, which says whether it is a part.
func (m *message) metrics(s *searchMetrics) {
	m.message(2, func(m *message) { m.searchMetrics(s) })
	if s.TotalJobs > s.CompletedJobs {
		m.number(3, 1) // PARTIAL
		m.text(4, "the answer is of the newest traces: the time was up, or a trace was too large to be read whole")
	}
}
