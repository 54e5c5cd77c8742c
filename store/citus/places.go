// Package citus spreads Plait's tables over the nodes of a Citus cluster. The schema is the same on one Postgres and
// on many nodes; this room says where the rows of each table lie, asks Citus for it, and tells what a cluster looks like
// (docs/decisions/026-one-schema-on-citus.md). It speaks SQL to the extension and knows nothing else of it.
package citus

import "fmt"

// Kind says on which nodes the rows of a table are.
type Kind int

// The kinds.
const (
	Coordinator Kind = iota // on the coordinator alone, as a table that Citus knows nothing of
	Reference               // all of them on every node
	Distributed             // each on one node, by the hash of a column
)

// Place says where the rows of a table of schema plait_store are.
type Place struct {
	Table string
	Kind  Kind
	// Column is the one that a distributed table is spread by.
	Column string
	// With names the table, earlier in the list, beside whose rows those of the same value lie; empty: none.
	With string
}

// Places lists every table, in the order in which they are spread: what others refer to comes first.
//
// What telemetry repeats is on every node, so that joins with it stay on one. The rows of a trace are on one
// node, whichever signal they are. Samples are spread by their series. What gateways tell one another is small, locked by rows and read
// by whoever writes, so it stays with the coordinator, through which all gateways write; so do the index of terms and the counts, since
// nodes have no common snapshot: a search beside a merge would miss what moves from one to another.
func Places() []Place {
	return []Place{
		{Table: "resource", Kind: Reference},
		{Table: "scope", Kind: Reference},
		{Table: "operation", Kind: Reference},
		{Table: "log_class", Kind: Reference},
		{Table: "attribute_set", Kind: Reference},
		{Table: "series", Kind: Reference},
		{Table: "span", Kind: Distributed, Column: "trace_id"},
		{Table: "trace_fragment", Kind: Distributed, Column: "trace_id", With: "span"},
		{Table: "log", Kind: Distributed, Column: "trace_id", With: "span"},
		{Table: "exemplar", Kind: Distributed, Column: "trace_id", With: "span"},
		{Table: "sample_chunk", Kind: Distributed, Column: "series"},
		{Table: "term_head", Kind: Coordinator}, // a merge takes from it and gives to term_segment, which nodes do not show at one moment
		{Table: "term_segment", Kind: Coordinator},
		{Table: "tally", Kind: Coordinator}, // read and merged in one snapshot
		{Table: "opened_trace", Kind: Coordinator},
		{Table: "thinned_day", Kind: Coordinator},
		{Table: "thinned_trace", Kind: Coordinator},
		{Table: "limited_minute", Kind: Coordinator},
		{Table: "sample_head", Kind: Coordinator}, // found by the transaction that wrote it, whose number is the coordinator's
		{Table: "metric_metadata", Kind: Coordinator},
		{Table: "half_trace", Kind: Coordinator},
		{Table: "service", Kind: Coordinator},
		{Table: "attribute_key", Kind: Coordinator},
		{Table: "request", Kind: Coordinator},
		{Table: "outbox", Kind: Coordinator}, // numbered under a lock, and read in one snapshot with its end
		{Table: "outbox_end", Kind: Coordinator},
		{Table: "forward_target", Kind: Coordinator},
		{Table: "forward_refusal", Kind: Coordinator},
		{Table: "clock", Kind: Coordinator},
		{Table: "content_key", Kind: Coordinator},
		{Table: "schema_migrations", Kind: Coordinator},
	}
}

// call is the statement that puts a table where it belongs; empty: it is there.
func (p Place) call(shards int) string {
	switch p.Kind {
	case Reference:
		return fmt.Sprintf("SELECT create_reference_table('%s')", p.name())
	case Distributed:
		if p.With != "" {
			return fmt.Sprintf("SELECT create_distributed_table('%s', '%s', colocate_with := '%s')", p.name(), p.Column, "plait_store."+p.With)
		}
		return fmt.Sprintf("SELECT create_distributed_table('%s', '%s', colocate_with := 'none', shard_count := %d)", p.name(), p.Column, shards)
	default:
		return ""
	}
}

func (p Place) name() string { return "plait_store." + p.Table }

// String describes the place as users read it.
func (p Place) String() string {
	switch p.Kind {
	case Reference:
		return "on every node"
	case Distributed:
		return "distributed by " + p.Column
	default:
		return "on the coordinator"
	}
}
