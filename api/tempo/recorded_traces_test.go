package tempo

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
)

// foundTrace is a trace of a search's answer.
type foundTrace struct {
	TraceID, RootServiceName, RootTraceName string
	StartTimeUnixNano                       int64 `json:",string"`
	DurationMs                              int64
	SpanSets                                []foundSet
	ServiceStats                            map[string]serviceStats
}

type foundSet struct {
	Spans []struct {
		SpanID, Name                     string
		StartTimeUnixNano, DurationNanos int64 `json:",string"`
		Attributes                       []sentAttribute
	}
	Matched    int
	Attributes []sentAttribute
}

// differentTraces says what a search found that is not wanted, or did not find.
func (q *recordedQuestion) differentTraces(d *recorded, want map[string][]recordedSet, body []byte, loose bool) string {
	var got struct{ Traces []foundTrace }
	if err := json.Unmarshal(body, &got); err != nil {
		return err.Error()
	}
	found := map[string][]recordedSet{}
	for i := range got.Traces {
		sent := d.traces[strings.Repeat("0", 32-len(got.Traces[i].TraceID))+got.Traces[i].TraceID]
		if sent == nil || found[sent.number] != nil {
			return fmt.Sprintf("trace %s was not sent, or comes twice", got.Traces[i].TraceID)
		}
		if why := sent.differs(&got.Traces[i]); why != "" {
			return why
		}
		sets, why := d.sets(&got.Traces[i])
		if why != "" {
			return why
		}
		found[sent.number] = sets
	}
	if q.Count > 0 { // a limit cut the list
		if len(found) != q.Count {
			return fmt.Sprintf("%d traces, want %d", len(found), q.Count)
		}
		want = maps.Clone(want)
		maps.DeleteFunc(want, func(number string, _ []recordedSet) bool { return found[number] == nil })
	}
	if a, b := slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(found)); !slices.Equal(a, b) {
		return fmt.Sprintf("traces %v, want %v", b, a)
	}
	for number, sets := range want {
		if why := q.differentTraceSets(d, sets, found[number], loose); why != "" {
			return "trace " + number + ": " + why
		}
	}
	return ""
}

// differs compares what a search says of a trace with what was sent.
func (r *recordedTrace) differs(got *foundTrace) string {
	roots := r.roots
	if len(roots) == 0 {
		roots = [][2]string{{noRoot, ""}}
	}
	millis := float64((r.end - r.start) / int64(time.Millisecond))
	if !slices.Contains(roots, [2]string{got.RootServiceName, got.RootTraceName}) || got.StartTimeUnixNano != r.start+recordedBase*int64(time.Second) ||
		math.Abs(millis-float64(got.DurationMs)) > 1 || len(got.ServiceStats) > 0 && !maps.Equal(got.ServiceStats, r.stats) {
		return fmt.Sprintf("%+v is not the trace that was sent: %+v", got, r)
	}
	return ""
}

// sets are the span sets of a trace, in the form of the recording.
func (d *recorded) sets(of *foundTrace) (all []recordedSet, why string) {
	for _, set := range of.SpanSets {
		one := recordedSet{Matched: set.Matched, By: map[string]any{}}
		for key, value := range valuesOfSent(set.Attributes) {
			if strings.HasPrefix(key, "by(") {
				one.By[key] = value
			}
		}
		shown := map[string]any{}
		for _, s := range set.Spans {
			sent := d.spans[s.SpanID]
			if sent == nil || sent.name != s.Name || sent.start+recordedBase*int64(time.Second) != s.StartTimeUnixNano || sent.duration != s.DurationNanos {
				return nil, fmt.Sprintf("%+v is not the span that was sent: %+v", s, sent)
			}
			shown[d.spanNo[s.SpanID]] = valuesOfSent(s.Attributes)
		}
		if one.Spans = shown; len(shown) != set.Matched {
			one.Spans = len(shown)
		}
		all = append(all, one)
	}
	return all, ""
}

func (q *recordedQuestion) differentTraceSets(d *recorded, want, got []recordedSet, loose bool) string {
	if len(want) != len(got) {
		return fmt.Sprintf("%d span sets, want %d", len(got), len(want))
	}
	left := slices.Clone(got)
	for _, w := range want {
		reasons := ""
		at := slices.IndexFunc(left, func(g recordedSet) bool {
			why := q.differentSet(d, w, g, loose)
			reasons += why + "; "
			return why == ""
		})
		if at < 0 {
			return reasons
		}
		left = slices.Delete(left, at, at+1)
	}
	return ""
}

