package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/plaithq/plait/dashboards"
)

// folderUID is where installed dashboards are, whatever the folder is called.
const folderUID = "plait"

type dashboardsInstallCommand struct {
	Grafana baseURL `help:"The address of Grafana, with its path if it has one." required:"" placeholder:"URL"`
	Token   string  `help:"A service account's token with the role Editor; Admin, to check or make data sources. Without one, the user and password in the address are used." env:"PLAIT_GRAFANA_TOKEN" placeholder:"TOKEN"`
	Folder  string  `help:"The folder's title." default:"Plait" placeholder:"TITLE"`

	DatasourcePrometheus string `help:"Make or update the data source for metrics: Plait's address as Grafana reaches it, such as http://plait:7080/prometheus." placeholder:"URL"`
	DatasourceTempo      string `help:"Make or update the data source for traces: Plait's address as Grafana reaches it, such as http://plait:7080/tempo." placeholder:"URL"`
	DatasourceLoki       string `help:"Make or update the data source for log records: Plait's address as Grafana reaches it, such as http://plait:7080, without a path." placeholder:"URL"`
	DatasourcePostgres   string `help:"Make or update the data source for SQL: the database as Grafana reaches it, with a user that may only read (plait migrate reader-role)." placeholder:"URL"`
}

// Validate checks the addresses of data sources.
func (c *dashboardsInstallCommand) Validate() error {
	for flag, address := range map[string]*string{"prometheus": &c.DatasourcePrometheus, "tempo": &c.DatasourceTempo, "loki": &c.DatasourceLoki} {
		if *address == "" {
			continue
		}
		var b baseURL
		if err := b.UnmarshalText([]byte(*address)); err != nil {
			return fmt.Errorf("--datasource-%s: %w", flag, err)
		}
		*address = string(b)
	}
	if c.DatasourcePostgres == "" {
		return nil
	}
	u, err := url.Parse(c.DatasourcePostgres)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.Hostname() == "" || u.User.Username() == "" || strings.Trim(u.Path, "/") == "" {
		return errors.New("--datasource-postgres: not a URL such as postgres://plait_reader:password@host:5433/plait?sslmode=disable")
	}
	return nil
}

// Run makes the folder, puts the dashboards into it, and says of the data sources what is there and what to do.
func (c *dashboardsInstallCommand) Run(ctx context.Context, std console) error {
	g := grafana{address: string(c.Grafana), token: c.Token}
	if err := g.makeFolder(ctx, folderUID, c.Folder); err != nil {
		return err
	}
	for _, d := range dashboards.All() {
		address, updated, err := g.putDashboard(ctx, d, folderUID)
		if err != nil {
			return err
		}
		did := "installed"
		if updated {
			did = "updated"
		}
		fmt.Fprintf(std.out, "%s: %s  %s\n", did, d.Title, address)
	}
	for _, d := range c.datasources() {
		if err := d.settle(ctx, g, std); err != nil {
			return err
		}
	}
	return nil
}
