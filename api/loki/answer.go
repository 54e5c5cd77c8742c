package loki

import (
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strconv"

	"github.com/plaithq/plait"
)

// success is Loki's envelope.
type success struct {
	Status   string   `json:"status"`
	Data     any      `json:"data"`
	Warnings []string `json:"warnings,omitempty"`
}

func succeed(data any) success { return success{Status: "success", Data: data} }

// resultOf is the data of a query. Encoding flags stand before the result, for readers that read once.
type resultOf struct {
	ResultType    string   `json:"resultType"`
	EncodingFlags []string `json:"encodingFlags,omitempty"`
	Result        any      `json:"result"`
	Stats         stats    `json:"stats"`
}

// stats are what Grafana shows of a query's cost.
type stats struct {
	Summary summary `json:"summary"`
}

type summary struct {
	BytesProcessedPerSecond int64   `json:"bytesProcessedPerSecond"`
	LinesProcessedPerSecond int64   `json:"linesProcessedPerSecond"`
	TotalBytesProcessed     int64   `json:"totalBytesProcessed"`
	TotalLinesProcessed     int64   `json:"totalLinesProcessed"`
	ExecTime                float64 `json:"execTime"`
}

// object is labels as a JSON object, in the order of their names.
type object []plait.Label

// MarshalJSON writes the object.
func (o object) MarshalJSON() ([]byte, error) { return o.append(nil), nil }

func (o object) append(b []byte) []byte {
	b = append(b, '{')
	for i, l := range o.sorted() {
		if i > 0 {
			b = append(b, ',')
		}
		b = plait.AppendJSONString(b, l.Name)
		b = append(b, ':')
		b = plait.AppendJSONString(b, l.Value)
	}
	return append(b, '}')
}

func (o object) sorted() []plait.Label {
	sorted := slices.Clone(o)
	slices.SortFunc(sorted, func(a, b plait.Label) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return sorted
}

// sample is a time with a value, as Prometheus writes them.
type sample struct {
	nanos int64
	value float64
}

// MarshalJSON writes seconds as a number, and the value as a string.
func (s sample) MarshalJSON() ([]byte, error) {
	b := append([]byte{'['}, strconv.FormatFloat(float64(s.nanos/1e6)/1e3, 'f', -1, 64)...)
	b = append(b, ',', '"')
	switch {
	case math.IsInf(s.value, 1):
		b = append(b, "+Inf"...)
	case math.IsInf(s.value, -1):
		b = append(b, "-Inf"...)
	default:
		b = strconv.AppendFloat(b, s.value, 'f', -1, 64)
	}
	return append(b, '"', ']'), nil
}

type vectorSample struct {
	Metric object `json:"metric"`
	Value  sample `json:"value"`
}

type matrixSeries struct {
	Metric object   `json:"metric"`
	Values []sample `json:"values"`
}

func send(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(body) // a client that is gone needs no answer
}
