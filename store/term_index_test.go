package store_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/index"
	"github.com/plaithq/plait/store/storetest"
	"github.com/plaithq/plait/store/terms"
)

// unitsOf returns the ids of the units that may fit a plan.
func unitsOf(t *testing.T, x *index.Index, plan *terms.Plan) (ids []plait.TraceID) {
	t.Helper()
	s, err := x.Find(t.Context(), plan, math.MinInt64, math.MaxInt64, false)
	if err != nil {
		t.Fatal(err)
	}
	for {
		units, err := s.Next(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range units {
			ids = append(ids, u.ID)
		}
		if len(units) < 100 {
			return ids
		}
	}
}

func userPlan(x *index.Index, user string) *terms.Plan {
	return x.Hasher().HasAttribute("user.id", plait.AppendJSONString(nil, user))
}

// indexedRows are the rows of each table, and those that the index in use has.
func indexedRows(t *testing.T, conn *pgx.Conn) (rows, indexed [2]int64) {
	t.Helper()
	for i, table := range []string{"span", "log"} {
		rows[i] = selectOne[int64](t, conn, "SELECT count(*) FROM plait_store."+table)
		indexed[i] = selectOne[int64](t, conn, `
			SELECT coalesce(sum(row_count), 0)::int8
			FROM (SELECT row_count, signal FROM plait_store.term_head WHERE replaced_at = 'infinity'
			      UNION ALL
			      SELECT row_count, signal FROM plait_store.term_segment WHERE replaced_at = 'infinity') i
			WHERE signal = $1`, i+1)
	}
	return rows, indexed
}

func mergeTerms(t *testing.T, s *store.Store) {
	t.Helper()
	if err := s.MergeTerms(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestWhatOneGatewayCommitsAnotherFindsByItsTermsAtOnce(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	gateways := []*store.Store{storetest.Open(t, url), storetest.Open(t, url)}
	conn := connect(t, url)
	// Of today, beyond every partition, and of the future.
	times := []time.Time{time.Now(), time.Now().Add(-20 * 365 * 24 * time.Hour), time.Now().Add(1000 * time.Hour)}
	for i := range 24 {
		writer, reader := gateways[i%2], gateways[(i+1)%2]
		id, user := plait.TraceID{1, 15: byte(i)}, fmt.Sprint("user ", i)
		s := span(id, 1, 0, "shop", "buy", times[i%3], 0, time.Second)
		s.Attributes = plait.Attributes{strAttribute("user.id", user)}
		writeSpans(t, writer, s)
		r := record(plait.TraceID{}, 0, "shop", "bought", times[i%3], 0)
		r.Attributes = s.Attributes
		writeLogs(t, writer, r)
		if got := unitsOf(t, reader.SpanTerms(), userPlan(reader.SpanTerms(), user)); !slices.Contains(got, id) {
			t.Fatalf("span %d is not found: %v", i, got)
		}
		if got := unitsOf(t, reader.LogTerms(), userPlan(reader.LogTerms(), user)); len(got) != 1 {
			t.Fatalf("record %d is not found: %v", i, got)
		}
		if i%5 == 4 {
			mergeTerms(t, reader)
		}
	}
	if rows, indexed := indexedRows(t, conn); rows != indexed {
		t.Errorf("the index has %d of %d spans and records", indexed, rows)
	}
}

func TestTelemetryWhoseEveryValueIsNewTakesBoundedPlaceInTheIndex(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, conn := storetest.Open(t, url), connect(t, url)
	now := time.Now()
	const commits, perCommit, attributes = 8, 250, 16
	for c := range commits {
		var spans []plait.Span
		var records []plait.LogRecord
		for i := range perCommit {
			unique := fmt.Sprintf("%d-%d", c, i)
			sp := span(plait.TraceID{byte(c + 1), byte(i), 15: byte(i >> 8)}, 1, 0, "shop", "do "+unique, now, 0, time.Second)
			for a := range attributes {
				sp.Attributes = append(sp.Attributes, strAttribute(fmt.Sprintf("k%s.%d", unique, a), unique))
			}
			spans = append(spans, sp)
			letters := strings.Map(func(r rune) rune { return 'a' + r%26 }, unique)
			records = append(records, record(plait.TraceID{}, 0, "shop "+unique, "body "+letters+" "+unique, now, 0))
		}
		writeSpans(t, s, spans...)
		writeLogs(t, s, records...)
	}
	bytes := func(table string, signal index.Signal) int64 {
		return selectOne[int64](t, conn, `SELECT coalesce(sum(length(body)), 0)::int8 FROM plait_store.`+table+` WHERE signal = $1 AND replaced_at = 'infinity'`, int(signal))
	}
	const rows = commits * perCommit
	// Per attribute: its key's term, and its value's. Per record: eight terms, and itself as a unit.
	if got, most := bytes("term_head", index.Spans), int64(rows*(64+attributes*4*3)); got > most {
		t.Errorf("heads of spans take %d bytes, more than %d", got, most)
	}
	if got, most := bytes("term_head", index.Logs), int64(rows*200); got > most {
		t.Errorf("heads of records take %d bytes, more than %d", got, most)
	}
	mergeTerms(t, s)
	if got, most := bytes("term_segment", index.Spans), int64(rows*(64+attributes*4*3)); got > most {
		t.Errorf("segments of spans take %d bytes, more than %d", got, most)
	}
	for c := range commits {
		x := s.SpanTerms()
		got := unitsOf(t, x, x.Hasher().HasAttribute(fmt.Sprintf("k%d-7.3", c), fmt.Appendf(nil, `"%d-7"`, c)))
		if !slices.Contains(got, plait.TraceID{byte(c + 1), 7}) {
			t.Errorf("a span of commit %d is not found: %v", c, got)
		}
	}
	if n := selectOne[int64](t, conn, `SELECT count(*) FROM plait_store.log_class`); n > rows+1 {
		t.Errorf("%d classes", n)
	}
}

func TestATraceThatIsKeptForAnExemplarIsFoundByItsTerms(t *testing.T) {
	t.Parallel()
	c := &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	url := storetest.URL(t)
	s := storetest.Open(t, url, storetest.Now(c.read), func(config *store.Config) {
		config.RetentionTraces, config.RetentionLogs, config.RetentionMetrics = 2*24*time.Hour, 2*24*time.Hour, 12*24*time.Hour
	})
	conn := connect(t, url)
	pointed, forgotten := plait.TraceID{1, 15: 1}, plait.TraceID{2, 15: 2}
	pinnedTrace(t, s, pointed, pointed, c.read())
	pinnedTrace(t, s, forgotten, plait.TraceID{}, c.read())
	operation := selectOne[int64](t, conn, `SELECT id FROM plait_store.operation WHERE name = 'work'`)
	severity := int64(0)
	for days := range 18 {
		liveUntil(t, s, c, time.Date(2026, 3, 1+days, 12, 0, 0, 0, time.UTC))
		mergeTerms(t, s)
		spans := unitsOf(t, s.SpanTerms(), s.SpanTerms().Hasher().AnyID(terms.Operation, operation))
		logs := unitsOf(t, s.LogTerms(), s.LogTerms().Hasher().AnyID(terms.Severity, severity))
		if others := unitsOf(t, s.SpanTerms(), s.SpanTerms().Hasher().AnyID(terms.Operation, operation+1)); len(others) > 0 {
			t.Errorf("after %d days spans of another operation are found: %v", days, others)
		}
		for _, found := range [][]plait.TraceID{spans, logs} {
			if kept := days <= 12; kept && !slices.Contains(found, pointed) {
				t.Errorf("after %d days a trace is not found that an exemplar points to", days)
			}
			if slices.Contains(found, forgotten) != (days <= 2) {
				t.Errorf("after %d days the index finds %v", days, found)
			}
		}
	}
	if rows, indexed := indexedRows(t, conn); rows != indexed || rows != [2]int64{} {
		t.Errorf("of %d rows the index has %d in the end", rows, indexed)
	}
}
