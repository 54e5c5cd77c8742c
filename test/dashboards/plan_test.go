package dashboards

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/storetest"
)

// plan is a node of what EXPLAIN (FORMAT JSON) prints.
type plan struct {
	NodeType  string `json:"Node Type"`
	Relation  string `json:"Relation Name"`
	IndexCond string `json:"Index Cond"`
	Plans     []plan
}

// scans returns the nodes that read a table. A bitmap's condition stands below it.
func (p plan) scans() (list []plan) {
	if p.Relation != "" {
		for _, below := range p.Plans {
			if p.NodeType == "Bitmap Heap Scan" {
				p.IndexCond += below.IndexCond
				for _, one := range below.Plans {
					p.IndexCond += one.IndexCond
				}
			}
		}
		list = append(list, p)
	}
	for _, below := range p.Plans {
		list = append(list, below.scans()...)
	}
	return list
}

// partition is a table with a day's rows, or with those of no such day.
var partition = regexp.MustCompile(`^(span|log|trace_fragment|sample_chunk|exemplar)(_outside)?_(\d{8})$`)

// Whatever the tables hold, a statement reads the days of its range, or by trace id. The tables
// are empty here and reading them whole is made dear, so what is not by an index cannot be.
func TestStatementsReadDaysOfTheirRangeOrByTraceID(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	storetest.Open(t, url) // makes the partitions
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `SET enable_seqscan = off`); err != nil {
		t.Fatal(err)
	}
	byTrace, byTime := 0, 0
	for _, d := range all(t) {
		v := newView(d, time.Hour, chosen(d, "4bf92f3577b34da6a3ce929d0e0e4736", "checkout"))
		days := map[string]bool{v.from.UTC().Format("20060102"): true, v.to.UTC().Format("20060102"): true}
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				if q.RawSQL == "" {
					continue
				}
				for _, scan := range explain(t, conn, v.sql(t, q.RawSQL)).scans() {
					m := partition.FindStringSubmatch(scan.Relation)
					switch {
					case m == nil:
					case strings.Contains(scan.IndexCond, "trace_id"):
						byTrace++
					case m[2] == "" && days[m[3]], m[2] != "" && strings.Contains(scan.IndexCond, "time"):
						byTime++
					default:
						t.Errorf("%s: %s: %s on %s, index condition %q: neither of a day of the range nor by trace id", d.File, p.Title, scan.NodeType, scan.Relation, scan.IndexCond)
					}
				}
			}
		}
	}
	if byTrace < 50 || byTime < 2 {
		t.Errorf("%d scans by trace id and %d of days were seen: the plans were not read", byTrace, byTime)
	}
}

func explain(t *testing.T, conn *pgx.Conn, statement string) plan {
	t.Helper()
	var text []byte
	if err := conn.QueryRow(t.Context(), "EXPLAIN (FORMAT JSON) "+statement).Scan(&text); err != nil {
		t.Fatalf("%v\n%s", err, statement)
	}
	var plans []struct{ Plan plan }
	if err := json.Unmarshal(text, &plans); err != nil {
		t.Fatal(err)
	}
	return plans[0].Plan
}
