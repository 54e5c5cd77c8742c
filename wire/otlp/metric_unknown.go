package otlp

import (
	"encoding/binary"

	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/series"
)

// What is not known is asked of Prometheus's converter with a request that is put together
// from the raw bytes of the one at hand.

// appendField appends a bytes field of a protobuf message.
func appendField(dst []byte, t tag, content string) []byte {
	dst = binary.AppendUvarint(dst, uint64(t))
	dst = binary.AppendUvarint(dst, uint64(len(content)))
	return append(dst, content...)
}

// header is the fields of a metric beside its data.
func header(name, description, unit string) string {
	b := appendField(nil, metricName, name)
	b = appendField(b, metricDescription, description)
	return string(appendField(b, metricUnit, unit))
}

// request puts one metric into a request of its own.
func (w *metricWalk) request(metric string) []byte {
	b := appendField(nil, scopedScope, w.scope)
	b = appendField(b, scopedRecords, metric)
	b = appendField(b, scopedSchemaURL, w.schema)
	scopes := string(b)
	b = appendField(nil, batchResource, w.resource)
	b = appendField(b, batchScopes, scopes)
	return appendField(nil, requestBatches, string(b))
}

// convert asks the converter about a metric. target_info comes from elsewhere.
func (w *metricWalk) convert(metric string) (*plait.Metrics, pmetric.Metrics, bool) {
	req := pmetricotlp.NewExportRequest()
	if err := req.UnmarshalProto(w.request(metric)); err != nil {
		return nil, pmetric.Metrics{}, false
	}
	set := w.decoder.settings.prometheus()
	set.DisableTargetInfo = true
	refused := dropUnusable(req.Metrics())
	found := convertWith(req.Metrics(), set)
	found.Refused = append(refused, found.Refused...)
	return found, req.Metrics(), true
}

// unknownPoint converts a single data point and remembers its names if they may serve again.
func (w *metricWalk) unknownPoint(m *metric, raw string, key series.Key, remember bool) bool {
	data := appendField(nil, dataPoints, raw)
	if m.temporality != 0 {
		data = binary.AppendUvarint(binary.AppendUvarint(data, uint64(dataTemporality)), m.temporality)
	}
	if m.monotonic != 0 {
		data = binary.AppendUvarint(binary.AppendUvarint(data, uint64(dataMonotonic)), m.monotonic)
	}
	found, _, ok := w.convert(m.raw + string(appendField(nil, m.kind, string(data))))
	if !ok {
		return false
	}
	w.adopt(found)
	if !remember || len(found.Refused) > 0 {
		return true
	}
	n := &names{series: make([]series.Name, len(found.Series))}
	for i, s := range found.Series {
		n.series[i] = series.Name{ID: s.Labels.ID(), Labels: s.Labels}
	}
	if len(found.Metadata) > 0 {
		n.metadata = found.Metadata[0]
	}
	w.decoder.names.Add(key, n)
	return true
}

// wholeMetric converts a metric of another kind with all its points.
func (w *metricWalk) wholeMetric(at fields) bool {
	found, sent, ok := w.convert(at.text())
	if !ok {
		return false
	}
	w.adopt(found)
	for t := range pointTimes(sent) {
		w.earliest, w.latest = min(w.earliest, uint64(t)), max(w.latest, uint64(t))
	}
	return true
}

// adopt takes over what the converter made.
func (w *metricWalk) adopt(m *plait.Metrics) {
	w.metrics.Series = append(w.metrics.Series, m.Series...)
	w.metrics.Refused = append(w.metrics.Refused, m.Refused...)
	for _, told := range m.Metadata {
		w.out.AddMetadata(told)
	}
}

// unknownResource asks the converter for the resource's target_info, with a gauge that exists
// only for the question. The names are empty when it makes none.
func (w *metricWalk) unknownResource() (*names, bool) {
	gauge := appendField(nil, dataPoints, "\x19\x40\x42\x0f\x00\x00\x00\x00\x00") // at a millisecond after 1970
	metric := header("asked", "", "") + string(appendField(nil, metricGauge, string(gauge)))
	req := pmetricotlp.NewExportRequest()
	if err := req.UnmarshalProto(w.request(metric)); err != nil {
		return nil, false
	}
	n := &names{}
	found := convertWith(req.Metrics(), w.decoder.settings.prometheus())
	for _, s := range found.Series {
		if s.Labels.Get(plait.NameLabel) == targetInfo {
			n.series = append(n.series, series.Name{ID: s.Labels.ID(), Labels: s.Labels})
		}
	}
	for _, told := range found.Metadata {
		if told.Metric == targetInfo {
			n.metadata = told
		}
	}
	return n, true
}
