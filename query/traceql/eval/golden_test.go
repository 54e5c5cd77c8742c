package eval_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/traceql"
	"github.com/plaithq/plait/query/traceql/eval"
	"github.com/plaithq/plait/wire/otlp"
)

// What a real Tempo answers, where the folder is at hand: its README tells the form.
const (
	goldenTempo = "../../../../shared/data/golden/tempo/"
	goldenBase  = 1_700_000_100 // the second that times in the questions are relative to
	second      = 1_000_000_000
)

type goldenQuestion struct {
	Name, Family, Kind string
	Params             map[string]any
	Answer, Right      goldenAnswer
	Also               goldenAnswer
	Loose, Nested      bool
	Count              int
	Tolerance          string
	Subset             bool
	Bounds             map[string]map[string][2]float64
}

type goldenAnswer struct {
	Status int
	Traces map[string][]goldenSet
	Series map[string]map[string]float64
}

type goldenSet struct {
	Matched int
	Spans   json.RawMessage // by number, with attributes; or how many are shown
	By      map[string]any
}

// golden reads questions and traces. It skips the test where they are not there.
func golden(t *testing.T) (questions []goldenQuestion, traces []condition.TraceView, spanNumber map[plait.SpanID]string) {
	t.Helper()
	packed, err := os.ReadFile(goldenTempo + "traces.jsonl.gz")
	if err != nil {
		t.Skipf("without the folder of answers: %v", err)
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	ofTrace := map[plait.TraceID][]plait.Span{}
	var ids []plait.SpanID
	for line := range bytes.Lines(all) {
		batch, err := otlp.DecodeTracesJSON(line)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range batch.Spans {
			ofTrace[s.TraceID] = append(ofTrace[s.TraceID], s)
			ids = append(ids, s.SpanID)
		}
	}
	for _, spans := range ofTrace {
		slices.SortFunc(spans, func(a, b plait.Span) int { return int(a.StartNanos - b.StartNanos) })
		traces = append(traces, condition.TraceView{Spans: spans})
	}
	slices.SortFunc(traces, func(a, b condition.TraceView) int {
		return bytes.Compare(a.Spans[0].TraceID[:], b.Spans[0].TraceID[:])
	})
	slices.SortFunc(ids, func(a, b plait.SpanID) int { return bytes.Compare(a[:], b[:]) })
	spanNumber = map[plait.SpanID]string{}
	for i, id := range ids {
		spanNumber[id] = strconv.Itoa(i)
	}
	file, err := os.ReadFile(goldenTempo + "queries.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(file))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var q goldenQuestion
		if err := json.Unmarshal(lines.Bytes(), &q); err == nil {
			questions = append(questions, q)
		}
	}
	return questions, traces, spanNumber
}

var relativeNanos = regexp.MustCompile(`<ns:(\d+)>`)

func (q *goldenQuestion) query(t *testing.T) *traceql.Query {
	t.Helper()
	text := relativeNanos.ReplaceAllStringFunc(q.Params["q"].(string), func(s string) string {
		seconds, err := strconv.Atoi(s[4 : len(s)-1])
		if err != nil {
			t.Fatal(err)
		}
		return strconv.Itoa((goldenBase + seconds) * second)
	})
	parsed, err := traceql.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", q.Name, err)
	}
	return parsed
}

func (q *goldenQuestion) nanos(parameter string) (int64, bool) {
	v, ok := q.Params[parameter].(float64)
	return (goldenBase + int64(v)) * second, ok
}

func TestSearchesFindWhatTempoFinds(t *testing.T) {
	t.Parallel()
	questions, traces, spanNumber := golden(t)
	held := 0
	for _, q := range questions {
		if limit, _ := q.Params["limit"].(float64); q.Kind != "search" || q.Count > 0 || limit > 0 && limit < 20 {
			continue
		}
		search, err := eval.NewSearch(q.query(t))
		if err != nil {
			t.Errorf("%s: %v", q.Name, err)
			continue
		}
		candidates, err := eval.Candidates(q.query(t))
		if err != nil {
			t.Fatal(err)
		}
		narrowed, err := condition.CompileTraces(candidates)
		if err != nil {
			t.Fatalf("%s: %s: %v", q.Name, candidates, err)
		}
		got := map[string][]foundSet{}
		for i := range traces {
			if !q.overlaps(&traces[i]) {
				continue
			}
			found := search.Match(&traces[i])
			if found == nil {
				continue
			}
			if !narrowed.Match(&condition.TraceView{Summary: eval.Summarize(traces[i].Spans), Spans: traces[i].Spans}) {
				t.Errorf("%s: a trace is found that is no candidate: %s", q.Name, candidates)
			}
			got[strconv.Itoa(i)] = setsOf(found, &traces[i], spanNumber)
		}
		why := q.differsFrom(q.Answer, got, q.Loose)
		for _, other := range []goldenAnswer{q.Right, q.Also} {
			if why != "" && other.Traces != nil && q.differsFrom(other, got, true) == "" {
				why = ""
			}
		}
		if why != "" {
			t.Errorf("%s: %s: %s", q.Name, q.Params["q"], why)
		} else {
			held++
		}
	}
	t.Logf("%d hold", held)
}

