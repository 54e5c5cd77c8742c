package series_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/labels"
	"go.uber.org/goleak"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/series"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestExemplarIDsWhateverTheyAreCalled(t *testing.T) {
	t.Parallel()
	const hex = "4bf92f3577b34da6a3ce929d0e0e4736"
	for _, c := range []struct {
		labels      []string
		trace, span string
		left        int
	}{
		{[]string{"trace_id", hex, "span_id", "00f067aa0ba902b7"}, hex, "00f067aa0ba902b7", 0},
		{[]string{"traceID", strings.ToUpper(hex), "spanID", "f067aa0ba902b7"}, hex, "00f067aa0ba902b7", 0},
		{[]string{"TraceId", hex, "SpanId", "00F067AA0BA902B7", "user", "u"}, hex, "00f067aa0ba902b7", 1},
		{[]string{"trace.id", hex}, hex, "", 0},
		{[]string{"traceparent", "00-" + hex + "-00f067aa0ba902b7-01"}, hex, "00f067aa0ba902b7", 0},
		{[]string{"b3", hex + "-00f067aa0ba902b7-1"}, hex, "00f067aa0ba902b7", 0},
		{[]string{"X_B3_TraceId", hex, "X_B3_SpanId", "00f067aa0ba902b7"}, hex, "00f067aa0ba902b7", 0},
		{[]string{"uber-trace-id", hex + ":00f067aa0ba902b7:0:1"}, hex, "00f067aa0ba902b7", 0},
		{[]string{"operation_Id", hex}, hex, "", 0},
		{[]string{"X-Cloud-Trace-Context", hex + "/67667974448284343;o=1"}, hex, "00f067aa0ba902b7", 0},
		{[]string{"trace.trace_id", hex}, hex, "", 0},
		{[]string{"span_id", "00f067aa0ba902b7"}, "", "", 1}, // of no trace
		{[]string{"dd.trace_id", "1234567890123456789", "dd.span_id", "12345678901234567890"}, "0000000000000000112210f47de98115", "ab54a98ceb1f0ad2", 0},
		{[]string{"trace_id", "0x" + hex, "span_id", "0x00F067AA0BA902B7"}, hex, "00f067aa0ba902b7", 0},
		{[]string{"trace_id", "not an id", "span_id", ""}, "", "", 2},
		{[]string{"user", hex}, "", "", 1},
		{nil, "", "", 0},
	} {
		e, err := series.Exemplar(exemplar.Exemplar{Labels: labels.FromStrings(c.labels...), Value: 1, Ts: 5, HasTs: true}, 0)
		if err != nil {
			t.Errorf("%v: %v", c.labels, err)
			continue
		}
		trace, span := "", ""
		if !e.TraceID.IsZero() {
			trace = e.TraceID.String()
		}
		if !e.SpanID.IsZero() {
			span = e.SpanID.String()
		}
		if trace != c.trace || span != c.span || len(e.Labels) != c.left || e.TimeNanos != 5e6 {
			t.Errorf("%v: %+v", c.labels, e)
		}
	}
}

func TestExemplarsWithUnusableLabelsAreRefused(t *testing.T) {
	t.Parallel()
	for want, ls := range map[string]labels.Labels{
		"is not UTF-8":     labels.FromStrings("a", "\xff"),
		"occurs twice":     labels.New(labels.Label{Name: "a", Value: "1"}, labels.Label{Name: "a", Value: "2"}),
		"bytes, more than": labels.FromStrings("a", strings.Repeat("x", 5000)),
	} {
		if _, err := series.Exemplar(exemplar.Exemplar{Labels: ls}, 5); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestASeriesHasAsManyLabelsAsAreAllowed(t *testing.T) {
	t.Parallel()
	const most = 128
	for _, n := range []int{most, most + 1} {
		all := []string{plait.NameLabel, "up"}
		for i := 1; i < n; i++ {
			all = append(all, fmt.Sprintf("label_%d", i), "x")
		}
		err := series.CheckLabels(labels.FromStrings(all...))
		if allowed := n <= most; (err == nil) != allowed || err != nil && !errors.Is(err, plait.ErrInvalid) {
			t.Errorf("a series with %d labels is refused with %v, want it allowed: %v", n, err, allowed)
		}
	}
}

func TestNamesForgetTheOldestOnly(t *testing.T) {
	t.Parallel()
	names := series.NewNames(func(*series.Name) int { return 1_500_000 }) // sixteen to a generation
	key := func(i uint64) series.Key { return series.Key{}.WithNumber(i) }
	for i := range uint64(48) {
		names.Add(key(i), &series.Name{ID: int64(i)})
		if n := names.Get(key(0)); i < 3 && n == nil {
			t.Errorf("the first name is gone after %d", i+1)
		}
		names.Get(key(1)) // stays young by being asked for
	}
	if names.Get(key(1)) == nil {
		t.Error("a name that is asked for all the time is gone")
	}
	if names.Get(key(47)) == nil {
		t.Error("the newest name is gone")
	}
	if names.Get(key(2)) != nil {
		t.Error("a name that nobody asks for is still there")
	}
}

func TestKeysTellOrderAndBordersApart(t *testing.T) {
	t.Parallel()
	var k series.Key
	if k.With("a").With("b") == k.With("b").With("a") || k.With("ab").With("") == k.With("a").With("b") {
		t.Error("different texts have the same key")
	}
	again := series.Key{}.With("a")
	if k.With("a") != again {
		t.Error("the same text has two keys")
	}
}

func TestSamplesOfOneSeriesMeet(t *testing.T) {
	t.Parallel()
	c := series.NewCollector(2)
	for i := range int64(3) {
		s, err := c.Series(labels.FromStrings("__name__", "up", "empty", ""))
		if err != nil {
			t.Fatal(err)
		}
		c.AddSample(s, plait.Sample{TimeMillis: i})
	}
	m := c.Metrics()
	if len(m.Series) != 1 || len(m.Series[0].Samples) != 3 || len(m.Series[0].Labels) != 1 {
		t.Errorf("%+v", m.Series)
	}
}
