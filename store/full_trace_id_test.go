package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/storetest"
)

func TestFullTraceIDInSQL(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, conn := storetest.Open(t, url), connect(t, url)
	whole := plait.TraceID{0xaa, 7: 1, 8: 0xf0, 15: 2}
	half := plait.TraceID{8: 0x70, 15: 3} // of a trace whose spans are of 64 bits too
	now := time.Now()
	writeSpans(t, s, span(whole, 1, 0, "web", "a", now, time.Minute, time.Second), span(half, 2, 0, "web", "b", now, time.Minute, time.Second))
	lower := func(id plait.TraceID) string { return strings.Repeat("0", 16) + id.String()[16:] }
	for asked, want := range map[string]string{
		lower(whole):                whole.String(),
		whole.String():              whole.String(),
		half.String():               half.String(),
		lower(plait.TraceID{15: 9}): lower(plait.TraceID{15: 9}),
		"no id":                     "no id",
		"":                          "",
	} {
		var got string
		if err := conn.QueryRow(t.Context(), `SELECT plait.full_trace_id($1)`, asked).Scan(&got); err != nil || got != want {
			t.Errorf("%q is %q, %v; want %q", asked, got, err, want)
		}
	}
	// A reader needs no right to the tables behind the views.
	for _, sql := range []string{
		`CREATE ROLE full_trace_id_reader`, `GRANT USAGE ON SCHEMA plait TO full_trace_id_reader`, `SET ROLE full_trace_id_reader`,
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	var got string
	err := conn.QueryRow(t.Context(), `SELECT plait.full_trace_id($1)`, lower(whole)).Scan(&got)
	if err != nil || got != whole.String() {
		t.Errorf("for a reader: %q, %v", got, err)
	}
	for _, sql := range []string{`RESET ROLE`, `REVOKE ALL ON SCHEMA plait FROM full_trace_id_reader`, `DROP ROLE full_trace_id_reader`} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Error(err)
		}
	}
}
