package remotewrite

import (
	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/protobuf"
	"github.com/plaithq/plait/wire/series"
)

// A series that is not known, or is more than float samples, is read by Prometheus's types, which make
// structs of a hundred bytes of messages of two. sift looks at its bytes before that: it takes out
// histograms that are too large, so that they are refused by themselves, and tells what the rest will take.

// Tags of a TimeSeries that hold messages, by version.
type layout struct{ histograms, exemplars protobuf.Tag }

var (
	layoutV1 = layout{exemplars: 3<<3 | protobuf.Bytes, histograms: 4<<3 | protobuf.Bytes}
	layoutV2 = layout{exemplars: 4<<3 | protobuf.Bytes, histograms: 3<<3 | protobuf.Bytes}
)

// Numbers of a Histogram's fields, the same in both versions.
const (
	histogramNegativeSpans  = 8
	histogramNegativeDeltas = 9
	histogramNegativeCounts = 10
	histogramPositiveSpans  = 11
	histogramPositiveDeltas = 12
	histogramPositiveCounts = 13
	histogramCustomValues   = 16
)

// What messages take in memory once they are decoded, in bytes, lists that grow included: while the series
// is read, and until the request is answered.
const (
	labelTransient     = 3 * 32
	sampleTransient    = 2 * 24
	sampleKept         = 2*24 + series.ClashBytes
	exemplarTransient  = 2 * 64
	exemplarKept       = 2 * 112
	histogramTransient = 800
	histogramKept      = 2 * 40
	bucketTransient    = 4 * 8
)

// sifted is a series that was looked at.
type sifted struct {
	raw             []byte // without histograms that are too large
	refused         int    // how many those were
	reason          error  // why the first was
	transient, kept int    // memory, in bytes
}

func sift(raw []byte, l layout) sifted {
	s := sifted{raw: raw}
	f, at := protobuf.Of(view(raw)), 0
	for ; f.Next(); at = f.Pos() {
		if !s.take(&f, l) {
			if s.refused++; s.refused == 1 {
				s.raw = append(make([]byte, 0, len(raw)), raw[:at]...)
			}
		} else if s.refused > 0 {
			s.raw = append(s.raw, raw[at:f.Pos()]...)
		}
	}
	if f.Err != nil && s.refused > 0 {
		s.raw = append(s.raw, raw[at:]...) // Prometheus's types say what is wrong with it
	}
	return s
}

// take weighs a field. It returns false when it is to be left out.
func (s *sifted) take(f *protobuf.Fields, l layout) bool {
	switch f.Tag {
	case seriesLabels: // of version 2.0 the references to them, in one field
		s.transient += labelTransient + len(f.Text())
	case seriesSamples:
		s.transient += sampleTransient
		s.kept += sampleKept
	case l.exemplars:
		labels, size := countFields(f.Message()), len(f.Text())
		s.transient += exemplarTransient + labels*labelTransient + size
		s.kept += exemplarKept + labels*32 + size
	case l.histograms:
		buckets, spans, bounds := sizeOfHistogram(f.Message())
		if err := series.CheckBuckets(buckets, spans, bounds); err != nil {
			if s.reason == nil {
				s.reason = err
			}
			return false
		}
		s.transient += histogramTransient + (buckets+spans+bounds)*bucketTransient
		s.kept += histogramKept + len(f.Text())
	}
	return true
}

// countFields returns how many fields a message has.
func countFields(f protobuf.Fields) (count int) {
	for f.Next() {
		count++
	}
	return count
}

// sizeOfHistogram counts what a Histogram has, without decoding it.
func sizeOfHistogram(f protobuf.Fields) (buckets, spans, bounds int) {
	for f.Next() {
		packed := f.Tag&7 == protobuf.Bytes
		content := ""
		if packed {
			content = f.Text()
		}
		switch f.Tag >> 3 {
		case histogramNegativeSpans, histogramPositiveSpans:
			spans++
		case histogramNegativeDeltas, histogramPositiveDeltas:
			buckets += countNumbers(content, packed)
		case histogramNegativeCounts, histogramPositiveCounts:
			buckets += countDoubles(content, packed)
		case histogramCustomValues:
			bounds += countDoubles(content, packed)
		}
	}
	return buckets, spans, bounds
}

// countNumbers counts varints: each ends with a byte below 0x80.
func countNumbers(content string, packed bool) int {
	if !packed {
		return 1
	}
	count := 0
	for i := range len(content) {
		if content[i] < 0x80 {
			count++
		}
	}
	return count
}

func countDoubles(content string, packed bool) int {
	if !packed {
		return 1
	}
	return len(content) / 8
}

// sizeOfRefs says why the labels to which a series of version 2.0 refers cannot be its labels, before
// their texts are copied: a reference takes a byte or two and a symbol may be as long as a request.
func sizeOfRefs(refs []uint32, symbols []symbol) error {
	size := 0
	for _, ref := range refs {
		if int64(ref) < int64(len(symbols)) {
			size += len(symbols[ref].text)
		}
	}
	switch {
	case len(refs) > 2*series.MaxLabels:
		return plait.Errorf(plait.ErrInvalid, "a series has %d labels, more than %d", len(refs)/2, series.MaxLabels)
	case size > series.MaxLabelBytes:
		return plait.Errorf(plait.ErrInvalid, "labels of a series take %d bytes, more than %d", size, series.MaxLabelBytes)
	}
	return nil
}
