// Command generate writes the dashboards as JSON: go generate ./dashboards. It is the only
// place that knows Grafana's foundation SDK; the program embeds what it wrote, and a test
// compares the two.
//
// Every panel has a title, a description and a unit, and names its data source by a variable,
// so that the same file can be imported by hand, provisioned, and sent by plait dashboards
// install.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// files are the dashboards by the names of their files. Grafana shows the first as its home.
var files = []struct {
	name string
	make func() (dashboard.Dashboard, error)
}{
	{"metric-to-trace-to-logs.json", metricToTraceToLogs},
	{"service.json", service},
	{"logs-by-trace-id.json", logsByTraceID},
	{"correlation-health.json", correlationHealth},
	{"plait-itself.json", plaitItself},
}

func main() {
	dir := "."
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	if err := write(dir); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func write(dir string) error {
	for _, f := range files {
		text, err := encode(f.make)
		if err != nil {
			return fmt.Errorf("make %s: %w", f.name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, f.name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// encode makes a dashboard and returns it as Grafana exports one: indented, keys in the order of
// the alphabet, and no character of a query escaped that need not be.
func encode(makeDashboard func() (dashboard.Dashboard, error)) ([]byte, error) {
	d, err := makeDashboard()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	var sorted map[string]any
	exact := json.NewDecoder(bytes.NewReader(text))
	exact.UseNumber()
	if err := exact.Decode(&sorted); err != nil {
		return nil, err
	}
	describeAnnotations(sorted)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(sorted); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
