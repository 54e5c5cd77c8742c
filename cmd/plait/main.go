// Command plait is the log-trace-metric correlation gateway and its tools. This package is
// the only one that knows all rooms of the house; nobody imports it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/plaithq/plait/importer"
)

// version is set by the linker (see Makefile).
var version = "dev"

// commands is the command line: one field a command, one file a command.
type commands struct {
	Serve      serveCommand      `cmd:"" help:"Run the gateway."`
	Demo       demoCommand       `cmd:"" help:"Run the gateway, plus a small shop of instrumented services that really call each other."`
	Import     importCommand     `cmd:"" help:"Send recorded telemetry to a gateway, or straight into the database."`
	Trace      traceCommand      `cmd:"" help:"Print a trace as a tree with its logs."`
	Traces     tracesCommand     `cmd:"" help:"Search traces, or list those behind a metric."`
	Logs       logsCommand       `cmd:"" help:"Search logs."`
	Spikes     spikesCommand     `cmd:"" help:"Print where latency or errors rise against what is usual, and the traces behind each."`
	Dashboards dashboardsCommand `cmd:"" help:"Dashboards for Grafana: list them, write them to files, put them into a Grafana."`
	Migrate    migrateCommand    `cmd:"" help:"Bring the database schema up or down, or say its version."`
	Doctor     doctorCommand     `cmd:"" help:"Say what is wrong with the set-up, and with the correlation in the data, and how to mend it."`
	Version    versionCommand    `cmd:"" help:"Say which version this is."`
}

// console is where a command reads and writes; tests put their own here.
type console struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], console{in: os.Stdin, out: os.Stdout, err: os.Stderr})
	stop()
	os.Exit(code)
}

// run executes one command line and returns the process's exit code: 0 done, 1 an error, 2 a
// command line that cannot be understood.
func run(ctx context.Context, args []string, std console) int {
	var cli commands
	exited := -1
	parser, err := kong.New(&cli,
		kong.Name("plait"),
		kong.Description("Joins logs, metrics and traces in Postgres and answers pivots between them."),
		kong.DefaultEnvars("PLAIT"),
		kong.Configuration(readYAML),
		defaults(),
		kong.Vars{"moment": momentHelp, "suffixes": strings.Join(importer.Suffixes, ", ")},
		kong.UsageOnError(),
		kong.ValueFormatter(describe),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.Writers(std.out, std.err),
		kong.Exit(func(code int) { exited = code }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(std),
	)
	if err != nil {
		fmt.Fprintln(std.err, "plait:", err)
		return 2
	}
	parsed, err := parser.Parse(customary(args))
	if exited >= 0 { // --help was asked for and has been printed
		return exited
	}
	if err != nil {
		fmt.Fprintf(std.err, "plait: %v\nplait: try 'plait --help', or 'plait COMMAND --help'\n", err)
		return 2
	}
	if err := parsed.Run(); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(std.err, "plait:", err)
		return 1
	}
	return 0
}
