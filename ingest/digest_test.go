package ingest

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
)

// logRequest is a request of records with times and times of observation.
func logRequest(t *testing.T, times ...[2]time.Time) []byte {
	t.Helper()
	nanos := func(at time.Time) uint64 {
		if at.IsZero() {
			return 0
		}
		return uint64(at.UnixNano())
	}
	var records []*logspb.LogRecord
	for _, at := range times {
		records = append(records, &logspb.LogRecord{
			TimeUnixNano: nanos(at[0]), ObservedTimeUnixNano: nanos(at[1]), SeverityText: "INFO",
		})
	}
	return marshal(t, &collogs.ExportLogsServiceRequest{ResourceLogs: []*logspb.ResourceLogs{{
		ScopeLogs: []*logspb.ScopeLogs{{LogRecords: records}},
	}}})
}

func TestRecordsWithoutATimeAreNeverTakenForARetry(t *testing.T) {
	t.Parallel()
	now := time.Now()
	timed, observed, none := [2]time.Time{now, now}, [2]time.Time{{}, now}, [2]time.Time{}
	for name, test := range map[string]struct {
		body []byte
		want int // records after three such requests
	}{
		"none has a time":                       {logRequest(t, none), 3},
		"several, none has a time":              {logRequest(t, none, none), 6},
		"all have a time":                       {logRequest(t, timed, timed), 2},
		"the time of observation is one":        {logRequest(t, observed), 1},
		"some have a time, which are a retry":   {logRequest(t, timed, none, observed, none), 2 + 3*2},
		"one has a time, behind others without": {logRequest(t, none, none, timed), 1 + 3*2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ts := start(t)
			for range 3 {
				if got := ts.post(t, "/v1/logs", bytes.NewReader(test.body), "Content-Type: application/x-protobuf"); got.code != 200 {
					t.Fatalf("answered %d %q", got.code, got.body)
				}
			}
			found, _, err := ts.store.Logs(t.Context(), query.Logs{Page: query.Page{Limit: 100}})
			if err != nil || len(found) != test.want {
				t.Errorf("%d records, want %d, error %v", len(found), test.want, err)
			}
		})
	}
}

func TestLinesOfABackupThatSaysTheSameEachNightAreAllThere(t *testing.T) {
	t.Parallel()
	const line = `{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"nightly-backup"}}]},` +
		`"scopeLogs":[{"logRecords":[{"severityText":"INFO","body":{"stringValue":"backup finished"}}]}]}]}`
	lines := []string{line, line, line}
	if recorded, err := os.ReadFile("../../shared/data/field/f03.jsonl"); err == nil {
		lines = strings.Split(strings.TrimSpace(string(recorded)), "\n")
	}
	ts := start(t)
	for _, l := range lines {
		if got := ts.post(t, "/v1/logs", strings.NewReader(l), "Content-Type: application/json"); got.code != 200 {
			t.Fatalf("answered %d %q", got.code, got.body)
		}
	}
	found, _, err := ts.store.Logs(t.Context(), query.Logs{Page: query.Page{Limit: 100}})
	if err != nil || len(found) != len(lines) {
		t.Errorf("%d records, want %d, error %v", len(found), len(lines), err)
	}
}

func TestDigestsDependOnKeySignalAndEveryByte(t *testing.T) {
	t.Parallel()
	seen := map[plait.Digest]string{}
	for _, key := range [][32]byte{{}, {31: 1}} {
		d, err := newDigester(key)
		if err != nil {
			t.Fatal(err)
		}
		for _, signal := range []string{traces, logs, metrics} {
			for _, body := range []string{"", "a", "b", "a\x00", strings.Repeat("a", 1000), strings.Repeat("a", 999) + "b"} {
				digest := d.of(signal, []byte(body))
				if digest != d.of(signal, []byte(body)) || digest == (plait.Digest{}) {
					t.Errorf("digest %x of %q", digest, body)
				}
				what := string(key[31:]) + signal + body
				if before, ok := seen[digest]; ok {
					t.Errorf("%q and %q have one digest", before, what)
				}
				seen[digest] = what
			}
		}
	}
}
