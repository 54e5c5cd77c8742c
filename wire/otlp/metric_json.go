package otlp

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"

	"github.com/plaithq/plait/jsontext"
	"github.com/plaithq/plait/wire/protobuf"
	"github.com/plaithq/plait/wire/series"
)

// metricJSON writes a request in OTLP/JSON as protobuf, which the decoder reads. What it writes is well
// formed and nests no deeper than maxDepth; what cannot be understood of a data point or exemplar makes
// that one faulty and nothing else.
type metricJSON struct {
	jsonDecoder
	out     []byte
	claimed int    // of out
	name    string // of the metric, as far as it was read
	faulty  series.Refusals
}

func newMetricJSON(body []byte, claim func(int64) error) *metricJSON {
	return &metricJSON{
		jsonDecoder: jsonDecoder{r: newJSONReader(body, claim)},
		out:         make([]byte, 0, len(body)/2),
		claimed:     len(body) / 2, // the budget knows of the body
	}
}

// protobuf returns the request.
func (j *metricJSON) protobuf() ([]byte, error) {
	j.object(func(key string) {
		if key == "resourceMetrics" || key == "resource_metrics" {
			j.list(requestBatches, j.resourceMetrics)
			return
		}
		j.r.Skip()
	})
	j.r.End()
	return j.out, j.r.failure()
}

// object hands the keys of an object over, one after the other.
func (j *metricJSON) object(field func(key string)) {
	for o := (jsontext.Object{}); j.r.field(&o); {
		field(o.Key)
	}
}

// list writes each item of an array as a message.
func (j *metricJSON) list(t protobuf.Tag, item func()) {
	for a := (jsontext.Array{}); j.r.Item(&a); {
		j.message(t, item)
	}
}

// lengthBytes are what a length takes that is written before its message is: a varint of four bytes
// holds all that a body may have, and need not be as short as it could.
const lengthBytes = 4

// message writes a field that is a message, and asks for the memory of what has grown.
func (j *metricJSON) message(t protobuf.Tag, content func()) {
	j.out = binary.AppendUvarint(j.out, uint64(t))
	at := len(j.out)
	j.out = append(j.out, make([]byte, lengthBytes)...)
	content()
	n := len(j.out) - at - lengthBytes
	for i := range lengthBytes {
		j.out[at+i] = byte(n>>(7*i))&0x7f | 0x80
	}
	j.out[at+lengthBytes-1] &= 0x7f
	if more := len(j.out) - j.claimed; more > 0 {
		j.claimed += more
		j.r.account(2 * more)
	}
}

func (j *metricJSON) text(t protobuf.Tag) { j.out = appendField(j.out, t, j.r.str()) }

func (j *metricJSON) double(t protobuf.Tag) {
	j.out = appendFixed(j.out, t, math.Float64bits(j.r.double()))
}

func (j *metricJSON) unsigned(t protobuf.Tag) { j.out = appendFixed(j.out, t, j.r.unsigned()) }

// unsigned reads a number of 64 bits. Those below are 0.
func (r *jsonReader) unsigned() uint64 {
	mark := *r
	if v, err := strconv.ParseUint(r.numeral(), 10, 64); err == nil {
		return v
	}
	*r = mark
	return uint64(max(r.integer(), 0))
}

func (j *metricJSON) resourceMetrics() {
	j.object(func(key string) {
		switch key {
		case "resource":
			j.message(batchResource, func() { j.attributesOnly(resourceAttributes) })
		case "scopeMetrics", "scope_metrics":
			j.list(batchScopes, j.scopeMetrics)
		default:
			j.r.Skip()
		}
	})
}

func (j *metricJSON) attributesOnly(t protobuf.Tag) {
	j.object(func(key string) {
		if key == "attributes" {
			j.list(t, func() { j.keyValue(0) })
			return
		}
		j.r.Skip()
	})
}

