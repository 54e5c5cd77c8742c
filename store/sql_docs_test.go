package store_test

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

var sqlBlock = regexp.MustCompile("(?s)```sql\n(.*?)```")

func TestSQLOfTheDocsFindsWhatItSays(t *testing.T) {
	t.Parallel()
	skipOnCitus(t, "docs/scaling.md says which of these a cluster answers in other words")
	findsWhatItSays(t, "../docs/sql.md", 10)
}

func TestSQLOfClustersFindsWhatItSays(t *testing.T) {
	t.Parallel()
	findsWhatItSays(t, "../docs/scaling.md", 3)
}

// findsWhatItSays runs the statements of a page, which are at least so many.
func findsWhatItSays(t *testing.T, name string, least int) {
	t.Helper()
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	url := storetest.URL(t)
	writeDocsTelemetry(t, storetest.Open(t, url))
	conn := connect(t, url)
	blocks := sqlBlock.FindAllStringSubmatch(string(page), -1)
	if len(blocks) < least {
		t.Fatalf("%s has %d statements", name, len(blocks))
	}
	for _, block := range blocks {
		err := pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
			for sql := range strings.SplitSeq(block[1], ";\n") {
				tag, err := tx.Exec(t.Context(), sql)
				if err != nil || strings.HasPrefix(tag.String(), "SELECT 0") {
					t.Errorf("%s\nanswers %s, %v", sql, tag, err)
				}
				if err != nil {
					break
				}
			}
			return errRollback
		})
		if !errors.Is(err, errRollback) {
			t.Fatal(err)
		}
	}
}

var errRollback = errors.New("roll back")

// writeDocsTelemetry writes what every statement of docs/sql.md finds something of.
func writeDocsTelemetry(t *testing.T, s *store.Store) {
	t.Helper()
	var id plait.TraceID
	if err := id.UnmarshalText([]byte("4bf92f3577b34da6a3ce929d0e0e4736")); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	ago := 5 * time.Minute
	root := span(id, 1, 0, "web", "GET /", now, ago, time.Second)
	pay := span(id, 2, 1, "checkout", "POST /pay", now, ago, time.Second)
	pay.Status, pay.StatusMessage = plait.StatusError, "card refused"
	pay.Attributes = plait.Attributes{strAttribute("http.route", "/pay"), {Key: "http.response.status_code", Value: plait.IntValue(502)}}
	silent := span(id, 3, 99, "stock", "reserve", now, ago, time.Second)
	silent.Status = plait.StatusError
	writeSpans(t, s, root, pay, silent)
	failed := record(id, 2, "checkout", "card refused", now, ago)
	failed.Severity = 17
	var half plait.TraceID // as a 64-bit tracer writes it
	copy(half[8:], id[8:])
	writeLogs(t, s, failed, record(id, 1, "web", "GET / 500", now, ago), record(half, 2, "till", "no answer", now, ago))
	labels := func(name, label, value string) plait.Labels {
		return plait.Labels{{Name: "__name__", Value: name}, {Name: label, Value: value}}
	}
	metrics := plait.Metrics{Series: []plait.SeriesData{
		{
			Labels:    labels("traces_spanmetrics_latency_bucket", "service", "checkout"),
			Samples:   []plait.Sample{{TimeMillis: now.UnixMilli(), Value: 1}},
			Exemplars: []plait.Exemplar{{TimeNanos: pay.EndNanos, Value: 1, TraceID: id, SpanID: pay.SpanID}},
		},
		{
			Labels:  labels("container_memory_usage_bytes", "pod", "checkout-1"),
			Samples: []plait.Sample{{TimeMillis: now.Add(-ago).UnixMilli(), Value: 1e6}},
		},
	}}
	if _, err := s.WriteMetrics(t.Context(), &metrics); err != nil {
		t.Fatal(err)
	}
}
