package store_test

import (
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

// rowsRead is how many rows of a table Postgres hands to a question, by an index or not.
func rowsRead(t *testing.T, url, table string, ask func(*store.Store)) int64 {
	t.Helper()
	conn := connect(t, url)
	// Sessions tell what they read when they end.
	read := func() int64 {
		for deadline := time.Now().Add(time.Minute); ; {
			if others := selectOne[int64](t, conn, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`); others == 0 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("sessions of a closed store go on")
			}
			selectOne[string](t, conn, `SELECT pg_sleep(0.02)::text`)
		}
		return selectOne[int64](t, conn, `
			SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::int8
			FROM pg_stat_user_tables
			WHERE schemaname = 'plait_store' AND relname LIKE $1`, table+`\_2%`)
	}
	s := storetest.Open(t, url)
	s.Close()
	before := read()
	s = storetest.Open(t, url)
	ask(s)
	s.Close()
	return read() - before
}

func equal(f condition.Field, v condition.Value) condition.Node {
	return condition.Leaf{Field: f, Op: condition.OpEqual, Value: v}
}

func TestASearchReadsLittleMoreThanWhatFits(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, now := storetest.Open(t, url), time.Now()
	const traces = 1_500
	wanted := traceNumber(7, 700)
	var spans []plait.Span
	var records []plait.LogRecord
	for i := range traces {
		id := traceNumber(7, uint64(i+1))
		root := span(id, 1, 0, "web", "GET /", now, time.Duration(i)*100*time.Millisecond, time.Second)
		child := span(id, 2, 1, "shop", "buy", now, time.Duration(i)*100*time.Millisecond, time.Millisecond)
		record := record(id, 1, "web", "asked for a page", now, time.Duration(i)*100*time.Millisecond)
		if id == wanted {
			root.Attributes = plait.Attributes{strAttribute("user.id", "u-1")}
			record.Body = plait.StringValue("asked for the moon")
			record.Attributes = plait.Attributes{strAttribute("user.id", "u-1"), {Key: "order", Value: plait.MapValue(`{"id":5}`)}}
		}
		spans, records = append(spans, root, child), append(records, record)
	}
	const often = 400 // traces, each with the word, in one of ten records
	for i := range often {
		for j := range 10 {
			body := "asked for a page"
			if j == 0 {
				body = "asked for the sun"
			}
			records = append(records, record(traceNumber(8, uint64(i+1)), 1, "sky", body, now, time.Duration(10*i+j)*time.Millisecond))
		}
	}
	for i := range 5 {
		records = append(records, record(plait.TraceID{}, 1, "sky", "asked for the sun", now, time.Duration(i)*time.Millisecond))
	}
	writeSpans(t, s, spans...)
	writeLogs(t, s, records...)
	mergeTerms(t, s)
	s.Close()
	hour := plait.TimeRange{From: now.Add(-time.Hour), To: now.Add(time.Minute)}
	byID := equal(condition.Field{Name: condition.TraceID}, condition.OfTrace(wanted))
	user := condition.HasSpan{Of: equal(condition.Attribute(condition.SpanAttribute, "user.id"), condition.String("u-1"))}
	found := func(n condition.Node) func(*store.Store) (int, error) {
		return func(s *store.Store) (int, error) {
			found, _, err := s.Traces(t.Context(), query.Traces{Condition: n, Range: hour})
			return len(found), err
		}
	}
	labelled := func(label, text string) func(*store.Store) (int, error) {
		return func(s *store.Store) (int, error) {
			found, _, err := s.Logs(t.Context(), query.Logs{Condition: equal(labelField(label), condition.Text(text)), Range: hour})
			return len(found), err
		}
	}
	const all = traces + 10*often + 5
	tests := []struct {
		name, table string
		found       int
		most        int64 // rows
		ask         func(*store.Store) (int, error)
	}{
		{"a trace by its id", "span", 1, 100, found(byID)},
		{"a trace by the id of a span", "span", 1, 100, found(condition.HasSpan{Of: byID})},
		{"a trace by an id and a service", "span", 1, 100, found(condition.And{condition.HasSpan{Of: query.Service("shop")}, condition.HasSpan{Of: byID}})},
		{"a trace by a span that many have and one that few have", "span", 1, 100, found(condition.And{condition.HasSpan{Of: query.Service("shop")}, user})},
		{"records of a service with a word that one trace has", "log", 1, 100, func(s *store.Store) (int, error) {
			found, _, err := s.Logs(t.Context(), query.Logs{Condition: query.LogLine("web", "the moon"), Range: hour})
			return len(found), err
		}},
		{"records with a label that one trace has", "log", 1, 100, labelled("user_id", "u-1")},
		{"records with a label within a map", "log", 1, 100, labelled("order_id", "5")},
		{"records with a value that none has", "log", 0, 100, labelled("user_id", "u-2")},
		{"records of a service with a word that all traces have, in few records", "log", 100, 3 * all / 2, func(s *store.Store) (int, error) {
			found, _, err := s.Logs(t.Context(), query.Logs{Condition: query.LogLine("sky", "the sun"), Range: hour, Page: query.Page{Limit: 100}})
			return len(found), err
		}},
		{"records without a trace id with a word that many traces have", "log", 5, 100, func(s *store.Store) (int, error) {
			found, _, err := s.Logs(t.Context(), query.Logs{Condition: condition.And{query.LogLine("sky", "the sun"), query.LogJoined(false)}, Range: hour})
			return len(found), err
		}},
		{"the newest spans of a trace", "span", 1, 100, func(s *store.Store) (int, error) {
			found, err := s.Spans(t.Context(), query.Spans{Condition: condition.And{byID, query.Service("web")}, Range: hour, Order: query.NewestFirst})
			return len(found), err
		}},
		{"the slowest spans of a trace", "span", 1, 100, func(s *store.Store) (int, error) {
			found, err := s.Spans(t.Context(), query.Spans{Condition: condition.And{byID, query.Service("web")}, Range: hour})
			return len(found), err
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := 0
			read := rowsRead(t, url, tt.table, func(s *store.Store) {
				var err error
				if n, err = tt.ask(s); err != nil {
					t.Fatal(err)
				}
			})
			if n != tt.found || read > tt.most {
				t.Errorf("found %d, and read %d rows, not %d and at most %d", n, read, tt.found, tt.most)
			}
		})
	}
}
