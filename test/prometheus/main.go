// Command prometheus compares Plait with a real Prometheus. It starts both, lets Prometheus
// scrape Plait's /metrics and itself and send everything to Plait by remote write, and then asks
// both the same hundred questions. Answers must be equal to the last digit.
//
//	go run ./test/prometheus -plait bin/plait -prometheus /usr/bin/prometheus
//
// It is not part of `make test`, because that would need a Prometheus to be installed. See
// docs/metrics.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

const (
	scrapeInterval = "1s"
	gathering      = 75 * time.Second // more than the longest range that is asked for
)

// Addresses. They are fixed because Prometheus's configuration names Plait's.
const (
	plaitIngest    = "127.0.0.1:24318"
	plaitGRPC      = "127.0.0.1:24317"
	plaitAPI       = "127.0.0.1:27080"
	prometheusAddr = "127.0.0.1:29090"
)

var configuration = fmt.Sprintf(`
global: {scrape_interval: %[1]s, scrape_timeout: %[1]s}
scrape_configs:
  - job_name: plait
    static_configs: [{targets: [%[2]q]}]
  - job_name: prometheus
    static_configs: [{targets: [%[3]q]}]
remote_write:
  - url: http://%[4]s/api/v1/write
    send_exemplars: true
    queue_config: {batch_send_deadline: 1s}
    metadata_config: {send_interval: 5s}
`, scrapeInterval, plaitAPI, prometheusAddr, plaitIngest)

func main() {
	plait := flag.String("plait", "bin/plait", "the gateway's program")
	prometheus := flag.String("prometheus", "prometheus", "Prometheus's program")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *plait, *prometheus); err != nil {
		stop()
		log.Fatal(err)
	}
}

func run(ctx context.Context, plait, prometheus string) (err error) {
	dir, err := os.MkdirTemp("", "plait-prometheus-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, []byte(configuration), 0o600); err != nil {
		return err
	}
	gateway, err := start(dir, plait, "serve", "--data-dir", filepath.Join(dir, "plait"),
		"--ingest-addr", plaitIngest, "--otlp-grpc-addr", plaitGRPC, "--api-addr", plaitAPI)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, gateway.stop()) }()
	if err := await(ctx, "http://"+plaitAPI+"/readyz"); err != nil {
		return err
	}
	server, err := start(dir, prometheus, "--config.file", config, "--storage.tsdb.path", filepath.Join(dir, "tsdb"),
		"--web.listen-address", prometheusAddr, "--enable-feature", "exemplar-storage")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	if err := await(ctx, "http://"+prometheusAddr+"/-/ready"); err != nil {
		return err
	}
	log.Printf("gathering for %s", gathering)
	if err := traffic(ctx, gathering); err != nil {
		return err
	}
	return compare(ctx, endpoint("http://"+prometheusAddr), endpoint("http://"+plaitAPI+"/prometheus"))
}

// process is a running program with its log.
type process struct {
	cmd *exec.Cmd
	log *os.File
}

func start(dir, program string, args ...string) (*process, error) {
	out, err := os.Create(filepath.Join(dir, filepath.Base(program)+".log"))
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(context.Background(), program, args...) // stop ends it in order
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", program, err), out.Close())
	}
	return &process{cmd: cmd, log: out}, nil
}

func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop %s: %w", p.cmd.Path, err)
	}
	return errors.Join(p.cmd.Wait(), p.log.Close())
}
