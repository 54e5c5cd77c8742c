package jaeger

import (
	"encoding/base64"
	"math"
	"strconv"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/tracesearch"
)

// spanTags are the attributes of a span, and what OpenTelemetry has fields for, under the names that it gives these
// for systems which have not.
func spanTags(s *plait.Span) []tagJSON {
	out := make([]tagJSON, 0, len(s.Attributes)+6)
	for _, a := range s.Attributes {
		out = append(out, tagOf(a))
	}
	add := func(key, value string) {
		if _, said := s.Attributes.Get(key); value != "" && !said {
			out = append(out, text(key, value))
		}
	}
	if s.Kind != plait.SpanKindUnspecified {
		add(tracesearch.TagKind, s.Kind.String())
	}
	switch s.Status {
	case plait.StatusOK:
		add(tracesearch.TagStatusCode, "OK")
	case plait.StatusError:
		add(tracesearch.TagStatusCode, "ERROR")
		if _, said := s.Attributes.Get(tracesearch.TagError); !said {
			out = append(out, tagJSON{tracesearch.TagError, "bool", true})
		}
	}
	add(tracesearch.TagStatusMessage, s.StatusMessage)
	if s.Scope != nil {
		add(tracesearch.TagScopeName, s.Scope.Name)
		add(tracesearch.TagScopeVersion, s.Scope.Version)
	}
	add("w3c.tracestate", s.TraceState)
	out = appendDropped(out, "otel.dropped_attributes_count", s.DroppedAttributes)
	out = appendDropped(out, "otel.dropped_events_count", s.DroppedEvents)
	return appendDropped(out, "otel.dropped_links_count", s.DroppedLinks)
}

func appendDropped(tags []tagJSON, key string, n uint32) []tagJSON {
	if n == 0 {
		return tags
	}
	return append(tags, tagJSON{key, "int64", n})
}

func text(key, value string) tagJSON { return tagJSON{key, "string", value} }

// maxSafeInteger is the largest to which a number of JavaScript is exact: what lies beyond is sent as a text.
const maxSafeInteger = 1<<53 - 1

// tagOf is an attribute with its type. Lists and maps are JSON texts.
func tagOf(a plait.Attribute) tagJSON {
	switch v := a.Value; v.Kind() {
	case plait.KindBool:
		return tagJSON{a.Key, "bool", v.Bool()}
	case plait.KindInt:
		if n := v.Int(); n > maxSafeInteger || n < -maxSafeInteger {
			return tagJSON{a.Key, "int64", strconv.FormatInt(n, 10)}
		}
		return tagJSON{a.Key, "int64", v.Int()}
	case plait.KindDouble:
		if f := v.Double(); math.IsNaN(f) || math.IsInf(f, 0) {
			return tagJSON{a.Key, "float64", strconv.FormatFloat(f, 'g', -1, 64)}
		}
		return tagJSON{a.Key, "float64", v.Double()}
	case plait.KindBytes:
		return tagJSON{a.Key, "binary", base64.StdEncoding.EncodeToString([]byte(v.Str()))}
	default:
		return text(a.Key, v.Text())
	}
}
