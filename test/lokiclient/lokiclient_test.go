// Package lokiclient pushes with the client of github.com/grafana/loki-client-go as it is, and reads back. It is a
// module of its own, since that client does not compile beside a current Prometheus.
package lokiclient

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/grafana/loki-client-go/loki"
	"github.com/grafana/loki/pkg/push"
	"github.com/prometheus/common/model"
)

// gateway is the program with a private Postgres.
type gateway struct{ ingest, api string }

func start(t *testing.T) gateway {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "plait")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./cmd/plait")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build plait: %v\n%s", err, out)
	}
	// Not below t.TempDir, whose long name leaves no room for a socket's.
	dir, err := os.MkdirTemp("", "plait-loki-")
	check(t, err)
	t.Cleanup(func() { check(t, os.RemoveAll(dir)) })
	check(t, os.Chmod(dir, 0o755)) // root's Postgres runs as another account
	var addrs [3]string
	var held []net.Listener // all at a time, so that they differ
	for i := range addrs {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		check(t, err)
		held, addrs[i] = append(held, l), l.Addr().String()
	}
	for _, l := range held {
		check(t, l.Close())
	}
	cmd := exec.Command(binary, "serve", "--data-dir", filepath.Join(dir, "data"), "--log-level", "warn", "--otlp-grpc-addr", addrs[0], "--ingest-addr", addrs[1], "--api-addr", addrs[2])
	cmd.Stderr = t.Output()
	check(t, cmd.Start())
	t.Cleanup(func() {
		check(t, cmd.Process.Signal(syscall.SIGTERM))
		check(t, cmd.Wait())
	})
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if resp, err := http.Get("http://" + addrs[2] + "/readyz"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return gateway{addrs[1], addrs[2]}
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("the gateway is not ready after two minutes")
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// entry is a line as it is pushed and read.
type entry struct {
	stream, metadata map[string]string
	line             string
}

func TestWhatTheClientPushesComesBack(t *testing.T) {
	g := start(t)
	for _, asJSON := range []bool{false, true} {
		t.Run(fmt.Sprintf("JSON %t", asJSON), func(t *testing.T) {
			want, all := map[int64]entry{}, g.pushed(t, asJSON, 5000)
			for at, e := range all {
				if asJSON { // the client's JSON has no structured metadata
					e.metadata = nil
				}
				want[at] = e
			}
			got := g.read(t, fmt.Sprintf(`{service_name="checkout", json="%t"}`, asJSON))
			if len(got) != len(want) {
				t.Errorf("%d lines come back of %d", len(got), len(want))
			}
			wrong := 0
			for at, e := range want {
				if wrong < 5 && !reflect.DeepEqual(got[at], e) {
					t.Errorf("%+v was %+v", got[at], e)
					wrong++
				}
			}
		})
	}
}

// pushed pushes n lines in four streams, newest first.
func (g gateway) pushed(t *testing.T, asJSON bool, n int) map[int64]entry {
	t.Helper()
	c, err := loki.NewDefaultConfig("http://" + g.ingest + "/loki/api/v1/push")
	check(t, err)
	c.EncodeJson, c.BatchSize, c.TenantID = asJSON, 64<<10, "somebody"
	client, err := loki.New(c)
	check(t, err)
	base, all := time.Now(), map[int64]entry{}
	for i := range n {
		at := base.Add(-time.Duration(i) * time.Millisecond)
		e := entry{
			stream: map[string]string{"service_name": "checkout", "json": strconv.FormatBool(asJSON), "pod": fmt.Sprint("p-", i%4)},
			line:   fmt.Sprintf("payment %d refused: \"größe\"\t%s", i, strings.Repeat("x", i%500)),
		}
		labels := model.LabelSet{}
		for name, value := range e.stream {
			labels[model.LabelName(name)] = model.LabelValue(value)
		}
		if i%3 == 0 {
			check(t, client.Handle(labels, at, e.line))
		} else {
			e.metadata = map[string]string{"user": fmt.Sprint("u", i%7), "trace_id": fmt.Sprintf("%032x", i+1)}
			check(t, client.HandleWithMetadata(labels, at, e.line, push.LabelsAdapter{{Name: "user", Value: e.metadata["user"]}, {Name: "trace_id", Value: e.metadata["trace_id"]}}))
		}
		all[at.UnixNano()] = e
	}
	client.Stop() // it sends what is left
	return all
}

// read asks for all lines of a query by time.
func (g gateway) read(t *testing.T, query string) map[int64]entry {
	t.Helper()
	params := url.Values{"query": {query}, "limit": {"5000"}, "start": {fmt.Sprint(time.Now().Add(-time.Hour).UnixNano())}, "end": {fmt.Sprint(time.Now().Add(time.Minute).UnixNano())}}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+g.api+"/loki/api/v1/query_range?"+params.Encode(), nil)
	check(t, err)
	req.Header.Set("X-Loki-Response-Encoding-Flags", "categorize-labels")
	resp, err := http.DefaultClient.Do(req)
	check(t, err)
	defer resp.Body.Close()
	var answer struct {
		Data struct {
			Result []struct {
				Stream map[string]string
				Values [][3]json.RawMessage
			}
		}
	}
	check(t, json.NewDecoder(resp.Body).Decode(&answer))
	all := map[int64]entry{}
	for _, stream := range answer.Data.Result {
		for _, v := range stream.Values {
			var nanos string
			var labels struct{ StructuredMetadata map[string]string }
			e := entry{stream: stream.Stream}
			check(t, json.Unmarshal(v[0], &nanos))
			check(t, json.Unmarshal(v[1], &e.line))
			check(t, json.Unmarshal(v[2], &labels))
			delete(labels.StructuredMetadata, "detected_level")
			if len(labels.StructuredMetadata) > 0 {
				e.metadata = labels.StructuredMetadata
			}
			at, err := strconv.ParseInt(nanos, 10, 64)
			check(t, err)
			all[at] = e
		}
	}
	return all
}
