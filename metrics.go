package plait

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
)

// NameLabel is the label that holds the name of a series' metric.
const NameLabel = "__name__"

// Label is a name and value of a series, as Prometheus has them. The metric's name is the
// label NameLabel.
type Label struct {
	Name  string
	Value string
}

// Labels identify a series. They are sorted by name and hold no name twice and no empty value.
type Labels []Label

// Get returns the value of the label, or the empty string.
func (l Labels) Get(name string) string {
	for i := range l {
		if l[i].Name == name {
			return l[i].Value
		}
	}
	return ""
}

// Clone copies the labels, strings included.
func (l Labels) Clone() Labels {
	out := make(Labels, len(l))
	for i := range l {
		out[i] = Label{Name: strings.Clone(l[i].Name), Value: strings.Clone(l[i].Value)}
	}
	return out
}

// ID is the content hash that names the series wherever it is stored, never 0. It is cut from
// a cryptographic hash, so that nobody can make series that collide on purpose.
func (l Labels) ID() int64 {
	text := make([]byte, 0, 512)
	if size := l.textBytes(); size > cap(text) {
		long, _ := idTexts.Get().(*[]byte)
		if long == nil {
			long = new([]byte)
		}
		defer idTexts.Put(long)
		*long = slices.Grow((*long)[:0], size)
		text = *long
	}
	for i := range l {
		text = binary.AppendUvarint(text, uint64(len(l[i].Name)))
		text = append(text, l[i].Name...)
		text = binary.AppendUvarint(text, uint64(len(l[i].Value)))
		text = append(text, l[i].Value...)
	}
	sum := sha256.Sum256(text)
	return int64(max(1, binary.BigEndian.Uint64(sum[:])))
}

// idTexts are what long labels are written into to be hashed: the buckets of a histogram have a long
// label each.
var idTexts sync.Pool

// textBytes is at least what ID hashes.
func (l Labels) textBytes() int {
	size := 0
	for i := range l {
		size += len(l[i].Name) + len(l[i].Value) + 2*binary.MaxVarintLen64
	}
	return size
}

// Sample is one float value of a series at one time.
type Sample struct {
	TimeMillis  int64
	StartMillis int64 // when the counter began, 0 when unknown
	Value       float64
}

// HistogramSample is one native histogram of a series at one time.
type HistogramSample struct {
	TimeMillis  int64
	StartMillis int64 // when the histogram began, 0 when unknown
	// Encoded is Prometheus's io.prometheus.write.v2.Histogram message, float or integer.
	Encoded []byte
}

// Exemplar is one measurement of a series together with the trace that it was taken in.
type Exemplar struct {
	TimeNanos int64
	Value     float64
	TraceID   TraceID // zero when the exemplar names no trace
	SpanID    SpanID
	Labels    Labels // the rest, without trace and span id
}

// SeriesData is what a request brings for one series. Samples are in the order in which they came.
type SeriesData struct {
	// ID is Labels.ID(), or 0 when nobody has computed it. With an ID, Labels may be the same
	// slice in many requests, and whoever gets it may keep it.
	ID         int64
	Labels     Labels
	Samples    []Sample
	Histograms []HistogramSample
	Exemplars  []Exemplar
}

// MetricType is a metric's type, spelled as in Prometheus's metadata.
type MetricType string

// The metric types.
const (
	MetricUnknown        MetricType = "unknown"
	MetricCounter        MetricType = "counter"
	MetricGauge          MetricType = "gauge"
	MetricHistogram      MetricType = "histogram"
	MetricGaugeHistogram MetricType = "gaugehistogram"
	MetricSummary        MetricType = "summary"
	MetricInfo           MetricType = "info"
	MetricStateSet       MetricType = "stateset"
)

// MetricMetadata says what a metric means. Metric is the family's name, without _bucket,
// _count or _sum.
type MetricMetadata struct {
	Metric string
	Type   MetricType
	Help   string
	Unit   string
}

// Describe tells what is known of a family of metrics by its name; false: nothing.
type Describe func(metric string) (MetricMetadata, bool)

// Series returns what is known of the family to which series of a name belong.
func (d Describe) Series(name string) (MetricMetadata, bool) {
	if m, ok := d(name); ok {
		return m, true
	}
	for _, suffix := range []string{"_bucket", "_count", "_sum", "_total"} {
		family, ok := strings.CutSuffix(name, suffix)
		if !ok {
			continue
		}
		if m, ok := d(family); ok && m.Type.hasSeries(suffix) {
			return m, true
		}
	}
	return MetricMetadata{}, false
}

// hasSeries says whether series of a family of the type may have the suffix behind its name.
func (t MetricType) hasSeries(suffix string) bool {
	switch t {
	case MetricHistogram, MetricGaugeHistogram:
		return suffix != "_total"
	case MetricSummary:
		return suffix == "_count" || suffix == "_sum"
	case MetricCounter:
		return suffix == "_total"
	}
	return false
}

// Metrics is what one request brings in series. Aliasing is as for Traces. Series are in any order;
// the same labels may occur more than once.
type Metrics struct {
	Series   []SeriesData
	Metadata []MetricMetadata
	// Increments are of series that are in Series as well, which may have no samples there.
	Increments []Increment
	// Derived says that Plait made the series from spans that it stores. Their exemplars keep no trace when its day is thinned.
	Derived bool
	Digest  Digest
	// Refused is what the decoder left out of the request.
	Refused []Refusal
	// Repaired is what the decoder changed so that it could be kept.
	Repaired []Repair
}

// Counts returns how many float samples, native histograms and exemplars a request brings.
func (m *Metrics) Counts() (samples, histograms, exemplars int) {
	for i := range m.Series {
		samples += len(m.Series[i].Samples)
		histograms += len(m.Series[i].Histograms)
		exemplars += len(m.Series[i].Exemplars)
	}
	return samples, histograms, exemplars
}
