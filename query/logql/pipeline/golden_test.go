package pipeline_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/logql"
	"github.com/plaithq/plait/query/logql/logqltest"
	"github.com/plaithq/plait/query/logql/pipeline"
)

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
	entries := logqltest.Entries(t)
	compared := 0
	logqltest.Lines(t, "queries.jsonl.gz", func(q *recordedQuery) {
		if q.Kind != "logs" || notPushed.MatchString(q.Params.Query) || q.Params.Interval != "" || q.Params.Limit < 100 {
			return
		}
		compared++
		compareWithLoki(t, q, entries)
	})
	if compared < 100 {
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
		if at := e.TimeNanos - logqltest.Base; at < seconds(q.Params.Start) || at >= seconds(q.Params.End) || !p.Selects(e.Stream) {
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
			if strings.HasPrefix(key, strconv.FormatInt(e.TimeNanos-logqltest.Base, 10)+"{") && lines[key] == r.Line && reflect.DeepEqual(fields, have) {
				delete(wanted, key)
				found = true
				break
			}
		}
		if !found {
			t.Errorf("%s: %s\n  %d %q %v", q.Name, q.Params.Query, e.TimeNanos-logqltest.Base, r.Line, have)
			for key, fields := range wanted {
				if strings.HasPrefix(key, strconv.FormatInt(e.TimeNanos-logqltest.Base, 10)) {
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
