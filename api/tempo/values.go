package tempo

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/api/face"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/traceql"
	"github.com/plaithq/plait/query/traceql/eval"
)

// tagValue is a value, with the type by which Grafana offers operators and writes quotes.
type tagValue struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

const (
	typeString  = "string"
	typeInt     = "int"
	typeFloat   = "float"
	typeBool    = "bool"
	typeKeyword = "keyword"
)

// values answers the values of a tag, whose name may have slashes.
func (h *handler) values(write func([]tagValue) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutSuffix(r.PathValue("tag"), "/values")
		if !ok || name == "" {
			h.fail(w, r, face.ErrNoPath)
			return
		}
		q, err := ask.ReadQuery(r.URL)
		var found []tagValue
		bounded, release := h.Memory.Begin(r.Context())
		defer release()
		if err == nil {
			found, err = h.valuesOf(bounded, name, q)
		}
		if err != nil {
			h.fail(w, r, err)
			return
		}
		h.send(w, r, write(found))
	}
}

func (h *handler) valuesV1(found []tagValue) any {
	return map[string][]string{"tagValues": textsOf(found)}
}

// textsOf are the texts of values in order, each once.
func textsOf(found []tagValue) []string {
	texts := []string{}
	for _, v := range found {
		if len(texts) == 0 || texts[len(texts)-1] != v.Value {
			texts = append(texts, v.Value)
		}
	}
	return texts
}

func (h *handler) valuesV2(found []tagValue) any {
	return struct {
		TagValues []tagValue `json:"tagValues"`
		Metrics   struct{}   `json:"metrics"`
	}{TagValues: append([]tagValue{}, found...)}
}

// valuesOf lists the values of a tag in order.
func (h *handler) valuesOf(ctx context.Context, name string, q url.Values) ([]tagValue, error) {
	field, err := traceql.ParseField(name)
	if err != nil { // a name without a scope, as the first version of the API has it
		field = traceql.Field{Scope: traceql.ScopeAny, Name: name}
	}
	limit, err := readNumber(q, "limit", usualNames, mostNames)
	if err != nil {
		return nil, err
	}
	known, fixed := keywords(field)
	if !fixed {
		found := newValueList()
		if err = h.storedValues(ctx, field, q, limit, found); err != nil {
			return nil, err
		}
		known = slices.Collect(maps.Keys(found.values))
	}
	slices.SortFunc(known, func(a, b tagValue) int { return cmp.Or(cmp.Compare(a.Value, b.Value), cmp.Compare(a.Type, b.Type)) })
	return known[:min(len(known), limit)], nil
}

// keywords are the values of intrinsics that need no look at telemetry: those that have few, and none of those whose values
// are as many as spans.
func keywords(f traceql.Field) (values []tagValue, fixed bool) {
	var words []string
	switch f.Intrinsic() {
	case traceql.Status:
		words = []string{"error", "ok", "unset"}
	case traceql.Kind:
		words = []string{"client", "consumer", "internal", "producer", "server", "unspecified"}
	case traceql.NoIntrinsic, traceql.Name, traceql.StatusMessage, traceql.RootName, traceql.RootService, traceql.EventName,
		traceql.ScopeName, traceql.ScopeVersion:
		return nil, false
	default:
		return nil, true
	}
	for _, word := range words {
		values = append(values, tagValue{typeKeyword, word})
	}
	return values, true
}

// storedValues adds the values that are known without a look at spans, then those of the newest spans.
func (h *handler) storedValues(ctx context.Context, f traceql.Field, q url.Values, limit int, found *valueList) error {
	filter := filterFor(q.Get("q"), f)
	if f.Intrinsic() == traceql.RootName || f.Intrinsic() == traceql.RootService {
		return h.rootValues(ctx, f, q, filter, found)
	}
	if filter == condition.Node(condition.Const(true)) {
		if err := h.knownValues(ctx, f, limit, found); err != nil {
			return err
		}
	}
	traces := tracesForValues
	if len(found.values) > 0 {
		traces = tracesBesideKnown
	}
	within, err := readRange(q, h.Now())
	if err != nil {
		return err
	}
	return h.newest(ctx, within, withField(filter, f), traces, func(s *plait.Span) bool {
		eachValue(s, f, found.add)
		return !found.full
	})
}

