package tempo

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/plaithq/plait/wire/otlp"
)

// recordedAnswer is an answer without what may differ from server to server. Traces and spans go by their ranks.
type recordedAnswer struct {
	Status int // 2 for 2xx where it is 0
	Spans  *int
	Tags   []string
	Scopes map[string][]string
	Values []any
	Series map[string]map[string]float64 // by labels, then by second
	Traces map[string][]recordedSet
}

type recordedSet struct {
	Matched int
	Spans   any // attributes by span, or how many spans are shown
	By      map[string]any
}

// sentAttribute is an attribute in OTLP's JSON.
type sentAttribute struct {
	Key   string
	Value sentValue
}

type sentValue struct {
	StringValue *string
	IntValue    *json.Number
	DoubleValue *float64
	BoolValue   *bool
	ArrayValue  *struct{ Values []sentValue }
}

func (v sentValue) plain() any {
	switch {
	case v.StringValue != nil:
		return *v.StringValue
	case v.IntValue != nil:
		n, err := v.IntValue.Int64()
		if err != nil {
			return err
		}
		return n
	case v.DoubleValue != nil:
		return *v.DoubleValue
	case v.BoolValue != nil:
		return *v.BoolValue
	case v.ArrayValue != nil:
		all := []any{}
		for _, one := range v.ArrayValue.Values {
			all = append(all, one.plain())
		}
		return all
	}
	return nil
}

func valuesOfSent(attributes []sentAttribute) map[string]any {
	values := map[string]any{}
	for _, a := range attributes {
		values[a.Key] = a.Value.plain()
	}
	return values
}

// wanted is a value of the recording in the types of plain.
func wanted(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return n
		}
		f, err := v.Float64()
		if err != nil {
			return err
		}
		return f
	case []any:
		all := []any{}
		for _, one := range v {
			all = append(all, wanted(one))
		}
		return all
	}
	return v
}

// number ranks ids.
func (d *recorded) number() {
	for n, id := range slices.Sorted(maps.Keys(d.traces)) {
		d.traces[id].number = strconv.Itoa(n)
	}
	d.spanNo = map[string]string{}
	for n, id := range slices.Sorted(maps.Keys(d.spans)) {
		d.spanNo[id] = strconv.Itoa(n)
	}
}

// differs says what is not as in any answer that is accepted.
func (q *recordedQuestion) differs(d *recorded, a answer) string {
	why := q.differsFrom(d, &q.Answer, a, q.Loose)
	for _, other := range []*recordedAnswer{q.Right, q.Also} {
		if why != "" && other != nil && q.differsFrom(d, other, a, true) == "" {
			return ""
		}
	}
	return why
}

func (q *recordedQuestion) differsFrom(d *recorded, want *recordedAnswer, a answer, loose bool) string {
	if expected := max(want.Status, 2); a.status/100 != expected {
		return fmt.Sprintf("%d %s, want %dxx", a.status, a.body, expected)
	}
	if a.status != http.StatusOK {
		return ""
	}
	switch q.Kind {
	case "status":
		return ""
	case "search":
		return q.differentTraces(d, want.Traces, a.body, loose)
	case "range", "instant":
		return q.differentSeries(want.Series, a.body)
	case "tags", "values":
		return differentLists(want, a.body)
	}
	n, err := q.countSpans(a.body)
	if err != nil || n != *want.Spans {
		return fmt.Sprintf("%d spans, want %d: %v", n, *want.Spans, err)
	}
	return ""
}

// countSpans counts those of a trace by its id.
func (q *recordedQuestion) countSpans(body []byte) (int, error) {
	if q.Kind == "byid" {
		var found struct{ Trace, Batches json.RawMessage }
		if err := json.Unmarshal(body, &found); err != nil {
			return 0, err
		}
		if body = found.Trace; found.Batches != nil {
			body = slices.Concat([]byte(`{"resourceSpans":`), found.Batches, []byte(`}`))
		}
		traces, err := otlp.DecodeTracesJSON(body)
		if err != nil {
			return 0, err
		}
		return len(traces.Spans), nil
	}
	if q.Kind == "protobuf2" {
		number, kind, n := protowire.ConsumeTag(body)
		if number != fieldTrace || kind != protowire.BytesType {
			return 0, errors.New("the answer does not begin with a trace")
		}
		body, _ = protowire.ConsumeBytes(body[n:])
	}
	traces, err := otlp.DecodeTraces(body)
	if err != nil {
		return 0, err
	}
	return len(traces.Spans), nil
}

func differentLists(want *recordedAnswer, body []byte) string {
	var got struct {
		TagNames  []string
		TagValues []json.RawMessage
		Scopes    []scopeTags
	}
	if err := json.Unmarshal(body, &got); err != nil {
		return err.Error()
	}
	scopes := map[string][]string{}
	for _, s := range got.Scopes {
		if scopes[s.Name] = s.Tags; len(s.Tags) == 0 {
			delete(scopes, s.Name)
		}
	}
	for name := range scopes {
		if why := differentSets(want.Scopes[name], scopes[name]); why != "" && name != "intrinsic" {
			return name + ": " + why
		}
	}
	if len(scopes) < len(want.Scopes) {
		return fmt.Sprintf("scopes %v, want %v", scopes, want.Scopes)
	}
	var values, wantValues []string
	for _, raw := range got.TagValues {
		var typed tagValue
		var text string
		if json.Unmarshal(raw, &text) != nil {
			if err := json.Unmarshal(raw, &typed); err != nil {
				return err.Error()
			}
			text = listed(typed.Type, typed.Value)
		}
		values = append(values, text)
	}
	for _, v := range want.Values {
		text, ok := v.(string)
		if typed, is := v.([]any); !ok && is {
			text = listed(fmt.Sprint(typed[0]), fmt.Sprint(typed[1]))
		}
		wantValues = append(wantValues, text)
	}
	return differentSets(want.Tags, got.TagNames) + differentSets(wantValues, values)
}

