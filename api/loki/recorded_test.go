package loki

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
)

// recordedBase is the second that times of the recording are relative to.
const recordedBase = 1_700_000_100

// recorded is a question with what a Loki answered.
type recorded struct {
	Name, Kind, Path, Times string
	Params                  map[string]any
	Plain, Post             bool
	Sorted, Subset          bool
	Ignore                  []string
	Tolerance               float64
	Answer                  recordedAnswer
	Right, Also             *recordedAnswer
}

// recordedAnswer is an answer without what may differ from server to server.
type recordedAnswer struct {
	Status  int
	Streams map[string][][]any
	Rows    [][2]any
	Values  []string
	Sets    []string
	Scalar  string
}

func TestAnswersAreThoseOfARecordedLoki(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *Config) { c.Now = time.Now })
	base := (time.Now().Unix() - 700) / 300 * 300
	load(t, s, base)
	for _, line := range readLines(t, "queries") {
		var q recorded
		if err := json.Unmarshal(line, &q); err != nil {
			t.Fatal(err)
		}
		why := ""
		got, err := s.recordedAnswer(t, &q, base)
		for _, want := range []*recordedAnswer{&q.Answer, q.Right, q.Also} {
			if want == nil {
				continue
			}
			differs := fmt.Sprint(err)
			if err == nil {
				differs = q.differ(want, got)
			}
			if differs == "" {
				why = ""
				break
			}
			why = differs
		}
		if why != "" {
			t.Errorf("%s: %v: %.600s", q.Name, q.Params["query"], why)
		}
	}
}

func readLines(t *testing.T, name string) [][]byte {
	t.Helper()
	f, err := os.Open("testdata/recorded/" + name + ".jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(b), []byte("\n"))
}

// load sends the recording over the doors, its times moved.
func load(t *testing.T, s *server, base int64) {
	t.Helper()
	addr := doors(t, s)
	for name, path := range map[string]string{"push": "/loki/api/v1/push", "logs": "/v1/logs"} {
		for _, body := range readLines(t, name) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+path, bytes.NewReader(moved(t, body, base-recordedBase)))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			if status, said := do(t, req); status/100 != 2 || strings.Contains(said, "rejected") {
				t.Fatalf("%s is answered %d %s", path, status, said)
			}
		}
	}
}

// moved is a request whose times are some seconds later.
func moved(t *testing.T, body []byte, seconds int64) []byte {
	t.Helper()
	var request any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&request); err != nil {
		t.Fatal(err)
	}
	later := func(text any) string {
		nanos, err := strconv.ParseInt(text.(string), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return strconv.FormatInt(nanos+seconds*1e9, 10)
	}
	var move func(any)
	move = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				move(item)
			}
		case map[string]any:
			if entries, ok := v["values"].([]any); ok && v["stream"] != nil {
				for _, e := range entries {
					e.([]any)[0] = later(e.([]any)[0])
				}
				return
			}
			for key, item := range v {
				if key == "timeUnixNano" {
					v[key] = later(item)
				} else {
					move(item)
				}
			}
		}
	}
	move(request)
	b, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// instant writes a time of a question.
func (q *recorded) instant(base int64, after float64) string {
	at := time.Unix(base, int64(math.Round(after*1e9)))
	switch q.Times {
	case "s":
		return strconv.FormatInt(at.Unix(), 10)
	case "float":
		return strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64)
	case "rfc3339":
		return at.UTC().Format("2006-01-02T15:04:05.000000000Z")
	}
	return strconv.FormatInt(at.UnixNano(), 10)
}

