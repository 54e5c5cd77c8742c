package remotewrite

import (
	"context"
	"math"
	"slices"
	"strings"
	"unsafe"

	"github.com/prometheus/prometheus/prompb"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/protobuf"
	"github.com/plaithq/plait/wire/series"
)

// Decoder is Decode for a stream of requests: it remembers the names of series and reads float
// samples by itself, at a tenth of the cost. What it does not know, and all that is not a float
// sample, is read by Prometheus's own types, a series at a time. Its methods may be called
// concurrently.
type Decoder struct {
	names   *series.Names[series.Name]
	namesV2 *series.Names[nameV2]
}

// NewDecoder makes a decoder.
func NewDecoder() *Decoder {
	return &Decoder{
		names:   series.NewNames((*series.Name).Weigh),
		namesV2: series.NewNames((*nameV2).weigh),
	}
}

// Tags of prometheus.WriteRequest, TimeSeries and Sample.
const (
	requestSeries protobuf.Tag = 1<<3 | protobuf.Bytes

	seriesLabels  protobuf.Tag = 1<<3 | protobuf.Bytes
	seriesSamples protobuf.Tag = 2<<3 | protobuf.Bytes

	sampleValue protobuf.Tag = 1<<3 | protobuf.Fixed64
	sampleTime  protobuf.Tag = 2<<3 | protobuf.Varint
	sampleStart protobuf.Tag = 3<<3 | protobuf.Varint // of version 2.0
)

// Memory is what decoded requests are made of, for one after the other. The zero value is ready.
type Memory struct {
	series  []plait.SeriesData
	samples []plait.Sample
	symbols []symbol // of version 2.0
	clashes series.Clashes
}

// maxKept bounds the series and samples whose memory is used again.
const maxKept = 16 << 10

// Reset takes back what was decoded, which must not be looked at any more.
func (m *Memory) Reset() {
	if cap(m.series) > maxKept {
		m.series = nil
	}
	if cap(m.samples) > maxKept {
		m.samples = nil
	}
	if cap(m.symbols) > maxKept {
		m.symbols = nil
	}
	clear(m.series[:cap(m.series)])
	clear(m.symbols[:cap(m.symbols)])
	m.series, m.samples, m.symbols = m.series[:0], m.samples[:0], m.symbols[:0]
	m.clashes.Reset()
}

// Decode reads a request. A series of which the request has several parts may occur several times. The
// result lasts until the memory is reset. What is wrong with one series or sample is in Refused; an error
// that wraps plait.ErrInvalid says that nothing could be read. It ends with the context's error when
// that is done, and with claim's when that grants no more memory; claim may be nil.
func (c *Decoder) Decode(ctx context.Context, body []byte, v Version, memory *Memory, claim func(bytes int64) error) (*plait.Metrics, error) {
	d := newDecoder(ctx, memory, claim)
	var err error
	if v == V2 {
		err = c.decodeV2(d, body)
	} else {
		err = c.decodeV1(d, body)
	}
	if err != nil {
		return nil, err
	}
	return d.metrics(), nil
}

// malformed is the error of a request as a whole.
func malformed(v Version, number int, err error) error {
	return plait.Errorf(plait.ErrInvalid, "malformed remote write %d.0: series %d: %w", v, number, err)
}

// decodeV1 reads a request of version 1.0.
func (c *Decoder) decodeV1(d *decoder, body []byte) error {
	m := d.Metrics()
	memory := d.memory
	count := countSeries(body)
	m.Series = slices.Grow(memory.series, count)
	memory.samples = slices.Grow(memory.samples, count) // mostly one each
	memory.series = m.Series
	w := walk{names: c.names, decoder: d, body: body, samples: memory.samples}
	var rest []byte // what is not series: metadata
	f, i, at := protobuf.Of(view(body)), 0, 0
	for ; f.Next(); i++ {
		if f.Tag == requestSeries {
			if err := w.series(f.Message()); err != nil {
				return d.failed(V1, i, err)
			}
		} else {
			rest = append(rest, body[at:f.Pos()]...)
		}
		at = f.Pos()
	}
	if f.Err != nil {
		return malformed(V1, i, f.Err)
	}
	return d.metadataV1(rest)
}

// metadataV1 reads what a request of version 1.0 tells of metrics.
func (d *decoder) metadataV1(raw []byte) error {
	var req prompb.WriteRequest
	if err := req.Unmarshal(raw); err != nil {
		return plait.Errorf(plait.ErrInvalid, "malformed remote write 1.0: metadata: %w", err)
	}
	for _, m := range req.Metadata {
		d.addMetadata(plait.MetricMetadata{
			Metric: m.MetricFamilyName, Type: plait.MetricType(strings.ToLower(m.Type.String())), Help: m.Help, Unit: m.Unit,
		})
	}
	return nil
}

