package pipeline_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/logql"
	"github.com/plaithq/plait/query/logql/pipeline"
)

const recordings = "../../../../shared/data/golden/loki/" // where they are at hand

func eachLine(t *testing.T, file string, v func() any, then func()) bool {
	f, err := os.Open(recordings + file)
	if err != nil {
		return false
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	scan := bufio.NewScanner(z)
	for scan.Buffer(nil, 64<<20); scan.Scan(); {
		if err := json.Unmarshal(scan.Bytes(), v()); err != nil {
			t.Fatal(err)
		}
		then()
	}
	return true
}

// base is the nanosecond that times of recorded answers count from.
const base = 1_700_000_100_000_000_000

// pushed are the entries that a Loki was sent.
func pushed(t *testing.T) []pipeline.Entry {
	var entries []pipeline.Entry
	var body struct {
		Streams []struct {
			Stream map[string]string
			Values [][]json.RawMessage
		}
	}
	eachLine(t, "push.jsonl.gz", func() any { body.Streams = nil; return &body }, func() {
		for _, s := range body.Streams {
			for _, v := range s.Values {
				var e pipeline.Entry
				var nanos string
				metadata := map[string]string{}
				for i, into := range []any{&nanos, &e.Line, &metadata}[:len(v)] {
					if err := json.Unmarshal(v[i], into); err != nil {
						t.Fatal(err)
					}
				}
				e.TimeNanos, _ = strconv.ParseInt(nanos, 10, 64)
				e.Stream = labels(s.Stream)
				metadata["detected_level"] = s.Stream["level"]
				e.Metadata = labels(metadata)
				entries = append(entries, e)
			}
		}
	})
	return entries
}

func labels(m map[string]string) (all []plait.Label) {
	for name, value := range m {
		all = append(all, plait.Label{Name: name, Value: value})
	}
	return all
}

// notPushed names services that came over OTLP, and those whose level is not a label.
var notPushed = regexp.MustCompile(`checkout|payment|stock|mail|gateway|worded|nameless|deployment_environment|k8s|service_name=~"\.\+"|interval`)

type recordedQuery struct {
	Name, Kind string
	Params     struct {
		Query, Interval string
		Start, End      json.Number
		Limit           int
	}
	Answer, Right *struct {
		Streams map[string]json.RawMessage
	}
	Ignore []string
}

func TestPipelinesAnswerAsLokiDoes(t *testing.T) {
	t.Parallel()
	entries := pushed(t)
	compared := 0
	var q recordedQuery
	there := eachLine(t, "queries.jsonl.gz", func() any { q = recordedQuery{}; return &q }, func() {
		if q.Kind != "logs" || notPushed.MatchString(q.Params.Query) || q.Params.Interval != "" || q.Params.Limit < 100 {
			return
		}
		compared++
		compareWithLoki(t, &q, entries)
	})
	if there && compared < 100 {
		t.Errorf("%d answers were compared", compared)
	}
}

// answered are the entries of an answer: their labels and lines by a key that begins with their time, their
// number, and whether only that is known.
func answered(t *testing.T, q *recordedQuery) (wanted map[string][3]map[string]string, lines map[string]string, total int, digests bool) {
	want := q.Answer.Streams
	if q.Right != nil {
		want = q.Right.Streams
	}
	wanted, lines = map[string][3]map[string]string{}, map[string]string{}
	for stream, raw := range want {
		var rows []json.RawMessage
		if err := json.Unmarshal(raw, &rows); err != nil {
			t.Fatal(err)
		}
		if n, err := strconv.Atoi(string(rows[0])); err == nil {
			total, digests = total+n, true
			continue
		}
		for _, row := range rows {
			var fields [3]map[string]string
			var at json.Number
			var line string
			var cells []json.RawMessage
			_ = json.Unmarshal(row, &cells)
			for i, into := range []any{&at, &line, &fields[1], &fields[2]} {
				if err := json.Unmarshal(cells[i], into); err != nil {
					t.Fatal(err)
				}
			}
			_ = json.Unmarshal([]byte(stream), &fields[0])
			key := at.String() + stream[:1] + fields[0]["env"] + strconv.Itoa(len(wanted))
			wanted[key], lines[key] = normal(fields), line
			total++
		}
	}
	return wanted, lines, total, digests
}

func compareWithLoki(t *testing.T, q *recordedQuery, entries []pipeline.Entry) {
	wanted, lines, total, digests := answered(t, q)
	l, err := logql.ParseLog(q.Params.Query)
	if err != nil {
		t.Errorf("%s: %v", q.Name, err)
		return
	}
	p, err := pipeline.New(l)
	if err != nil {
		t.Errorf("%s: %v", q.Name, err)
		return
	}
	got := 0
	for i := range entries {
		e := &entries[i]
		if at := e.TimeNanos - base; at < seconds(q.Params.Start) || at >= seconds(q.Params.End) || !p.Selects(e.Stream) {
			continue
		}
		r, ok, err := p.Process(e)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			continue
		}
		got++
		if digests {
			continue
		}
		have := normal([3]map[string]string{byName(r.Stream), byName(r.Metadata), byName(r.Parsed)})
		found := false
		for key, fields := range wanted {
			if strings.HasPrefix(key, strconv.FormatInt(e.TimeNanos-base, 10)+"{") && lines[key] == r.Line && reflect.DeepEqual(fields, have) {
				delete(wanted, key)
				found = true
				break
			}
		}
		if !found {
			t.Errorf("%s: %s\n  %d %q %v", q.Name, q.Params.Query, e.TimeNanos-base, r.Line, have)
			for key, fields := range wanted {
				if strings.HasPrefix(key, strconv.FormatInt(e.TimeNanos-base, 10)) {
					t.Errorf("  want %q %v", lines[key], fields)
				}
			}
			return
		}
	}
	if got != total {
		t.Errorf("%s: %s: %d entries, want %d", q.Name, q.Params.Query, got, total)
	}
}

func seconds(n json.Number) int64 {
	whole, fraction, _ := strings.Cut(n.String(), ".")
	s, _ := strconv.ParseInt(whole, 10, 64)
	f, _ := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
	return s*1e9 + f
}

func byName(all []plait.Label) map[string]string {
	m := map[string]string{}
	for _, l := range all {
		m[l.Name] = l.Value
	}
	return m
}

// normal leaves out what is not compared.
func normal(fields [3]map[string]string) [3]map[string]string {
	for i, m := range fields {
		fields[i] = maps.Clone(m)
		delete(fields[i], pipeline.DetailsLabel)
		maps.DeleteFunc(fields[i], func(_, value string) bool { return value == "" })
		if fields[i] == nil {
			fields[i] = map[string]string{}
		}
	}
	return fields
}
