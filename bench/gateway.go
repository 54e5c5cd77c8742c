package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const (
	startWithin = time.Minute
	stopWithin  = time.Minute
)

// gateway is a running plait with a private Postgres in a directory of its own.
type gateway struct {
	cmd   *exec.Cmd
	dir   string
	keep  bool
	doors string
	api   string
}

func startGateway(ctx context.Context, program string, keep bool) (*gateway, error) {
	program, err := filepath.Abs(program)
	if err != nil {
		return nil, fmt.Errorf("find the program: %w", err)
	}
	dir, err := os.MkdirTemp("", "plait-bench-")
	if err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // the private Postgres may run as another user
		return nil, fmt.Errorf("open the data directory: %w", err)
	}
	var addrs [3]string
	for i := range addrs {
		if addrs[i], err = freeAddr(ctx); err != nil {
			return nil, err
		}
	}
	g := &gateway{dir: dir, keep: keep, doors: "http://" + addrs[0], api: "http://" + addrs[1]}
	g.cmd = exec.Command(program, "serve", "--data-dir", dir, "--ingest-addr", addrs[0], "--api-addr", addrs[1], "--otlp-grpc-addr", addrs[2], "--log-level", "warn")
	g.cmd.Stderr = os.Stderr
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := g.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	if err := g.waitReady(ctx); err != nil {
		_ = g.stop()
		return nil, err
	}
	return g, nil
}

func freeAddr(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func (g *gateway) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.api+"/readyz", nil)
		if err != nil {
			return fmt.Errorf("ask whether the gateway is ready: %w", err)
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the gateway is not ready after %s: %w", startWithin, ctx.Err())
		case <-tick.C:
		}
	}
}

// stop ends the gateway in good order and removes its data.
func (g *gateway) stop() error {
	if err := g.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop the gateway: %w", err)
	}
	kill := time.AfterFunc(stopWithin, func() { _ = g.cmd.Process.Kill() })
	defer kill.Stop()
	if err := g.cmd.Wait(); err != nil {
		return fmt.Errorf("the gateway ended with %w", err)
	}
	if g.keep {
		fmt.Fprintln(os.Stderr, "data left in", g.dir)
		return nil
	}
	return os.RemoveAll(g.dir)
}
