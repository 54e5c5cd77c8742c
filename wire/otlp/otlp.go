// Package otlp reads and writes the OpenTelemetry Protocol: bytes of its protobuf and JSON
// encodings to Plait's vocabulary and back. Ingest and import decode with it, the trace API
// and import encode with it. It is pure: it does no input or output; what it keeps is memory to decode into.
//
// Traces and logs are decoded by a field reader of its own, because they are most of what a
// gateway does: general decoders build a tree of pointers of the whole request first, which
// costs five to ten times as much. What is decoded aliases the request's body.
//
// Every field of OTLP 1.11 is read except one: a resource's entity_refs, which is in
// development and only names keys that are among the resource's attributes anyway. The string
// tables that value references (…_strindex) point into belong to profiles; such a value is empty.
package otlp

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unsafe"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/protobuf"
)

// maxDepth is how deep arrays and maps may nest in an attribute's value. What lies deeper is
// replaced by a string (deepText) and counted: jsonb, and people, read no further.
const maxDepth = 64

// deepText stands for what was nested too deep.
const deepText = "…"

// Reasons of a plait.Repair by a decoder.
const (
	repairTooDeep = "too_deep"
	repairBadID   = "bad_id"
)

// malformed is an error in a request as a whole. The path is collected while the error
// travels up, innermost element first.
type malformed struct {
	at   protobuf.Error
	path []string
}

func (e *malformed) Error() string {
	where := joinedPath(e.path)
	if where != "" {
		where += " at "
	}
	return fmt.Sprintf("malformed OTLP: %s%s", where, &e.at)
}

// joinedPath writes a path whose innermost part stands first.
func joinedPath(innermostFirst []string) string {
	path := slices.Clone(innermostFirst)
	slices.Reverse(path)
	return strings.ReplaceAll(strings.Join(path, "."), ".[", "[")
}

func (e *malformed) Unwrap() error { return &e.at }

// asMalformed makes an error of the field reader one of the request.
func asMalformed(err error) error {
	if e, ok := err.(*protobuf.Error); ok { //nolint:errorlint // it is never wrapped in here
		return &malformed{at: *e}
	}
	return err
}

// in notes that the error lies in a field.
func in(err error, field string) error {
	if err == nil {
		return nil
	}
	err = asMalformed(err)
	if m, ok := err.(*malformed); ok { //nolint:errorlint // it is never wrapped in here
		m.path = append(m.path, field)
	}
	return err
}

// inItem notes that the error lies in an item of a repeated field.
func inItem(err error, field string, index int) error {
	return in(err, fmt.Sprintf("%s[%d]", field, index))
}

// place is where a decoder is in a request, for messages about single records.
type place struct {
	batches, scopes, records string // names of the repeated fields
	batch, scope, record     int    // their indexes
}

func (p *place) String() string {
	return fmt.Sprintf("%s[%d].%s[%d].%s[%d]", p.batches, p.batch, p.scopes, p.scope, p.records, p.record)
}

// findings is what a decoder could not take as it was sent.
type findings struct {
	refused  []plait.Refusal
	kinds    []string // of refused, index by index
	repaired int      // ids of logs and links that were taken out
}

// refuse notes that a record is left out. A request of nothing but such records gets one
// refusal for each kind, which says where the first of them is.
func (f *findings) refuse(kind, reason string, where *place) {
	if i := slices.Index(f.kinds, kind); i >= 0 {
		f.refused[i].Count++
		return
	}
	f.kinds = append(f.kinds, kind)
	f.refused = append(f.refused, plait.Refusal{Count: 1, Reason: reason + ", first in " + where.String()})
}

// repairs lists what was changed so that records could be kept.
func (f *findings) repairs(tooDeep int) []plait.Repair {
	var out []plait.Repair
	if tooDeep > 0 {
		out = append(out, plait.Repair{Count: tooDeep, Reason: repairTooDeep})
	}
	if f.repaired > 0 {
		out = append(out, plait.Repair{Count: f.repaired, Reason: repairBadID})
	}
	return out
}

// clampNanos turns OTLP's unsigned times into ours.
func clampNanos(v uint64) int64 {
	return int64(min(v, math.MaxInt64))
}

// kindOf returns the span kind, unspecified for numbers that OTLP does not define.
func kindOf(n int32) plait.SpanKind {
	if n < 0 || n > int32(plait.SpanKindConsumer) {
		return plait.SpanKindUnspecified
	}
	return plait.SpanKind(n)
}

// statusOf returns the status code, unset for numbers that OTLP does not define.
func statusOf(n int32) plait.StatusCode {
	if n < 0 || n > int32(plait.StatusError) {
		return plait.StatusUnset
	}
	return plait.StatusCode(n)
}

// severityOf returns the severity, 0 for numbers that OTLP does not define.
func severityOf(n int32) plait.SeverityNumber {
	if n < 0 || n > 24 {
		return 0
	}
	return plait.SeverityNumber(n)
}

// view returns the bytes as a string without copying them.
func view(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b))
}
