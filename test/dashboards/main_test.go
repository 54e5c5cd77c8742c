// Package dashboards holds Plait's dashboards for Grafana to what they promise: every target of
// every panel is asked as Grafana asks it, of a gateway with the demo shop and of recorded
// telemetry, and answers with rows; links lead somewhere; statements use the indexes.
package dashboards

import (
	"flag"
	"testing"

	"github.com/plaithq/plait/store/storetest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	storetest.Main(m)
}
