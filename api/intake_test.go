package api

import (
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

func TestIntakeTellsWhatCameAndWhatIsStored(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 26, 9, 12, 40, 0, time.UTC)
	reports := func(_ *Config, d *Deps) {
		d.Intake = func() []plait.IntakeReport {
			return []plait.IntakeReport{{
				Door: "otlp_http", Requests: 2, Stored: 5, Refused: 1, Sampled: 7, P95: 9 * time.Millisecond,
				LastRefusal: &plait.Refused{Time: at, Sender: "10.0.3.7", Answer: "invalid", Reason: "line 3 is cut off"},
			}}
		}
	}
	limited := storetest.New(t)
	noteLimited(limited, "traces", "till", at, 1, 0.25)
	noteLimited(limited, "logs", "", at.Add(time.Hour), 2, 0.5)
	noteLimited(limited, "logs", "", at.Add(-24*time.Hour), 1, 0.5) // more than a day ago
	description := readDescription(t)
	ask1 := func(g *gateway) intakeAnswer {
		resp, body := g.get(t, "/api/v1/intake")
		for _, wrong := range description.validate("/api/v1/intake", resp, body) {
			t.Error(wrong)
		}
		return answerOf[intakeAnswer](t, g, "/api/v1/intake")
	}
	empty := ask1(start(t, limited, reports, func(_ *Config, d *Deps) { d.Now = func() time.Time { return at.Add(2 * time.Hour) } }))
	want := intakeAnswer{Doors: []doorReport{{"otlp_http", 2, 5, 1, 7, 9e6, &refusal{ask.Stamp(at.UnixNano()), "10.0.3.7", "invalid", "line 3 is cut off"}}},
		Limited: []limitedTime{
			{"logs", "", "2026-11-26T10:12:00.000000000Z", "2026-11-26T10:14:00.000000000Z", 20, 14, 0.5},
			{"traces", "till", "2026-11-26T09:12:00.000000000Z", "2026-11-26T09:13:00.000000000Z", 10, 7, 0.25},
		}}
	if diff := gocmp.Diff(want, empty); diff != "" {
		t.Errorf("on an empty database (-want +got):\n%s", diff)
	}
	full := ask1(start(t, excerptStore(t)))
	n := full.Newest
	if n.Spans == nil || n.Logs == nil || n.JoinedLog == nil || !n.Metrics || len(full.Doors) != 0 {
		t.Errorf("with all three signals stored: %+v", full)
	}
}

// noteLimited says that a limit left 7 of 10 records out in each of some minutes.
func noteLimited(s *store.Store, signal, service string, from time.Time, minutes int, share float64) {
	for i := range minutes {
		at := from.Add(time.Duration(i) * time.Minute)
		s.NoteLimited(plait.Limited{Signal: signal, Service: service, From: at, To: at, Came: 10, SampledOut: 7, LeastShare: share})
	}
}

func TestATraceThatALimitMayHaveSampledOutSaysSo(t *testing.T) {
	t.Parallel()
	const (
		keptID = "000000000000000000ff000000000000"
		outID  = "0000000000000000000f000000000000"
		before = "1-5759e988-bd862e3fe1be46a994272793" // in 2016
		after  = "1-6b0805f0-bd862e3fe1be46a994272793" // an hour later
	)
	at := time.Date(2026, 11, 26, 9, 12, 0, 0, time.UTC)
	nothing, logsOnly, limited := storetest.New(t), storetest.New(t), storetest.New(t)
	for _, s := range []*store.Store{logsOnly, limited} {
		noteLimited(s, "logs", "", at, 1, 0.01)
	}
	noteLimited(limited, "traces", "", at, 2, 0.25)
	noteLimited(limited, "traces", "till", at, 2, 0.01) // that of all comes first
	services := storetest.New(t)
	noteLimited(services, "traces", "till %s", at, 2, 0.25)
	noteLimited(services, "traces", "*", at, 2, 0.5)
	for name, c := range map[string]struct {
		id      string
		limited *store.Store
		step    string // as outcome and what it says; empty for none
		likely  string
	}{
		"among those left out": {outID, limited, "warn From 2026-11-26 09:12:00 UTC to 2026-11-26 09:14:00 UTC more spans came in than may be stored: as few as 25 % of the traces were kept, and by its id this one need not be among them.",
			"It was probably sampled out as it came in: there were more spans than --max-spans-per-second."},
		"among those kept": {keptID, limited, "ok From 2026-11-26 09:12:00 UTC to 2026-11-26 09:14:00 UTC more spans came in than may be stored: as few as 25 % of the traces were kept, and by its id this one is among them.",
			"Nothing of it has ever been stored."},
		"its service's limit": {outID, services, "warn From 2026-11-26 09:12:00 UTC to 2026-11-26 09:14:00 UTC more spans of till %s came in than may be stored of it: as few as 25 % of its traces were kept, and by its id this one need not be among them.",
			"It was probably sampled out as it came in: there were more spans than --limits allows."},
		"of a later time":        {after, limited, "", "Nothing of it has ever been stored."},
		"of an earlier time":     {before, limited, "", "Nothing of it has ever been stored."},
		"only logs were limited": {outID, logsOnly, "", "Nothing of it has ever been stored."},
		"nothing was limited":    {outID, nothing, "", "Nothing of it has ever been stored."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := start(t, c.limited, func(_ *Config, d *Deps) { d.Now = func() time.Time { return at.Add(2 * time.Hour) } })
			path := "/api/v1/why-missing?id=" + c.id
			resp, body := g.get(t, path)
			for _, wrong := range readDescription(t).validate("/api/v1/why-missing", resp, body) {
				t.Error(wrong)
			}
			answer := answerOf[whyMissingAnswer](t, g, path)
			step := ""
			for _, s := range answer.Steps {
				if s.Kind == "limited" {
					step = string(s.Outcome) + " " + s.Says
				}
			}
			if step != c.step || answer.Likely == nil || answer.Likely.Says != c.likely {
				t.Errorf("%q, likely %+v\nwant %q, likely %q", step, answer.Likely, c.step, c.likely)
			}
		})
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
