package store_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plaithq/plait"
	questions "github.com/plaithq/plait/query"
	"github.com/plaithq/plait/store/storetest"
)

func spanNames(spans []plait.Span) (names []string) {
	for i := range spans {
		names = append(names, spans[i].Name)
	}
	return names
}

func label(name string, op plait.MatchOp, value string) plait.Matcher {
	return plait.Matcher{Name: name, Op: op, Value: value}
}

func TestSpansMatchAsPromQLDoes(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now := time.Now()
	long := strings.Repeat("long ", 500)
	var spans []plait.Span
	for i, name := range []string{"GET /a", "GET /b", "POST\n/a", long} {
		one := span(traceNumber(1, 1), int64(i+1), 0, "web", name, now, time.Minute-time.Duration(i), time.Second)
		one.Resource = resourceOf("web", strAttribute("host.name", "h"), plait.Attribute{Key: "n", Value: plait.IntValue(7)})
		spans = append(spans, one)
	}
	other := span(traceNumber(1, 2), 1, 0, "shop", "pay", now, time.Minute-time.Hour, time.Second)
	other.Kind, other.Status = plait.SpanKindClient, plait.StatusError
	writeSpans(t, s, append(spans, other)...)
	type matchers = []plait.Matcher
	tests := []struct {
		name               string
		matchers, resource matchers
		want               []string
	}{
		{"nothing", nil, nil, []string{"pay", long, "POST\n/a", "GET /b", "GET /a"}},
		{"metric name", matchers{label("__name__", "=", "traces_spanmetrics_latency"), label("service", "=", "shop")}, nil, []string{"pay"}},
		{"service", matchers{label("service", "!=", "shop"), label("span_name", "!=", long)}, nil, []string{"POST\n/a", "GET /b", "GET /a"}},
		{"anchored", matchers{label("span_name", "=~", "GET")}, nil, nil},
		{"anchored alternatives", matchers{label("span_name", "=~", "GET|pay")}, nil, []string{"pay"}},
		{"line break", matchers{label("span_name", "=~", "POST./a")}, nil, []string{"POST\n/a"}},
		{"negative", matchers{label("span_name", "!~", "GET.*|long.*"), label("service", "=", "web")}, nil, []string{"POST\n/a"}},
		{"long name", matchers{label("span_name", "=", long)}, nil, []string{long}},
		{"long name by pattern", matchers{label("span_name", "=~", "(long )+")}, nil, []string{long}},
		{"kind", matchers{label("span_kind", "=", "SPAN_KIND_CLIENT")}, nil, []string{"pay"}},
		{"status", matchers{label("status_code", "=~", "STATUS_CODE_(ERROR|OK)")}, nil, []string{"pay"}},
		{"no status", matchers{label("status_code", "=", "ERROR")}, nil, nil},
		{"absent label", matchers{label("le", "=", "0.1")}, nil, nil},
		{"absent label and status", matchers{label("le", "=", "0.1"), label("status_code", "=~", ".*")}, nil, nil},
		{"label that is absent", matchers{label("le", "=~", "|0.1"), label("service", "=", "shop")}, nil, []string{"pay"}},
		{"resource", nil, matchers{label("host.name", "=", "h"), label("n", "=", "7")}, []string{long, "POST\n/a", "GET /b", "GET /a"}},
		{"absent resource attribute", nil, matchers{label("host.name", "=", "")}, []string{"pay"}},
	}
	for _, tt := range tests {
		got, err := s.Spans(t.Context(), spanQuestion{Matchers: tt.matchers, Resource: tt.resource, Order: questions.NewestFirst}.spans(t))
		if err != nil || !slices.Equal(spanNames(got), tt.want) {
			t.Errorf("%s: got %.20q, %v, want %.20q", tt.name, spanNames(got), err, tt.want)
		}
	}
	for _, m := range []plait.Matcher{label("service", "=~", "("), label("service", "~", "")} {
		if _, err := (spanQuestion{Matchers: matchers{m}}).condition(); !errors.Is(err, plait.ErrInvalid) {
			t.Errorf("matcher %v: %v", m, err)
		}
	}
}

