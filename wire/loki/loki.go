// Package loki decodes Loki's push requests, protobuf and JSON, into log records. The door in ingest calls it
// with bodies that are decompressed already. What is wrong with one stream or entry is refused by itself.
//
// https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs
package loki

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"github.com/plaithq/plait"
)

// LabelsAttribute is the resource attribute that lists which others were labels of the stream.
const LabelsAttribute = "loki.resource.labels"

const serviceAttribute = "service.name"

// Bounds of a request. What is beyond them is refused by itself.
const (
	MaxStreams    = 10_000
	MaxLabels     = 64    // of a stream
	MaxLabelValue = 2_048 // bytes
	maxMetadata   = 1_000 // of an entry
)

// serviceLabels are the labels that name the service of a stream without service_name, the first that is there.
var serviceLabels = []string{
	"service_name", "service", "app", "application", "name", "app_kubernetes_io_name", "container", "container_name",
	"k8s_container_name", "component", "workload", "job", "k8s_job_name",
}

// claimStep is how much memory is asked for at once.
const claimStep = 64 << 10

// decoder gathers a request.
type decoder struct {
	logs    plait.Logs
	claim   func(int64) error
	taken   int64 // that was not asked for yet
	streams int

	scope    plait.Scope     // of all records
	resource *plait.Resource // nil: the stream is refused
	level    plait.SeverityNumber
	critical string        // the level's text, for which OpenTelemetry has no number
	ids      []plait.Label // among the stream's labels
	why      string        // the stream is refused
	refused  map[string]int
}

func (d *decoder) take(bytes int) error {
	if d.taken += int64(bytes); d.taken < claimStep || d.claim == nil {
		return nil
	}
	err := d.claim(d.taken)
	d.taken = 0
	return err
}

func (d *decoder) result() (*plait.Logs, error) {
	d.taken += claimStep
	if err := d.take(0); err != nil {
		return nil, err
	}
	for _, why := range slices.Sorted(keys(d.refused)) {
		d.logs.Refused = append(d.logs.Refused, plait.Refusal{Count: d.refused[why], Reason: why})
	}
	return &d.logs, nil
}

func keys(m map[string]int) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

const maxReasons = 100

// refuse counts an entry that is left out.
func (d *decoder) refuse(why string) {
	if d.refused == nil {
		d.refused = map[string]int{}
	}
	if _, ok := d.refused[why]; !ok && len(d.refused) >= maxReasons {
		why = "entries of other streams that cannot be taken"
	}
	d.refused[why]++
}

// stream begins a stream with some labels.
func (d *decoder) stream(labels []plait.Label, problem error) error {
	d.streams++
	d.resource, d.why, d.level, d.critical, d.ids = nil, "", 0, "", d.ids[:0]
	err := problem
	if err == nil {
		err = check(labels)
	}
	switch {
	case err != nil:
		d.why = fmt.Sprintf("stream %d: %s", d.streams-1, plait.Message(err))
		return nil
	case d.streams > MaxStreams:
		d.why = fmt.Sprintf("the request has more than %d streams: send fewer at once", MaxStreams)
		return nil
	}
	slices.SortFunc(labels, func(a, b plait.Label) int { return strings.Compare(a.Name, b.Name) })
	d.resource = &plait.Resource{Attributes: make(plait.Attributes, 0, len(labels)+2)}
	var names []string
	if service := serviceOf(labels); service != "" {
		d.resource.Attributes = append(d.resource.Attributes, plait.Attribute{Key: serviceAttribute, Value: plait.StringValue(service)})
	}
	for _, l := range labels {
		names = append(names, l.Name)
		if l.Name != "service_name" {
			d.resource.Attributes = append(d.resource.Attributes, plait.Attribute{Key: l.Name, Value: plait.StringValue(l.Value)})
		}
		d.noteLevel(l)
		if l.Name == "trace_id" || l.Name == "span_id" {
			d.ids = append(d.ids, l)
		}
	}
	hint := strings.Join(names, ",")
	d.resource.Attributes = append(d.resource.Attributes, plait.Attribute{Key: LabelsAttribute, Value: plait.StringValue(hint)})
	return d.take(int(unsafe.Sizeof(plait.Resource{})) + cap(d.resource.Attributes)*int(unsafe.Sizeof(plait.Attribute{})) + 2*len(hint))
}

// levelLabels name a level, as Loki looks for one.
var levelLabels = []string{"level", "severity", "severity_text", "loglevel", "lvl"}

func namesLevel(label string) bool { return slices.Contains(levelLabels, strings.ToLower(label)) }

// noteLevel takes a stream's level for that of its records.
func (d *decoder) noteLevel(l plait.Label) {
	if d.level != 0 || !namesLevel(l.Name) {
		return
	}
	d.level = plait.ParseSeverity(l.Value)
	if d.level != 0 && len(l.Value) >= 4 && strings.EqualFold(l.Value[:4], "crit") {
		d.critical = l.Value
	}
}

// levelWord is the level that a line's first word is, as Loki finds it. All else is found when records are cleaned.
func levelWord(line string) (level plait.SeverityNumber, critical string) {
	word, _, more := strings.Cut(line[:min(len(line), len("critical ")+1)], " ")
	switch word {
	case "trace", "debug", "info", "warn", "warning", "error", "fatal", "critical":
		if more {
			level = plait.ParseSeverity(word)
		}
	}
	if level != 0 && word == "critical" {
		critical = word
	}
	return level, critical
}

