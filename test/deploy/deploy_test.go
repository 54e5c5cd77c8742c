// Package deploy reads the files of docker-compose.yml as the programs they are for do.
package deploy

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/config"
	"go.uber.org/goleak"
	"go.yaml.in/yaml/v3"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPrometheusReadsItsConfiguration(t *testing.T) {
	t.Parallel()
	c, err := config.LoadFile("../../deploy/prometheus.yml", false, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range c.ScrapeConfigs {
		if !s.ScrapeNativeHistogramsEnabled() {
			t.Errorf("job %s takes no native histograms", s.JobName)
		}
	}
}

func TestComposeMountsFilesThatExist(t *testing.T) {
	t.Parallel()
	var compose struct {
		Services map[string]struct {
			Image, Build string
			Volumes      []string
			Ports        []string
		}
		Volumes map[string]any
	}
	read(t, "../../docker-compose.yml", &compose)
	for _, name := range []string{"postgres", "plait", "demo", "prometheus", "reader-role", "grafana"} {
		s, ok := compose.Services[name]
		if !ok || s.Image == "" {
			t.Errorf("no service %s with an image", name)
		}
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s publishes %s to every machine, without a password", name, port)
			}
		}
		for _, volume := range s.Volumes {
			source, _, _ := strings.Cut(volume, ":")
			if !strings.HasPrefix(source, "./") {
				if _, named := compose.Volumes[source]; !named {
					t.Errorf("%s mounts the unknown volume %s", name, source)
				}
			} else if _, err := os.Stat(filepath.Join("../..", source)); err != nil {
				t.Errorf("%s mounts what is not there: %v", name, err)
			}
		}
	}
}

func read(t *testing.T, path string, into any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(b, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
