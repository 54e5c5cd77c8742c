// Package dashboards holds Plait's dashboards for Grafana, as the JSON that Grafana imports, is
// provisioned with and takes by its HTTP API. dashboards/generate writes them; the program hands
// them out. Their panels name data sources by variables, so that the same file serves every Grafana.
package dashboards

import (
	"embed"
	"encoding/json"
	"fmt"
)

//go:generate go run ./generate .

//go:embed *.json
var files embed.FS

// Home is the file of the dashboard that is worth being Grafana's home.
const Home = "metric-to-trace-to-logs.json"

// The data sources that the dashboards begin with, by their uids and by the types that Grafana
// gives their plugins. Users may choose others of the same type.
const (
	PrometheusUID  = "plait-prometheus"
	PrometheusType = "prometheus"
	TempoUID       = "plait-tempo"
	TempoType      = "tempo"
	LokiUID        = "plait-loki"
	LokiType       = "loki"
	PostgresUID    = "plait-postgres"
	PostgresType   = "grafana-postgresql-datasource"
)

// ExemplarURL is where an exemplar's link in a Prometheus data source of Grafana leads: to the home
// dashboard with the exemplar's trace chosen, for the same time.
const ExemplarURL = "/d/plait-metric-trace-logs?${__url_time_range}&var-trace=${__value.raw}"

// Dashboard is a dashboard as it is imported.
type Dashboard struct {
	File        string          // its file's name, metric-to-trace-to-logs.json
	UID         string          // under which Grafana keeps it, and links find it
	Title       string          // what people read
	Description string          // what it is for, in a sentence or two
	JSON        json.RawMessage // Grafana's dashboard model, without a numeric id
}

// All returns the dashboards in the order of their files' names. It panics if the program was
// built with files that are none.
func All() []Dashboard {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(fmt.Sprintf("read the embedded dashboards: %v", err))
	}
	list := make([]Dashboard, len(entries))
	for i, entry := range entries {
		text, err := files.ReadFile(entry.Name())
		if err != nil {
			panic(fmt.Sprintf("read the embedded dashboard %s: %v", entry.Name(), err))
		}
		d := Dashboard{File: entry.Name(), JSON: text}
		var model struct{ UID, Title, Description string }
		if err := json.Unmarshal(text, &model); err != nil {
			panic(fmt.Sprintf("read the embedded dashboard %s: %v", d.File, err))
		}
		d.UID, d.Title, d.Description = model.UID, model.Title, model.Description
		list[i] = d
	}
	return list
}
