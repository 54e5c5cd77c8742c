package jsonlines

import (
	"strings"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/jsontext"
	"github.com/plaithq/plait/wire/jsonvalue"
)

// parsed is what a line says.
type parsed struct {
	nanos      int64
	body       string
	level      string
	severity   plait.SeverityNumber
	service    string
	attributes plait.Attributes
	made       int // bytes that do not alias the line

	ranks [kinds]int // of the names by which fields were found, the lower counts; 0 is none
}

// kind is what a name of a member means.
type kind int

const (
	ofTime kind = iota
	ofMessage
	ofLevel
	ofService
	kinds
)

// datadogObject is what Datadog's tracer for Node.js adds to a logger's JSON: {"service":"cart","trace_id":…}.
const datadogObject = "dd"

// names are what loggers call the fields, in order of trust.
var names = [kinds][]string{
	ofTime: {
		"@timestamp", "@t", "timestamp", "time", "ts", "t", "datetime", "date", "asctime", "eventTime", "event_time", "timeMillis", "time_ms",
		"timestamp_ms", "time_ns", "timestampNanos", "instant", "logTime", "log_time", "created", "Timestamp", "Time", "TIME", "TIMESTAMP",
		"_time", "timeUnixNano", "time_unix_nano", "TimeUnixNano", "__REALTIME_TIMESTAMP",
	},
	ofMessage: {
		"message", "msg", "@m", "@mt", "body", "event", "text", "log", "MESSAGE", "Message", "short_message", "textPayload", "RenderedMessage", "MessageTemplate", "@message",
	},
	ofLevel: {
		"level", "severity", "lvl", "log.level", "levelname", "loglevel", "log_level", "@l", "Level", "Severity", "severityText", "severity_text", "LogLevel", "SEVERITY",
	},
	ofService: {
		"service.name", "service_name", "serviceName", "service", "dd.service", "dd_service", datadogObject, "app", "application", "app_name", "appName", "resource.service.name", "Service",
		"SYSLOG_IDENTIFIER",
	},
}

// ranked are the names with their kinds and places.
var ranked = func() map[string]struct {
	kind kind
	rank int
} {
	all := map[string]struct {
		kind kind
		rank int
	}{}
	for k, of := range names {
		for i, name := range of {
			all[name] = struct {
				kind kind
				rank int
			}{kind(k), i + 1}
		}
	}
	return all
}()

// unwrap reads the body, and what is wrapped in it.
func (p *parsed) unwrap(depth int) {
	if message, at, stream, ok := cri(p.body); ok {
		p.body, p.nanos = message, at
		p.attributes = append(p.attributes, plait.Attribute{Key: "log.iostream", Value: plait.StringValue(stream)})
		if depth > 0 {
			p.unwrap(depth - 1)
		}
		return
	}
	line := strings.TrimSpace(p.body)
	if !strings.HasPrefix(line, "{") {
		return
	}
	members, made, ok := objectOf(line)
	if !ok || len(members) == 0 {
		return
	}
	p.made += made
	if inner, ok := p.docker(members); ok && depth > 0 {
		p.body = inner
		p.unwrap(depth - 1)
		return
	}
	p.object(members)
}

// docker reads the wrapping of Docker's json-file: {"log":"…\n","stream":"stdout","time":"…"}.
func (p *parsed) docker(members plait.Attributes) (inner string, ok bool) {
	log, hasLog := members.Get("log")
	stream, hasStream := members.Get("stream")
	at, hasTime := members.Get("time")
	if !hasLog || !hasStream || !hasTime || log.Kind() != plait.KindString {
		return "", false
	}
	nanos, ok := timeOf("time", at)
	if !ok {
		return "", false
	}
	p.nanos = nanos
	p.attributes = append(p.attributes, plait.Attribute{Key: "log.iostream", Value: stream})
	for _, m := range members {
		if m.Key == "attrs" {
			p.attributes = append(p.attributes, m)
		}
	}
	return strings.TrimRight(log.Str(), "\r\n"), true
}