func TestSpansAreFoundByAnyOfSomeAttributes(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now := time.Now()
	for i := range int64(200) { // enough of one kind for a dictionary of their attributes
		common := span(traceNumber(1, 1), i+1, 0, "web", "SELECT", now, time.Hour-time.Duration(i), time.Second)
		common.Attributes = plait.Attributes{strAttribute("db.name", "orders"), strAttribute("db.system", "mysql")}
		writeSpans(t, s, common)
	}
	for i, attributes := range []plait.Attributes{
		{strAttribute("peer.service", "or%ers")},
		{strAttribute("db.name", "users")},
		{strAttribute("note", `"db.name":"orders"`)},
		{{Key: "db.name", Value: plait.IntValue(7)}},
		nil,
	} {
		one := span(traceNumber(1, 2), int64(i+1), 0, "web", string(rune('a'+i)), now, time.Minute-time.Duration(i), time.Second)
		one.Attributes = attributes
		one.Resource = resourceOf("web", strAttribute("db.name", "resource"))
		writeSpans(t, s, one)
	}
	for _, test := range []struct {
		any  []plait.Matcher
		want []string
	}{
		{[]plait.Matcher{label("db.name", "=", "users"), label("peer.service", "=", "or%ers")}, []string{"b", "a"}},
		{[]plait.Matcher{label("db.name", "=", "orders")}, []string{"SELECT", "SELECT", "SELECT"}},
		{[]plait.Matcher{label("db.name", "=", "resource")}, nil},
		{[]plait.Matcher{label("db.name", "=~", "us.*|7")}, []string{"d", "b"}},
		{[]plait.Matcher{label("db.name", "!=", "orders"), label("peer.service", "!=", "")}, []string{"d", "b", "a"}},
	} {
		for _, order := range []questions.SpanOrder{questions.NewestFirst, questions.SlowestFirst} {
			got, err := s.Spans(t.Context(), spanQuestion{AnyAttribute: test.any, Order: order, Limit: 3}.spans(t))
			names := spanNames(got)
			if order == questions.SlowestFirst { // they all take as long
				slices.Sort(names)
				slices.Reverse(names)
			}
			if err != nil || !slices.Equal(names, test.want) {
				t.Errorf("%v: got %q, %v, want %q", test.any, names, err, test.want)
			}
		}
	}
}

func TestSlowestSpansComeFirstInWhateverTimeTheyAre(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	for _, now := range []time.Time{time.Now(), time.Date(2023, 1, 29, 8, 58, 0, 0, time.UTC)} {
		id := traceNumber(1, uint64(now.Year()))
		writeSpans(t, s,
			span(id, 1, 0, "a", "fast", now, time.Minute, time.Millisecond),
			span(id, 2, 0, "a", "slowest", now, time.Hour, 4*time.Second),
			span(id, 3, 0, "a", "slow", now, time.Second, 2*time.Second),
			span(id, 4, 0, "a", "later", now, -time.Hour, time.Minute))
		between := plait.TimeRange{From: now.Add(-2 * time.Hour), To: now}
		for _, tt := range []struct {
			q    spanQuestion
			want []string
		}{
			{spanQuestion{Limit: 1}, []string{"slowest"}},
			{spanQuestion{Limit: 2}, []string{"slowest", "slow"}},
			{spanQuestion{Limit: 5}, []string{"slowest", "slow", "fast"}},
			{spanQuestion{Max: 3 * time.Second}, []string{"slow", "fast"}},
			{spanQuestion{Min: 3 * time.Second}, []string{"slowest"}},
			{spanQuestion{Order: questions.NewestFirst, Limit: 2}, []string{"slow", "fast"}},
		} {
			tt.q.Range = between
			got, err := s.Spans(t.Context(), tt.q.spans(t))
			if err != nil || !slices.Equal(spanNames(got), tt.want) {
				t.Errorf("%d, %+v: got %v, %v, want %v", now.Year(), tt.q, spanNames(got), err, tt.want)
			}
		}
	}
}
