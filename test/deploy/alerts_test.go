package deploy

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
)

const rulesFile = "../../deploy/alerts/plait.rules.yml"

// healthy is a gateway that is well: as everything ought to look, minute by minute.
var healthy = map[string]string{
	`up{job="plait", instance="a"}`:                                                               `1x180`,
	`plait_ingest_records_total{instance="a", signal="traces"}`:                                   `0+600x180`,
	`plait_ingest_requests_total{instance="a", door="otlp_http", answer="ok"}`:                    `0+60x180`,
	`plait_ingest_refused_total{instance="a", signal="traces", reason="no_id"}`:                   `3x180`,
	`plait_ingest_panics_total{instance="a"}`:                                                     `1x180`,
	`plait_store_records_total{instance="a", signal="traces"}`:                                    `0+600x180`,
	`plait_store_outside_total{instance="a", signal="traces"}`:                                    `0+6x180`,
	`plait_store_failed_requests_total{instance="a", signal="traces", reason="unavailable"}`:      `5x180`,
	`plait_store_failed_requests_total{instance="a", signal="traces", reason="other"}`:            `5x180`,
	`plait_store_commit_seconds_bucket{instance="a", signal="traces", le="0.1"}`:                  `0+60x180`,
	`plait_store_commit_seconds_bucket{instance="a", signal="traces", le="10"}`:                   `0+60x180`,
	`plait_store_commit_seconds_bucket{instance="a", signal="traces", le="+Inf"}`:                 `0+60x180`,
	`plait_store_upkeep_failures_total{instance="a", task="drop"}`:                                `1x180`,
	`plait_store_clock_ahead_seconds{instance="a"}`:                                               `-0.1x180`,
	`plait_store_index_heads{instance="a", signal="traces"}`:                                      `5000x180`,
	`plait_store_index_merges_total{instance="a", signal="traces", of="heads"}`:                   `0+5x180`,
	`plait_store_tally_commits{instance="a", signal="traces"}`:                                    `5000x180`,
	`plait_store_tally_merges_total{instance="a", signal="traces"}`:                               `0+5x180`,
	`plait_store_unpinned_exemplars_total{instance="a"}`:                                          `0x180`,
	`plait_exemplars_write_failures_total{instance="a"}`:                                          `1x180`,
	`plait_exemplars_folded_spans_total{instance="a"}`:                                            `9x180`,
	`plait_forward_lag_seconds{instance="a", target="t", signal="traces"}`:                        `3x180`,
	`plait_forward_records_total{instance="a", target="t", signal="traces", result="sent"}`:       `0+600x180`,
	`plait_forward_records_total{instance="a", target="t", signal="traces", result="left_out"}`:   `0+60x180`,
	`plait_forward_records_total{instance="a", target="t", signal="traces", result="refused"}`:    `5x180`,
	`plait_api_request_seconds_count{instance="a", route="/api/v1/logs", code="200"}`:             `0+60x180`,
	`plait_api_request_seconds_count{instance="a", route="/api/v1/logs", code="500"}`:             `0+1x180`,
	`plait_api_request_seconds_bucket{instance="a", route="/api/v1/logs", code="200", le="1"}`:    `0+60x180`,
	`plait_api_request_seconds_bucket{instance="a", route="/api/v1/logs", code="200", le="60"}`:   `0+60x180`,
	`plait_api_request_seconds_bucket{instance="a", route="/api/v1/logs", code="200", le="+Inf"}`: `0+60x180`,
}

// ills are what fires each alert, in place of what is healthy, from the start on.
var ills = map[string]map[string]string{
	"PlaitIsDown":                     {`up{job="plait", instance="a"}`: `0x180`},
	"PlaitTakesNothingIn":             {`plait_ingest_records_total{instance="a", signal="traces"}`: `0+600x120 72000x60`},
	"PlaitCannotReachItsDatabase":     {`plait_store_failed_requests_total{instance="a", signal="traces", reason="unavailable"}`: `0+10x180`},
	"PlaitCommitsFail":                {`plait_store_failed_requests_total{instance="a", signal="traces", reason="other"}`: `0+1x180`},
	"PlaitCommitsAreSlow":             {`plait_store_commit_seconds_bucket{instance="a", signal="traces", le="0.1"}`: `0+30x180`},
	"PlaitAsksSendersToComeBack":      {`plait_ingest_requests_total{instance="a", door="otlp_http", answer="overloaded"}`: `0+10x180`},
	"PlaitRefusesRecords":             {`plait_ingest_refused_total{instance="a", signal="traces", reason="no_id"}`: `0+1x180`},
	"PlaitPanics":                     {`plait_ingest_panics_total{instance="a"}`: `0x130 1x50`},
	"PlaitQueriesFail":                {`plait_api_request_seconds_count{instance="a", route="/api/v1/logs", code="500"}`: `0+6x180`},
	"PlaitQueriesAreSlow":             {`plait_api_request_seconds_bucket{instance="a", route="/api/v1/logs", code="200", le="1"}`: `0+30x180`},
	"PlaitUpkeepFails":                {`plait_store_upkeep_failures_total{instance="a", task="drop"}`: `0+0.2x180`},
	"PlaitClockDiffers":               {`plait_store_clock_ahead_seconds{instance="a"}`: `-90x180`},
	"PlaitIndexIsNotMerged":           {`plait_store_index_merges_total{instance="a", signal="traces", of="heads"}`: `7x180`},
	"PlaitCountsAreNotMerged":         {`plait_store_tally_merges_total{instance="a", signal="traces"}`: `7x180`},
	"PlaitDerivedSeriesAreNotWritten": {`plait_exemplars_write_failures_total{instance="a"}`: `0+1x180`},
	"PlaitForwardingLags":             {`plait_forward_lag_seconds{instance="a", target="t", signal="traces"}`: `0+60x180`},
	"PlaitForwardingLosesRecords":     {`plait_forward_records_total{instance="a", target="t", signal="traces", result="refused"}`: `0+1x180`},
	"PlaitSeriesAreFolded":            {`plait_exemplars_folded_spans_total{instance="a"}`: `0+9x180`},
	"PlaitTelemetryIsFarFromNow":      {`plait_store_outside_total{instance="a", signal="traces"}`: `0+300x180`},
	"PlaitExemplarsLoseTheirTraces":   {`plait_store_unpinned_exemplars_total{instance="a"}`: `0x100 40x80`},
}

