// Package jsonlines decodes log lines as applications and container runtimes write them, one record a line:
// JSON of any logger, text, and the wrappings of Docker and CRI. The door in ingest calls it with bodies that
// are decompressed already. Time, message, level and service are found by the names that loggers give them;
// ids of traces and levels elsewhere are found when records are cleaned. Nothing is refused: a line that is no
// JSON is the body of its record.
package jsonlines

import (
	"iter"
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

// Decode reads lines. A body that begins with a bracket is an array of objects; objects may follow one another on a line,
// and lie over several. Records may alias the body.
// Memory for what is decoded is asked for of claim, whose error ends the decoding; claim may be nil.
func Decode(body []byte, claim func(bytes int64) error) (*plait.Logs, error) {
	text := strings.TrimPrefix(unsafe.String(unsafe.SliceData(body), len(body)), byteOrderMark)
	d := &decoder{claim: claim, resources: map[string]*plait.Resource{"": {}}}
	lines := strings.SplitSeq(text, "\n")
	if array, ok := arrayItems(text); ok {
		lines = array
	} else if spread(text) {
		lines = func(yield func(string) bool) { objects(text, yield) }
	}
	for line := range lines {
		for item := range itemsOf(line) {
			if err := d.line(item); err != nil {
				return nil, err
			}
		}
	}
	if err := d.take(claimStep); err != nil {
		return nil, err
	}
	return &d.logs, nil
}

// spread says that a text is objects of which the first is written over several lines.
func spread(text string) bool {
	first, _, more := strings.Cut(text, "\n")
	return more && strings.HasPrefix(strings.TrimLeft(first, blanks), "{") && !whole(first) && objects(text, everyOne)
}

// itemsOf are the objects of a line, where it has several or something between them, and else the line.
func itemsOf(line string) iter.Seq[string] {
	trimmed := strings.TrimLeft(line, separators)
	if strings.HasPrefix(trimmed, "{") && (strings.HasSuffix(strings.TrimRight(line, blanks), ",") || severalObjects(trimmed)) && objects(line, everyOne) {
		return func(yield func(string) bool) { objects(line, yield) }
	}
	return func(yield func(string) bool) { yield(line) }
}

// severalObjects says whether a text may have several objects: where one ends and another begins, there is little between.
func severalObjects(text string) bool {
	for {
		at := strings.IndexByte(text, '}')
		if at < 0 {
			return false
		}
		if text = strings.TrimLeft(text[at+1:], separators); strings.HasPrefix(text, "{") {
			return true
		}
	}
}

const (
	byteOrderMark = "\ufeff" // which some editors and shells put before a text
	blanks        = " \t\r"
	separators    = blanks + "\n,"
)

func everyOne(string) bool { return true }

// objects yields the objects of a text, and says whether it consists of these with nothing but separators around them.
// They are not gathered: a body may have millions.
func objects(text string, yield func(string) bool) bool {
	for text = strings.TrimLeft(text, separators); text != ""; text = strings.TrimLeft(text, separators) {
		r := jsontext.Of(text)
		if r.Skip(); text[0] != '{' || r.Err != nil || !yield(text[:r.Pos]) {
			return false
		}
		text = text[r.Pos:]
	}
	return true
}

func whole(object string) bool {
	r := jsontext.Of(object)
	r.Skip()
	r.End()
	return r.Err == nil
}

// arrayItems are the objects of an array that a whole text is.
func arrayItems(text string) (items iter.Seq[string], ok bool) {
	if !strings.HasPrefix(strings.TrimLeft(text, separators), "[") || !arrayOf(text, everyOne) {
		return nil, false
	}
	return func(yield func(string) bool) { arrayOf(text, yield) }, true
}

// arrayOf yields the objects of an array, and says whether a text is one of nothing else.
func arrayOf(text string, yield func(string) bool) bool {
	r := jsontext.Of(text)
	for a := (jsontext.Array{}); r.Item(&a); {
		r.Space()
		if r.Peek() != '{' {
			return false
		}
		from := r.Pos
		if r.Skip(); r.Err == nil && !yield(text[from:r.Pos]) {
			return false
		}
	}
	r.End()
	return r.Err == nil
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
