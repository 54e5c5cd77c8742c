package dashboards

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// derived are the expressions of panels that are about series derived from spans.
var derived = regexp.MustCompile(`traces_s|\$\{?histogram`)

// TestPanelsShowWhatWasImportedAtItsOwnTime imports a recording of 2023, half of it straight into the database and then all of it twice by
// a gateway. The series derived from its spans count each once at that hour, every panel that asks for them shows some, and those of today have none.
func TestPanelsShowWhatWasImportedAtItsOwnTime(t *testing.T) {
	t.Parallel()
	binary := buildPlait(t)
	g := startGateway(t, binary, "serve")
	const recording = "../../testdata/trainticket/traces.jsonl.gz"
	for _, args := range [][]string{{"--database-url", g.database, firstHalf(t, recording)}, {"--gateway", g.ingest, recording}, {"--gateway", g.ingest, recording}} {
		out, err := exec.CommandContext(t.Context(), binary, append([]string{"import"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("import: %v\n%s", err, out)
		}
	}
	conn, err := pgx.Connect(t.Context(), g.reader)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	defer http.DefaultClient.CloseIdleConnections()
	a := asker{api: g.api, database: conn}
	to := time.Date(2023, 1, 29, 9, 0, 0, 0, time.UTC)
	from := to.Add(-30 * time.Minute)

	var spans float64
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM plait.spans WHERE end_time > $1 AND end_time <= $2`, from, to).Scan(&spans); err != nil || spans == 0 {
		t.Fatalf("%v spans are stored, %v", spans, err)
	}
	page, err := g.get(t, "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	late := regexp.MustCompile(`(?m)^plait_exemplars_late_spans_total (.+)$`).FindSubmatch(page)
	if n, err := strconv.ParseFloat(string(late[1]), 64); err != nil || n == 0 || n >= spans || strings.Contains(string(page), "traces_spanmetrics_calls_total{") {
		t.Errorf("the gateway took %s of %v spans for late, or others for those of today", late[1], spans)
	}
	await(t, "increase of what was imported", func() error {
		counted, err := a.number(t, `sum(increase(traces_spanmetrics_calls_total[30m] anchored))`, to)
		if err == nil && counted != spans {
			err = fmt.Errorf("%v of %v spans are counted", counted, spans)
		}
		return err
	})
	asked := 0
	for _, d := range all(t) {
		v := newView(d, 30*time.Minute, chosen(d, "", "ts-travel-service"))
		v.from, v.to = from, to
		v = a.resolve(t, v, true)
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				if !derived.MatchString(q.Expr) {
					continue
				}
				asked++
				if err := a.ask(t, v, q).complaint(q); err != nil {
					t.Errorf("%s: %s, target %s: %v", d.File, p.Title, q.RefID, err)
				}
			}
		}
	}
	if asked < 15 {
		t.Errorf("%d targets are about series derived from spans", asked)
	}
}

// number asks for one number.
func (a asker) number(t *testing.T, expr string, at time.Time) (float64, error) {
	t.Helper()
	var data struct {
		Result []struct{ Value [2]json.RawMessage }
	}
	if err := a.post(t, "/api/v1/query", url.Values{"query": {expr}, "time": {unix(at)}}, &data); err != nil {
		return 0, err
	}
	if len(data.Result) != 1 {
		return 0, fmt.Errorf("%s: %d series", expr, len(data.Result))
	}
	var text string
	if err := json.Unmarshal(data.Result[0].Value[1], &text); err != nil {
		return 0, err
	}
	return strconv.ParseFloat(text, 64)
}

// firstHalf writes the first half of a file's lines to another.
func firstHalf(t *testing.T, file string) (half string) {
	t.Helper()
	packed, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	r, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(all, []byte("\n"))
	half = filepath.Join(t.TempDir(), "half.jsonl")
	if err := os.WriteFile(half, bytes.Join(lines[:len(lines)/2], nil), 0o600); err != nil {
		t.Fatal(err)
	}
	return half
}