func TestEachAlertFiresForItsIllAndForNoOther(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, r := range loadAlerts(t) {
		names[r.Name()] = true
		if ills[r.Name()] == nil {
			t.Errorf("nothing fires %s here", r.Name())
		}
	}
	if fired := firing(t, healthy); len(fired) > 0 {
		t.Errorf("a healthy gateway fires %v", fired)
	}
	for name, ill := range ills {
		if !names[name] {
			t.Errorf("there is no alert %s", name)
		}
		series := map[string]string{}
		for _, part := range []map[string]string{healthy, ill} {
			for k, v := range part {
				series[k] = v
			}
		}
		fired := firing(t, series)
		if len(fired) != 1 || fired[name] == nil {
			t.Errorf("%s: what fires is %v", name, fired)
		}
		for _, text := range fired[name] {
			if text == "" || strings.Contains(text, "<") || strings.Contains(text, "error expanding") {
				t.Errorf("%s: it says %q", name, text)
			}
		}
	}
}

func manager(t *testing.T, loader *promqltest.LazyLoader) []*rules.AlertingRule {
	t.Helper()
	o := &rules.ManagerOptions{
		Context: t.Context(), Logger: slog.New(slog.DiscardHandler), Parser: parser.NewParser(parser.Options{}),
		NotifyFunc: func(context.Context, string, ...*rules.Alert) {},
	}
	if loader != nil {
		o.QueryFunc, o.Appendable = rules.EngineQueryFunc(loader.QueryEngine(), loader.Storage()), loader.Storage()
	}
	groups, errs := rules.NewManager(o).LoadGroups(time.Minute, labels.EmptyLabels(), "http://prometheus", nil, false, rulesFile)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var list []*rules.AlertingRule
	for _, g := range groups {
		for _, r := range g.Rules() {
			alert, ok := r.(*rules.AlertingRule)
			if !ok {
				t.Fatalf("%s is no alert", r.Name())
			}
			list = append(list, alert)
		}
	}
	return list
}

func loadAlerts(t *testing.T) []*rules.AlertingRule { return manager(t, nil) }

// firing evaluates the rules each minute for two hours and a half, and returns the texts of the alerts that fire then.
func firing(t *testing.T, series map[string]string) map[string][]string {
	t.Helper()
	var input strings.Builder
	input.WriteString("load 1m\n")
	for name, values := range series {
		fmt.Fprintf(&input, "  %s %s\n", name, values)
	}
	loader, err := promqltest.NewLazyLoader(input.String(), promqltest.LazyLoaderOpts{EnableAtModifier: true, EnableNegativeOffset: true})
	if err != nil {
		t.Fatal(err)
	}
	defer loader.Close()
	loader.SubqueryInterval = time.Minute
	list := manager(t, loader)
	query := rules.EngineQueryFunc(loader.QueryEngine(), loader.Storage())
	const last = 141
	for minute := last - 45; minute <= last; minute++ {
		at := time.Unix(0, 0).UTC().Add(time.Duration(minute) * time.Minute)
		loader.WithSamplesTill(at, func(err error) {
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range list {
				if _, err := r.Eval(t.Context(), 0, at, query, nil, 0); err != nil {
					t.Fatalf("%s: %v", r.Name(), err)
				}
			}
		})
	}
	found := map[string][]string{}
	for _, r := range list {
		for _, a := range r.ActiveAlerts() {
			if a.State == rules.StateFiring {
				found[r.Name()] = append(found[r.Name()], a.Annotations.Get("summary"), a.Annotations.Get("description"))
			}
		}
	}
	return found
}

// Each alert has its part of the runbook, and the runbook no part of an alert that is not there.
func TestTheRunbookHasAPartForEachAlert(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.FromSlash("../../docs/runbook.md"))
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]bool{}
	for line := range strings.SplitSeq(string(text), "\n") {
		if name, ok := strings.CutPrefix(line, "## "); ok {
			parts[name] = true
		}
	}
	for _, r := range loadAlerts(t) {
		if !parts[r.Name()] {
			t.Errorf("docs/runbook.md has no part %s", r.Name())
		}
		delete(parts, r.Name())
		url := r.Annotations().Get("runbook_url")
		if !strings.HasSuffix(url, "/docs/runbook.md#"+strings.ToLower(r.Name())) {
			t.Errorf("%s leads to %s", r.Name(), url)
		}
		if severity := r.Labels().Get("severity"); severity != "critical" && severity != "warning" && severity != "info" {
			t.Errorf("%s has the severity %q", r.Name(), severity)
		}
	}
	if len(parts) > 0 {
		t.Errorf("docs/runbook.md has parts of no alert: %v", parts)
	}
}