// overlaps says whether the range picks the trace.
func (q *goldenQuestion) overlaps(v *condition.TraceView) bool {
	start, ranged := q.nanos("start")
	end, _ := q.nanos("end")
	s := eval.Summarize(v.Spans)
	return !ranged || s.StartNanos <= end && s.StartNanos+s.DurationNanos >= start
}

// foundSet is a span set that was found, with spans by their number.
type foundSet struct {
	spans map[string]plait.Attributes
	by    map[string]string
}

func setsOf(found *eval.Found, v *condition.TraceView, spanNumber map[plait.SpanID]string) (sets []foundSet) {
	for _, s := range found.Sets {
		set := foundSet{spans: map[string]plait.Attributes{}, by: map[string]string{}}
		for _, i := range s.Spans {
			set.spans[spanNumber[v.Spans[i].SpanID]] = found.Attributes(i)
		}
		for _, g := range s.Groups {
			set.by[g.Key] = g.Value.Text()
		}
		sets = append(sets, set)
	}
	return sets
}

// differsFrom says what is not as expected.
func (q *goldenQuestion) differsFrom(want goldenAnswer, got map[string][]foundSet, loose bool) string {
	for trace := range want.Traces {
		if got[trace] == nil {
			return fmt.Sprintf("trace %s is missing, of %d where %d came", trace, len(want.Traces), len(got))
		}
	}
	for trace, sets := range got {
		wanted := want.Traces[trace]
		if len(wanted) != len(sets) {
			return fmt.Sprintf("trace %s has %d span sets, want %d", trace, len(sets), len(wanted))
		}
		for _, w := range wanted {
			i := slices.IndexFunc(sets, func(s foundSet) bool { return w.fits(s) })
			if i < 0 {
				return fmt.Sprintf("trace %s: none of %v is %d spans %.200s by %v", trace, sets, w.Matched, w.Spans, w.By)
			}
			if why := w.lacks(sets[i], q.Nested); why != "" && !loose {
				return fmt.Sprintf("trace %s: %s", trace, why)
			}
		}
	}
	return ""
}

func (w goldenSet) shown() map[string]map[string]any {
	var shown map[string]map[string]any
	if json.Unmarshal(w.Spans, &shown) != nil {
		return nil
	}
	return shown
}

func (w goldenSet) fits(s foundSet) bool {
	for id := range w.shown() {
		if _, ok := s.spans[id]; !ok {
			return false
		}
	}
	for key, value := range w.By {
		if text, ok := s.by[key]; !ok || !saysSame(value, text) {
			return false
		}
	}
	return w.Matched == len(s.spans) && len(w.By) == len(s.by)
}

func saysSame(want any, text string) bool {
	if f, ok := want.(float64); ok {
		g, err := strconv.ParseFloat(text, 64)
		return err == nil && math.Abs(f-g) <= 1e-9*math.Abs(f)
	}
	return fmt.Sprint(want) == text
}

// lacks says which attribute of a span is not shown.
func (w goldenSet) lacks(s foundSet, nested bool) string {
	for id, attributes := range w.shown() {
		for key, want := range attributes {
			v, ok := s.spans[id].Get(key)
			switch {
			case want == "nil" && !ok, key == "service.name", nested && regexp.MustCompile("^nestedSet").MatchString(key) && ok:
			case !ok:
				return fmt.Sprintf("span %s lacks %s = %v", id, key, want)
			case v.Kind() != plait.KindArray && !saysSame(want, v.Text()):
				return fmt.Sprintf("span %s has %s = %s, want %v", id, key, v.Text(), want)
			}
		}
	}
	return ""
}
