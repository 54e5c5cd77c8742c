package store_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/store/storetest"
)

// saidValues are values, and what asks for them.
var saidValues = []struct {
	value    plait.Value
	askedAs  []string
	butNotAs []string
}{
	{plait.IntValue(1234567890123456789), []string{"1234567890123456789", "1234567890123456789.0", "1.234567890123456789e18"},
		[]string{"1234567890123456768", "1234567890123456790", "1.2345678901234568e18", `"1234567890123456789"`}},
	{plait.IntValue(math.MinInt64), []string{"-9223372036854775808"}, []string{"-9223372036854775807", "9223372036854775808"}},
	{plait.IntValue(1000), []string{"1000", "1e3", "1E3", "1000.0", "+1000"}, []string{"1000.5", "100", "10000", "1000x", ""}},
	{plait.IntValue(0), []string{"0", "-0", "0.0"}, []string{"", "null", "false"}},
	{plait.DoubleValue(1000), []string{"1000", "1000.0", "1e3"}, []string{"1000.1", `"1000"`}},
	{plait.DoubleValue(0.1), []string{"0.1", "1e-1", ".1", "0.10"}, []string{"0.2"}},
	{plait.DoubleValue(1234567890123456768), []string{"1234567890123456768", "1.2345678901234568e18"}, []string{"1234567890123456789"}},
	{plait.DoubleValue(math.NaN()), []string{"NaN", "nan"}, []string{"0", ""}},
	{plait.DoubleValue(math.Inf(-1)), []string{"-Infinity", "-inf"}, []string{"Infinity"}},
	{plait.BoolValue(true), []string{"true", "True"}, []string{"1", `"true"`, "false"}},
	{plait.StringValue("1"), []string{"1", `"1"`}, []string{"1.0", "01"}},
	{plait.StringValue(`say "é"/a`), []string{`say "é"/a`, `"say \"\u00e9\"\/a"`}, []string{`say \"é\"/a`, "say"}},
	{plait.StringValue("50%_\\"), []string{"50%_\\"}, []string{"50", "50%%\\"}},
	{plait.Value{}, []string{"", "null"}, []string{"0"}},
	{plait.BytesValue("hi"), []string{"aGk=", `{"$bytes":"aGk="}`}, []string{"hi"}},
	{plait.ArrayValue(`["gold",7,2.0]`), []string{"gold", `"gold"`, "7", "2", "2.0", `["gold",7,2.0]`, `[ "gold", 7.0, 2 ]`},
		[]string{"gol", `["gold"]`, "8"}},
	{plait.MapValue(`{"a":1,"b":[true]}`), []string{`{"a":1,"b":[true]}`, `{ "b": [true], "a": 1.0 }`}, []string{`{"a":1}`, "1"}},
}

// TestAttributesAreFoundByWhatTheySay asks traces and log records for each value, of their own, of
// a resource, in a map and in a list of maps.
func TestAttributesAreFoundByWhatTheySay(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now := time.Now()
	places := []struct{ key string }{{"own"}, {"shared.by.resource"}, {"in.map"}, {"in.list.of.maps"}, {"plain"}}
	for i, said := range saidValues {
		name, json := fmt.Sprint(i), string(said.value.AppendJSON(nil))
		attributes := plait.Attributes{
			{Key: "own", Value: said.value},
			{Key: "in", Value: plait.MapValue(`{"map":` + json + `,"$own":"x"}`)},
			{Key: "in.list", Value: plait.ArrayValue(`[3,{"of":{"maps":` + json + `}}]`)},
			{Key: "many." + name, Value: plait.StringValue("keeps sets apart")},
		}
		resource := &plait.Resource{Attributes: plait.Attributes{
			{Key: "service.name", Value: plait.StringValue("s" + name)}, {Key: "shared.by.resource", Value: said.value},
		}}
		one := span(traceNumber(7, uint64(i)), 1, 0, "s"+name, name, now, time.Minute, time.Second)
		one.Attributes, one.Resource = attributes, resource
		writeSpans(t, s, one)
		line := record(plait.TraceID{}, 0, "s"+name, name, now, time.Minute)
		line.Attributes, line.Resource = attributes, resource
		writeLogs(t, s, line)
	}
	ask := func(i int, key, text string) (traces, logs bool) {
		asked := []plait.Attribute{{Key: key, Value: plait.StringValue(text)}}
		name, then := fmt.Sprint(i), plait.TimeRange{From: now.Add(-time.Minute), To: now.Add(-59 * time.Second)}
		return slices.Contains(rootNames(searchAll(t, s, traceQuestion{Attributes: asked, Range: then})), name),
			slices.Contains(bodies(searchAllLogs(t, s, query.Logs{Condition: query.LogAttribute(key, text), Range: then})), name)
	}
	for i, said := range saidValues {
		for _, place := range places[:4] {
			for _, text := range said.askedAs {
				if traces, logs := ask(i, place.key, text); !traces || !logs {
					t.Errorf("%s=%s does not find %s: traces %v, logs %v", place.key, text, said.value.Text(), traces, logs)
				}
			}
			for _, text := range said.butNotAs {
				if traces, logs := ask(i, place.key, text); traces || logs {
					t.Errorf("%s=%s finds %s: traces %v, logs %v", place.key, text, said.value.Text(), traces, logs)
				}
			}
		}
	}
}

func TestLogSearchByAttributesPagesThroughGuesses(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now := time.Now()
	var records []plait.LogRecord
	var want []string
	for i := range 300 {
		r := record(traceNumber(1, uint64(i%2)), 1, "shop", fmt.Sprint(i), now, time.Duration(i/50)*time.Millisecond)
		tags := `["silver",{"was":"gold"}]` // which a pattern takes for gold
		if i%30 == 0 {
			tags = `["gold"]`
			want = append(want, fmt.Sprint(i))
		}
		r.Attributes = plait.Attributes{{Key: "tags", Value: plait.ArrayValue(tags)}, {Key: "n", Value: plait.IntValue(int64(i))}}
		records = append(records, r)
	}
	writeLogs(t, s, records...)
	gold := query.LogAttribute("tags", "gold")
	q := query.Logs{Condition: gold}
	for _, q.Limit = range []int{1, 3, 10, 100} {
		got := bodies(searchAllLogs(t, s, q))
		slices.Sort(got)
		wanted := slices.Sorted(slices.Values(want))
		if !slices.Equal(got, wanted) {
			t.Errorf("%d a page: got %v, want %v", q.Limit, got, wanted)
		}
	}
	q.Condition = condition.And{gold, query.LogAttribute("n", "60")}
	if got := bodies(searchAllLogs(t, s, q)); !slices.Equal(got, []string{"60"}) {
		t.Errorf("both attributes: got %v, want 60", got)
	}
	q.Condition = condition.And{gold, query.LogTrace(traceNumber(1, 1))}
	if got := bodies(searchAllLogs(t, s, q)); len(got) != 0 {
		t.Errorf("of the trace without gold: got %v, want none", got)
	}
	q.Condition = condition.And{gold, query.LogTrace(traceNumber(1, 0))}
	if got := bodies(searchAllLogs(t, s, q)); len(got) != len(want) {
		t.Errorf("of the trace with gold: got %v, want all", got)
	}
}
