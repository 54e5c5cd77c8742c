package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/nodegraph"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// The node graph panel reads two tables, told apart by their columns: nodes have an id, edges
// have a source and a target as well. Each column is a query of its own; they are
// joined by their labels.
const (
	increaseOfRequests = `increase(traces_service_graph_request_total[$__range])`
	increaseOfFailures = `increase(traces_service_graph_request_failed_total[$__range])`
	increaseOfSeconds  = `increase(traces_service_graph_request_server_seconds_sum[$__range])`
	increaseOfMeasured = `increase(traces_service_graph_request_server_seconds_count[$__range])`
)

// served by a node: the sum over everybody who calls it.
func atServer(expr string) string {
	return `sum by (id) (label_replace(` + expr + `, "id", "$1", "server", "(.+)"))`
}

// called by a node, as zero: nodes that only call are nodes as well.
func atClient(expr string) string {
	return `0 * sum by (id) (label_replace(` + expr + `, "id", "$1", "client", "(.+)"))`
}

// between is the sum over the calls of one service to another, with an edge's columns.
func between(expr string) string {
	return `label_join(label_replace(label_replace(sum by (client, server) (` + expr + `), "source", "$1", "client", "(.+)"), "target", "$1", "server", "(.+)"), "id", " → ", "client", "server")`
}

// titled gives a node what stands below its circle.
func titled(expr string) string { return `label_replace(` + expr + `, "title", "$1", "id", "(.+)")` }

func nonZero(expr string) string { return `(` + expr + ` > 0)` }

// serviceGraph is who calls whom, how often, how slowly, and with what success.
func (p *page) serviceGraph() {
	p.source = metrics
	failed := atServer(increaseOfFailures) + ` / ` + nonZero(atServer(increaseOfRequests))
	p.put(about{"Service graph", "Who called whom in the range: requests and mean time at the server. The red part of a circle is the share that failed. A click on a service shows its latency above.", 24, 13},
		nodegraph.NewPanelBuilder().
			WithTarget(promStat("nodes_requests", "mainstat", titled(atServer(increaseOfRequests)+` or `+atClient(increaseOfRequests)))).
			WithTarget(promStat("nodes_seconds", "secondarystat", titled(atServer(increaseOfSeconds)+` / `+nonZero(atServer(increaseOfMeasured))))).
			WithTarget(promStat("nodes_failed", "arc__failed", titled(failed))).
			WithTarget(promStat("nodes_fine", "arc__fine", titled(`1 - `+failed+` or 1 + `+atClient(increaseOfRequests)))).
			WithTarget(promStat("edges_requests", "mainstat", between(increaseOfRequests))).
			WithTarget(promStat("edges_seconds", "secondarystat", between(increaseOfSeconds)+` / `+nonZero(between(increaseOfMeasured)))).
			Transformations(joined("/nodes/", "/edges/")).
			Unit(units.Short).
			Nodes(nodegraph.NewNodeOptionsBuilder().MainStatUnit(units.Short).SecondaryStatUnit(units.Seconds).
				Arcs(arcs("arc__failed", "red", "arc__fine", "green"))).
			Edges(nodegraph.NewEdgeOptionsBuilder().MainStatUnit(units.Short).SecondaryStatUnit(units.Seconds)).
			OverrideByName("mainstat", []dashboard.DynamicConfigValue{set("displayName", "Requests"), set("decimals", 0)}).
			OverrideByName("secondarystat", []dashboard.DynamicConfigValue{set("displayName", "Mean time"), set("unit", units.Seconds)}).
			OverrideByName("title", []dashboard.DynamicConfigValue{
				link("Latency of this service", pivotUID, "var-service=${__value.raw}&${histogram:queryparam}&${slower:queryparam}&${trace:queryparam}&"+everySource)}))
}
