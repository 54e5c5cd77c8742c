package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/storetest"
	"github.com/plaithq/plait/tracecontext"
	"github.com/plaithq/plait/wire/otlp"
)

// recordedCase is a folder of the recording, as its case.json tells it.
type recordedCase struct {
	folder string
	Start  int64 `json:"start_unix_nano"`
	End    int64 `json:"end_unix_nano"`
	Fault  *struct {
		Service, Type string
		At            string `json:"injected_at"`
	}
}

// recording lists the whole recording where it is found beside the project, else the excerpt.
func recording(t testing.TB) []recordedCase {
	t.Helper()
	folders, err := filepath.Glob("../../shared/data/trainticket/*/*")
	if err != nil {
		t.Fatal(err)
	}
	if len(folders) == 0 {
		folders = []string{excerpt}
	}
	var cases []recordedCase
	for _, folder := range folders {
		c := recordedCase{folder: folder}
		raw, err := os.ReadFile(filepath.Join(folder, "case.json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &c); err != nil {
			t.Fatalf("%s: %v", folder, err)
		}
		cases = append(cases, c)
	}
	return cases
}

func recordedGateway(t testing.TB, cases []recordedCase) *gateway {
	t.Helper()
	s := storetest.New(t)
	for _, c := range cases {
		load(t, s, c.folder)
	}
	return start(t, s, func(c *Config, _ *Deps) { c.MaxSpans = 100_000 })
}

// recordedIDs reads which spans and how many log records each recorded trace has.
func recordedIDs(t testing.TB, cases []recordedCase) (spans map[plait.TraceID][]plait.SpanID, logs map[plait.TraceID]int) {
	t.Helper()
	spans, logs = map[plait.TraceID][]plait.SpanID{}, map[plait.TraceID]int{}
	for _, c := range cases {
		eachLine(t, filepath.Join(c.folder, "traces.jsonl.gz"), func(line []byte) error {
			b, err := otlp.DecodeTracesJSON(line)
			if err != nil {
				return err
			}
			for i := range b.Spans {
				spans[b.Spans[i].TraceID] = append(spans[b.Spans[i].TraceID], b.Spans[i].SpanID)
			}
			return nil
		})
		eachLine(t, filepath.Join(c.folder, "logs.jsonl.gz"), func(line []byte) error {
			b, err := otlp.DecodeLogsJSON(line)
			if err != nil {
				return err
			}
			for i := range b.Records {
				logs[b.Records[i].TraceID]++
			}
			return nil
		})
	}
	return spans, logs
}

func compareSpanIDs(a, b plait.SpanID) int { return slices.Compare(a[:], b[:]) }

func TestOnTheRecording(t *testing.T) {
	t.Parallel()
	cases := recording(t)
	g := recordedGateway(t, cases)
	t.Run("every trace is whole and every log found", func(t *testing.T) { checkRecordedTraces(t, g, cases) })
	t.Run("a spike leads to traces that are slow because of the fault", func(t *testing.T) { checkRecordedFaults(t, g, cases) })
}

// checkedTraces is how many traces are looked at, about, spread over all.
const checkedTraces = 500

func checkRecordedTraces(t *testing.T, g *gateway, cases []recordedCase) {
	t.Helper()
	spans, logs := recordedIDs(t, cases)
	if len(spans) == 0 || len(logs) == 0 {
		t.Fatal("the recording holds nothing")
	}
	ids := slices.SortedFunc(maps.Keys(spans), func(a, b plait.TraceID) int { return slices.Compare(a[:], b[:]) })
	step := 1 + len(ids)/checkedTraces
	turn, withLogs := 0, 0
	for i := 0; i < len(ids); i += step {
		id, want := ids[i], spans[ids[i]]
		got := answerOf[traceAnswer](t, g, root+"/pivot/trace/"+id.String())
		var inTree []plait.SpanID
		placed := 0
		for i, s := range got.Spans {
			inTree = append(inTree, s.SpanID)
			placed += len(s.Logs)
			if i > 0 && s.Depth > got.Spans[i-1].Depth+1 {
				t.Errorf("trace %v: span %v hangs in the air at depth %d", id, s.SpanID, s.Depth)
			}
		}
		slices.SortFunc(inTree, compareSpanIDs)
		slices.SortFunc(want, compareSpanIDs)
		if want = slices.Compact(want); !slices.Equal(inTree, want) {
			t.Errorf("trace %v shows %d spans, recorded are %d", id, len(inTree), len(want))
		}
		if n := placed + len(got.UnattachedLogs); n != logs[id] {
			t.Errorf("trace %v shows %d logs, recorded are %d", id, n, logs[id])
		}
		checkCriticalPath(t, got)
		if logs[id] == 0 {
			continue
		}
		withLogs++
		found := answerOf[logsAnswer](t, g, root+"/logs?limit=5000&trace_id="+id.String())
		if len(found.Logs) != logs[id] {
			t.Errorf("%v finds %d logs, recorded are %d", id, len(found.Logs), logs[id])
		}
		// Each spelling in turn: all of them for one trace are another test's business.
		spellings := traceSpellings(id)
		spelling := spellings[turn%len(spellings)]
		turn++
		page := answerOf[logsAnswer](t, g, root+"/pivot/trace/"+url.PathEscape(spelling)+"/logs?limit=1")
		if len(page.Logs) != 1 || page.Logs[0].TraceID != id.String() || logs[id] > 1 == (page.NextCursor == "") {
			t.Errorf("%s finds %d logs of trace %v, which has %d", spelling, len(page.Logs), id, logs[id])
		}
	}
	if withLogs == 0 {
		t.Error("no trace that was looked at has logs")
	}
	t.Logf("every %d. of %d traces, %d of them with logs", step, len(ids), withLogs)
}

// traceSpellings is how ecosystems write a trace id.
func traceSpellings(id plait.TraceID) []string {
	var values []string
	for _, s := range tracecontext.Spellings(tracecontext.Context{TraceID: id}) {
		if c, err := tracecontext.Parse(s.Value); err == nil && c.TraceID.Low() == id.Low() && !slices.Contains(values, s.Value) {
			values = append(values, s.Value)
		}
	}
	return values
}

// checkCriticalPath holds that the path's parts add up to the duration of one root.
func checkCriticalPath(t *testing.T, a traceAnswer) {
	t.Helper()
	var total, bySpan int64
	for _, s := range a.CriticalPath {
		total += s.DurationNS
	}
	isRoot := false
	for _, s := range a.Spans {
		bySpan += s.CriticalPathNS
		isRoot = isRoot || s.Depth == 0 && s.DurationNS == total
		if s.SelfTimeNS < 0 || s.SelfTimeNS > max(s.DurationNS, 0) {
			t.Errorf("span %v has self time %d of %d ns", s.SpanID, s.SelfTimeNS, s.DurationNS)
		}
	}
	if !isRoot || total != bySpan {
		t.Errorf("trace %v: the critical path has %d ns, its spans %d", a.Trace.TraceID, total, bySpan)
	}
}

// checkRecordedFaults asks for the faults that slow a service down. The excerpt has none: there
// the slowest come first.
func checkRecordedFaults(t *testing.T, g *gateway, cases []recordedCase) {
	t.Helper()
	asked, all, guilty := 0, 0, 0
	for _, c := range cases {
		if c.Fault == nil || c.Fault.Type != "cpu_contention" && c.Fault.Type != "network_delay" {
			continue
		}
		asked++
		// A delay on the network shows in the calls to the service, not within it.
		query := fmt.Sprintf("traces_spanmetrics_latency{service=%q}", c.Fault.Service)
		if c.Fault.Type == "network_delay" {
			query = fmt.Sprintf("traces_service_graph_request_client_seconds{server=%q}", c.Fault.Service)
		}
		hits := pivotCase(t, g, c, query)
		if len(hits) < 8 {
			t.Errorf("%s: %s leads to %d traces, want 8 or more", c.folder, query, len(hits))
		}
		slow := 0
		for _, e := range hits {
			if !slices.Contains(e.Trace.Services, c.Fault.Service) {
				t.Errorf("%s: trace %v does not pass %s", c.folder, e.TraceID, c.Fault.Service)
			}
			if float64(*e.Value)*1e9 > 2*float64(e.TypicalDurationNS) {
				slow++
			}
		}
		if slow < 8 {
			t.Errorf("%s: %d of %d traces are slower than twice the usual", c.folder, slow, len(hits))
		}
		for _, e := range pivotCase(t, g, c, "traces_spanmetrics_latency") {
			all++
			if slices.Contains(e.Trace.Services, c.Fault.Service) {
				guilty++
			}
		}
	}
	if asked == 0 {
		hits := pivotCase(t, g, cases[0], `traces_spanmetrics_latency{span_kind="SPAN_KIND_SERVER"}`)
		byValue := slices.IsSortedFunc(hits, func(a, b exemplar) int { return int((*b.Value - *a.Value) * 1e9) })
		if len(hits) != 10 || !byValue {
			t.Errorf("without a baseline the %d answers are not in order of duration", len(hits))
		}
		return
	}
	t.Logf("asked for all services, %d of %d traces pass the service to blame", guilty, all)
	if guilty*4 < all*3 {
		t.Errorf("asked for all services, %d of %d traces pass the service to blame", guilty, all)
	}
}

func pivotCase(t *testing.T, g *gateway, c recordedCase, query string) []exemplar {
	t.Helper()
	params := url.Values{"query": {query}, "start": {fmt.Sprint(c.Start)}, "end": {fmt.Sprint(c.End)}, "limit": {"10"}}
	answer := answerOf[metricAnswer](t, g, root+"/pivot/metric?"+params.Encode())
	seen := map[plait.TraceID]bool{}
	for _, e := range answer.Exemplars {
		if seen[e.TraceID] || e.Match != "exemplar" || e.Trace.SpanCount == 0 {
			t.Errorf("%s: trace %v comes twice (%v), is %s or has %d spans", query, e.TraceID, seen[e.TraceID], e.Match, e.Trace.SpanCount)
		}
		seen[e.TraceID] = true
	}
	return answer.Exemplars
}
