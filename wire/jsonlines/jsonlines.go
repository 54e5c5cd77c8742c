// Package jsonlines decodes log lines as applications and container runtimes write them, one record a line:
// JSON of any logger, text, and the wrappings of Docker and CRI. The door in ingest calls it with bodies that
// are decompressed already. Time, message, level and service are found by the names that loggers give them;
// ids of traces and levels elsewhere are found when records are cleaned. Nothing is refused: a line that is no
// JSON is the body of its record.
package jsonlines

import (
	"slices"
	"strings"
	"unsafe"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/jsontext"
)

// maxServices bounds the resources of a request. Records of further services keep the name as an attribute.
const maxServices = 1_000

// claimStep is how much memory is asked for at once.
const claimStep = 64 << 10

// maxWrappings is how many times a line may be wrapped: CRI around Docker around JSON.
const maxWrappings = 3

// decoder gathers a request.
type decoder struct {
	logs      plait.Logs
	claim     func(int64) error
	taken     int64
	scope     plait.Scope
	resources map[string]*plait.Resource // by service
}

// Decode reads lines. A body that begins with a bracket is an array of objects. Records may alias the body.
// Memory for what is decoded is asked for of claim, whose error ends the decoding; claim may be nil.
func Decode(body []byte, claim func(bytes int64) error) (*plait.Logs, error) {
	text := unsafe.String(unsafe.SliceData(body), len(body))
	d := &decoder{claim: claim, resources: map[string]*plait.Resource{"": {}}}
	lines := strings.SplitSeq(text, "\n")
	if items, ok := arrayItems(text); ok {
		lines = slices.Values(items)
	} else if isObject(text) {
		lines = slices.Values([]string{text})
	}
	for line := range lines {
		if err := d.line(line); err != nil {
			return nil, err
		}
	}
	if err := d.take(claimStep); err != nil {
		return nil, err
	}
	return &d.logs, nil
}

// isObject says that a text is one object, written over several lines.
func isObject(text string) bool {
	first, _, more := strings.Cut(text, "\n")
	if !more || !strings.HasPrefix(strings.TrimLeft(first, " \t"), "{") || whole(first) {
		return false
	}
	return whole(text)
}

func whole(object string) bool {
	r := jsontext.Of(object)
	r.Skip()
	r.End()
	return r.Err == nil
}

// arrayItems are the objects of an array that a whole text is.
func arrayItems(text string) (items []string, ok bool) {
	if !strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "[") {
		return nil, false
	}
	r := jsontext.Of(text)
	for a := (jsontext.Array{}); r.Item(&a); {
		r.Space()
		if r.Peek() != '{' {
			return nil, false
		}
		from := r.Pos
		r.Skip()
		items = append(items, text[from:min(r.Pos, len(text))])
	}
	r.End()
	return items, r.Err == nil
}

func (d *decoder) take(bytes int) error {
	if d.taken += int64(bytes); d.taken < claimStep || d.claim == nil {
		return nil
	}
	err := d.claim(d.taken)
	d.taken = 0
	return err
}

// line makes a record of a line, unless it is blank.
func (d *decoder) line(line string) error {
	line = strings.TrimSuffix(line, "\r")
	if strings.TrimSpace(line) == "" {
		return nil
	}
	p := parsed{body: line}
	p.unwrap(maxWrappings)
	r := plait.LogRecord{
		TimeNanos: p.nanos, Resource: d.resource(&p), Scope: &d.scope, Body: plait.StringValue(p.body), SeverityText: p.level, Severity: p.severity,
		Attributes: p.attributes,
	}
	d.logs.Records = append(d.logs.Records, r)
	return d.take(2*int(unsafe.Sizeof(r)) + 2*cap(p.attributes)*int(unsafe.Sizeof(plait.Attribute{})) + p.made)
}

// resource is that of a record's service.
func (d *decoder) resource(p *parsed) *plait.Resource {
	service := p.service
	known := d.resources[service]
	switch {
	case known != nil:
		return known
	case len(d.resources) >= maxServices:
		p.attributes = append(p.attributes, plait.Attribute{Key: "service.name", Value: plait.StringValue(service)})
		return d.resources[""]
	}
	known = &plait.Resource{Attributes: plait.Attributes{{Key: "service.name", Value: plait.StringValue(service)}}}
	d.resources[service] = known
	return known
}
