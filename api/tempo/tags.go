package tempo

import (
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/traceql"
	"github.com/plaithq/plait/query/traceql/eval"
)

// Names and values are asked for while somebody types. They come from the dictionaries, and values that do not repeat, and those
// of events and links, from the newest spans.

const (
	// usualNames is how many names or values a list has that says no limit, and mostNames is the longest.
	usualNames, mostNames = 5_000, 10_000
	// tracesForValues is how many of the newest traces tell values, at most: most of these are in dictionaries.
	tracesForValues = 100
	// tracesBesideKnown is how many do where dictionaries know values.
	tracesBesideKnown = 20
	// spansLookedAt bounds their spans.
	spansLookedAt = 5_000
	// lookTime is how long these are looked for.
	lookTime = 3 * time.Second
)

// The scopes of a list, in Tempo's order.
var scopes = []string{"resource", "span", "event", "link", "instrumentation", "intrinsic"}

// intrinsics are those that a list offers.
var intrinsics = []string{
	"duration", "event:name", "event:timeSinceStart", "instrumentation:name", "instrumentation:version", "kind", "link:spanID", "link:traceID",
	"name", "rootName", "rootServiceName", "span:duration", "span:id", "span:kind", "span:name", "span:parentID", "span:status", "span:statusMessage",
	"status", "statusMessage", "trace:duration", "trace:id", "trace:rootName", "trace:rootService", "traceDuration",
}

type scopeTags struct {
	Name string   `json:"name"`
	Tags []string `json:"tags"`
}

type tagsJSON struct {
	Scopes  []scopeTags `json:"scopes"`
	Metrics struct{}    `json:"metrics"`
}

// tags answers /api/v2/search/tags.
func (h *handler) tags(ctx context.Context, q url.Values) (any, error) {
	wanted := q.Get("scope")
	if wanted != "" && wanted != "none" && !slices.Contains(scopes, wanted) {
		return nil, plait.Errorf(plait.ErrInvalid, "parameter scope: %q is none of %v", wanted, scopes)
	}
	limit, err := readNumber(q, "limit", usualNames, mostNames)
	if err != nil {
		return nil, err
	}
	names, err := h.namesByScope(ctx, limit)
	if err != nil {
		return nil, err
	}
	answer := tagsJSON{Scopes: []scopeTags{}}
	for _, scope := range scopes {
		if wanted == "" || wanted == "none" || wanted == scope {
			answer.Scopes = append(answer.Scopes, scopeTags{scope, firstOf(names[scope], limit)})
		}
	}
	return answer, nil
}

// tagsV1 answers /api/search/tags: the names of all attributes.
func (h *handler) tagsV1(ctx context.Context, q url.Values) (any, error) {
	limit, err := readNumber(q, "limit", usualNames, mostNames)
	if err != nil {
		return nil, err
	}
	names, err := h.namesByScope(ctx, limit)
	if err != nil {
		return nil, err
	}
	var all []string
	for scope, of := range names {
		if scope != "intrinsic" {
			all = append(all, of...)
		}
	}
	slices.Sort(all)
	return map[string][]string{"tagNames": firstOf(slices.Compact(all), limit)}, nil
}

func firstOf(names []string, limit int) []string {
	return append([]string{}, names[:min(len(names), limit)]...)
}

func (h *handler) namesByScope(ctx context.Context, limit int) (map[string][]string, error) {
	names, err := h.Reader.AttributeNames(ctx, limit)
	if err != nil {
		return nil, err
	}
	return map[string][]string{
		"resource": names.Resources, "span": names.Spans, "event": names.Events, "link": names.Links, "instrumentation": names.Scopes,
		"intrinsic": intrinsics,
	}, nil
}

// newest hands out the spans of the newest traces of a time that fit a filter, as far as they are found soon, until use says that
// it has enough. A span is valid until the next one.
func (h *handler) newest(ctx context.Context, within plait.TimeRange, filter condition.Node, most int, use func(*plait.Span) bool) error {
	fits, err := condition.CompileSpans(filter)
	if err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	asked := query.TracesWithSpan(filter, within)
	asked.Limit = most
	traces, _, err := h.Reader.Traces(bounded, asked)
	if err == nil && len(traces) > 0 {
		traces = traces[:fewSpans(traces)]
		var of map[plait.TraceID][]plait.Span
		var read int
		if of, read, _, err = h.Reader.SpansOf(bounded, traces); err == nil {
			eachFitting(traces[:read], of, fits, use)
			return nil
		}
	}
	if err != nil && timeIsUp(ctx, bounded, err) {
		return nil
	}
	return err
}

// fewSpans is how many traces have so few spans that they are read together, one at least.
func fewSpans(traces []plait.TraceSummary) int {
	n, spans := 1, traces[0].SpanCount
	for n < len(traces) && spans+traces[n].SpanCount <= spansLookedAt {
		spans += traces[n].SpanCount
		n++
	}
	return n
}

// eachFitting hands out the spans of traces that fit, until use says that it has enough.
func eachFitting(traces []plait.TraceSummary, of map[plait.TraceID][]plait.Span, fits *condition.Spans, use func(*plait.Span) bool) {
	for t := range traces {
		all := of[traces[t].TraceID]
		byID := make(map[plait.SpanID]*plait.Span, len(all))
		for i := range all {
			byID[all[i].SpanID] = &all[i]
		}
		for i := range all {
			if fits.Match(&condition.SpanView{Span: &all[i], Trace: &traces[t], Parent: byID[all[i].ParentSpanID]}) && !use(&all[i]) {
				return
			}
		}
	}
}

// filterFor is the condition of what somebody has typed so far, without what it says of the field whose values are asked
// for. What cannot be read is no error: it is not finished.
func filterFor(text string, asked traceql.Field) condition.Node {
	n, err := eval.Condition(traceql.Filter{Of: without(traceql.ParseUnfinished(text).Of, asked)})
	if err != nil {
		return condition.Const(true)
	}
	return n
}

// without leaves out the parts of an expression that are about a field.
func without(e traceql.Expression, asked traceql.Field) traceql.Expression {
	b, ok := e.(traceql.Binary)
	if !ok {
		return e
	}
	if b.Op != traceql.OpAnd {
		if b.Left == traceql.Expression(asked) || b.Right == traceql.Expression(asked) {
			return nil
		}
		return e
	}
	left, right := without(b.Left, asked), without(b.Right, asked)
	switch {
	case left == nil:
		return right
	case right == nil:
		return left
	}
	return traceql.Binary{Op: b.Op, Left: left, Right: right}
}
