package store_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/storetest"
	"github.com/plaithq/plait/tracecontext"
)

// readInSQL returns what plait.trace_id makes of each text, empty for null.
func readInSQL(t *testing.T, conn *pgx.Conn, texts ...string) []string {
	rows, err := conn.Query(t.Context(), `
SELECT coalesce(encode(uuid_send(plait.trace_id(spelling)), 'hex'), '')
FROM unnest($1::text[]) WITH ORDINALITY u(spelling, n)
ORDER BY n`, texts)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// readInGo is readInSQL by package tracecontext.
func readInGo(text string) string {
	c, err := tracecontext.Parse(text)
	if err != nil {
		return ""
	}
	return c.TraceID.String()
}

func TestTraceIDInSQLReadsEverySpelling(t *testing.T) {
	t.Parallel()
	conn := connect(t, storetest.URL(t))
	table, err := os.ReadFile("../tracecontext/testdata/spellings.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var texts, want []string
	for line := range strings.Lines(string(table)) {
		var c struct {
			Pasted  string
			TraceID string `json:"trace_id"`
		}
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		texts, want = append(texts, c.Pasted), append(want, c.TraceID)
	}
	for i, got := range readInSQL(t, conn, texts...) {
		if got != want[i] {
			t.Errorf("plait.trace_id(%q) = %q, want %q", texts[i], got, want[i])
		}
	}
	var null *string
	if err := conn.QueryRow(t.Context(), `SELECT plait.trace_id(NULL)`).Scan(&null); err != nil || null != nil {
		t.Errorf("the id of null is %v, %v", null, err)
	}
}

func TestTraceIDInSQLAgreesWithTheAPIOnAnySpelling(t *testing.T) {
	t.Parallel()
	conn := connect(t, storetest.URL(t))
	dress := []func(name, value string) string{
		func(_, value string) string { return value },
		func(name, value string) string { return name + ": " + value },
		func(name, value string) string { return name + "=" + value },
		func(name, value string) string { return `"` + name + `": "` + value + `",` },
		func(_, value string) string { return strings.ToUpper(value) },
		func(name, value string) string {
			return "12:03:04 WARN shop: no answer " + name + "=" + value + " after 3 s"
		},
		func(name, value string) string { return `{"level":"warn","` + name + `":"` + value + `"}` },
	}
	rapid.Check(t, func(rt *rapid.T) {
		var c tracecontext.Context
		binary.BigEndian.PutUint64(c.TraceID[:8], rapid.OneOf(rapid.Just(uint64(0)), rapid.Uint64()).Draw(rt, "upper"))
		binary.BigEndian.PutUint64(c.TraceID[8:], rapid.Uint64Min(1).Draw(rt, "lower"))
		binary.BigEndian.PutUint64(c.SpanID[:], rapid.Uint64().Draw(rt, "span"))
		c.Sampled = tracecontext.Sampling(rapid.IntRange(0, int(tracecontext.Sampled)).Draw(rt, "sampled"))
		var texts []string
		for _, s := range tracecontext.Spellings(c) {
			for _, d := range dress {
				texts = append(texts, d(s.Name, s.Value))
			}
		}
		compareReadings(rt, t, conn, texts)
	})
}

// Texts that are nearly ids are where two readers differ.
func TestTraceIDInSQLAgreesWithTheAPIOnNearlyIDs(t *testing.T) {
	t.Parallel()
	conn := connect(t, storetest.URL(t))
	pieces := []string{
		"-", "-", ":", "=", "/", ";", ".", "|", "@", "_", "0x", "00", "01", "1-", "o=1", "Root=", "projects/", "/traces/", "%3A", "trace_id", "span_id", "b3", "dd.trace_id", " ",
		"0", "7", "a", "4b7c", "5759e988", "BD862E3F", "00f067aa0ba902b7", "1234567890123456", "16266516598257821587", "5759e988bd862e3fe1be46a994272793", "e1be46a994272793", "==", "{", "}", "[", "]", ",", "\"",
	}
	rapid.Check(t, func(rt *rapid.T) {
		texts := rapid.SliceOfN(rapid.Map(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 7),
			func(parts []string) string { return strings.Join(parts, "") }), 20, 20).Draw(rt, "texts")
		compareReadings(rt, t, conn, texts)
	})
}

func compareReadings(rt *rapid.T, t *testing.T, conn *pgx.Conn, texts []string) {
	for i, got := range readInSQL(t, conn, texts...) {
		if want := readInGo(texts[i]); got != want {
			rt.Fatalf("plait.trace_id(%q) = %q, the API reads %q", texts[i], got, want)
		}
	}
}

func TestTraceIDInSQLIsTheWholeIDOfAStoredTrace(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, conn := storetest.Open(t, url), connect(t, url)
	now := time.Now()
	const digits = "1234567890123456" // hexadecimal or decimal
	whole, decimal := plait.TraceID{0xaa, 7: 1}, plait.TraceID{0xbb}
	binary.BigEndian.PutUint64(whole[8:], 16266516598257821587)
	binary.BigEndian.PutUint64(decimal[8:], 1234567890123456)
	short := plait.TraceID{8: 0x70, 15: 3} // of a trace whose tracers know 64 bits only
	for _, id := range []plait.TraceID{whole, decimal, short} {
		writeSpans(t, s, span(id, 1, 0, "web", "a", now, time.Minute, time.Second))
	}
	texts := []string{
		"16266516598257821587", "-2180227475451730029", "dd.trace_id=16266516598257821587", "e1be46a994272793",
		"0000000000000000e1be46a994272793", "b3: e1be46a994272793-00f067aa0ba902b7-1",
		digits, short.String(), short.String()[16:], "00000000000000000000000000000009",
	}
	want := []string{
		whole.String(), whole.String(), whole.String(), whole.String(), whole.String(), whole.String(),
		decimal.String(), short.String(), short.String(), "00000000000000000000000000000009",
	}
	if diff := cmp.Diff(want, readInSQL(t, conn, texts...)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestTraceIDInSQLIsFoundByTheIndex(t *testing.T) {
	t.Parallel()
	skipOnCitus(t, "a function that asks distributed tables is no condition of a plan there (docs/scaling.md)")
	_, url, trace := planStore(t)
	conn := connect(t, url)
	pages := make(map[string]int)
	for _, table := range []string{"span", "log", "trace_fragment", "exemplar"} {
		maps.Copy(pages, partitionPages(t, conn, table))
	}
	if _, err := conn.Exec(t.Context(), "SET plan_cache_mode = force_generic_plan"); err != nil {
		t.Fatal(err)
	}
	for i, view := range []string{"spans", "logs", "traces", "exemplars"} {
		literal := fmt.Sprintf("SELECT * FROM plait.%s WHERE trace_id = plait.trace_id('|%s.00f067aa0ba902b7.')", view, trace)
		prepare := fmt.Sprintf("PREPARE by_spelling_%d(text) AS SELECT * FROM plait.%s WHERE trace_id = plait.trace_id($1)", i, view)
		if _, err := conn.Exec(t.Context(), prepare); err != nil {
			t.Fatal(err)
		}
		for _, sql := range []string{literal, fmt.Sprintf("EXECUTE by_spelling_%d('%s')", i, trace)} {
			explain(t, conn, sql).walk(func(n planNode) {
				if n.Type == "Seq Scan" && pages[n.Relation] > largePartition {
					t.Errorf("%s\nscans %s with %d pages", sql, n.Relation, pages[n.Relation])
				}
			})
			tag, err := conn.Exec(t.Context(), sql)
			if err != nil || view != "exemplars" && tag.RowsAffected() == 0 {
				t.Errorf("%s: %v, %v", sql, tag, err)
			}
		}
	}
}