func serviceOf(labels []plait.Label) string {
	for _, name := range serviceLabels {
		for _, l := range labels {
			if l.Name == name && l.Value != "" {
				return l.Value
			}
		}
	}
	return ""
}

// check says what is wrong with a stream's labels.
func check(labels []plait.Label) error {
	if len(labels) == 0 {
		return plait.Errorf(plait.ErrInvalid, "it has no labels")
	}
	if len(labels) > MaxLabels {
		return plait.Errorf(plait.ErrInvalid, "it has more than %d labels: send what varies as structured metadata", MaxLabels)
	}
	seen := map[string]bool{}
	for _, l := range labels {
		switch {
		case !isName(l.Name):
			return plait.Errorf(plait.ErrInvalid, "%.100q is no name of a label: want letters, digits and _, and no digit first", l.Name)
		case len(l.Value) > MaxLabelValue:
			return plait.Errorf(plait.ErrInvalid, "the value of label %.100s has %d bytes, the limit is %d", l.Name, len(l.Value), MaxLabelValue)
		case seen[l.Name]:
			return plait.Errorf(plait.ErrInvalid, "it has the label %.100s twice", l.Name)
		}
		seen[l.Name] = true
	}
	return nil
}

const maxName = 1_024

func isName(s string) bool {
	if s == "" || len(s) > maxName || s[0] >= '0' && s[0] <= '9' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// entry is one entry of a stream on its way.
type entry struct {
	nanos    int64
	line     string
	metadata plait.Attributes
	trace    plait.TraceID
	span     plait.SpanID
	problem  string
}

// describe adds a pair of structured metadata. Ids are the record's own as well.
func (e *entry) describe(name, value string) {
	if len(e.metadata) == maxMetadata {
		e.problem = fmt.Sprintf("it has more than %d pairs of structured metadata", maxMetadata)
		return
	}
	e.metadata = append(e.metadata, plait.Attribute{Key: name, Value: plait.StringValue(value)})
	e.identify(name, value)
}

// identify takes an id that is written as Loki's users write it.
func (e *entry) identify(name, value string) {
	var raw [16]byte
	switch n := len(value) / 2; {
	case name == "trace_id" && len(value) == 2*len(e.trace) && decodes(raw[:n], value):
		e.trace = raw
	case name == "span_id" && len(value) == 2*len(e.span) && decodes(raw[:n], value):
		e.span = plait.SpanID(raw[:n])
	}
}

func decodes(into []byte, text string) bool {
	_, err := hex.Decode(into, []byte(text))
	return err == nil
}

// add makes a record of an entry of the stream at hand.
func (d *decoder) add(e *entry) error {
	if d.resource == nil {
		d.refuse(d.why)
		return nil
	}
	if e.problem != "" {
		d.refuse(fmt.Sprintf("stream %d, an entry: %s", d.streams-1, e.problem))
		return nil
	}
	for _, l := range d.ids {
		e.identify(l.Name, l.Value)
	}
	level, critical := d.level, d.critical
	if level == 0 && !slices.ContainsFunc(e.metadata, func(a plait.Attribute) bool { return namesLevel(a.Key) }) {
		level, critical = levelWord(e.line)
	}
	d.logs.Records = append(d.logs.Records, plait.LogRecord{
		TimeNanos: e.nanos, Resource: d.resource, Scope: &d.scope, Body: plait.StringValue(e.line), Attributes: e.metadata,
		TraceID: e.trace, SpanID: e.span, Severity: level, SeverityText: critical,
	})
	return d.take(2*int(unsafe.Sizeof(plait.LogRecord{})) + 2*len(e.metadata)*int(unsafe.Sizeof(plait.Attribute{})))
}

// parseLabels reads labels as protobuf has them: {app="cart", env="dev"}.
func parseLabels(text string) ([]plait.Label, error) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(text), "{")
	if !ok {
		return nil, plait.Errorf(plait.ErrInvalid, "labels are written as {app=\"cart\"}, not %.100q", text)
	}
	var labels []plait.Label
	for rest = strings.TrimSpace(rest); !strings.HasPrefix(rest, "}"); {
		name, behind, ok := strings.Cut(rest, "=")
		quoted, err := strconv.QuotedPrefix(strings.TrimSpace(behind))
		if !ok || err != nil || len(labels) > MaxLabels {
			return nil, plait.Errorf(plait.ErrInvalid, "labels are written as {app=\"cart\"}, at most %d of them, not %.100q", MaxLabels, text)
		}
		value, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, plait.Errorf(plait.ErrInvalid, "%.100q is no text in quotes", quoted)
		}
		labels = append(labels, plait.Label{Name: strings.TrimSpace(name), Value: value})
		rest = strings.TrimSpace(strings.TrimSpace(behind)[len(quoted):])
		if after, comma := strings.CutPrefix(rest, ","); comma {
			rest = strings.TrimSpace(after)
		} else if !strings.HasPrefix(rest, "}") {
			return nil, plait.Errorf(plait.ErrInvalid, "a comma is missing between the labels %.100q", text)
		}
	}
	if strings.TrimSpace(rest[1:]) != "" {
		return nil, plait.Errorf(plait.ErrInvalid, "something follows the labels %.100q", text)
	}
	return labels, nil
}

// view is the body as a string, without a copy: records alias it.
func view(body []byte) string { return unsafe.String(unsafe.SliceData(body), len(body)) }
