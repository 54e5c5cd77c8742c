package otlp

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/storage/remote/otlptranslator/prometheusremotewrite"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/protobuf"
	"github.com/plaithq/plait/wire/series"
)

// What a series is called is asked of Prometheus's converter, with a request made for the question. It
// holds one point with its attributes, and of the resource what becomes labels; values, exemplars and
// most buckets stay out, since the converter is asked for names only. Nothing is handed to it that was
// not looked at before: it decodes with libraries that know no limit of depth or size.

// appendField appends a bytes field of a protobuf message.
func appendField[T string | []byte](dst []byte, t protobuf.Tag, content T) []byte {
	dst = binary.AppendUvarint(dst, uint64(t))
	dst = binary.AppendUvarint(dst, uint64(len(content)))
	return append(dst, content...)
}

func appendVarint(dst []byte, t protobuf.Tag, n uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(dst, uint64(t)), n)
}

func appendFixed(dst []byte, t protobuf.Tag, n uint64) []byte {
	return binary.LittleEndian.AppendUint64(binary.AppendUvarint(dst, uint64(t)), n)
}

// identity is what of a resource becomes labels of its series: a message of its own, and why it
// cannot become labels.
type identity struct {
	resource []byte
	fault    string
}

// identifying are the attributes that become the labels job and instance.
var identifying = []string{"service.namespace", "service.name", "service.instance.id"}

// identityOf finds the identity of the resource at hand, once for all of its points.
func (w *metricWalk) identityOf() *identity {
	if w.identity != nil {
		return w.identity
	}
	w.identity = &identity{}
	resource := protobuf.Of(w.resource)
	var chosen []byte
	for f := resource; f.Next(); {
		if f.Tag == resourceAttributes && w.becomesLabel(keyOf(f.Message())) {
			chosen = appendField(chosen, resourceAttributes, f.Text())
		}
	}
	run := attributeRun{protobuf.Of(view(chosen)), resourceAttributes}
	var err error
	if w.identity.fault = run.tooLarge(); w.identity.fault == "" {
		if w.identity.resource, err = w.bounded(nil, run); err != nil {
			w.identity.fault = err.Error()
		}
	}
	if w.identity.fault != "" {
		w.identity.fault = "its resource: " + w.identity.fault
	}
	return w.identity
}

func (w *metricWalk) becomesLabel(key string) bool {
	set := &w.decoder.settings
	return set.PromoteAllResourceAttributes || slices.Contains(identifying, key) || slices.Contains(set.PromoteResourceAttributes, key)
}

// keyOf returns the key of an attribute.
func keyOf(attribute protobuf.Fields) (key string) {
	for attribute.Next() {
		if attribute.Tag == keyValueKey {
			key = attribute.Text()
		}
	}
	return key
}

// bounded appends attributes. Values that nest deeper than maxDepth become the text that stands for
// them, as attributes of spans do.
func (w *metricWalk) bounded(dst []byte, run attributeRun) ([]byte, error) {
	for f := run.fields; f.Next(); {
		if f.Tag != run.tag {
			continue
		}
		deep, err := nests(f.Message(), 0)
		if err != nil {
			return nil, err
		}
		if !deep {
			dst = appendField(dst, run.tag, f.Text())
			continue
		}
		w.tooDeep++
		one := appendField(nil, run.tag, f.Text())
		list, err := w.attributes(attributeRun{protobuf.Of(view(one)), run.tag})
		if err != nil {
			return nil, err
		}
		for _, a := range list {
			text := appendField(nil, keyValueKey, a.Key)
			text = appendField(text, keyValueValue, appendField(nil, anyString, a.Value.Text()))
			dst = appendField(dst, run.tag, text)
		}
	}
	return dst, nil
}

// nests says whether the value of an attribute has arrays or maps that lie deeper than maxDepth. It
// looks no further than that.
func nests(attribute protobuf.Fields, depth int) (bool, error) {
	for attribute.Next() {
		if attribute.Tag != keyValueValue {
			continue
		}
		if deep, err := valueNests(attribute.Message(), depth); deep || err != nil {
			return deep, err
		}
	}
	return false, attribute.Err
}

func valueNests(value protobuf.Fields, depth int) (bool, error) {
	for value.Next() {
		if value.Tag != anyArray && value.Tag != anyMap {
			continue
		}
		if depth == maxDepth {
			return true, nil
		}
		for list := value.Message(); list.Next(); {
			if list.Tag != listValues {
				continue
			}
			look := valueNests
			if value.Tag == anyMap {
				look = nests
			}
			if deep, err := look(list.Message(), depth+1); deep || err != nil {
				return deep, err
			}
		}
	}
	return false, value.Err
}

// question is a request of one resource with one metric.
func question(resource, scope []byte, metric []byte) []byte {
	scopes := appendField(scope, scopedRecords, metric)
	batch := appendField(nil, batchResource, resource)
	return appendField(nil, requestBatches, appendField(batch, batchScopes, scopes))
}

