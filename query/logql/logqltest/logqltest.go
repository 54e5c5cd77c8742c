// Package logqltest reads what a real Loki was sent and what it answered, for tests. The recordings lie beside the
// project, and not in every copy of it.
package logqltest

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"testing"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/logql/pipeline"
)

const directory = "../../../../shared/data/golden/loki/" // from a room below query/logql

// Base is the nanosecond since 1970 from which the times of recorded questions and answers count.
const Base = 1_700_000_100_000_000_000

// Lines hands out the lines of a file of recordings, each read as JSON. It skips the test where there are none.
func Lines[V any](t *testing.T, file string, use func(*V)) {
	t.Helper()
	f, err := os.Open(directory + file)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no recordings of a Loki are beside this copy of the project")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	scan := bufio.NewScanner(z)
	for scan.Buffer(nil, 64<<20); scan.Scan(); {
		var v V
		if err := json.Unmarshal(scan.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		use(&v)
	}
	if err := scan.Err(); err != nil {
		t.Fatal(err)
	}
}

// Entries are those that the Loki was sent by push, in their order.
func Entries(t *testing.T) (entries []pipeline.Entry) {
	t.Helper()
	type push struct {
		Streams []struct {
			Stream map[string]string
			Values [][]json.RawMessage
		}
	}
	Lines(t, "push.jsonl.gz", func(p *push) {
		for _, s := range p.Streams {
			for _, v := range s.Values {
				var e pipeline.Entry
				var nanos string
				metadata := map[string]string{}
				for i, into := range []any{&nanos, &e.Line, &metadata}[:len(v)] {
					if err := json.Unmarshal(v[i], into); err != nil {
						t.Fatal(err)
					}
				}
				var err error
				if e.TimeNanos, err = strconv.ParseInt(nanos, 10, 64); err != nil {
					t.Fatal(err)
				}
				metadata["detected_level"] = s.Stream["level"]
				e.Stream, e.Metadata = labels(s.Stream), labels(metadata)
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