func (j *metricJSON) scopeMetrics() {
	j.object(func(key string) {
		switch key {
		case "scope":
			j.message(scopedScope, j.scope)
		case "metrics":
			j.list(scopedRecords, j.metric)
		case "schemaUrl", "schema_url":
			j.text(scopedSchemaURL)
		default:
			j.r.Skip()
		}
	})
}

func (j *metricJSON) scope() {
	j.object(func(key string) {
		switch key {
		case "name":
			j.text(scopeName)
		case "version":
			j.text(scopeVersion)
		case "attributes":
			j.list(scopeAttributes, func() { j.keyValue(0) })
		default:
			j.r.Skip()
		}
	})
}

func (j *metricJSON) metric() {
	j.name = ""
	j.object(func(key string) {
		switch key {
		case "name":
			j.name = j.r.str()
			j.out = appendField(j.out, metricName, j.name)
		case "description":
			j.text(metricDescription)
		case "unit":
			j.text(metricUnit)
		case "gauge":
			j.data(metricGauge)
		case "sum":
			j.data(metricSum)
		case "histogram":
			j.data(metricHistogram)
		case "exponentialHistogram", "exponential_histogram":
			j.data(metricExponential)
		case "summary":
			j.data(metricSummary)
		default:
			j.r.Skip()
		}
	})
}

var temporalityNumbers = enumNames{"AGGREGATION_TEMPORALITY_", map[string]int32{
	"UNSPECIFIED": 0, "DELTA": temporalityDelta, "CUMULATIVE": temporalityCumulative,
}}

// undefined stands for an enumeration's name that OTLP does not define.
const undefined = 1<<31 - 1

func (j *metricJSON) data(kind protobuf.Tag) {
	j.message(kind, func() {
		j.object(func(key string) {
			switch key {
			case "dataPoints", "data_points":
				j.listAlone(dataPoints, func() { j.point(kind) }, 1, "a data point cannot be read")
			case "aggregationTemporality", "aggregation_temporality":
				n, unknown := j.r.enum(temporalityNumbers)
				if unknown != "" {
					n = undefined
				}
				j.out = appendVarint(j.out, dataTemporality, uint64(max(n, 0)))
			case "isMonotonic", "is_monotonic":
				if j.r.boolean() {
					j.out = appendVarint(j.out, dataMonotonic, 1)
				}
			default:
				j.r.Skip()
			}
		})
	})
}

// listAlone is list for items of which one that has a value of the wrong kind is left out alone: so many data points, which
// is told in such words.
func (j *metricJSON) listAlone(t protobuf.Tag, item func(), points int, told string) {
	for a := (jsontext.Array{}); j.r.Item(&a); {
		start, before := j.r.Pos, len(j.out)
		j.message(t, item)
		if _, why := j.misread(start); why != "" {
			j.out = j.out[:before]
			j.faulty.Add(points, fmt.Sprintf("metric %.100q: %s: %s", j.name, told, why))
		}
	}
}

// point writes a data point of any kind. Fields of other kinds are ignored.
func (j *metricJSON) point(kind protobuf.Tag) {
	j.object(func(key string) {
		switch key {
		case "attributes":
			j.list(attributeTag(kind), func() { j.keyValue(0) })
		case "startTimeUnixNano", "start_time_unix_nano":
			j.unsigned(pointStart)
		case "timeUnixNano", "time_unix_nano":
			j.unsigned(pointTime)
		case "flags":
			t := numberFlags
			if kind == metricHistogram || kind == metricExponential {
				t = histogramFlags
			}
			j.out = appendVarint(j.out, t, uint64(j.r.count()))
		case "exemplars":
			if t := exemplarTag(kind); t != 0 {
				j.listAlone(t, j.exemplar, 0, "an exemplar is left out")
				return
			}
			j.r.Skip()
		default:
			if !j.pointField(kind, key) {
				j.r.Skip()
			}
		}
	})
}

