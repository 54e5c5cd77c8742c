package otlp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/plaithq/plait/jsontext"
	"github.com/plaithq/plait/wire/protobuf"
)

// MapTimes returns an export request of a signal ("traces", "logs" or "metrics") with each of its time stamps
// replaced by what f makes of it, in ns since the Unix epoch. Those that are 0, which means unknown, or that
// no int64 holds stay as they are. What f returns is at least 1 in the request.
func MapTimes(signal string, body []byte, f func(nanos int64) int64) ([]byte, error) {
	shape, ok := timesOf[signal]
	if !ok {
		return nil, fmt.Errorf("%q is no signal", signal)
	}
	out := bytes.Clone(body)
	err := shape.each(protobuf.Of(view(body)), func(at int, nanos int64) {
		binary.LittleEndian.PutUint64(out[at:], uint64(max(f(nanos), 1)))
	})
	return out, err
}

// timeShape is where a message type has times: in fixed64 fields, and in messages below it.
type timeShape struct {
	times  uint16 // a bit for the number of each field
	fields map[protobuf.Tag]*timeShape
}

var timesOf = map[string]*timeShape{
	"traces":  timesBelow(&timeShape{times: 1<<7 | 1<<8, fields: map[protobuf.Tag]*timeShape{11: {times: 1 << 1}}}), // events
	"logs":    timesBelow(&timeShape{times: 1<<1 | 1<<11}),
	"metrics": timesBelow(&timeShape{fields: metricTimes()}),
}

// timesBelow are those of a request: batches by resource, by scope, of records.
func timesBelow(record *timeShape) *timeShape {
	scoped := &timeShape{fields: map[protobuf.Tag]*timeShape{2: record}}
	return &timeShape{fields: map[protobuf.Tag]*timeShape{1: {fields: map[protobuf.Tag]*timeShape{2: scoped}}}}
}

// metricTimes are those of a metric's data, by its field in the metric. Data points differ in where they
// have exemplars.
func metricTimes() map[protobuf.Tag]*timeShape {
	data := func(exemplars protobuf.Tag) *timeShape {
		point := &timeShape{times: 1<<2 | 1<<3, fields: map[protobuf.Tag]*timeShape{exemplars: {times: 1 << 2}}}
		return &timeShape{fields: map[protobuf.Tag]*timeShape{1: point}}
	}
	number, summary := data(5), &timeShape{fields: map[protobuf.Tag]*timeShape{1: {times: 1<<2 | 1<<3}}}
	return map[protobuf.Tag]*timeShape{5: number, 7: number, 9: data(8), 10: data(11), 11: summary}
}

// each hands over the times of a message, and where they are in the body.
func (s *timeShape) each(f protobuf.Fields, time func(at int, nanos int64)) error {
	for f.Next() {
		switch number := f.Tag >> 3; f.Tag & 7 {
		case protobuf.Fixed64:
			if number < 16 && s.times>>number&1 != 0 && f.Num > 0 && f.Num <= math.MaxInt64 {
				time(f.Pos()-8, int64(f.Num))
			}
		case protobuf.Bytes:
			if inner := s.fields[number]; inner != nil {
				if err := inner.each(f.Message(), time); err != nil {
					return err
				}
			}
		}
	}
	return asMalformed(f.Err)
}

// MapTimesJSON is MapTimes for a request in OTLP/JSON, of any signals. It checks nothing else of it.
func MapTimesJSON(body []byte, f func(nanos int64) int64) []byte {
	return jsontext.Rewrite(view(body), func(key, value string) (string, string) {
		if !strings.HasSuffix(key, "imeUnixNano") && !strings.HasSuffix(key, "time_unix_nano") {
			return key, value
		}
		number, quoted := strings.CutPrefix(value, `"`)
		number = strings.TrimSuffix(number, `"`)
		nanos, ok := wholeNumber(number)
		if !ok || nanos <= 0 {
			return key, value
		}
		number = strconv.FormatInt(max(f(nanos), 1), 10)
		if quoted {
			number = `"` + number + `"`
		}
		return key, number
	})
}

// wholeNumber reads an integer, which may have an exponent.
func wholeNumber(s string) (int64, bool) {
	if v, err := strconv.ParseInt(s, 10, 64); err == nil {
		return v, true
	}
	f, err := strconv.ParseFloat(s, 64)
	return int64(f), err == nil && allNumeral(s) && f == math.Trunc(f) && math.Abs(f) < math.MaxInt64
}