// What parts of a request take in memory, in bytes: a series of one sample with its labels and its
// part of the rows that are made of it, and a symbol.
const (
	seriesMemory = 300
	symbolMemory = 40
	// usualLabels are in seriesMemory, labelBytes is what each other one takes; their texts are in the body.
	usualLabels = 7
	labelBytes  = 32
	// growthBytes is what is taken for each sample when their list grows, old and new one together.
	growthBytes = 2 * 24
)

// Weigh returns about how many bytes a request takes beside its body once it is decoded. Empty
// series and symbols are two bytes of a body and as much as others in memory.
func Weigh(body []byte, v Version) int64 {
	weight := int64(len(body))
	for f := protobuf.Of(view(body)); f.Next(); { // decoding ends where this does
		if v == V2 && f.Tag == requestSymbols {
			weight += symbolMemory
		} else {
			weight += seriesMemory
		}
	}
	return weight
}

// countSeries returns how many series a request has, up to where it is malformed.
func countSeries(body []byte) (count int) {
	for f := protobuf.Of(view(body)); f.Next(); {
		if f.Tag == requestSeries {
			count++
		}
	}
	return count
}

// walk is the decoding of one request.
type walk struct {
	names   *series.Names[series.Name]
	decoder *decoder
	body    []byte
	samples []plait.Sample // all of the request, so that a series needs no slice of its own
}

// series takes one TimeSeries. The bytes of its labels name it, which every sender puts first.
func (w *walk) series(f protobuf.Fields) error {
	raw := w.body[f.Pos() : f.Pos()+f.Len()]
	begin, end, from := f.Pos(), f.Pos(), len(w.samples)
	plain, together := true, true // nothing but labels and float samples; labels before all else
	for f.Next() {
		switch f.Tag {
		case seriesLabels:
			together = together && plain && len(w.samples) == from
			f.PassRun()
			end = f.Pos()
		case seriesSamples:
			usual, err := w.decoder.addSample(&w.samples, f.Message(), V1)
			if err != nil {
				return err
			}
			plain = plain && usual
		default:
			plain = false
		}
	}
	if f.Err != nil {
		return f.Err
	}
	if !together {
		w.samples = w.samples[:from]
		_, err := w.unknown(raw)
		return err
	}
	key := series.Key{}.With(view(w.body[begin:end]))
	if name := w.names.Get(key); plain && name != nil {
		w.samples = w.decoder.addKnown(name, w.samples, from)
		return w.decoder.Take((len(w.samples) - from - 1) * series.ClashBytes)
	}
	w.samples = w.samples[:from]
	name, err := w.unknown(raw)
	if name != nil {
		w.names.Add(key, name)
	}
	return err
}

// addSample reads a Sample and appends it to those of a request. It says whether that has all that there
// is to say of it: fields that are none of a sample's, and times that samples do not have, are for
// Prometheus's types to judge.
func (d *decoder) addSample(all *[]plait.Sample, f protobuf.Fields, v Version) (usual bool, err error) {
	var s plait.Sample
	usual = true
	for f.Next() {
		switch {
		case f.Tag == sampleValue:
			s.Value = math.Float64frombits(f.Num)
		case f.Tag == sampleTime:
			s.TimeMillis = int64(f.Num)
		case f.Tag == sampleStart && v == V2:
			s.StartMillis = int64(f.Num)
		default:
			usual = false
		}
	}
	if f.Err != nil {
		return false, f.Err
	}
	if len(*all) == cap(*all) { // the list grows
		if err := d.Take(growthBytes * len(*all)); err != nil {
			return false, err
		}
	}
	*all = append(*all, s)
	return usual && series.CheckTime(s.TimeMillis) == nil, nil
}

// unknown reads a series with Prometheus's types. It returns its name if that is a good one.
func (w *walk) unknown(raw []byte) (*series.Name, error) {
	raw, err := w.decoder.prepare(raw, layoutV1)
	if err != nil {
		return nil, err
	}
	var ts prompb.TimeSeries
	if err := ts.Unmarshal(raw); err != nil {
		return nil, err
	}
	m := w.decoder.Metrics()
	before := len(m.Series)
	w.decoder.addV1(&ts)
	if len(m.Series) != before+1 {
		return nil, nil
	}
	ls := m.Series[before].Labels
	if err := w.decoder.Take(labelBytes * max(0, len(ls)-usualLabels)); err != nil {
		return nil, err
	}
	return &series.Name{ID: ls.ID(), Labels: ls.Clone()}, nil
}

// view returns the bytes as a string without copying them.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
