package demo

import "strings"

// slowQuery asks for the storefront's slow requests, by the histogram that is derived from spans.
const slowQuery = `curl -sG API/api/v1/pivot/metric --data-urlencode 'query=traces_spanmetrics_latency{service="storefront"}' -d min=0.5`

const tour = `The page: API/ names what is unusual, and a click leads to what caused it.

The shop is open, and within half a minute it has its first trouble: pages turn slow,
a minute later payments fail. From the spike to the cause, in one shell:

  1. metric -> traces   what is behind the storefront's requests of more than half a second?

     ` + slowQuery + ` -d limit=3

  2. trace -> spans     open the first: which service took the time?

     TRACE=$(` + slowQuery + ` -d limit=1 | grep -oE '"trace_id": *"[0-9a-f]{32}"' | head -n 1 | cut -d '"' -f 4)
     curl -s API/api/v1/pivot/trace/$TRACE

     As a tree with its logs: PLAIT trace --api API $TRACE

  3. trace -> logs      what did the services on its way have to say?

     curl -s API/api/v1/pivot/trace/$TRACE/logs

To open:  API/api/v1/service-map   who calls whom, how often, how fast
          API/openapi.json         everything that can be asked
          API/metrics              histograms with exemplars, for a Prometheus to scrape
To copy:  API/prometheus           the URL of a Prometheus data source in Grafana
          API/tempo                that of a Tempo data source, and API that of a Loki one
          API/jaeger               that of a Jaeger data source, API/zipkin that of a Zipkin one
`

// Tour is what a newcomer reads in the terminal: the commands that walk from a metric to a
// trace to its logs, and links, for an API at the base URL. They need curl and grep and work as printed,
// in order, in one shell. Program is how that shell calls plait, such as bin/plait.
func Tour(apiBase, program string) string {
	return strings.NewReplacer("API", strings.TrimSuffix(apiBase, "/"), "PLAIT", program).Replace(tour)
}
