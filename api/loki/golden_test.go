package loki

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plaithq/plait/ingest"
)

// recordings are what a real Loki answered, beside the project and not in every copy of it, with a program that
// loads the same records, asks the same questions and prints a line for each answer that differs.
const recordings = "../../../../shared/data/golden/loki/check.py"

// differing are the questions that are answered otherwise: Loki shows labels that a parser found nothing for
// among those of the stream, by rules that its documentation does not have.
var differing = map[string]bool{"json-09p": true, "logfmt-05p": true}

func TestAnswersAgreeWithThoseOfALoki(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3")
	}
	if _, err := os.Stat(recordings); err != nil {
		t.Skip("no recordings of a Loki are beside this copy of the project")
	}
	s := start(t, func(c *Config) { c.Now = time.Now })
	addr := doors(t, s)
	check := exec.CommandContext(t.Context(), python, recordings, "--target", s.url, "--otlp", "http://"+addr+"/v1/logs")
	said, err := check.Output() // its exit code says that something differs
	if len(said) == 0 {
		t.Fatal(err)
	}
	if !strings.Contains(string(said), " of 305 hold") {
		t.Fatalf("the program ended early: %s", said)
	}
	differs := regexp.MustCompile(`^([a-z_]+-\d+p?): `)
	for line := range strings.SplitSeq(string(said), "\n") {
		if found := differs.FindStringSubmatch(line); found != nil && !differing[found[1]] {
			t.Error(line)
		}
	}
}

// doors opens the ways in to a server's store until the test ends, and returns their address.
func doors(t *testing.T, s *server) string {
	t.Helper()
	c := ingest.DefaultConfig()
	c.HTTPAddr, c.GRPCAddr = "127.0.0.1:0", "127.0.0.1:0"
	ways, err := ingest.New(c, ingest.Deps{Writer: s.store, DigestKey: s.store.DigestKey(), Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Registerer: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	if err := ways.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- ways.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return ways.HTTPAddr().String()
}
