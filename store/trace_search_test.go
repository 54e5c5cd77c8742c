package store_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

// searchAll reads page after page.
func searchAll(t *testing.T, s *store.Store, q traceQuestion) []plait.TraceSummary {
	t.Helper()
	return allPages(t, func(cursor string) ([]plait.TraceSummary, string, error) {
		q.Cursor = cursor
		return s.Traces(t.Context(), q.traces())
	})
}

// rootNames are what the traces of these tests are told apart by.
func rootNames(traces []plait.TraceSummary) (names []string) {
	for _, trace := range traces {
		names = append(names, trace.RootName)
	}
	return names
}

func TestTraceSearchPagesThroughAllTracesNewestFirst(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now := time.Now()
	var want []string
	ages := []time.Duration{-time.Hour, 0, time.Millisecond, time.Second, time.Minute, time.Hour, 30 * time.Hour, 100 * time.Hour, 1000 * 24 * time.Hour}
	for i, age := range ages {
		for j := range 5 {
			// every trace has an error in a child that starts up to two hours later, so
			// that traces are not found in the order in which they started
			id, ago := traceNumber(1, uint64(i*5+j+1)), age+time.Duration(j)*time.Microsecond
			name := fmt.Sprintf("%d.%d", i, j)
			child := span(id, 2, 1, "b", "child", now, ago-time.Duration(j)*30*time.Minute, time.Second)
			child.Status = plait.StatusError
			writeSpans(t, s, span(id, 1, 0, "a", name, now, ago, time.Second), child)
			want = append(want, name)
		}
	}
	status := plait.StatusError
	for name, q := range map[string]traceQuestion{
		"all": {}, "service": {Service: "b"}, "name": {Name: "child"}, "status": {Status: &status}, "service and status": {Service: "b", Status: &status},
	} {
		for _, q.Limit = range []int{1, 7, 44, 45, 100} {
			if got := rootNames(searchAll(t, s, q)); !slices.Equal(got, want) {
				t.Errorf("%s, %d a page: got %v", name, q.Limit, got)
			}
		}
	}
	q := traceQuestion{Range: plait.TimeRange{From: now.Add(-2 * time.Hour), To: now.Add(-30 * time.Second)}, Limit: 3}
	if got, want := rootNames(searchAll(t, s, q)), want[20:30]; !slices.Equal(got, want) {
		t.Errorf("in a range: got %v, want %v", got, want)
	}
}

// TestTraceSearchFindsTheLastMoment: a time beyond what 64 bits of nanoseconds hold is stored as the last that they hold.
func TestTraceSearchFindsTheLastMoment(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	for i := range 3 {
		broken := span(traceNumber(1, uint64(i+1)), 1, 0, "a", strconv.Itoa(i), time.Now(), 0, 0)
		broken.StartNanos, broken.EndNanos = math.MaxInt64, math.MaxInt64
		writeSpans(t, s, broken)
	}
	for _, c := range []struct {
		q    traceQuestion
		want []string
	}{
		{traceQuestion{}, []string{"2", "1", "0"}},
		{traceQuestion{Service: "a"}, []string{"2", "1", "0"}},
		{traceQuestion{Name: "1"}, []string{"1"}},
	} {
		for _, c.q.Limit = range []int{1, 10} {
			if got := rootNames(searchAll(t, s, c.q)); !slices.Equal(got, c.want) {
				t.Errorf("%+v: got %v, want %v", c.q, got, c.want)
			}
		}
	}
}

func TestTraceSearchWantsAllConditionsOfOneSpan(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now := time.Now()
	long := strings.Repeat("long ", 500)
	for i, name := range []string{"one", "two", long} {
		id := traceNumber(1, uint64(i+1))
		root := span(id, 1, 0, "web", name, now, time.Minute+time.Duration(i)*time.Microsecond, 3*time.Second)
		inner := span(id, 2, 1, "shop", "inner "+name, now, time.Minute, time.Second)
		inner.Kind = plait.SpanKindInternal
		if name == "two" {
			inner.Status = plait.StatusError
		}
		inner.Events = []plait.Event{{Name: "inner one"}} // which is no span's name
		writeSpans(t, s, root, inner)
	}
	status, kind := plait.StatusError, plait.SpanKindInternal
	tests := []struct {
		name string
		q    traceQuestion
		want []string
	}{
		{"service", traceQuestion{Service: "shop"}, []string{"one", "two", long}},
		{"no such service", traceQuestion{Service: "sho"}, nil},
		{"name", traceQuestion{Name: "inner two"}, []string{"two"}},
		{"long name", traceQuestion{Name: long}, []string{long}},
		{"long name of another span", traceQuestion{Name: "inner " + long, Service: "shop"}, []string{long}},
		{"name of an event", traceQuestion{Name: "inner one"}, []string{"one"}},
		{"service and another's name", traceQuestion{Service: "web", Name: "inner two"}, nil},
		{"status", traceQuestion{Status: &status}, []string{"two"}},
		{"another's status", traceQuestion{Status: &status, Service: "web"}, nil},
		{"kind", traceQuestion{Kind: &kind, Service: "web"}, nil},
		{"duration", traceQuestion{MinDuration: 2 * time.Second, MaxDuration: 4 * time.Second, Name: "one"}, []string{"one"}},
		{"another's duration", traceQuestion{MinDuration: 2 * time.Second, Service: "shop"}, nil},
		{"longest duration", traceQuestion{MaxDuration: time.Second, Service: "web"}, nil},
		{"NUL and invalid UTF-8", traceQuestion{Service: "a\x00\xff", Name: "\x00"}, nil},
	}
	for _, tt := range tests {
		if got := rootNames(searchAll(t, s, tt.q)); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %.20q, want %.20q", tt.name, got, tt.want)
		}
	}
}