// listed is a value with its type; 1 and 1.0 are the same number with a point.
func listed(kind, value string) string {
	if f, err := strconv.ParseFloat(value, 64); err == nil && kind == typeFloat {
		value = strconv.FormatFloat(f, 'g', -1, 64)
	}
	return kind + " " + value
}

func differentSets(want, got []string) string {
	count := map[string]int{}
	for _, w := range want {
		count[w]++
	}
	for _, g := range got {
		count[g]--
	}
	maps.DeleteFunc(count, func(text string, n int) bool { return n == 0 || text == "" })
	if len(count) > 0 {
		return fmt.Sprintf("missing, or below zero too many: %v", count)
	}
	return ""
}

var (
	zeroWhereMissing = regexp.MustCompile(`\|\s*(rate|count_over_time|histogram_over_time|compare)\(`)
	dropsSamples     = regexp.MustCompile(`topk|bottomk|\)\s*[<>=!]+\s*[\d.]+\s*$`)
)

// differentSeries compares series by their labels, sample by sample.
func (q *recordedQuestion) differentSeries(want map[string]map[string]float64, body []byte) string {
	got, err := seriesByLabels(body)
	if err != nil {
		return err.Error()
	}
	if q.Tolerance == "sampled" { // an estimate may come, and the exact number
		w, g := total(want), total(got)
		if g < w/2 || g > 1.6*w {
			return fmt.Sprintf("%v in all, want about %v", g, w)
		}
		return ""
	}
	if q.Subset {
		got = among(got, want)
	}
	left := maps.Clone(got)
	for key, samples := range want {
		labels := canonicalLabels(key)
		if _, ok := got[labels]; !ok {
			return fmt.Sprintf("%s is missing; came %v", labels, slices.Sorted(maps.Keys(left)))
		}
		delete(left, labels)
		if why := q.differentSamples(key, samples, got[labels]); why != "" {
			return labels + why
		}
	}
	if len(left) > 0 {
		return fmt.Sprintf("too many: %v", slices.Sorted(maps.Keys(left)))
	}
	return ""
}

func (q *recordedQuestion) differentSamples(key string, want, got map[string]float64) string {
	text, _ := q.Params["q"].(string)
	counts := zeroWhereMissing.MatchString(text) && !dropsSamples.MatchString(text)
	bucket := q.Tolerance == "bucket"
	times := maps.Clone(want)
	maps.Copy(times, got)
	for at := range times {
		w, wanted := want[at]
		g, came := got[at]
		bounds, bounded := q.Bounds[key][at]
		switch {
		case wanted && came || counts:
			near := math.Abs(w-g) <= max(1e-6*math.Abs(w), 1e-12)
			if !near && !(bucket && (w/2 <= g && g <= 2*w || bounded && bounds[0] <= g && g <= bounds[1])) {
				return fmt.Sprintf(" at %s is %v, want %v", at, g, w)
			}
		case bucket && wanted && w == 0: // a quantile of nothing may be left out
		default:
			return fmt.Sprintf(" at %s came: %t, wanted: %t (%v, %v)", at, came, wanted, g, w)
		}
	}
	return ""
}

func seriesByLabels(body []byte) (map[string]map[string]float64, error) {
	var found struct {
		Series []struct {
			Labels  []sentAttribute
			Samples []struct {
				TimestampMs int64 `json:",string"`
				Value       float64
			}
			Value *float64
		}
	}
	if err := json.Unmarshal(body, &found); err != nil {
		return nil, err
	}
	all := map[string]map[string]float64{}
	for _, s := range found.Series {
		samples := map[string]float64{}
		if s.Value != nil {
			samples[""] = *s.Value
		}
		for _, one := range s.Samples {
			samples[strconv.FormatFloat(float64(one.TimestampMs)/1000-recordedBase, 'g', -1, 64)] = one.Value
		}
		all[textOfLabels(valuesOfSent(s.Labels))] = samples
	}
	return all, nil
}

// textOfLabels spells labels with the types of their values.
func textOfLabels(labels map[string]any) string {
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		fmt.Fprintf(&text, "%q=%T %v, ", key, labels[key], labels[key])
	}
	return text.String()
}

func labelsIn(key string) map[string]any {
	var labels map[string]any
	numbers := json.NewDecoder(strings.NewReader(key))
	numbers.UseNumber()
	if err := numbers.Decode(&labels); err != nil {
		return nil
	}
	for name, value := range labels {
		labels[name] = wanted(value)
	}
	return labels
}

func canonicalLabels(key string) string { return textOfLabels(labelsIn(key)) }

func total(series map[string]map[string]float64) (sum float64) {
	for _, samples := range series {
		for _, v := range samples {
			sum += v
		}
	}
	return sum
}

var labelNames = regexp.MustCompile(`"([^"]+)"=`)

// among are the series of compare() about attributes and sides that are wanted: others may come.
func among(got, want map[string]map[string]float64) map[string]map[string]float64 {
	about := map[string]bool{}
	side := regexp.MustCompile(`"__meta_type"=string (\w+)`)
	of := func(labels string) string {
		return side.FindString(labels) + fmt.Sprint(labelNames.FindAllString(labels, -1))
	}
	for key := range want {
		about[of(canonicalLabels(key))] = true
	}
	kept := map[string]map[string]float64{}
	for labels, samples := range got {
		totals, ofNone := strings.Contains(side.FindString(labels), "_total"), strings.Contains(labels, "=string nil,")
		if about[of(labels)] && totals == ofNone {
			kept[labels] = samples
		}
	}
	return kept
}
