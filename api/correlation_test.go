package api

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/correlate/health"
	"github.com/plaithq/plait/store/storetest"
)

// A tracer of 64 bits behind one of 128: what it sends joins, and is told nevertheless.
func TestHalfIDsAndRepeatsAreFindings(t *testing.T) {
	t.Parallel()
	s := emptyStore(t)
	now := time.Date(2026, 11, 20, 10, 5, 0, 0, time.UTC)
	watch := health.NewWatch(s, func() time.Time { return now })
	g := start(t, s, func(_ *Config, d *Deps) {
		d.Noticed, d.Now = watch.Noticed, func() time.Time { return now }
	})
	write := func(lines ...string) {
		t.Helper()
		var n notation
		for _, line := range lines {
			if err := n.read(line); err != nil {
				t.Fatal(err)
			}
		}
		n.traces.Digest = plait.Digest{1}
		if _, err := watch.WriteTraces(t.Context(), &n.traces); err != nil {
			t.Fatal(err)
		}
	}
	first := "span trace=a1 id=1 service=web kind=server start=10:00:00 dur=1s times=5 every=1s"
	write(first)
	write(first)
	var n notation
	if err := n.read("span trace=half:a1 id=2 parent=1 service=old kind=server start=10:00:00.1 dur=500ms"); err != nil {
		t.Fatal(err)
	}
	if _, err := watch.WriteTraces(t.Context(), &n.traces); err != nil {
		t.Fatal(err)
	}
	answer := answerOf[correlationAnswer](t, g, root+"/correlation")
	kinds := map[string][]string{}
	for _, of := range answer.Services {
		for _, f := range of.Findings {
			kinds[of.Service] = append(kinds[of.Service], f.Kind)
		}
	}
	if len(kinds["web"]) != 1 || kinds["web"][0] != "duplicates" || len(kinds["old"]) != 1 || kinds["old"][0] != "half_ids" {
		t.Errorf("found %v in %+v", kinds, answer)
	}
	if answer.Totals.Spans != 6 || answer.Totals.Orphans != 0 || answer.Totals.HalfIDs != 1 || answer.Totals.Duplicates != 5 {
		t.Errorf("totals are %+v", answer.Totals)
	}
}

// What a limit of the gateway left out is not blamed on samplers and callers, unless flags say that it was a sampler.
func TestFindingsNameALimitThatLeftSpansOut(t *testing.T) {
	t.Parallel()
	s := emptyStore(t)
	now := time.Date(2026, 11, 20, 10, 5, 0, 0, time.UTC)
	var n notation
	for _, line := range []string{
		"span trace=a1 id=1 service=web kind=server start=10:00:00 dur=1s times=5 every=1s",
		"span trace=f1 id=2 parent=9 service=web kind=server start=10:00:10 dur=1s times=5 every=1s",
		`log service=web trace=b1 id=1 at=10:00:00 trace_flags=01 body="away" times=9 every=1s`,
		"span trace=c1 id=1 service=till kind=server start=10:00:00 dur=1s times=5 every=1s",
		`log service=till trace=d1 id=1 at=10:00:00 trace_flags=00 body="away" times=9 every=1s`,
	} {
		if err := n.read(line); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.WriteTraces(t.Context(), &n.traces); err != nil {
		t.Fatal(err)
	}
	if _, err := s.WriteLogs(t.Context(), &n.logs); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		signal   string
		services []string // whose limits they were; empty: that of all
		minutes  int
		ago      time.Duration
		want     []string // findings, with the setting that they name
	}{
		{"in the range", "traces", []string{""}, 4, 4 * time.Minute, []string{"web sampled_away --max-spans-per-second", "web orphans --max-spans-per-second"}},
		{"of the service", "traces", []string{"web"}, 4, 4 * time.Minute, []string{"web sampled_away --limits", "web orphans --limits"}},
		{"of a service that may have called it", "traces", []string{"shop"}, 4, 4 * time.Minute, []string{"web orphans --limits"}},
		{"that of all leaves out whole traces", "traces", []string{"", "shop"}, 4, 4 * time.Minute, []string{"web sampled_away --max-spans-per-second", "web orphans --limits"}},
		{"long before", "traces", []string{""}, 60, 12 * time.Hour, nil},
		{"of log records", "logs", []string{""}, 4, 4 * time.Minute, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			limits := storetest.New(t)
			for _, service := range c.services {
				noteLimited(limits, c.signal, service, now.Add(-c.ago), c.minutes, 0.4)
			}
			g := start(t, s, func(_ *Config, d *Deps) {
				d.Limited, d.Now = limits.Limited, func() time.Time { return now }
			})
			var naming []string
			for _, of := range answerOf[correlationAnswer](t, g, root+"/correlation").Services {
				for _, f := range of.Findings {
					for _, setting := range []string{"--max-spans-per-second", "--limits"} {
						if strings.Contains(f.Says, setting) {
							naming = append(naming, of.Service+" "+f.Kind+" "+setting)
						}
					}
				}
			}
			if !slices.Equal(naming, c.want) {
				t.Errorf("the limit is named by %q, want %q", naming, c.want)
			}
		})
	}
}