// ask returns the names of a point, or why it cannot have any.
func (w *metricWalk) ask(m *metric, p *point) (n *names, fault string, err error) {
	id := w.identityOf()
	if id.fault != "" {
		return nil, id.fault, nil
	}
	if fault := p.list.tooLarge(); fault != "" {
		return nil, "the data point has " + fault, nil
	}
	scope, fault := w.scopeLabels()
	if fault != "" {
		return nil, fault, nil
	}
	data, err := w.bounded(nil, p.list)
	if err != nil {
		return nil, "", err
	}
	expected := p.nameSize(m.kind, len(data)+len(id.resource)+len(scope))
	if err := w.ledger.Take(expected); err != nil {
		return nil, "", err
	}
	answer := w.convert(question(id.resource, scope, m.asked(p, data)), true)
	if answer.fault != "" {
		return nil, answer.fault, nil
	}
	n = &names{series: answer.names, metadata: series.Clip(answer.metadata)}
	switch m.kind {
	case metricHistogram:
		n.unfold(leLabel, &p.bounds, p.buckets())
	case metricSummary:
		n.unfold(quantileLabel, &p.bounds, p.bounds.len())
	}
	return n, "", w.ledger.Take(max(0, n.weigh()-expected))
}

// scopeLabels is the fields of the scope, if it becomes labels.
func (w *metricWalk) scopeLabels() (kept []byte, fault string) {
	if !w.decoder.settings.PromoteScope {
		return nil, ""
	}
	scope := protobuf.Of(w.scope)
	run := attributeRun{scope, scopeAttributes}
	if fault := run.tooLarge(); fault != "" {
		return nil, "its scope has " + fault
	}
	size := len(w.schema)
	for f := scope; f.Next(); {
		if f.Tag == scopeName || f.Tag == scopeVersion {
			kept = appendField(kept, f.Tag, f.Text())
			size += len(f.Text())
		}
	}
	if size > series.MaxLabelBytes {
		return nil, fmt.Sprintf("the name and version of its scope have %d bytes, and labels of a series may take %d", size, series.MaxLabelBytes)
	}
	kept, err := w.bounded(kept, run)
	if err != nil {
		return nil, "its scope: " + err.Error()
	}
	return appendField(appendField(nil, scopedScope, kept), scopedSchemaURL, w.schema), ""
}

// asked is the metric with the one point that the converter is asked about.
func (m *metric) asked(p *point, attributes []byte) []byte {
	data := appendFixed(attributes, pointTime, 1_000_000) // a millisecond after 1970
	switch {
	case m.kind == metricHistogram && p.hasSum:
		data = appendFixed(data, histogramSum, 0)
	case m.kind == metricSummary:
		data = appendField(data, summaryQuantiles, "")
	}
	points := appendField(nil, dataPoints, data)
	if m.temporality != 0 {
		points = appendVarint(points, dataTemporality, m.temporality)
	}
	if m.monotonic != 0 {
		points = appendVarint(points, dataMonotonic, m.monotonic)
	}
	metric := appendField(nil, metricName, m.name)
	metric = appendField(metric, metricDescription, m.description)
	metric = appendField(metric, metricUnit, m.unit)
	return appendField(metric, m.kind, points)
}

// convert asks the converter. What is wrong with the question is the answer's fault.
func (w *metricWalk) convert(question []byte, ofPoint bool) *answer {
	a := &answer{}
	req := pmetricotlp.NewExportRequest()
	if err := req.UnmarshalProto(question); err != nil {
		a.fault = err.Error()
		return a
	}
	set := w.decoder.settings.prometheus()
	set.DisableTargetInfo = ofPoint
	_, err := prometheusremotewrite.NewPrometheusConverter(a).FromMetrics(w.ctx, req.Metrics(), set)
	if err != nil && a.fault == "" {
		a.fault = err.Error()
	}
	if ofPoint && a.fault == "" && len(a.names) == 0 {
		a.fault = "it has no series"
	}
	return a
}

// answer is the storage.AppenderV2 into which Prometheus's converter writes.
type answer struct {
	names    []series.Name
	info     []series.Name // target_info
	metadata plait.MetricMetadata
	told     plait.MetricMetadata // of target_info
	fault    string
}

// Append takes the name of one sample.
func (a *answer) Append(_ storage.SeriesRef, ls labels.Labels, _, _ int64, _ float64,
	_ *histogram.Histogram, _ *histogram.FloatHistogram, opts storage.AppendV2Options,
) (storage.SeriesRef, error) {
	told := plait.MetricMetadata{
		Metric: opts.MetricFamilyName,
		Type:   plait.MetricType(opts.Metadata.Type),
		Help:   opts.Metadata.Help,
		Unit:   opts.Metadata.Unit,
	}
	err := series.CheckLabels(ls)
	switch {
	case err != nil:
		if a.fault == "" {
			a.fault = strings.TrimSuffix(err.Error(), ": "+plait.ErrInvalid.Error())
		}
	case opts.MetricFamilyName == targetInfo:
		a.info, a.told = append(a.info, nameOf(ls)), told
	default:
		a.names, a.metadata = append(a.names, nameOf(ls)), told
	}
	return 0, nil
}

// Commit and Rollback complete storage.AppenderV2; there is nothing to do.
func (a *answer) Commit() error { return nil }

// Rollback does nothing.
func (a *answer) Rollback() error { return nil }
