package tempo

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/tracesearch"
	"github.com/plaithq/plait/ingest"
	"github.com/plaithq/plait/store/storetest"
)

// What a real Tempo answered: an excerpt of the questions here, and all of them in a folder that stands beside some copies of
// the project. The README of either tells the form.
const (
	recordedExcerpt = "testdata/recorded"
	recordedWhole   = "../../../shared/data/golden/tempo"
	recordedBase    = 1_700_000_100 // the second that times in the files are relative to
)

func TestAnswersAgreeWithThoseOfATempo(t *testing.T) {
	t.Parallel()
	folder := recordedWhole
	if _, err := os.Stat(folder); err != nil {
		folder = recordedExcerpt
	}
	data := readRecorded(t, folder)
	s := loadRecorded(t, data)
	for i := range data.questions {
		q := &data.questions[i]
		if why := q.differs(data, s.ask(t, q)); why != "" {
			t.Errorf("%s: %s %s: %.600s", q.Name, q.Path, q.Params["q"], why)
		}
	}
	t.Logf("%d questions of %s", len(data.questions), folder)
}

// recorded is what was sent and asked.
type recorded struct {
	requests  []string // OTLP in JSON
	spans     map[string]*recordedSpan
	spanNo    map[string]string // by id: its rank, which answers have in its place
	traces    map[string]*recordedTrace
	questions []recordedQuestion
}

type recordedSpan struct {
	id, trace, parent, name string
	start, duration         int64 // nanoseconds, the start from the base on
}

// recordedTrace is what the answer of every search says of a trace.
type recordedTrace struct {
	number     string
	roots      [][2]string // service and name: either will do where there are two
	start, end int64
	stats      map[string]serviceStats
}

type recordedQuestion struct {
	Name, Kind, Path string
	Params           map[string]any
	Headers          map[string]string
	Answer           recordedAnswer
	Right, Also      *recordedAnswer // what is accepted beside the answer
	Loose, Nested    bool
	Subset           bool
	Count            int
	Tolerance        string
	Bounds           map[string]map[string][2]float64
}

func readRecorded(t *testing.T, folder string) *recorded {
	t.Helper()
	d := &recorded{spans: map[string]*recordedSpan{}, traces: map[string]*recordedTrace{}}
	for line := range strings.Lines(string(readPlain(t, filepath.Join(folder, "traces.jsonl.gz")))) {
		d.requests = append(d.requests, line)
		d.addRequest(t, line)
	}
	d.number()
	questions := filepath.Join(folder, "queries.jsonl")
	if _, err := os.Stat(questions); err != nil {
		questions += ".gz"
	}
	for line := range bytes.Lines(readPlain(t, questions)) {
		var q recordedQuestion
		numbers := json.NewDecoder(bytes.NewReader(line)) // 9 and 9.0 are two
		numbers.UseNumber()
		if err := numbers.Decode(&q); err != nil {
			t.Fatal(err)
		}
		d.questions = append(d.questions, q)
	}
	return d
}

func readPlain(t *testing.T, path string) []byte {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var from io.Reader = file
	if strings.HasSuffix(path, ".gz") {
		if from, err = gzip.NewReader(file); err != nil {
			t.Fatal(err)
		}
	}
	all, err := io.ReadAll(from)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (d *recorded) addRequest(t *testing.T, line string) {
	t.Helper()
	var request struct {
		ResourceSpans []struct {
			Resource   struct{ Attributes []sentAttribute }
			ScopeSpans []struct {
				Spans []struct {
					TraceID, SpanID, ParentSpanID, Name string
					StartTimeUnixNano, EndTimeUnixNano  int64 `json:",string"`
					Status                              struct{ Code int }
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(line), &request); err != nil {
		t.Fatal(err)
	}
	for _, of := range request.ResourceSpans {
		service, _ := valuesOfSent(of.Resource.Attributes)["service.name"].(string)
		for _, scope := range of.ScopeSpans {
			for _, s := range scope.Spans {
				start := s.StartTimeUnixNano - recordedBase*int64(time.Second)
				span := &recordedSpan{s.SpanID, s.TraceID, s.ParentSpanID, s.Name, start, s.EndTimeUnixNano - s.StartTimeUnixNano}
				d.spans[s.SpanID] = span
				d.traceOf(span).add(span, service, s.Status.Code == int(plait.StatusError))
			}
		}
	}
}

func (d *recorded) traceOf(s *recordedSpan) *recordedTrace {
	if d.traces[s.trace] == nil {
		d.traces[s.trace] = &recordedTrace{start: s.start, stats: map[string]serviceStats{}}
	}
	return d.traces[s.trace]
}

func (r *recordedTrace) add(s *recordedSpan, service string, failed bool) {
	r.start, r.end = min(r.start, s.start), max(r.end, s.start+s.duration)
	stats := r.stats[service]
	stats.SpanCount++
	if failed {
		stats.ErrorCount++
	}
	r.stats[service] = stats
	if s.parent == "" {
		r.roots = append(r.roots, [2]string{service, s.name})
	}
}

// loadRecorded is a server with what was sent, through the door, and read by the clock of that time.
func loadRecorded(t *testing.T, d *recorded) *server {
	t.Helper()
	at := time.Unix(recordedBase, 0).Add(700 * time.Second)
	st := storetest.New(t, storetest.Now(func() time.Time { return at }))
	c := ingest.DefaultConfig()
	c.HTTPAddr, c.GRPCAddr = "127.0.0.1:0", "127.0.0.1:0"
	logger := slog.New(slog.NewTextHandler(t.Output(), nil))
	doors, err := ingest.New(c, ingest.Deps{Writer: st, DigestKey: st.DigestKey(), Logger: logger, Registerer: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	if err := doors.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- doors.Run(ctx) }()
	for _, request := range d.requests {
		sendRequest(t, "http://"+doors.HTTPAddr().String()+"/v1/traces", request)
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	return start(t, st, func(c *tracesearch.Config) { c.Now = func() time.Time { return at } })
}

func sendRequest(t *testing.T, to, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if said, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK || bytes.Contains(said, []byte("ejected")) {
		t.Fatalf("%v, %d %s", err, resp.StatusCode, said)
	}
}

var relativeNanos = regexp.MustCompile(`<ns:(\d+)>`)

// ask asks a question, whose times are relative to the base.
func (s *server) ask(t *testing.T, q *recordedQuestion) answer {
	t.Helper()
	params := url.Values{}
	for name, value := range q.Params {
		switch value := value.(type) {
		case string:
			params.Set(name, relativeNanos.ReplaceAllStringFunc(value, func(text string) string {
				seconds, err := strconv.ParseInt(relativeNanos.FindStringSubmatch(text)[1], 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				return strconv.FormatInt((recordedBase+seconds)*int64(time.Second), 10)
			}))
		case json.Number:
			number := value.String()
			if name == "start" || name == "end" {
				seconds, err := value.Int64()
				if err != nil {
					t.Fatal(err)
				}
				number = strconv.FormatInt(recordedBase+seconds, 10)
			}
			params.Set(name, number)
		}
	}
	headers := []string{"Accept", "application/json"}
	for name, value := range q.Headers {
		headers = append(headers, name, value)
	}
	return s.get(t, q.Path+"?"+params.Encode(), headers...)
}