// pointField writes a field that only some kinds have.
func (j *metricJSON) pointField(kind protobuf.Tag, key string) bool {
	number := kind == metricGauge || kind == metricSum
	switch {
	case key == "asDouble" && number, key == "as_double" && number:
		j.double(numberDouble)
	case key == "asInt" && number, key == "as_int" && number:
		j.out = appendFixed(j.out, numberInt, uint64(j.r.integer()))
	case key == "count" && !number:
		j.unsigned(histogramCount)
	case key == "sum" && !number:
		j.double(histogramSum)
	case kind == metricHistogram:
		return j.histogramField(key)
	case kind == metricExponential:
		return j.exponentialField(key)
	case kind == metricSummary && (key == "quantileValues" || key == "quantile_values"):
		j.list(summaryQuantiles, j.quantile)
	default:
		return false
	}
	return true
}

func (j *metricJSON) histogramField(key string) bool {
	switch key {
	case "bucketCounts", "bucket_counts":
		j.numbers(histogramBuckets, series.MaxBuckets+2, func() { j.out = binary.LittleEndian.AppendUint64(j.out, j.r.unsigned()) })
	case "explicitBounds", "explicit_bounds":
		j.numbers(histogramBounds, series.MaxBuckets+2, func() { j.out = binary.LittleEndian.AppendUint64(j.out, math.Float64bits(j.r.double())) })
	default:
		return false
	}
	return true
}

func (j *metricJSON) exponentialField(key string) bool {
	switch key {
	case "scale":
		j.signed(exponentialScale)
	case "zeroCount", "zero_count":
		j.unsigned(exponentialZeroCount)
	case "positive":
		j.message(exponentialPositive, j.buckets)
	case "negative":
		j.message(exponentialNegative, j.buckets)
	default:
		return false
	}
	return true
}

func (j *metricJSON) buckets() {
	j.object(func(key string) {
		switch key {
		case "offset":
			j.signed(bucketsOffset)
		case "bucketCounts", "bucket_counts":
			j.numbers(bucketsCounts, series.MaxNativeBuckets+1, func() { j.out = binary.AppendUvarint(j.out, j.r.unsigned()) })
		default:
			j.r.Skip()
		}
	})
}

func (j *metricJSON) quantile() {
	j.object(func(key string) {
		switch key {
		case "quantile":
			j.double(quantileQuantile)
		case "value":
			j.double(quantileValue)
		default:
			j.r.Skip()
		}
	})
}

// numbers writes a packed list of numbers, and of a long one only as much as shows that it is too long.
func (j *metricJSON) numbers(t protobuf.Tag, most int, number func()) {
	j.message(t, func() {
		for a := (jsontext.Array{}); j.r.Item(&a); {
			if a.Index < most {
				number()
			} else {
				j.r.Skip()
			}
		}
	})
}

// signed writes a sint32.
func (j *metricJSON) signed(t protobuf.Tag) {
	n := int32(min(max(j.r.integer(), math.MinInt32), math.MaxInt32))
	j.out = appendVarint(j.out, t, uint64(uint32(n<<1)^uint32(n>>31)))
}

// exemplar writes an exemplar. An id that is none is written with a length that shows it.
func (j *metricJSON) exemplar() {
	j.object(func(key string) {
		switch key {
		case "timeUnixNano", "time_unix_nano":
			j.unsigned(exemplarTime)
		case "asDouble", "as_double":
			j.double(exemplarDouble)
		case "asInt", "as_int":
			j.out = appendFixed(j.out, exemplarInt, uint64(j.r.integer()))
		case "traceId", "trace_id":
			j.id(exemplarTraceID)
		case "spanId", "span_id":
			j.id(exemplarSpanID)
		case "filteredAttributes", "filtered_attributes":
			j.list(exemplarAttributes, func() { j.keyValue(0) })
		default:
			j.r.Skip()
		}
	})
}

func (j *metricJSON) id(t protobuf.Tag) {
	text := j.r.str()
	id, err := hex.DecodeString(text)
	if err != nil {
		id = []byte(fmt.Sprintf("%.1s", text)) // no id has one byte
	}
	j.out = appendField(j.out, t, id)
}
