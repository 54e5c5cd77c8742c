package tracecontext

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/plaithq/plait"
)

// exportedLogs is what this test needs of an OTLP/JSON log export.
type exportedLogs struct {
	ResourceLogs []struct {
		ScopeLogs []struct {
			LogRecords []struct {
				Body            struct{ StringValue string }
				TraceID, SpanID string
			}
		}
	}
}

// TestFromLogReadsRecordedBodies compares the ids in the text of recorded log records with
// those in their own fields, which FromLog does not look at.
func TestFromLogReadsRecordedBodies(t *testing.T) {
	t.Parallel()
	files := []string{"../testdata/trainticket/logs.jsonl.gz"}
	all, err := filepath.Glob("../../shared/data/trainticket/*/*/logs.jsonl.gz") // where all of it is at hand
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, all...) {
		records, differ := 0, 0
		readExports(t, file, func(e *exportedLogs) {
			for _, resource := range e.ResourceLogs {
				for _, scope := range resource.ScopeLogs {
					for _, r := range scope.LogRecords {
						records++
						got, _ := FromLog(&plait.LogRecord{Body: plait.StringValue(r.Body.StringValue)})
						if got.TraceID.String() != r.TraceID || got.SpanID.String() != r.SpanID {
							if differ++; differ <= 3 {
								t.Errorf("%s: found %v %v, want %s %s in\n%.300s", file, got.TraceID, got.SpanID, r.TraceID, r.SpanID, r.Body.StringValue)
							}
						}
					}
				}
			}
		})
		if records == 0 || differ > 0 {
			t.Errorf("%s: %d of %d records differ", file, differ, records)
		}
	}
}

func readExports(t *testing.T, file string, each func(*exportedLogs)) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for lines := json.NewDecoder(z); ; {
		var e exportedLogs
		if err := lines.Decode(&e); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		each(&e)
	}
}