func (s *server) recordedAnswer(t *testing.T, q *recorded, base int64) (*recordedAnswer, error) {
	t.Helper()
	params := url.Values{}
	for name, value := range q.Params {
		switch v := value.(type) {
		case []any:
			for _, item := range v {
				params.Add(name, fmt.Sprint(item))
			}
		case float64:
			if name == "start" || name == "end" || name == "time" {
				params.Set(name, q.instant(base, v))
			} else {
				params.Set(name, strconv.FormatFloat(v, 'f', -1, 64))
			}
		default:
			params.Set(name, fmt.Sprint(v))
		}
	}
	method, address, body := http.MethodGet, s.url+q.Path+"?"+params.Encode(), ""
	if q.Post {
		method, address, body = http.MethodPost, s.url+q.Path, params.Encode()
	}
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if q.Post {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if !q.Plain {
		req.Header.Set("X-Loki-Response-Encoding-Flags", "categorize-labels")
	}
	status, said := do(t, req)
	if q.Kind == "status" || status != http.StatusOK {
		return &recordedAnswer{Status: status / 100}, nil
	}
	return q.normal([]byte(said), base)
}

// answerData is the data of an answer to a query.
type answerData struct {
	ResultType string
	Result     json.RawMessage
}

// normal is an answer without what may differ from server to server.
func (q *recorded) normal(body []byte, base int64) (*recordedAnswer, error) {
	var answer struct{ Data json.RawMessage }
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	a := &recordedAnswer{}
	switch q.Kind {
	case "values":
		return a, json.Unmarshal(answer.Data, &a.Values)
	case "series":
		var sets []map[string]string
		err := json.Unmarshal(answer.Data, &sets)
		for _, labels := range sets {
			a.Sets = append(a.Sets, q.key(labels))
		}
		return a, err
	}
	var data answerData
	if err := json.Unmarshal(answer.Data, &data); err != nil {
		return nil, err
	}
	switch data.ResultType {
	case "streams":
		return a, q.streams(a, data.Result, base)
	case "scalar":
		var value [2]any
		err := json.Unmarshal(data.Result, &value)
		a.Scalar = fmt.Sprint(value[1])
		return a, err
	}
	var series []struct {
		Metric map[string]string
		Value  [2]any
		Values [][2]any
	}
	if err := json.Unmarshal(data.Result, &series); err != nil {
		return nil, err
	}
	for _, s := range series {
		row := [2]any{q.key(s.Metric), s.Value[1]}
		if data.ResultType == "matrix" {
			samples := map[float64]string{}
			for _, v := range s.Values {
				samples[math.Round((v[0].(float64)-float64(base))*1000)/1000] = v[1].(string)
			}
			row[1] = samples
		}
		a.Rows = append(a.Rows, row)
	}
	return a, nil
}

func (q *recorded) streams(a *recordedAnswer, result json.RawMessage, base int64) error {
	var streams []struct {
		Stream map[string]string
		Values [][]json.RawMessage
	}
	if err := json.Unmarshal(result, &streams); err != nil {
		return err
	}
	a.Streams = map[string][][]any{}
	for _, s := range streams {
		for _, v := range s.Values {
			var nanos, line string
			var labels struct{ StructuredMetadata, Parsed map[string]string }
			if err := json.Unmarshal(v[0], &nanos); err != nil {
				return err
			}
			if err := json.Unmarshal(v[1], &line); err != nil {
				return err
			}
			at, err := strconv.ParseInt(nanos, 10, 64)
			if err != nil {
				return err
			}
			e := []any{float64(at - base*1e9), line}
			own := q.without(s.Stream, false)
			if len(v) > 2 {
				if err := json.Unmarshal(v[2], &labels); err != nil {
					return err
				}
				for _, of := range []map[string]string{labels.StructuredMetadata, labels.Parsed} {
					of = q.without(of, !strings.Contains(fmt.Sprint(q.Params["query"]), "--keep-empty"))
					maps.DeleteFunc(own, func(name, _ string) bool { _, ok := of[name]; return ok })
					e = append(e, anyOf(of))
				}
			}
			key := textOf(own)
			a.Streams[key] = append(a.Streams[key], e)
		}
	}
	return nil
}

// without leaves out labels that are not compared.
func (q *recorded) without(labels map[string]string, empty bool) map[string]string {
	left := map[string]string{}
	for name, value := range labels {
		if !slices.Contains(q.Ignore, name) && name != "__error_details__" && (value != "" || !empty) {
			left[name] = value
		}
	}
	return left
}

func (q *recorded) key(labels map[string]string) string { return textOf(q.without(labels, false)) }

func anyOf(labels map[string]string) map[string]any {
	all := map[string]any{}
	for name, value := range labels {
		all[name] = value
	}
	return all
}

func textOf(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}
