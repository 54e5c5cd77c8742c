package dashboards

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestEveryTargetAnswersWithRows(t *testing.T) {
	t.Parallel()
	binary := buildPlait(t)
	t.Run("demo", func(t *testing.T) {
		t.Parallel()
		g := startGateway(t, binary, "demo", "--fault-every", "10s", "--rate", "10")
		g.askAll(t, time.Hour, "checkout")
	})
	t.Run("trainticket", func(t *testing.T) {
		t.Parallel()
		g := startGateway(t, binary, "serve")
		folders, err := filepath.Glob("../../../shared/data/trainticket/*/*")
		if err != nil {
			t.Fatal(err)
		}
		if len(folders) == 0 {
			folders = []string{"../../testdata/trainticket"}
		}
		folders = folders[:min(len(folders), 2)] // more of the same show no other rows
		for _, folder := range folders {
			out, err := exec.CommandContext(t.Context(), binary, "import", "--shift-to-now", "--gateway", g.ingest,
				filepath.Join(folder, "traces.jsonl.gz"), filepath.Join(folder, "logs.jsonl.gz"), filepath.Join(folder, "metrics.jsonl.gz")).CombinedOutput()
			if err != nil {
				t.Fatalf("import %s: %v\n%s", folder, err, out)
			}
		}
		g.askAll(t, time.Hour, "ts-travel-service", "Services that log without trace ids", "Failed traces", "Errors") // every record of this recording has one, and the service did not fail
	})
}

var (
	runningAPI = flag.String("api", "", "base URL of the API of a gateway that runs, to ask it every target once")
	runningDB  = flag.String("database", "", "URL of its database")

	runningTo = flag.String("to", "", "when the hour ends that is asked for, as of RFC 3339; else it is now")

	runningService = flag.String("service", "", "one of its services, for the dashboard that is about one")
)

// With -api and -database, for measuring on much data: see docs/grafana.md.
func TestARunningGatewayAnswers(t *testing.T) {
	if *runningAPI == "" {
		t.Skip("no -api")
	}
	g := &gateway{api: *runningAPI, reader: *runningDB}
	if *runningTo != "" {
		var err error
		if g.to, err = time.Parse(time.RFC3339, *runningTo); err != nil {
			t.Fatal(err)
		}
	}
	var empty []string
	for _, d := range all(t) {
		for _, p := range d.Panels {
			empty = append(empty, p.Title)
		}
	}
	g.askAll(t, time.Hour, *runningService, empty...)
}

// askAll asks every target of every dashboard until each has answered with rows, and prints how
// many and how fast. The dashboard of one service is that of the named one. What may be empty is named by its panel.
func (g *gateway) askAll(t *testing.T, since time.Duration, service string, mayBeEmpty ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), g.reader)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	defer http.DefaultClient.CloseIdleConnections()
	a := asker{api: g.api, database: conn}
	trace := g.slowTrace(t, a, since)
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "dashboard\tpanel\ttarget\trows\tms")
	for _, d := range all(t) {
		values := a.resolve(t, g.view(d, since, chosen(d, trace, service)), len(mayBeEmpty) > 1).values
		for _, n := range d.Annotations.List { // nothing may be there to be marked
			r := a.ask(t, g.view(d, since, values), n.target())
			if r.err != nil {
				t.Errorf("%s: annotation %s: %v", d.File, n.Name, r.err)
			}
			fmt.Fprintf(table, "%s\t%s\tannotation\t%d\t%.1f\n", strings.TrimSuffix(d.File, ".json"), n.Name, r.rows, float64(r.took.Microseconds())/1000)
		}
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				r := g.untilRows(t, a, d, since, values, p, q, mayBeEmpty)
				rows := fmt.Sprint(r.rows)
				if q.Exemplar {
					rows += fmt.Sprintf(" + %d exemplars", r.exemplars)
				}
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%.1f\n", strings.TrimSuffix(d.File, ".json"), p.Title, q.RefID, rows, float64(r.took.Microseconds())/1000)
			}
		}
	}
	table.Flush()
	t.Logf("%s\n%s", t.Name(), out.String())
}

func (g *gateway) untilRows(t *testing.T, a asker, d model, since time.Duration, values map[string][]string, p panel, q target, mayBeEmpty []string) (r result) {
	t.Helper()
	await(t, fmt.Sprintf("answer to %s: %s, target %s", d.File, p.Title, q.RefID), func() error {
		r = a.ask(t, g.view(d, since, values), q)
		err := r.complaint(q)
		for _, title := range mayBeEmpty {
			if title == p.Title && errors.Is(err, errEmpty) {
				return nil
			}
		}
		return err
	})
	return r
}

// view is a dashboard of the time that the gateway is asked for.
func (g *gateway) view(d model, since time.Duration, values map[string][]string) view {
	v := newView(d, since, values)
	if !g.to.IsZero() {
		v.from, v.to = g.to.Add(-since), g.to
	}
	return v
}

// chosen are the values of the variables as they are at first, but for the trace and the service that a dashboard
// is about. In the dashboard for pasted ids the trace is spelled as W3C does.
func chosen(d model, trace, service string) map[string][]string {
	if !strings.HasPrefix(d.File, "metric") {
		trace = "00-" + trace + "-00f067aa0ba902b7-01"
	}
	values := map[string][]string{"trace": {trace}, "slower": {"10"}, "histogram": {"traces_spanmetrics_latency_bucket"}}
	if strings.HasPrefix(d.File, "service") {
		values["name"] = []string{service}
	}
	return values
}

// slowTrace waits for the first trace in the table of slow and failed ones that an exemplar points
// to and that has logs, as somebody would click on it.
func (g *gateway) slowTrace(t *testing.T, a asker, since time.Duration) (trace string) {
	t.Helper()
	list := all(t)
	i := indexOf(t, list, "metric-to-trace-to-logs.json")
	await(t, "slow trace", func() error {
		r := a.ask(t, g.view(list[i], since, chosen(list[i], "", "")), panelOf(t, list[i], "Slow and failed traces").Targets[0])
		if r.err != nil {
			return r.err
		}
		for _, row := range r.table {
			trace = row["trace"].(string)
			var known bool
			err := a.database.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM plait.exemplars WHERE trace_id = $1) AND EXISTS (SELECT FROM plait.logs WHERE trace_id = $1)`, trace).Scan(&known)
			if err != nil || known {
				return err
			}
		}
		return errEmpty
	})
	return trace
}

func indexOf(t *testing.T, list []model, file string) int {
	t.Helper()
	for i, m := range list {
		if m.File == file {
			return i
		}
	}
	t.Fatalf("no dashboard %s", file)
	return 0
}

func panelOf(t *testing.T, m model, title string) panel {
	t.Helper()
	for _, p := range m.Panels {
		if p.Title == title {
			return p
		}
	}
	t.Fatalf("%s has no panel %s", m.File, title)
	return panel{}
}
