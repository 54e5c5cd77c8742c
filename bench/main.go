// Command bench measures what Plait costs: it starts a gateway on a private Postgres of its
// own, sends generated telemetry over OTLP/HTTP, accounts CPU, memory and disk of the gateway
// with its Postgres, and times the lookups that pivots are made of. docs/performance.md says
// how to read it.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/plaithq/plait/bench/load"
)

type options struct {
	plait   string
	conns   int
	queries int
	samples int
	hostile bool
	keep    bool
	json    bool
	load    load.Config
}

func main() {
	var o options
	flag.StringVar(&o.plait, "plait", "bin/plait", "the program to measure")
	flag.IntVar(&o.load.Spans, "spans", 1_000_000, "spans to send; log records are about 1.5 a span")
	flag.IntVar(&o.samples, "samples", 3_000_000, "metric samples to send, of 2,000 series")
	flag.IntVar(&o.conns, "conns", 4, "connections")
	flag.IntVar(&o.queries, "queries", 500, "lookups of each kind")
	flag.BoolVar(&o.hostile, "hostile", false, "make every attribute value and span name new")
	flag.Uint64Var(&o.load.Seed, "seed", 1, "seed of the generated telemetry")
	flag.DurationVar(&o.load.Window, "window", 50*time.Minute, "time that the telemetry covers, until now")
	flag.BoolVar(&o.json, "json", false, "print JSON")
	flag.BoolVar(&o.keep, "keep", false, "leave the data directory behind")
	flag.Parse()
	o.load.Hostile, o.load.End = o.hostile, time.Now()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, o, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, out io.Writer) (err error) {
	fmt.Fprintln(os.Stderr, "making telemetry…")
	set, err := o.load.Make(500, 1000)
	if err != nil {
		return err
	}
	metrics, err := o.load.MakeMetrics(o.samples, 2000)
	if err != nil {
		return err
	}
	g, err := startGateway(ctx, o.plait, o.keep)
	if err != nil {
		return err
	}
	defer func() {
		if stopErr := g.stop(); err == nil {
			err = stopErr
		}
	}()
	var r report
	for _, s := range []struct {
		signal   string
		requests []load.Request
	}{{"traces", set.Spans}, {"logs", set.Logs}, {"metrics", metrics}} {
		if len(s.requests) == 0 {
			continue
		}
		fmt.Fprintf(os.Stderr, "sending %s…\n", s.signal)
		in, err := g.ingest(ctx, s.signal, s.requests, o.conns)
		if err != nil {
			return err
		}
		r.Ingest = append(r.Ingest, in)
	}
	fmt.Fprintln(os.Stderr, "asking…")
	if err := g.rest(ctx); err != nil { // compaction and statistics follow what came last
		return err
	}
	if r.Lookups, err = g.lookups(ctx, set.TraceIDs, o.queries); err != nil {
		return err
	}
	if o.json {
		return json.NewEncoder(out).Encode(r)
	}
	return r.print(out)
}

// report is what a run found.
type report struct {
	Ingest  []ingestReport
	Lookups []lookupReport
}

func (r report) print(w io.Writer) error {
	fmt.Fprintf(w, "\n%-8s %10s %8s %9s %9s %8s %8s %9s %9s %10s\n", "signal", "items", "CPU-s/M", "of plait", "items/s", "B/item", "refused", "ack p50", "ack p99", "plait peak")
	for _, in := range r.Ingest {
		fmt.Fprintf(w, "%-8s %10d %8.2f %9.2f %9.0f %8.1f %8d %6.1f ms %6.1f ms %6.0f MiB\n", in.Signal, in.Items, in.CPUPerMillion, in.PlaitCPUPerMillion, in.PerSecond,
			in.BytesPerItem, in.Failed, in.AckP50Millis, in.AckP99Millis, in.PlaitPeakMiB)
	}
	fmt.Fprintf(w, "\n%-28s %8s %10s %10s %7s\n", "lookup", "asked", "p50", "p99", "empty")
	for _, l := range r.Lookups {
		fmt.Fprintf(w, "%-28s %8d %7.2f ms %7.2f ms %7d\n", l.Name, l.Asked, l.P50Millis, l.P99Millis, l.Empty)
	}
	return nil
}