// withField is a filter of spans that have an attribute besides: the index of terms leads to them, however rare they are. It does not
// know the attributes of events and links.
func withField(filter condition.Node, f traceql.Field) condition.Node {
	if f.Scope != traceql.ScopeSpan && f.Scope != traceql.ScopeAny {
		return filter
	}
	has, err := eval.Condition(traceql.Filter{Of: traceql.Binary{
		Op: traceql.OpNotEqual, Left: traceql.Field{Scope: traceql.ScopeSpan, Name: f.Name}, Right: traceql.Static{Type: traceql.TypeNil},
	}})
	if err != nil {
		return filter
	}
	return condition.And{filter, has}
}

// knownValues are those that are known without a look at spans.
func (h *handler) knownValues(ctx context.Context, f traceql.Field, limit int, found *valueList) error {
	if f.Intrinsic() == traceql.Name {
		names, err := h.Reader.SpanNames(ctx, limit)
		for _, name := range names {
			found.add(plait.StringValue(name))
		}
		return err
	}
	ofSpans, ofResources, err := h.Reader.AttributeValues(ctx, f.Name, limit)
	if err != nil {
		return err
	}
	if f.Scope == traceql.ScopeSpan || f.Scope == traceql.ScopeAny {
		for _, v := range ofSpans {
			found.add(v)
		}
	}
	if f.Scope == traceql.ScopeResource || f.Scope == traceql.ScopeAny {
		for _, v := range ofResources {
			found.add(v)
		}
	}
	return nil
}

// rootValues are the names or services of the roots of the newest traces that fit.
func (h *handler) rootValues(ctx context.Context, f traceql.Field, q url.Values, filter condition.Node, found *valueList) error {
	within, err := readRange(q, h.Now())
	if err != nil {
		return err
	}
	asked := query.TracesWithSpan(filter, within)
	asked.Limit = tracesForValues
	traces, _, err := h.Reader.Traces(ctx, asked)
	for i := range traces {
		text := traces[i].RootName
		if f.Intrinsic() == traceql.RootService {
			text = traces[i].RootService
		}
		found.add(plait.StringValue(text))
	}
	return err
}

// maxValueBytes bounds the texts of a list's values.
const maxValueBytes = 4 << 20

// valueList is a list of values, each once. Once it is full it takes no more.
type valueList struct {
	values map[tagValue]struct{}
	bytes  int
	full   bool
}

func newValueList() *valueList { return &valueList{values: map[tagValue]struct{}{}} }

// add adds a value with its type. Empty ones are no choice.
func (l *valueList) add(v plait.Value) {
	t := tagValue{typeString, v.Text()}
	switch v.Kind() {
	case plait.KindEmpty:
		return
	case plait.KindBool:
		t.Type = typeBool
	case plait.KindInt:
		t.Type = typeInt
	case plait.KindDouble:
		t.Type = typeFloat
	default:
	}
	if _, known := l.values[t]; known || t.Value == "" || l.full {
		return
	}
	if l.full = l.bytes+len(t.Value) > maxValueBytes || len(l.values) == mostNames; !l.full {
		l.bytes += len(t.Value)
		l.values[t] = struct{}{}
	}
}

// eachValue calls use with the values that a span has of a field.
func eachValue(s *plait.Span, f traceql.Field, use func(plait.Value)) {
	get := func(attributes plait.Attributes) bool {
		v, ok := attributes.Get(f.Name)
		if ok {
			use(v)
		}
		return ok
	}
	text := func(t string) { use(plait.StringValue(t)) }
	switch f.Scope {
	case traceql.ScopeAny:
		_ = get(s.Attributes) || get(s.Resource.Attributes)
	case traceql.ScopeSpan:
		get(s.Attributes)
	case traceql.ScopeResource:
		get(s.Resource.Attributes)
	case traceql.ScopeEvent:
		for i := range s.Events {
			get(s.Events[i].Attributes)
		}
	case traceql.ScopeLink:
		for i := range s.Links {
			get(s.Links[i].Attributes)
		}
	case traceql.ScopeScope:
		if s.Scope != nil {
			get(s.Scope.Attributes)
		}
	case traceql.ScopeIntrinsic:
		eachIntrinsic(s, f.Intrinsic(), text)
	}
}

func eachIntrinsic(s *plait.Span, of traceql.Intrinsic, text func(string)) {
	switch of {
	case traceql.Name:
		text(s.Name)
	case traceql.StatusMessage:
		text(s.StatusMessage)
	case traceql.EventName:
		for i := range s.Events {
			text(s.Events[i].Name)
		}
	case traceql.ScopeName, traceql.ScopeVersion:
		if s.Scope == nil {
			return
		}
		if of == traceql.ScopeName {
			text(s.Scope.Name)
		} else {
			text(s.Scope.Version)
		}
	default:
	}
}
