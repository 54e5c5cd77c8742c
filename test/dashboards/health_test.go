package dashboards

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/storetest"
)

// shop is telemetry of services with a mistake each, and of some without.
type shop struct {
	start time.Time
	made  uint64
	spans []plait.Span
	logs  []plait.LogRecord
}

func named(service string) *plait.Resource {
	r := &plait.Resource{}
	if service != "" {
		r.Attributes = plait.Attributes{{Key: "service.name", Value: plait.StringValue(service)}}
	}
	return r
}

// next makes a trace's id, with 128 bits or with 64, and a span's.
func (s *shop) next(whole bool) (trace plait.TraceID, span plait.SpanID) {
	s.made++
	if whole {
		binary.BigEndian.PutUint64(trace[:8], 0xabc000000000+s.made)
	}
	binary.BigEndian.PutUint64(trace[8:], 0xdef000000000+s.made)
	binary.BigEndian.PutUint64(span[:], 0x123000000000+s.made)
	return trace, span
}

func (s *shop) span(trace plait.TraceID, id, parent plait.SpanID, service string, late time.Duration) {
	began := s.start.Add(late)
	s.spans = append(s.spans, plait.Span{
		TraceID: trace, SpanID: id, ParentSpanID: parent, Kind: plait.SpanKindServer, Name: "op", Scope: &plait.Scope{}, Resource: named(service),
		StartNanos: began.UnixNano(), EndNanos: began.Add(time.Second).UnixNano(),
	})
}

func (s *shop) record(trace plait.TraceID, id plait.SpanID, service string, flags uint32) {
	s.logs = append(s.logs, plait.LogRecord{
		TraceID: trace, SpanID: id, TimeNanos: s.start.UnixNano() + int64(len(s.logs))*1e6, Scope: &plait.Scope{}, Resource: named(service),
		Body: plait.StringValue("paid"), Flags: flags,
	})
}

// The tables of what to mend say so of the services that have a mistake, and of no other.
func TestWhatToMendIsSaidOfServicesWithThatMistakeOnly(t *testing.T) {
	t.Parallel()
	s := &shop{start: time.Now().Add(-10 * time.Minute)}
	const sampled = 1
	for range 20 {
		trace, root := s.next(true)
		_, behind := s.next(true)
		_, called := s.next(true)
		s.span(trace, root, plait.SpanID{}, "fine", 0)
		s.record(trace, root, "fine", sampled)
		s.span(trace, called, root, "called", 10*time.Millisecond)
		s.record(trace, called, "called", 0)
		s.span(trace, behind, root, "90 s behind", -90*time.Second)
		s.record(plait.TraceID{}, plait.SpanID{}, "logs without ids", 0)

		orphan, id := s.next(true)
		_, proxy := s.next(true)
		s.span(orphan, id, proxy, "behind a proxy", 0)
		s.record(orphan, id, "behind a proxy", sampled)

		lost, id := s.next(true)
		s.record(lost, id, "exports no spans", sampled)
		dropped, id := s.next(true)
		s.record(dropped, id, "sampled away", 0)

		half, id := s.next(false)
		s.span(half, id, plait.SpanID{}, "64 bits", 0)
		s.record(half, id, "64 bits", sampled)

		nameless, id := s.next(true)
		s.span(nameless, id, plait.SpanID{}, "", 0)
		s.record(nameless, id, "", sampled)
	}
	database := storetest.URL(t)
	st := storetest.Open(t, database)
	if _, err := st.WriteTraces(t.Context(), &plait.Traces{Spans: s.spans}); err != nil {
		t.Fatal(err)
	}
	if _, err := st.WriteLogs(t.Context(), &plait.Logs{Records: s.logs}); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	d := all(t)[indexOf(t, all(t), "correlation-health.json")]
	for panel, want := range map[string]map[string]string{
		"Log records": {
			"fine": "", "called": "", "behind a proxy": "", "logs without ids": "Let the logger", "exports no spans": "Spans of these traces never came",
			"sampled away": "These traces do not carry the flag", "64 bits": "Nobody knows these ids", "unknown_service": "Set OTEL_SERVICE_NAME",
		},
		"Spans":  {"fine": "", "called": "", "90 s behind": "", "behind a proxy": "The caller's spans are missing", "64 bits": "Nobody knows these ids", "unknown_service": "Set OTEL_SERVICE_NAME"},
		"Clocks": {"called": "", "90 s behind": "The clock of the called"},
	} {
		r := asker{database: conn}.ask(t, newView(d, time.Hour, nil), panelOf(t, d, panel).Targets[0])
		if r.err != nil {
			t.Fatal(r.err)
		}
		got := map[string]string{}
		for _, row := range r.table {
			service := row["service"].(string)
			mend := row["mend"].(string)
			got[service] = mend[:min(len(mend), max(len(want[service]), 1))]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", panel, diff)
		}
	}
}
