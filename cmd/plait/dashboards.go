package main

import (
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/plaithq/plait/dashboards"
)

type dashboardsCommand struct {
	List    dashboardsListCommand    `cmd:"" help:"Say which dashboards there are."`
	Export  dashboardsExportCommand  `cmd:"" help:"Write them as JSON files, to import or to provision."`
	Install dashboardsInstallCommand `cmd:"" help:"Put them into a Grafana, or bring those there up to date."`
}

type dashboardsListCommand struct{}

// Run prints a line a dashboard.
func (dashboardsListCommand) Run(std console) error {
	table := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	for _, d := range dashboards.All() {
		fmt.Fprintf(table, "%s\t%s\t%s\n", d.UID, d.Title, d.File)
	}
	return table.Flush()
}

type dashboardsExportCommand struct {
	Dir string `arg:"" help:"Where to write; it is made if need be." type:"path" placeholder:"DIR"`
}

// Run writes the files, over those of the same names.
func (c *dashboardsExportCommand) Run(std console) error {
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return fmt.Errorf("make the directory for dashboards: %w", err)
	}
	for _, d := range dashboards.All() {
		path := filepath.Join(c.Dir, d.File)
		if err := os.WriteFile(path, d.JSON, 0o644); err != nil {
			return fmt.Errorf("write a dashboard: %w", err)
		}
		fmt.Fprintln(std.out, path)
	}
	return nil
}