// object takes the members of a logger's JSON.
func (p *parsed) object(members plait.Attributes) {
	var chosen [kinds]int
	for i := range chosen {
		chosen[i] = -1
	}
	for i, m := range members {
		of, ok := ranked[m.Key]
		if ok && (p.ranks[of.kind] == 0 || of.rank < p.ranks[of.kind]) && p.fits(of.kind, m) {
			p.ranks[of.kind], chosen[of.kind] = of.rank, i
		}
	}
	if chosen[ofMessage] < 0 { // the line says it all, and ids and level are found in it
		p.found(members, chosen)
		return
	}
	p.body = members[chosen[ofMessage]].Value.Str()
	p.found(members, chosen)
	for i, m := range members {
		whole := m.Value.Kind() == plait.KindMap && i == chosen[ofService] // it says more than the service's name
		if whole || i != chosen[ofTime] && i != chosen[ofMessage] && i != chosen[ofLevel] && i != chosen[ofService] {
			p.attributes = append(p.attributes, m)
		}
	}
	p.conventions(members)
}

// fits says whether a member's value can be what its name says.
func (p *parsed) fits(k kind, m plait.Attribute) bool {
	switch k {
	case ofTime:
		_, ok := timeOf(m.Key, m.Value)
		return ok
	case ofLevel: // numbers stay attributes: what they mean depends on the logger
		return m.Value.Kind() == plait.KindString && plait.ParseSeverity(m.Value.Str()) != 0
	case ofService:
		return serviceOf(m) != ""
	}
	return m.Value.Kind() == plait.KindString
}

// serviceOf is the service that a member tells: by itself, or as an object does, {"name":"cart"}. It is empty for none.
func serviceOf(m plait.Attribute) string {
	name := "name"
	if m.Key == datadogObject {
		name = "service"
	}
	switch {
	case m.Value.Kind() == plait.KindString && m.Key != datadogObject:
		return m.Value.Str()
	case m.Value.Kind() != plait.KindMap:
		return ""
	}
	members, _, _ := objectOf(m.Value.Str())
	if service, _ := members.Get(name); service.Kind() == plait.KindString {
		return service.Str()
	}
	return ""
}

// found takes what was chosen.
func (p *parsed) found(members plait.Attributes, chosen [kinds]int) {
	if i := chosen[ofTime]; i >= 0 {
		p.nanos, _ = timeOf(members[i].Key, members[i].Value)
	}
	if i := chosen[ofLevel]; i >= 0 {
		p.level = members[i].Value.Str()
	}
	if i := chosen[ofService]; i >= 0 {
		p.service = serviceOf(members[i])
	}
}

// conventions are what formats say without a name: Serilog's compact JSON leaves out the level Information,
// and Bunyan calls the service name.
func (p *parsed) conventions(members plait.Attributes) {
	_, compact := members.Get("@t")
	if p.level == "" && compact {
		p.severity = plait.ParseSeverity("Information")
	}
	name, hasName := members.Get("name")
	_, hasHost := members.Get("hostname")
	_, hasVersion := members.Get("v")
	if p.service == "" && hasName && hasHost && hasVersion && name.Kind() == plait.KindString {
		p.service = name.Str()
	}
}

// cri reads the wrapping of container runtimes: 2023-10-06T00:17:09.669794202Z stdout F the message.
func cri(line string) (message string, nanos int64, stream string, ok bool) {
	stamp, rest, ok := strings.Cut(line, " ")
	if !ok || len(stamp) < len("2006-01-02T15:04:05Z") || stamp[4] != '-' {
		return "", 0, "", false
	}
	stream, rest, ok = strings.Cut(rest, " ")
	if !ok || stream != "stdout" && stream != "stderr" {
		return "", 0, "", false
	}
	tag, message, _ := strings.Cut(rest, " ")
	if tag != "F" && tag != "P" {
		return "", 0, "", false
	}
	at, err := time.Parse(time.RFC3339Nano, stamp)
	if err != nil {
		return "", 0, "", false
	}
	return message, at.UnixNano(), stream, true
}

// objectOf reads a JSON object, whose values become canonical. It is not ok for what is none.
func objectOf(text string) (members plait.Attributes, made int, ok bool) {
	r := jsonvalue.Of(text)
	r.Nulls = true
	for o := (jsontext.Object{}); r.Field(&o); {
		members = append(members, plait.Attribute{Key: o.Key, Value: r.Value()})
	}
	r.End()
	return members, r.Made + r.Written, r.Err == nil
}
