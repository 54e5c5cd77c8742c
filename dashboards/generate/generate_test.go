package main

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	flag.Parse()
	goleak.VerifyTestMain(m)
}

var update = flag.Bool("update", false, "write the dashboards")

func TestFilesAreWhatIsGenerated(t *testing.T) {
	if *update {
		if err := write(".."); err != nil {
			t.Fatal(err)
		}
	}
	known := map[string]bool{}
	for _, f := range files {
		known[f.name] = true
		want, err := encode(f.make)
		if err != nil {
			t.Fatalf("%s: %v", f.name, err)
		}
		got, err := os.ReadFile(filepath.Join("..", f.name))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s is not what the generator makes: run go generate ./dashboards", f.name)
		}
	}
	there, err := filepath.Glob("../*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range there {
		if !known[filepath.Base(path)] {
			t.Errorf("nothing generates %s", path)
		}
	}
}

// The SDK's types are made from Grafana's own schemas, and refuse what these do not know.
func TestFilesFitGrafanasSchema(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join("..", f.name))
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard.Dashboard
		if err := json.Unmarshal(text, &d); err != nil {
			t.Errorf("%s: %v", f.name, err)
		}
		if err := d.UnmarshalJSONStrict(withoutAnnotationFields(t, text)); err != nil && err.Error() != "" { // an empty list of errors is none
			t.Errorf("%s: %v", f.name, err)
		}
		if err := d.Validate(); err != nil {
			t.Errorf("%s: %v", f.name, err)
		}
	}
}

// withoutAnnotationFields takes out what only the Prometheus data source knows.
func withoutAnnotationFields(t *testing.T, text []byte) []byte {
	t.Helper()
	var d map[string]any
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	list, _ := d["annotations"].(map[string]any)["list"].([]any)
	for _, one := range list {
		for key := range annotationFields {
			delete(one.(map[string]any), key)
		}
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
