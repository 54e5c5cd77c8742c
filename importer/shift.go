package importer

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	logspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	metricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// timeField finds the time stamps of OTLP/JSON, whose names all end alike in the three signals.
var timeField = regexp.MustCompile(`("[a-zA-Z_]*(?:[tT]imeUnixNano|time_unix_nano)"\s*:\s*"?)([0-9]+)`)

// newest returns the newest time stamp in the request, ns since the Unix epoch, 0 without one.
func (p *payload) newest() (int64, error) {
	var newest int64
	err := p.eachTime(func(t int64) int64 {
		newest = max(newest, t)
		return t
	})
	return newest, err
}

// shift moves every time stamp of the request.
func (p *payload) shift(d time.Duration) error {
	if d == 0 {
		return nil
	}
	return p.eachTime(func(t int64) int64 { return t + int64(d) })
}

// eachTime replaces every time stamp but zero, which means unknown, by what f makes of it.
func (p *payload) eachTime(f func(int64) int64) error {
	if p.json {
		p.body = timeField.ReplaceAllFunc(p.body, func(m []byte) []byte {
			parts := timeField.FindSubmatch(m)
			t, err := strconv.ParseInt(string(parts[2]), 10, 64)
			if err != nil || t == 0 {
				return m
			}
			return strconv.AppendInt(parts[1][:len(parts[1]):len(parts[1])], f(t), 10)
		})
		return nil
	}
	var m proto.Message
	switch p.signal {
	case "traces":
		m = &tracepb.ExportTraceServiceRequest{}
	case "logs":
		m = &logspb.ExportLogsServiceRequest{}
	default:
		m = &metricspb.ExportMetricsServiceRequest{}
	}
	if err := proto.Unmarshal(p.body, m); err != nil {
		return fmt.Errorf("read %s: %w", p.signal, err)
	}
	replaceTimes(m.ProtoReflect(), f)
	body, err := proto.Marshal(m)
	if err != nil {
		return fmt.Errorf("write %s: %w", p.signal, err)
	}
	p.body = body
	return nil
}

// replaceTimes walks a message: in OTLP every fixed64 whose name ends in time_unix_nano is a time.
func replaceTimes(m protoreflect.Message, f func(int64) int64) {
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case field.Kind() == protoreflect.Fixed64Kind && !field.IsList() && isTime(string(field.Name())):
			m.Set(field, protoreflect.ValueOfUint64(uint64(f(int64(v.Uint())))))
		case field.Kind() == protoreflect.MessageKind && field.IsList():
			for i := range v.List().Len() {
				replaceTimes(v.List().Get(i).Message(), f)
			}
		case field.Kind() == protoreflect.MessageKind && !field.IsMap():
			replaceTimes(v.Message(), f)
		}
		return true
	})
}

func isTime(name string) bool {
	const suffix = "time_unix_nano"
	return len(name) >= len(suffix) && name[len(name)-len(suffix):] == suffix
}
