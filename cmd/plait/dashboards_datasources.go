package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/dashboards"
)

// wantedDatasource is a data source that the dashboards begin with.
type wantedDatasource struct {
	uid, kind string
	name      string             // in Grafana's list
	variable  string             // by which the dashboards let the user choose another
	flag      string             // that makes it
	example   string             // of the flag's value
	make      *grafanaDatasource // nil when it is only to be checked
}

func (c *dashboardsInstallCommand) datasources() []wantedDatasource {
	return []wantedDatasource{c.metrics(), c.traces(), c.logs(), c.sql()}
}

func (c *dashboardsInstallCommand) metrics() wantedDatasource {
	return wantedDatasource{
		uid: dashboards.PrometheusUID, kind: dashboards.PrometheusType, name: "Plait metrics", variable: "Metrics",
		flag: "--datasource-prometheus", example: "http://HOST:7080/prometheus",
	}.at(c.DatasourcePrometheus, map[string]any{
		"httpMethod": "POST", "prometheusType": "Prometheus", "timeInterval": "15s", "manageAlerts": false,
		exemplarDestinations: []any{
			map[string]any{"name": "trace_id", "url": dashboards.ExemplarURL, "urlDisplayLabel": "Show the trace"},
			map[string]any{"name": "trace_id", "datasourceUid": dashboards.TempoUID, "urlDisplayLabel": "Explore the trace"},
		},
	})
}

func (c *dashboardsInstallCommand) traces() wantedDatasource {
	return wantedDatasource{
		uid: dashboards.TempoUID, kind: dashboards.TempoType, name: "Plait traces", variable: "Traces",
		flag: "--datasource-tempo", example: "http://HOST:7080/tempo",
	}.at(c.DatasourceTempo, dashboards.TempoSettings())
}

func (c *dashboardsInstallCommand) logs() wantedDatasource {
	return wantedDatasource{
		uid: dashboards.LokiUID, kind: dashboards.LokiType, name: "Plait logs", variable: "Logs",
		flag: "--datasource-loki", example: "http://HOST:7080",
	}.at(c.DatasourceLoki, dashboards.LokiSettings())
}

func (c *dashboardsInstallCommand) sql() wantedDatasource {
	w := wantedDatasource{
		uid: dashboards.PostgresUID, kind: dashboards.PostgresType, name: "Plait SQL", variable: "Database",
		flag: "--datasource-postgres", example: "postgres://plait_reader:PASSWORD@HOST:5433/plait?sslmode=disable",
	}
	if u, err := url.Parse(c.DatasourcePostgres); err == nil && c.DatasourcePostgres != "" { // Validate has read it before
		w.make = postgresDatasource(w, u)
	}
	return w
}

// at is the data source as it is to be made, if there is an address.
func (w wantedDatasource) at(address string, settings map[string]any) wantedDatasource {
	if address != "" {
		w.make = &grafanaDatasource{UID: w.uid, Name: w.name, Type: w.kind, Access: "proxy", URL: address, JSONData: settings}
	}
	return w
}

func postgresDatasource(w wantedDatasource, u *url.URL) *grafanaDatasource {
	sslMode := u.Query().Get("sslmode")
	if sslMode == "" {
		sslMode = "require"
	}
	port := u.Port()
	if port == "" {
		port = "5432"
	}
	password, _ := u.User.Password()
	return &grafanaDatasource{
		UID: w.uid, Name: w.name, Type: w.kind, Access: "proxy", User: u.User.Username(), URL: joinHostPort(u.Hostname(), port),
		JSONData:       map[string]any{"database": strings.Trim(u.Path, "/"), "sslmode": sslMode, "postgresVersion": 1500, "timescaledb": false},
		SecureJSONData: map[string]string{"password": password},
	}
}

// joinHostPort brackets an IPv6 address.
func joinHostPort(host, port string) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + port
}

// exemplarDestinations is the setting of a Prometheus data source that makes links of exemplars.
const exemplarDestinations = "exemplarTraceIdDestinations"

// settle makes the data source if it is to be made, and says how things are. What the token may
// not see is said, and is no error: the dashboards are installed.
func (w wantedDatasource) settle(ctx context.Context, g grafana, std console) error {
	if w.make != nil {
		did, err := g.putDatasource(ctx, *w.make)
		if err != nil {
			return err
		}
		fmt.Fprintf(std.out, "%s: data source %s (%s)\n", did, w.name, w.uid)
		if trouble, err := g.health(ctx, w.uid); err != nil {
			return err
		} else if trouble != "" {
			fmt.Fprintf(std.err, "data source %s does not work yet: Grafana says %q. The address in %s has to be one that Grafana itself reaches.\n", w.name, trouble, w.flag)
		}
		return nil
	}
	found, err := g.datasources(ctx)
	if errors.Is(err, plait.ErrUnauthorized) {
		fmt.Fprintf(std.err, "data source %s (%s) was not checked: this token may not read data sources, which takes the role Admin\n", w.name, w.uid)
		return nil
	}
	if err != nil {
		return err
	}
	w.report(std, found)
	return nil
}

// report says which of the data sources the dashboards will use, and how to make the one that is missing.
func (w wantedDatasource) report(std console, found []grafanaDatasource) {
	var others []grafanaDatasource
	for _, d := range found {
		switch {
		case d.UID == w.uid:
			fmt.Fprintf(std.out, "there: data source %s (%s)\n", d.Name, d.UID)
			w.reportExemplars(std, d)
			return
		case d.Type == w.kind || w.kind == dashboards.PostgresType && d.Type == "postgres":
			others = append(others, d)
		}
	}
	how := fmt.Sprintf("run this again with %s %s", w.flag, w.example)
	if len(others) == 0 {
		fmt.Fprintf(std.err, "missing: data source %s (%s), type %s. The panels that need it stay empty. To make it, %s\n", w.name, w.uid, w.kind, how)
		return
	}
	fmt.Fprintf(std.err, "data source %s (%s) is not there; the dashboards begin with %s, and offer the others under %q. To make it, %s\n", w.name, w.uid, others[0].Name, w.variable, how)
	w.reportExemplars(std, others[0])
}

// reportExemplars says whether the exemplars of a Prometheus lead to the dashboards.
func (w wantedDatasource) reportExemplars(std console, d grafanaDatasource) {
	if w.kind != dashboards.PrometheusType {
		return
	}
	list, _ := d.JSONData[exemplarDestinations].([]any)
	for _, one := range list {
		if destination, _ := one.(map[string]any); destination["name"] == "trace_id" {
			return
		}
	}
	fmt.Fprintf(std.err, "exemplars of %s lead nowhere: in its settings, under Exemplars, add an external link with the label name trace_id and the URL %s\n", d.Name, dashboards.ExemplarURL)
}
