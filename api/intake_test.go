package api

import (
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
)

func TestIntakeTellsWhatCameAndWhatIsStored(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 26, 9, 12, 40, 0, time.UTC)
	reports := func(_ *Config, d *Deps) {
		d.Intake = func() []plait.IntakeReport {
			return []plait.IntakeReport{{
				Door: "otlp_http", Requests: 2, Stored: 5, Refused: 1, P95: 9 * time.Millisecond,
				LastRefusal: &plait.Refused{Time: at, Sender: "10.0.3.7", Answer: "invalid", Reason: "line 3 is cut off"},
			}}
		}
	}
	description := readDescription(t)
	ask1 := func(g *gateway) intakeAnswer {
		resp, body := g.get(t, "/api/v1/intake")
		for _, wrong := range description.validate("/api/v1/intake", resp, body) {
			t.Error(wrong)
		}
		return answerOf[intakeAnswer](t, g, "/api/v1/intake")
	}
	empty := ask1(start(t, emptyStore(t), reports))
	want := intakeAnswer{Doors: []doorReport{{"otlp_http", 2, 5, 1, 9e6, &refusal{ask.Stamp(at.UnixNano()), "10.0.3.7", "invalid", "line 3 is cut off"}}}}
	if diff := gocmp.Diff(want, empty); diff != "" {
		t.Errorf("on an empty database (-want +got):\n%s", diff)
	}
	full := ask1(start(t, excerptStore(t)))
	n := full.Newest
	if n.Spans == nil || n.Logs == nil || n.JoinedLog == nil || !n.Metrics || len(full.Doors) != 0 {
		t.Errorf("with all three signals stored: %+v", full)
	}
}

func TestAboutTellsHowTheGatewayIsSet(t *testing.T) {
	t.Parallel()
	set := func(_ *Config, d *Deps) {
		d.About = About{
			Version: "v1.2.3", GrafanaURL: "https://grafana.example", PrivatePostgres: true, IngestAddr: "127.0.0.1:4318", OTLPGRPCAddr: "127.0.0.1:4317",
			RetentionTraces: time.Hour, RetentionLogs: 2 * time.Hour, RetentionMetrics: 3 * time.Hour,
		}
	}
	g := start(t, excerptStore(t), set)
	resp, body := g.get(t, "/api/v1/about")
	for _, wrong := range readDescription(t).validate("/api/v1/about", resp, body) {
		t.Error(wrong)
	}
	got := answerOf[aboutAnswer](t, g, "/api/v1/about")
	want := aboutAnswer{
		Version: "v1.2.3", GrafanaURL: "https://grafana.example", PrivatePostgres: true,
		Retention: retention{3600e9, 7200e9, 10800e9}, Listens: listensAt{"127.0.0.1:4318", "127.0.0.1:4317"}, Oldest: got.Oldest,
	}
	if diff := gocmp.Diff(want, got); diff != "" || got.Oldest.Seen == nil {
		t.Errorf("about (-want +got), the oldest %v:\n%s", got.Oldest.Seen, diff)
	}
}
