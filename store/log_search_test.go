package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

// searchAllLogs reads page after page.
func searchAllLogs(t *testing.T, s *store.Store, q query.Logs) []plait.LogRecord {
	t.Helper()
	return allPages(t, func(cursor string) ([]plait.LogRecord, string, error) {
		q.Cursor = cursor
		return s.Logs(t.Context(), q)
	})
}

func TestLogSearchPagesThroughAllRecords(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now := time.Now()
	var want []string // newest first
	for i, age := range []time.Duration{-time.Hour, 0, time.Second, time.Hour, 30 * time.Hour, 1000 * 24 * time.Hour} {
		for j := range 4 {
			body := fmt.Sprintf("%d.%d", i, j)
			writeLogs(t, s, record(traceNumber(1, uint64(j%2)), 1, "a", body, now, age+time.Duration(j)))
			want = append(want, body)
		}
	}
	// seven records that nothing tells apart
	same := make([]plait.LogRecord, 7)
	for i := range same {
		same[i] = record(plait.TraceID{}, 0, "a", "same", now, 2*time.Hour)
		want = append(want, "")
		copy(want[17:], want[16:])
		want[16] = "same"
	}
	writeLogs(t, s, same...)
	for _, limit := range []int{1, 3, 5, 30, 31, 32} {
		q := query.Logs{Page: query.Page{Limit: limit}}
		if got := bodies(searchAllLogs(t, s, q)); !slices.Equal(got, want) {
			t.Errorf("%d a page: got %v, want %v", q.Limit, got, want)
		}
		q.Ascending = true
		got := bodies(searchAllLogs(t, s, q))
		slices.Reverse(got)
		if !slices.Equal(got, want) {
			t.Errorf("%d a page, ascending: got reversed %v, want %v", q.Limit, got, want)
		}
	}
}

func TestLogSearchConditions(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now, id := time.Now(), traceNumber(1, 1)
	one := record(id, 1, "web", `Paid 100%, "order_7"`, now, time.Minute)
	two := record(id, 2, "shop", "ÜBER\\limit", now, time.Second)
	two.Severity = 17
	three := record(plait.TraceID{}, 0, "shop", "", now, time.Hour)
	three.Body = plait.MapValue(`{"order":7}`)
	four := record(plait.TraceID{}, 0, "quota", "", now, 2*time.Hour)
	four.Body = plait.MapValue(`{"msg":"say \"gold\""}`)
	five := record(plait.TraceID{}, 0, "quota", `{"log":"{\"msg\":\"quota \\\"gold\\\" exceeded\"}"}`, now, 3*time.Hour)
	six := record(plait.TraceID{}, 0, "quota", `{"msg":"caf\u00e9\/bar, \ud83d\ude42 ok, \u003C\u0022it\u0027s\u0022\u003E"}`, now, 4*time.Hour)
	writeLogs(t, s, one, two, three, four, five, six)
	first, second, third := one.Body.Str(), two.Body.Str(), three.Body.Str()
	fourth, fifth, sixth := four.Body.Str(), five.Body.Str(), six.Body.Str()
	tests := []struct {
		name string
		q    query.Logs
		want []string
	}{
		{"all", query.Logs{}, []string{second, first, third, fourth, fifth, sixth}},
		{"trace", query.Logs{Condition: query.LogTrace(id)}, []string{second, first}},
		{"trace, ascending", query.Logs{Condition: query.LogTrace(id), Ascending: true}, []string{first, second}},
		{"span", query.Logs{Condition: condition.And{query.LogTrace(id), query.LogSpan(spanNumber(1))}}, []string{first}},
		{"span alone", query.Logs{Condition: query.LogSpan(spanNumber(2))}, []string{second}},
		{"service", query.Logs{Condition: query.Service("shop")}, []string{second, third}},
		{"service of a trace", query.Logs{Condition: condition.And{query.Service("shop"), query.LogTrace(id)}}, []string{second}},
		{"no such service", query.Logs{Condition: query.Service("sho")}, nil},
		{"severity", query.Logs{Condition: query.SeverityAtLeast(10)}, []string{second}},
		{"severity of a trace", query.Logs{Condition: condition.And{query.SeverityAtLeast(10), query.LogTrace(id)}}, []string{second}},
		{"text in any case", query.Logs{Condition: condition.BodyContains("pAID 100%, \"ORDER_7")}, []string{first}},
		{"text that is no pattern", query.Logs{Condition: condition.BodyContains("1__%")}, nil},
		{"text with backslash", query.Logs{Condition: condition.BodyContains(`r\l`)}, []string{second}},
		{"text in a map", query.Logs{Condition: condition.BodyContains(`"order":7`)}, []string{third}},
		{"text that JSON escapes", query.Logs{Condition: condition.BodyContains(`say "gold"`)}, []string{fourth}},
		{"text that JSON in JSON escapes", query.Logs{Condition: condition.BodyContains(`quota "gold" exceeded`)}, []string{fifth}},
		{"text that was written with escapes", query.Logs{Condition: condition.BodyContains(`CAFÉ/bar`)}, []string{sixth}},
		{"a character beyond 16 bits, with escapes", query.Logs{Condition: condition.BodyContains(`🙂 ok`)}, []string{sixth}},
		{"quotes, with .NET's escapes", query.Logs{Condition: condition.BodyContains(`<"it's">`)}, []string{sixth}},
		{"text of a trace", query.Logs{Condition: condition.And{condition.BodyContains("order"), query.LogTrace(id)}}, []string{first}},
		{"from", query.Logs{Range: plait.TimeRange{From: now.Add(-time.Minute)}}, []string{second, first}},
		{"to", query.Logs{Condition: query.LogTrace(id), Range: plait.TimeRange{To: now.Add(-time.Second)}}, []string{first}},
		{"from and to the nanosecond", query.Logs{Range: plait.TimeRange{From: now.Add(-time.Minute), To: now.Add(-time.Minute + 1)}}, []string{first}},
		{"the same, ascending", query.Logs{Range: plait.TimeRange{From: now.Add(-time.Minute), To: now.Add(-time.Minute + 1)}, Ascending: true}, []string{first}},
		{"a nanosecond before", query.Logs{Range: plait.TimeRange{From: now.Add(-time.Minute - 1), To: now.Add(-time.Minute)}}, nil},
		{"a nanosecond after, ascending", query.Logs{Range: plait.TimeRange{From: now.Add(-time.Minute + 1), To: now.Add(-time.Minute + 2)}, Ascending: true}, nil},
		{"NUL and invalid UTF-8", query.Logs{Condition: condition.And{condition.BodyContains("\x00\xff"), query.Service("\x00")}}, nil},
	}
	for _, tt := range tests {
		if got := bodies(searchAllLogs(t, s, tt.q)); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
