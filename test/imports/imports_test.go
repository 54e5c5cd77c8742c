// Package imports holds the house's plan: which room may import which, and which library. A new
// arrow is a decision and gets a page in docs/decisions.
package imports

import (
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

const module = "github.com/plaithq/plait"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// spansAndLogs is what the rooms of both signals stand on. Neither knows the other.
var spansAndLogs = []string{"", "canonical", "store/dictionary", "store/index", "store/outbox", "store/partition", "store/pg", "store/pgcopy", "store/pgerror", "store/rowcodec", "store/search", "store/counts", "store/tally", "store/terms", "store/traceid"}

// allowed lists, for a room, the rooms that it may import. A trailing /... covers a room and
// all below it. The first matching line counts.
var allowed = []struct {
	room    string
	imports []string
}{
	{"", nil},
	{"recent", nil},
	{"bytesize", nil},
	{"duration", nil},
	{"jsontext", nil},
	{"migrations", nil},
	{"dashboards/...", nil},
	{"demo", nil},
	{"web", nil},
	{"tracecontext", []string{"", "jsontext"}},
	{"canonical", []string{"", "jsontext"}},
	{"sampling", []string{""}},
	{"wire/...", []string{"", "canonical", "jsontext", "recent", "sampling", "wire/...", "tracecontext"}},
	{"query", []string{"", "query/condition", "spanmetrics"}},
	{"query/traceql/eval", []string{"", "query/...", "correlate/tracetree"}},
	{"query/logql/quantity", nil},
	{"query/logql/address", nil},
	{"query/logql/extract", []string{"jsontext"}},
	{"query/logql/patterns", nil},
	{"query/logql/template", []string{"query/logql/quantity"}},
	{"query/logql/pipeline", []string{"", "query/logql", "query/logql/address", "query/logql/extract", "query/logql/quantity", "query/logql/template"}},
	{"query/logql/entry", []string{"", "canonical", "query/condition", "query/logql", "query/logql/pipeline"}},
	{"query/logql/logqltest", []string{"", "query/logql/pipeline"}},
	{"query/logql/metric", []string{"", "query/logql", "query/logql/pipeline"}},
	{"query/...", []string{"", "canonical", "query/..."}},
	{"spanmetrics", []string{"", "sampling"}},
	{"spanmetrics/callcases", []string{"", "spanmetrics"}},
	{"correlate/tracetree", []string{"", "spanmetrics"}},
	{"correlate/health", []string{"", "query", "query/condition", "correlate/tracetree", "sampling"}},
	{"correlate/spikes", []string{"", "query", "query/condition"}},
	{"correlate", []string{"", "query/...", "spanmetrics", "correlate/tracetree"}},
	{"sockets", []string{""}},
	{"store/localpg", nil},
	{"store/pgcopy", nil},
	{"store/pgerror", []string{""}},
	{"store/pg", []string{"", "store/pgerror"}},
	{"store/citus", []string{"", "store/pgerror"}},
	{"store/rowcodec", []string{"", "canonical", "store/pgcopy"}},
	{"store/terms", []string{"", "canonical"}},
	{"store/counts", []string{""}},
	{"store/search", []string{"", "query/condition", "store/dictionary", "store/partition", "store/pgcopy", "store/rowcodec", "store/terms"}},
	{"store/commit", []string{"", "store/pgcopy", "store/pgerror"}},
	{"store/partition", []string{"", "store/pg", "store/pgerror", "store/rowcodec"}},
	{"store/dictionary", []string{"", "canonical", "recent", "store/commit", "store/partition", "store/pg", "store/rowcodec", "store/terms"}},
	{"store/index", []string{"", "recent", "store/partition", "store/pg", "store/pgerror", "store/rowcodec", "store/terms"}},
	{"store/tally", []string{"", "store/counts", "store/partition", "store/pg", "store/pgerror", "store/rowcodec", "store/search"}},
	{"store/outbox", []string{"", "store/pgerror", "store/rowcodec"}},
	{"store/limits", []string{"", "store/pgerror", "store/rowcodec"}},
	{"store/thin", []string{"", "recent", "sampling", "store/counts", "store/index", "store/partition", "store/pgerror", "store/tally"}},
	{"store/traceid", []string{"", "store/partition", "store/pg", "store/rowcodec"}},
	{"store/spans", append(spansAndLogs, "query/...", "recent", "spanmetrics")},
	{"store/logs", append(spansAndLogs, "query/...", "recent")},
	{"store/servicemap", []string{"", "recent", "spanmetrics", "store/counts", "store/dictionary", "store/pg", "store/rowcodec", "store/search", "store/spans", "store/tally", "store/traceid"}},
	{"store/metrics", []string{"", "recent", "query/...", "spanmetrics", "store/counts", "store/pgcopy", "store/pgerror"}},
	{"store/storetest/shop", []string{""}},
	{"store/storetest", []string{"", "store", "store/citus", "store/localpg", "store/pgerror"}},
	{"store", []string{"", "migrations", "store/citus", "store/commit", "store/dictionary", "store/index", "store/limits", "store/logs", "store/metrics", "store/outbox", "store/partition",
		"store/pg", "store/pgcopy", "store/pgerror", "store/search", "store/servicemap", "store/spans", "store/tally", "store/thin", "store/traceid"}},
	{"exemplars", []string{"", "spanmetrics"}},
	{"forward", []string{"", "bytesize", "duration", "query", "query/condition", "query/logql/entry", "store/outbox", "wire/..."}},
	{"ingest", []string{"", "sampling", "sockets", "spanmetrics", "wire/...", "tracecontext"}},
	{"api/ask", []string{"", "duration", "tracecontext"}},
	{"api/face", []string{"", "api/ask"}},
	{"api/tracesearch", []string{"", "api/ask", "query", "query/condition", "spanmetrics"}},
	{"api/...", []string{"", "duration", "sockets", "api/...", "wire/...", "query/...", "spanmetrics", "correlate/...", "tracecontext"}},
	{"importer", []string{"", "jsontext", "wire/..."}},
	{"bench/...", []string{"bench/..."}},
	{"test/...", []string{"..."}},
	{"cmd/plait", []string{"..."}},
}

// borders lists, for a library, the rooms whose code may import it: a library that shows in few rooms
// can be replaced, and a room without it can be read without knowing it. Of several lines that match,
// each has to hold. Tests may use any library.
var borders = []struct {
	library string
	rooms   []string
}{
	{"github.com/jackc/...", []string{"store/..."}},
	{"github.com/golang-migrate/...", []string{"store/..."}},
	{"github.com/labstack/...", []string{"ingest", "api"}},
	{"google.golang.org/grpc/...", []string{"ingest", "api/tempo", "forward"}},
	{"github.com/prometheus/prometheus/...", []string{"wire/otlp", "wire/remotewrite", "wire/series", "query/promsel", "exemplars", "store/metrics/...", "api/prometheus"}},
	{"github.com/prometheus/prometheus/promql/...", []string{"query/promsel", "api/prometheus"}},
	{"github.com/prometheus/prometheus/web/...", []string{"api/prometheus"}},
	{"go.opentelemetry.io/collector/...", []string{"wire/otlp"}},
	{"github.com/coder/websocket/...", []string{"api/loki", "cmd/plait"}},
	{"github.com/alecthomas/kong/...", []string{"cmd/plait"}},
	{"github.com/grafana/grafana-foundation-sdk/...", []string{"dashboards/generate"}},
}

func TestLibrariesStayBehindTheirBorders(t *testing.T) {
	used := map[string]bool{}
	for _, p := range packages(t) {
		room := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		for _, imported := range p.Imports {
			for _, b := range borders {
				if !matches(b.library, imported) {
					continue
				}
				used[b.library] = true
				if !slices.ContainsFunc(b.rooms, func(pattern string) bool { return matches(pattern, room) }) {
					t.Errorf("%q imports %q, which only these rooms may: %q", room, imported, b.rooms)
				}
			}
		}
	}
	for _, b := range borders {
		if !used[b.library] {
			t.Errorf("no room imports %q: take its line out, or mend the path", b.library)
		}
	}
}

func TestImportsRunOneWay(t *testing.T) {
	for _, p := range packages(t) {
		room := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		rule, ok := ruleOf(room)
		if !ok {
			t.Errorf("room %q has no rule: say in this test what it may import", room)
			continue
		}
		for _, imported := range p.Imports {
			if other, ours := strings.CutPrefix(imported, module); ours {
				other = strings.TrimPrefix(other, "/")
				if !slices.ContainsFunc(rule, func(pattern string) bool { return matches(pattern, other) }) {
					t.Errorf("%q imports %q, which the plan does not allow", room, other)
				}
			}
		}
	}
}

func TestVocabularyImportsOnlyTheStandardLibrary(t *testing.T) {
	for _, p := range packages(t) {
		if p.ImportPath != module {
			continue
		}
		for _, imported := range p.Imports {
			if first, _, _ := strings.Cut(imported, "/"); strings.Contains(first, ".") {
				t.Errorf("the vocabulary imports %q", imported)
			}
		}
	}
}

func ruleOf(room string) ([]string, bool) {
	for _, r := range allowed {
		if matches(r.room, room) {
			return r.imports, true
		}
	}
	return nil, false
}

func matches(pattern, room string) bool {
	if pattern == "..." {
		return true
	}
	if below, ok := strings.CutSuffix(pattern, "/..."); ok {
		return room == below || strings.HasPrefix(room, below+"/")
	}
	return pattern == room
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []goPackage
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := d.Decode(&p); err == io.EOF {
			return list
		} else if err != nil {
			t.Fatalf("read go list: %v", err)
		}
		list = append(list, p)
	}
}
