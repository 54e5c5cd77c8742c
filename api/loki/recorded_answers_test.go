package loki

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
)

// differ is the first thing that is not as recorded, empty if all is.
func (q *recorded) differ(want, got *recordedAnswer) string {
	if a, b := max(want.Status, 2), max(got.Status, 2); a != b {
		return fmt.Sprintf("%dxx, want %dxx", b, a)
	}
	if q.Kind == "status" {
		return ""
	}
	for _, lists := range [][2][]string{{want.Values, got.Values}, {canonical(want.Sets), got.Sets}} {
		for _, text := range lists[0] {
			if !slices.Contains(lists[1], text) {
				return text + " is missing"
			}
		}
		if len(lists[0]) != len(lists[1]) && !q.Subset {
			return fmt.Sprintf("%q, want %q", lists[1], lists[0])
		}
	}
	if want.Scalar != got.Scalar && !near(want.Scalar, got.Scalar, 1e-9) {
		return got.Scalar + ", want " + want.Scalar
	}
	if why := differStreams(want.Streams, got.Streams); why != "" {
		return why
	}
	return q.differRows(want.Rows, got.Rows)
}

// canonical writes texts of JSON as textOf does.
func canonical(texts []string) []string {
	all := make([]string, len(texts))
	for i, text := range texts {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			panic(err)
		}
		all[i] = textOf(v)
	}
	return all
}

func differStreams(want, got map[string][][]any) string {
	if len(want) != len(got) {
		return fmt.Sprintf("%d streams, want %d", len(got), len(want))
	}
	for key, entries := range want {
		key = canonical([]string{key})[0]
		var texts [2][]string
		for i, of := range [][][]any{entries, got[key]} {
			for _, e := range of {
				texts[i] = append(texts[i], textOf(e))
			}
			slices.Sort(texts[i])
		}
		if !reflect.DeepEqual(texts[0], texts[1]) {
			return fmt.Sprintf("stream %s has %.300s, want %.300s", key, texts[1], texts[0])
		}
	}
	return ""
}

func (q *recorded) differRows(want, got [][2]any) string {
	if len(want) != len(got) {
		return fmt.Sprintf("%d series, want %d", len(got), len(want))
	}
	tolerance := max(q.Tolerance, 1e-9)
	found := map[string]any{}
	for _, row := range got {
		found[row[0].(string)] = row[1]
	}
	for i, row := range want {
		key := textOf(row[0])
		if q.Sorted && got[i][0] != key {
			return fmt.Sprintf("the %d. series is %s, want %s", i, got[i][0], key)
		}
		samples, ok := row[1].([]any)
		if !ok {
			if value, _ := found[key].(string); !near(fmt.Sprint(row[1]), value, tolerance) {
				return fmt.Sprintf("series %s is %q, want %v", key, value, row[1])
			}
			continue
		}
		values, _ := found[key].(map[float64]string)
		if len(values) != len(samples) {
			return fmt.Sprintf("series %s has %d samples, want %d", key, len(values), len(samples))
		}
		for _, s := range samples {
			at := s.([]any)
			if value := values[at[0].(float64)]; !near(fmt.Sprint(at[1]), value, tolerance) {
				return fmt.Sprintf("series %s at %v is %q, want %v", key, at[0], value, at[1])
			}
		}
	}
	return ""
}

func near(want, got string, tolerance float64) bool {
	w, err := strconv.ParseFloat(want, 64)
	g, bad := strconv.ParseFloat(got, 64)
	if err != nil || bad != nil {
		return want == got
	}
	return w == g || math.IsNaN(w) && math.IsNaN(g) || math.Abs(w-g) <= max(tolerance*max(math.Abs(w), math.Abs(g)), 1e-12)
}
