package citus

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/plaithq/plait"
)

// spreadRight is what Citus knows when every table is where it belongs.
func spreadRight() map[string]spread {
	known := make(map[string]spread)
	for i, p := range Places() {
		switch {
		case p.Kind == Reference:
			known[p.Table] = spread{kind: "reference", colocation: 1000, shards: 1}
		case p.With != "":
			known[p.Table] = spread{kind: "distributed", column: p.Column, colocation: known[p.With].colocation, shards: 32}
		case p.Kind == Distributed:
			known[p.Table] = spread{kind: "distributed", column: p.Column, colocation: i + 1, shards: 32}
		}
	}
	return known
}

func TestTablesComeAfterThoseThatTheyLieBeside(t *testing.T) {
	t.Parallel()
	var before []Place
	for _, p := range Places() {
		if p.With != "" && !slices.ContainsFunc(before, func(b Place) bool { return b.Table == p.With && b.Kind == Distributed }) {
			t.Errorf("%s lies beside %s, which is not spread before it", p.Table, p.With)
		}
		if (p.Kind == Distributed) != (p.Column != "") {
			t.Errorf("%s is %s by column %q", p.Table, p, p.Column)
		}
		if p.Kind == Reference && slices.ContainsFunc(before, func(b Place) bool { return b.Kind == Distributed }) {
			t.Errorf("dictionary %s comes after rows", p.Table)
		}
		before = append(before, p)
	}
}

func TestCallsSayWhereTheRowsOfATableAre(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]Place{
		"": {Table: "clock"},
		"SELECT create_reference_table('plait_store.scope')":                                                         {Table: "scope", Kind: Reference},
		"SELECT create_distributed_table('plait_store.span', 'trace_id', colocate_with := 'none', shard_count := 7)": {Table: "span", Kind: Distributed, Column: "trace_id"},
		"SELECT create_distributed_table('plait_store.log', 'trace_id', colocate_with := 'plait_store.span')":        {Table: "log", Kind: Distributed, Column: "trace_id", With: "span"},
	} {
		if got := p.call(7); got != want {
			t.Errorf("%s: %q, want %q", p.Table, got, want)
		}
	}
}

func TestOnlyWhatIsMissingIsMade(t *testing.T) {
	t.Parallel()
	all, err := compare(Places(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, p := range Places() {
		if p.Kind != Coordinator {
			want++
		}
	}
	if len(all) != want {
		t.Errorf("%d tables are to be made in a database where none is spread, want %d", len(all), want)
	}
	known := spreadRight()
	if missing, err := compare(Places(), known); err != nil || len(missing) != 0 {
		t.Errorf("where all are made: %v, %v, want nothing", missing, err)
	}
	delete(known, "sample_chunk")
	known["log"] = spread{kind: "local"}
	missing, err := compare(Places(), known)
	if err != nil || len(missing) != 2 || missing[0].Table != "log" || missing[1].Table != "sample_chunk" {
		t.Errorf("%v, %v, want log and sample_chunk", missing, err)
	}
}

func TestATableThatIsElsewhereIsRefused(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]struct {
		table string
		is    spread
	}{
		"by another column":         {"span", spread{kind: "distributed", column: "span_id", colocation: 1}},
		"beside others":             {"log", spread{kind: "distributed", column: "trace_id", colocation: 99}},
		"a dictionary spread":       {"resource", spread{kind: "distributed", column: "id", colocation: 5}},
		"rows on every node":        {"span", spread{kind: "reference"}},
		"the coordinator's, spread": {"clock", spread{kind: "reference"}},
		"spread otherwise":          {"sample_chunk", spread{kind: "otherwise distributed"}},
	} {
		known := spreadRight()
		known[wrong.table] = wrong.is
		_, err := compare(Places(), known)
		if !errors.Is(err, plait.ErrInvalid) || !strings.Contains(err.Error(), "undistribute_table('plait_store."+wrong.table+"')") {
			t.Errorf("%s: %v, want an error that says how to take it back", name, err)
		}
	}
}

func TestMuchIsMovedOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	missing := []Place{{Table: "span", Kind: Distributed, Column: "trace_id"}}
	if err := refuseMuch(missing, map[string]held{"span": {bytes: littleBytes, rows: true}, "log": {bytes: 1 << 40, rows: true}}); err != nil {
		t.Errorf("little is refused: %v", err)
	}
	if err := refuseMuch(missing, map[string]held{"span": {bytes: 1 << 40}}); err != nil {
		t.Errorf("empty indexes are refused: %v", err)
	}
	err := refuseMuch(missing, map[string]held{"span": {bytes: 3 << 30, rows: true}})
	if !errors.Is(err, plait.ErrInvalid) || !strings.Contains(err.Error(), "span holds 3.0 GB") || !strings.Contains(err.Error(), "--rewrite") {
		t.Errorf("%v, want span, its size and --rewrite", err)
	}
}

func TestNodesThatLackSomethingAreNamed(t *testing.T) {
	t.Parallel()
	coordinator := Node{Host: "c", Port: 5432, Coordinator: true, Active: true, Metadata: true}
	worker := Node{Host: "w", Port: 5432, Active: true, Metadata: true, Shards: true}
	with := func(change func(*Node)) Node { n := worker; change(&n); return n }
	for name, c := range map[string]struct {
		nodes []Node
		want  string // empty: nothing is wrong
	}{
		"all is well":               {[]Node{coordinator, worker}, ""},
		"no workers":                {[]Node{coordinator}, "citus_add_node"},
		"the coordinator alone":     {[]Node{{Host: "c", Port: 1, Coordinator: true, Active: true, Metadata: true, Shards: true}}, ""},
		"no address":                {[]Node{worker}, "citus_set_coordinator_host"},
		"a worker that is off":      {[]Node{coordinator, worker, with(func(n *Node) { n.Host, n.Active = "x", false })}, "citus_activate_node('x', 5432)"},
		"a worker without metadata": {[]Node{coordinator, with(func(n *Node) { n.Metadata = false })}, "start_metadata_sync_to_node('w', 5432)"},
	} {
		err := checkNodes("plait", c.nodes)
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, plait.ErrInvalid) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestVersionsAreComparedByTheirFirstNumber(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]int{"13.2-1": 13, "9.5": 9, "12": 12, "": 0, "x.1": 0} {
		if got := major(version); got != want {
			t.Errorf("%q: %d, want %d", version, got, want)
		}
	}
}

func TestShardsHaveBounds(t *testing.T) {
	t.Parallel()
	for shards, ok := range map[int]bool{0: false, 1: true, 32: true, MaxShards: true, MaxShards + 1: false, -1: false} {
		if err := (Options{Shards: shards}).Validate(); (err == nil) != ok || err != nil && !errors.Is(err, plait.ErrInvalid) {
			t.Errorf("%d shards: %v", shards, err)
		}
	}
}
