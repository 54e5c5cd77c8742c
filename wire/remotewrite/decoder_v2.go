package remotewrite

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/series"
)

// Fields of io.prometheus.write.v2.Request, TimeSeries and Metadata.
const (
	requestSymbols  = 4
	requestSeriesV2 = 5

	seriesRefs     = 1
	seriesMetadata = 5

	metadataType = 1
	metadataHelp = 3
	metadataUnit = 4
)

// symbol is a string to which the series of a request refer.
type symbol struct {
	text string
	key  series.Key
}

// nameV2 is what the names in a series of version 2.0 amount to.
type nameV2 struct {
	series.Name
	metadata plait.MetricMetadata
	told     bool // there is metadata
}

// walkV2 is the decoding of one request.
type walkV2 struct {
	names   *series.Names[nameV2]
	decoder *decoder
	symbols []symbol
	texts   []string // of symbols, once somebody asks
	samples []plait.Sample
	builder labels.ScratchBuilder
}

// decodeV2 reads a request of version 2.0. It returns nil when it is malformed.
func (c *Decoder) decodeV2(body []byte, memory *Memory) *plait.Metrics {
	count, ok := memory.readSymbols(body)
	if !ok {
		return nil
	}
	d := &decoder{Collector: series.NewCollector(0)}
	m := d.Metrics()
	m.Series = slices.Grow(memory.series, count)
	memory.samples = slices.Grow(memory.samples, count)
	memory.series = m.Series
	w := walkV2{names: c.namesV2, decoder: d, symbols: memory.symbols, samples: memory.samples, builder: labels.NewScratchBuilder(16)}
	for len(body) > 0 {
		number, kind, content, n := field(body)
		if number == requestSeriesV2 && kind == protowire.BytesType && !w.series(content) {
			return nil
		}
		body = body[n:]
	}
	return d.metrics()
}

// readSymbols reads the symbols of a request, which may stand anywhere in it, and counts its series.
func (m *Memory) readSymbols(body []byte) (count int, ok bool) {
	for len(body) > 0 {
		number, kind, content, n := field(body)
		if n < 0 {
			return 0, false
		}
		switch {
		case number == requestSymbols && kind == protowire.BytesType:
			text := view(content)
			m.symbols = append(m.symbols, symbol{text, series.Key{}.With(text)})
		case number == requestSeriesV2 && kind == protowire.BytesType:
			count++
		case number == requestSymbols || number == requestSeriesV2:
			return 0, false
		}
		body = body[n:]
	}
	return count, len(m.symbols) == 0 || m.symbols[0].text == ""
}

// series takes one TimeSeries. It returns false when it is malformed.
func (w *walkV2) series(raw []byte) bool {
	at, key, ok := w.refs(raw)
	from := len(w.samples)
	for ok && len(at) > 0 {
		s, n := usualSample(at, true)
		if n > 0 {
			w.samples = append(w.samples, s)
			ok = series.CheckTime(s.TimeMillis) == nil
			at = at[n:]
			continue
		}
		number, kind, content, n := field(at)
		if n < 0 {
			return false
		}
		if ok = number == seriesMetadata && kind == protowire.BytesType && n == len(at); ok {
			key, ok = w.metadata(key, content)
		}
		at = at[n:]
	}
	if !ok { // there is something unusual in it: only Prometheus's types tell what
		w.samples = w.samples[:from]
		_, read := w.unknown(raw)
		return read
	}
	name := w.names.Get(key)
	if name == nil {
		w.samples = w.samples[:from]
		name, read := w.unknown(raw)
		if name != nil {
			w.names.Add(key, name)
		}
		return read
	}
	m := w.decoder.Metrics()
	m.Series = append(m.Series, plait.SeriesData{ID: name.ID, Labels: name.Labels, Samples: w.samples[from:len(w.samples):len(w.samples)]})
	if name.told {
		w.decoder.AddMetadata(name.metadata)
	}
	return true
}

// refs reads the references to the labels, which every sender puts first, and returns what
// follows and a key for them. It is not ok when they are not as usual.
func (w *walkV2) refs(raw []byte) (rest []byte, key series.Key, ok bool) {
	if len(raw) == 0 || raw[0] != seriesRefs<<3|byte(protowire.BytesType) {
		return nil, key, false
	}
	length, n := binary.Uvarint(raw[1:])
	if n <= 0 || length > uint64(len(raw)-1-n) {
		return nil, key, false
	}
	rest = raw[1+n:]
	refs, rest := rest[:length], rest[length:]
	for len(refs) > 0 {
		ref, n := binary.Uvarint(refs)
		if n <= 0 || ref >= uint64(len(w.symbols)) {
			return nil, key, false
		}
		key = key.WithKey(w.symbols[ref].key)
		refs = refs[n:]
	}
	return rest, key, true
}

// metadata hashes the Metadata of a series into its key.
func (w *walkV2) metadata(key series.Key, raw []byte) (series.Key, bool) {
	for len(raw) > 0 {
		number, kind, n := protowire.ConsumeTag(raw)
		if n < 0 || kind != protowire.VarintType {
			return key, false
		}
		v, m := binary.Uvarint(raw[n:])
		if m <= 0 {
			return key, false
		}
		key = key.WithNumber(uint64(number))
		switch {
		case number == metadataType:
			key = key.WithNumber(v)
		case (number == metadataHelp || number == metadataUnit) && v < uint64(len(w.symbols)):
			key = key.WithKey(w.symbols[v].key)
		default:
			return key, false
		}
		raw = raw[n+m:]
	}
	return key, true
}

// unknown reads a series with Prometheus's types. It returns its name if that is a good one,
// and whether the series could be read.
func (w *walkV2) unknown(raw []byte) (*nameV2, bool) {
	var ts writev2.TimeSeries
	if err := ts.Unmarshal(raw); err != nil {
		return nil, false
	}
	for len(w.texts) < len(w.symbols) {
		w.texts = append(w.texts, w.symbols[len(w.texts)].text)
	}
	m := w.decoder.Metrics()
	before := len(m.Series)
	w.decoder.addV2(&ts, &w.builder, w.texts)
	if len(m.Series) != before+1 {
		return nil, true
	}
	ls := m.Series[before].Labels
	name := &nameV2{Name: series.Name{ID: ls.ID(), Labels: ls.Clone()}}
	if name.metadata, name.told = metadataV2(&ts, name.Labels.Get(plait.NameLabel), w.texts); name.told {
		name.metadata.Help, name.metadata.Unit = strings.Clone(name.metadata.Help), strings.Clone(name.metadata.Unit)
	}
	return name, true
}