func TestTraceSearchComparesAttributesByWhatTheyMean(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now := time.Now()
	values := map[string]plait.Value{
		"int": plait.IntValue(500), "text": plait.StringValue("500"), "double": plait.DoubleValue(500), "more": plait.IntValue(5001),
		"true": plait.BoolValue(true), "text true": plait.StringValue("true"), "quoted": plait.StringValue(`50%_"\`), "empty": {},
		"array": plait.ArrayValue(`[1,"a"]`), "nested": plait.MapValue(`{"k":500}`), "bytes": plait.BytesValue("hi"),
	}
	n := uint64(0)
	for name, v := range values {
		n++
		span := span(traceNumber(1, n), 1, 0, "web", name, now, time.Minute, time.Second)
		span.Resource = resourceOf("web", strAttribute("host.name", "host of "+name))
		// the second is of use only where a value is not part of a set
		span.Attributes = plait.Attributes{{Key: "k", Value: v}, strAttribute("unique", fmt.Sprint(n))}
		writeSpans(t, s, span)
	}
	tests := []struct {
		attributes []plait.Attribute
		want       []string
	}{
		{[]plait.Attribute{strAttribute("k", "500")}, []string{"double", "int", "text"}},
		{[]plait.Attribute{strAttribute("k", "500.0")}, []string{"double", "int"}},
		{[]plait.Attribute{strAttribute("k", "5e2")}, []string{"double", "int"}},
		{[]plait.Attribute{{Key: "k", Value: plait.IntValue(500)}}, []string{"double", "int", "text"}},
		{[]plait.Attribute{strAttribute("k", "50")}, nil},
		{[]plait.Attribute{strAttribute("k", "true")}, []string{"text true", "true"}},
		{[]plait.Attribute{strAttribute("k", `50%_"\`)}, []string{"quoted"}},
		{[]plait.Attribute{strAttribute("k", `50_____`)}, nil},
		{[]plait.Attribute{strAttribute("k", `[1,"a"]`)}, []string{"array"}},
		{[]plait.Attribute{strAttribute("k", `{"$bytes":"aGk="}`)}, []string{"bytes"}},
		{[]plait.Attribute{strAttribute("k", "")}, []string{"empty"}},
		{[]plait.Attribute{strAttribute("host.name", "host of int"), strAttribute("k", "500")}, []string{"int"}},
		{[]plait.Attribute{strAttribute("host.name", "host of int"), strAttribute("k", "501")}, nil},
		{[]plait.Attribute{strAttribute("k", "500"), strAttribute("service.name", "web"), strAttribute("host.name", "host of text")}, []string{"text"}},
		{[]plait.Attribute{strAttribute("a\x00", "\xff")}, nil},
	}
	for _, tt := range tests {
		got := rootNames(searchAll(t, s, traceQuestion{Attributes: tt.attributes}))
		slices.Sort(got)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%v: got %v, want %v", tt.attributes, got, tt.want)
		}
	}
}

func TestTraceSearchRefusesCursorsOfOthers(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	for _, cursor := range []string{"x", "!", "AAAA"} {
		if _, _, err := s.Traces(t.Context(), traceQuestion{Cursor: cursor}.traces()); !errors.Is(err, plait.ErrInvalid) {
			t.Errorf("cursor %q: %v", cursor, err)
		}
		if _, _, err := s.Logs(t.Context(), query.Logs{Page: query.Page{Cursor: cursor}}); !errors.Is(err, plait.ErrInvalid) {
			t.Errorf("cursor %q: %v", cursor, err)
		}
	}
}