func (q *recordedQuestion) differentSet(d *recorded, want, got recordedSet, loose bool) string {
	if want.Matched != got.Matched || len(want.By) != len(got.By) {
		return fmt.Sprintf("%d spans by %v, want %d by %v", got.Matched, got.By, want.Matched, want.By)
	}
	for key, value := range want.By {
		if !shownAs(wanted(value), got.By[key]) {
			return fmt.Sprintf("%s is %v, want %v", key, got.By[key], value)
		}
	}
	spans, whole := want.Spans.(map[string]any)
	came, all := got.Spans.(map[string]any)
	if !whole || !all {
		n, number := wanted(want.Spans).(int64)
		if shown, ok := got.Spans.(int); number && (ok && int64(shown) == n || !ok && int64(len(came)) == n) {
			return ""
		}
		return fmt.Sprintf("spans %v, want %v", got.Spans, want.Spans)
	}
	if a, b := slices.Sorted(maps.Keys(spans)), slices.Sorted(maps.Keys(came)); !slices.Equal(a, b) {
		return fmt.Sprintf("spans %v, want %v", b, a)
	}
	if q.Nested {
		if why := d.crooked(came); why != "" {
			return why
		}
	}
	for id, attributes := range spans {
		if why := q.differentAttributes(attributes.(map[string]any), came[id].(map[string]any)); why != "" && !loose {
			return "span " + id + ": " + why
		}
	}
	return ""
}

// differentAttributes compares what is shown of a span: more may be shown of what the query speaks of.
func (q *recordedQuestion) differentAttributes(want, got map[string]any) string {
	text, _ := q.Params["q"].(string)
	for key, value := range want {
		if g, ok := got[key]; !ok && value != "nil" || ok && !shownAs(wanted(value), g) {
			return fmt.Sprintf("%s is %v (%t), want %v", key, g, ok, value)
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok && key != "service.name" && key != "name" && !strings.HasPrefix(key, "nestedSet") && !strings.Contains(text, key) {
			return fmt.Sprintf("%s is shown, which nobody asked for", key)
		}
	}
	return ""
}

// shownAs says whether a value is shown as it may be: of arrays and several events all of them, or those that match, also as
// JSON in a text.
func shownAs(want, got any) bool {
	if sameValue(want, got) || isAmong(want, got) {
		return true
	}
	text, ok := got.(string)
	if !ok {
		return false
	}
	var in any
	numbers := json.NewDecoder(strings.NewReader(text))
	numbers.UseNumber()
	if numbers.Decode(&in) != nil {
		return false
	}
	return sameValue(want, wanted(in)) || isAmong(want, wanted(in))
}

func sameValue(a, b any) bool {
	x, float := a.(float64)
	y, both := b.(float64)
	return reflect.DeepEqual(a, b) || float && both && math.Abs(x-y) <= 1e-6*math.Abs(x)
}

func isAmong(want, got any) bool {
	all, ok := got.([]any)
	if !ok {
		return false
	}
	some, ok := want.([]any)
	if !ok {
		some = []any{want}
	}
	return !slices.ContainsFunc(some, func(w any) bool {
		return !slices.ContainsFunc(all, func(g any) bool { return sameValue(w, g) })
	})
}

// crooked says which nested set numbers do not fit the tree.
func (d *recorded) crooked(spans map[string]any) string {
	byID := map[string]map[string]any{}
	for id, number := range d.spanNo {
		if attributes, ok := spans[number].(map[string]any); ok {
			byID[id] = attributes
		}
	}
	for id, a := range byID {
		left, _ := a["nestedSetLeft"].(int64)
		right, _ := a["nestedSetRight"].(int64)
		parent := d.spans[id].parent
		if left == 0 && right == 0 && !d.rooted(id) {
			continue
		}
		if left <= 0 || left >= right || parent == "" && a["nestedSetParent"] != int64(-1) {
			return fmt.Sprintf("span %s has numbers %v", id, a)
		}
		if above, ok := byID[parent]; ok && (above["nestedSetLeft"].(int64) >= left || above["nestedSetRight"].(int64) <= right || a["nestedSetParent"] != above["nestedSetLeft"]) {
			return fmt.Sprintf("numbers %v of span %s do not fit %v of its parent", a, id, above)
		}
	}
	return ""
}

// rooted says whether the root above a span was sent.
func (d *recorded) rooted(id string) bool {
	for d.spans[d.spans[id].parent] != nil {
		id = d.spans[id].parent
	}
	return d.spans[id].parent == ""
}
