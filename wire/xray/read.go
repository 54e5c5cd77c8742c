package xray

import (
	"fmt"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/jsontext"
	"github.com/plaithq/plait/wire/jsonvalue"
)

// maxDepth bounds how deep subsegments nest: the reader calls itself.
const maxDepth = 64

// segmentReader reads a document, and asks for the memory of its lists.
type segmentReader struct {
	jsonvalue.Reader
	segments []segment
	memory   func(bytes int) error
	refused  error // of memory
}

// take asks for memory, and ends the reading where there is none.
func (r *segmentReader) take(bytes int) {
	if err := r.memory(bytes); err != nil && r.refused == nil {
		r.refused = err
		r.Fail("the reading was ended")
	}
}

// name is that of the document, as far as it was read.
func (r *segmentReader) name() string {
	if len(r.segments) == 0 {
		return ""
	}
	return r.segments[0].name
}

// segment reads a segment that lies in another one, or in none, and those in it.
func (r *segmentReader) segment(outer, depth int) {
	if depth == 0 {
		r.Fail(fmt.Sprintf("subsegments nest deeper than %d levels", maxDepth))
		return
	}
	place := len(r.segments)
	r.segments = append(r.segments, segment{outer: outer})
	r.take(segmentCost)
	s := segment{outer: outer}
	for o := (jsontext.Object{}); r.Field(&o); {
		if o.Key == "subsegments" {
			for a := (jsontext.Array{}); r.Item(&a); {
				r.segment(place, depth-1)
			}
			continue
		}
		r.field(&s, o.Key)
		r.segments[place].name = s.name
	}
	r.segments[place] = s
}

// field reads what a segment says of itself.
func (r *segmentReader) field(s *segment, key string) {
	switch key {
	case "name":
		s.name = r.Str()
	case "id":
		s.id = r.Str()
	case "trace_id":
		s.traceID = r.Str()
	case "parent_id":
		s.parentID = r.Str()
	case "type":
		s.kind = r.Str()
	case "namespace":
		s.namespace = r.Str()
		r.add(s, "aws.xray.namespace", plait.StringValue(s.namespace))
	case "origin":
		s.origin = r.Str()
	case "start_time":
		s.start = r.seconds()
	case "end_time":
		s.end = r.seconds()
	case "in_progress":
		s.inProgress = r.Value().Bool()
	case "fault", "error", "throttle":
		if r.Value().Bool() {
			s.failed = true
			r.add(s, "aws.xray."+key, plait.BoolValue(true))
		}
	default:
		r.details(s, key)
	}
}

// details reads what a segment says of its work.
func (r *segmentReader) details(s *segment, key string) {
	switch key {
	case "user":
		r.add(s, "enduser.id", r.Value())
	case "annotations":
		r.members(s, "", nil)
	case "metadata":
		r.members(s, "aws.xray.metadata.", nil)
	case "aws":
		r.members(s, "aws.", map[string]string{"region": "cloud.region", "account_id": "cloud.account.id"})
	case "sql":
		r.members(s, "sql.", map[string]string{"sanitized_query": "db.query.text"})
	case "service":
		r.service(s)
	case "http":
		for o := (jsontext.Object{}); r.Field(&o); {
			r.members(s, "http."+o.Key+".", httpNames)
		}
	case "cause":
		r.cause(s)
	case "links":
		r.links(s)
	default:
		r.add(s, "aws.xray."+key, r.Value())
	}
}

// httpNames are what OpenTelemetry calls the members of http. Those of requests and responses have no name in common.
var httpNames = map[string]string{
	"method": "http.request.method", "url": "url.full", "user_agent": "user_agent.original", "client_ip": "client.address",
	"status": "http.response.status_code", "content_length": "http.response.body.size",
}

func (r *segmentReader) add(s *segment, key string, v plait.Value) {
	s.attributes = append(s.attributes, plait.Attribute{Key: key, Value: v})
	r.take(attributeCost + len(key))
}

// members reads an object whose members are attributes, with a prefix or under other names.
func (r *segmentReader) members(s *segment, prefix string, names map[string]string) {
	for o := (jsontext.Object{}); r.Field(&o); {
		key, ok := names[o.Key]
		if !ok {
			key = prefix + o.Key
		}
		r.add(s, key, r.Value())
	}
}

func (r *segmentReader) service(s *segment) {
	for o := (jsontext.Object{}); r.Field(&o); {
		if o.Key == "version" {
			s.version = r.Value().Text()
			continue
		}
		r.add(s, "aws.xray.service."+o.Key, r.Value())
	}
}

// cause reads the exceptions behind a failure, or the id of the one that another subsegment tells.
func (r *segmentReader) cause(s *segment) {
	if r.Space(); r.Peek() != '{' {
		r.add(s, "aws.xray.cause", r.Value())
		return
	}
	for o := (jsontext.Object{}); r.Field(&o); {
		if o.Key != "exceptions" {
			r.add(s, "aws.xray.cause."+o.Key, r.Value())
			continue
		}
		for a := (jsontext.Array{}); r.Item(&a); {
			e, message := r.exception()
			if len(s.exceptions) == 0 {
				s.message = message
			}
			s.exceptions = append(s.exceptions, e)
			r.take(exceptionCost)
		}
	}
}

func (r *segmentReader) exception() (e plait.Event, message string) {
	e.Name = "exception"
	for o := (jsontext.Object{}); r.Field(&o); {
		switch o.Key {
		case "type":
			e.Attributes = append(e.Attributes, text("exception.type", r.Str()))
		case "message":
			message = r.Str()
			e.Attributes = append(e.Attributes, text("exception.message", message))
		case "stack":
			e.Attributes = append(e.Attributes, text("exception.stacktrace", r.stack()))
		default:
			e.Attributes = append(e.Attributes, plait.Attribute{Key: "aws.xray.exception." + o.Key, Value: r.Value()})
		}
		r.take(attributeCost + len(o.Key))
	}
	return e, message
}

// stack reads the frames of a stack, and writes a line for each.
func (r *segmentReader) stack() string {
	var lines []byte
	for a := (jsontext.Array{}); r.Item(&a); {
		var path, line, label string
		for o := (jsontext.Object{}); r.Field(&o); {
			switch o.Key {
			case "path":
				path = r.Value().Text()
			case "line":
				line = r.Value().Text()
			case "label":
				label = r.Value().Text()
			default:
				r.Skip()
			}
		}
		if line != "" { // SDKs for Node.js know none of frames within Node.js
			path += ":" + line
		}
		lines = fmt.Appendf(lines, "at %s (%s)\n", label, path)
		r.take(2 * (len(label) + len(path) + len(line) + 10))
	}
	return string(lines)
}

func (r *segmentReader) links(s *segment) {
	for a := (jsontext.Array{}); r.Item(&a); {
		var l plait.Link
		at := r.Pos
		var trace, id string
		for o := (jsontext.Object{}); r.Field(&o); {
			switch o.Key {
			case "trace_id":
				trace = r.Str()
			case "id":
				id = r.Str()
			case "attributes":
				of := segment{}
				r.members(&of, "", nil)
				l.Attributes = of.attributes
			default:
				r.Skip()
			}
		}
		if r.Err == nil && (readTraceID(&l.TraceID, trace) != nil || l.SpanID.UnmarshalText([]byte(id)) != nil) {
			r.FailAt(at, "a link without a trace_id and an id")
		}
		s.links = append(s.links, l)
		r.take(linkCost)
	}
}
