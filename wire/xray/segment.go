package xray

import (
	"strings"
	"unsafe"

	"github.com/plaithq/plait"
)

// segment is a segment or a subsegment. Times are nanoseconds.
type segment struct {
	outer int // the place among the document's segments of the one in which it is; -1 for the document's own

	name, namespace       string
	traceID, id, parentID string
	kind                  string // "subsegment" for one that comes by itself
	version, origin       string // of the service
	start, end            int64
	inProgress            bool
	failed                bool
	message               string // of the first exception
	attributes            plait.Attributes
	exceptions            []plait.Event // without a time
	links                 []plait.Link
}

// What items cost while a document is read, in bytes: lists grow by copying.
const (
	segmentCost   = 2 * int(unsafe.Sizeof(segment{}))
	attributeCost = 2 * int(unsafe.Sizeof(plait.Attribute{}))
	linkCost      = 2 * int(unsafe.Sizeof(plait.Link{}))
	exceptionCost = 2*int(unsafe.Sizeof(plait.Event{})) + 3*attributeCost
)

func (s *segment) isSubsegment() bool { return s.outer >= 0 || s.kind == "subsegment" }

// document is the segment that is a document of its own in which s is.
func (s *segment) document(all []segment) *segment {
	for s.outer >= 0 {
		s = &all[s.outer]
	}
	return s
}

// unfinished says whether s, or one in which it is, is in progress. It comes again then, with all that is in it.
func (s *segment) unfinished(all []segment) bool {
	for !s.inProgress && s.outer >= 0 {
		s = &all[s.outer]
	}
	return s.inProgress
}

// span makes a span of Plait's vocabulary, without resource and scope. The error says why it is none.
func (s *segment) span(all []segment) (plait.Span, error) {
	out := plait.Span{Name: s.name, StartNanos: s.start, EndNanos: s.end, Kind: plait.SpanKindServer, Attributes: s.attributes, Links: s.links, Events: s.exceptions}
	if out.EndNanos == 0 {
		out.EndNanos = s.start
	}
	trace, parent := s.document(all).traceID, s.parentID
	if s.outer >= 0 {
		parent = all[s.outer].id
	}
	if err := readTraceID(&out.TraceID, trace); err != nil {
		return out, err
	}
	if out.SpanID.UnmarshalText([]byte(s.id)) != nil {
		return out, plait.Errorf(plait.ErrInvalid, "id %.64q is not 16 hex digits", s.id)
	}
	if parent != "" && out.ParentSpanID.UnmarshalText([]byte(parent)) != nil {
		return out, plait.Errorf(plait.ErrInvalid, "parent_id %.64q is not 16 hex digits", parent)
	}
	if s.start == 0 {
		return out, plait.Errorf(plait.ErrInvalid, "it has no start_time")
	}
	switch {
	case s.isSubsegment() && s.namespace != "":
		out.Kind = plait.SpanKindClient
		out.Attributes = append(out.Attributes, text("peer.service", s.name))
	case s.isSubsegment():
		out.Kind = plait.SpanKindInternal
	}
	if s.failed {
		out.Status, out.StatusMessage = plait.StatusError, s.message
	}
	for i := range out.Events {
		out.Events[i].TimeNanos = out.EndNanos
	}
	return out, nil
}

// readTraceID reads an id as X-Ray spells it, a version, 8 digits of the time and 24 more, or as everybody else does.
func readTraceID(id *plait.TraceID, spelled string) error {
	const version = "1-"
	digits := spelled
	if rest, ok := strings.CutPrefix(spelled, version); ok && len(rest) == 33 && rest[8] == '-' {
		digits = rest[:8] + rest[9:]
	}
	if id.UnmarshalText([]byte(digits)) != nil {
		return plait.Errorf(plait.ErrInvalid, "trace_id %.64q is not 1-, 8 hex digits, - and 24 hex digits", spelled)
	}
	return nil
}
