package dashboards

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/storetest"
)

// The tree of a trace shows each span once, below the one that called it, whatever was lost, sent
// twice, shared as B3 does, or ill.
func TestTraceTreeShowsEverySpanOnce(t *testing.T) {
	t.Parallel()
	var trace plait.TraceID
	if err := trace.UnmarshalText([]byte("4bf92f3577b34da6a3ce929d0e0e4736")); err != nil {
		t.Fatal(err)
	}
	start := time.Now().Add(-time.Minute).Truncate(time.Millisecond)
	span := func(id, parent byte, kind plait.SpanKind, service string, after, lasts time.Duration) plait.Span {
		return plait.Span{
			TraceID: trace, SpanID: plait.SpanID{7: id}, ParentSpanID: plait.SpanID{7: parent}, Kind: kind, Name: "op", Scope: &plait.Scope{},
			Resource:   &plait.Resource{Attributes: plait.Attributes{{Key: "service.name", Value: plait.StringValue(service)}}},
			StartNanos: start.Add(after).UnixNano(), EndNanos: start.Add(after + lasts).UnixNano(),
		}
	}
	const ms = time.Millisecond
	failed := span(3, 2, plait.SpanKindInternal, "b", 30*ms, 10*ms)
	failed.Status = plait.StatusError
	database := storetest.URL(t)
	st := storetest.Open(t, database)
	for _, request := range [][]plait.Span{
		{
			span(1, 0, plait.SpanKindServer, "a", 0, 100*ms),
			span(2, 1, plait.SpanKindClient, "a", 10*ms, 80*ms), // shares its id with
			span(2, 1, plait.SpanKindServer, "b", 20*ms, 60*ms), // the server's side
			failed,
			span(9, 8, plait.SpanKindServer, "orphan", 52*ms, 10*ms),
			span(4, 5, plait.SpanKindInternal, "ring", 60*ms, 10*ms),
			span(5, 4, plait.SpanKindInternal, "ring", 70*ms, 10*ms),
			span(6, 6, plait.SpanKindInternal, "own parent", 80*ms, 10*ms),
			span(7, 1, plait.SpanKindInternal, "no time", 90*ms, 0),
		},
		{span(1, 0, plait.SpanKindServer, "a", 0, 100*ms), span(7, 1, plait.SpanKindInternal, "no time", 90*ms, 0), span(7, 1, plait.SpanKindInternal, "early", -98*ms, 20*ms)},
	} {
		if _, err := st.WriteTraces(t.Context(), &plait.Traces{Spans: request}); err != nil {
			t.Fatal(err)
		}
	}
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	d := all(t)[indexOf(t, all(t), "logs-by-trace-id.json")]
	r := asker{database: conn}.ask(t, newView(d, time.Hour, chosen(d, trace.String(), "")), panelOf(t, d, "Spans").Targets[0])
	if r.err != nil {
		t.Fatal(r.err)
	}
	var got []string
	for _, row := range r.table {
		line := strings.ReplaceAll(row["span"].(string), "\u00a0", " ") + " " + row["kind"].(string) + " " + row["when"].(string)
		if row["failed"] == "error" {
			line += " failed"
		}
		got = append(got, line)
	}
	want := []string{
		"a  op server ░░░░░░░░░░░░░░░█████████████████",
		"    early  op internal ███░░░░░░░░░░░░░░░░░░░░░░░░░░░░░",
		"    a  op client ░░░░░░░░░░░░░░░░░█████████████░░",
		"        b  op server ░░░░░░░░░░░░░░░░░░░██████████░░░",
		"            b  op internal ░░░░░░░░░░░░░░░░░░░░██░░░░░░░░░░ failed",
		"    no time  op internal ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░█░",
		"orphan  op server ░░░░░░░░░░░░░░░░░░░░░░░░██░░░░░░",
		"own parent  op internal ░░░░░░░░░░░░░░░░░░░░░░░░░░░░██░░",
		"ring  op internal ░░░░░░░░░░░░░░░░░░░░░░░░░██░░░░░",
		"ring  op internal ░░░░░░░░░░░░░░░░░░░░░░░░░░░██░░░",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
