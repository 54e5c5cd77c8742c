package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/alecthomas/kong"

	"github.com/plaithq/plait/duration"
	"github.com/plaithq/plait/importer"
)

type importCommand struct {
	Files []string `arg:"" name:"file" help:"OTLP/JSON lines (as the OpenTelemetry Collector's file exporter writes them), OTLP protobuf or Zipkin v2 JSON; plain, .gz or .zst. Of a directory, all files at any depth whose names end in ${suffixes}, with or without .gz or .zst. A - is standard input."`

	Gateway     baseURL           `help:"The gateway's OTLP/HTTP address." default:"http://127.0.0.1:4318" placeholder:"URL"`
	DatabaseURL string            `help:"Write straight into this database instead of sending to a gateway." placeholder:"URL"`
	GiveUpAfter duration.Duration `help:"End with an error when nothing could be stored for this long, because the gateway cannot be reached or keeps asking to come back." default:"2m" placeholder:"DURATION"`
	Signal      string            `help:"What an OTLP protobuf file holds: traces, logs or metrics. It is found out when not given." enum:",traces,logs,metrics" default:"" placeholder:"SIGNAL"`
	ShiftToNow  bool              `help:"Move all time stamps so that the newest one of all files is now. Run twice it stores everything twice; the shift is told, for --shift-by to repeat it." xor:"shift"`
	ShiftBy     duration.Duration `help:"Move all time stamps by this much, such as 7d or -90m." placeholder:"DURATION" xor:"shift"`
	Parallel    int               `help:"Requests under way at a time." default:"4" placeholder:"N"`
}

// Validate checks what no flag can check alone.
func (c *importCommand) Validate(parsed *kong.Context) error {
	if c.Parallel < 1 || c.GiveUpAfter <= 0 {
		return errors.New("--parallel and --give-up-after must be positive")
	}
	return c.chooseTarget(parsed)
}

// Run imports the files in the order given and says what was stored.
func (c *importCommand) Run(ctx context.Context, std console) error {
	im := &importer.Importer{Signal: c.Signal, Shift: time.Duration(c.ShiftBy), Parallel: c.Parallel, Report: std.out, Notes: std.err, Bar: isTerminal(std.err)}
	sources, err := importer.Find(c.Files, std.in, im.Tell)
	if err != nil {
		return err
	}
	switch err := c.importAll(ctx, im, sources); {
	case err != nil && ctx.Err() != nil:
		return errors.New("interrupted: not everything is stored")
	case errors.Is(err, importer.ErrNoSignal):
		return fmt.Errorf("%w (--signal says which it is)", err)
	default:
		return err
	}
}

func (c *importCommand) importAll(ctx context.Context, im *importer.Importer, sources []importer.Source) error {
	if c.ShiftToNow {
		if err := shiftToNow(ctx, im, sources); err != nil {
			return err
		}
	}
	gateway, stop, err := c.target(ctx, im)
	if err != nil {
		return err
	}
	return errors.Join(im.Send(ctx, gateway, sources), stop())
}

// shiftToNow has all times moved by how far the newest time stamp of all files is from now.
func shiftToNow(ctx context.Context, im *importer.Importer, sources []importer.Source) error {
	if i := slices.IndexFunc(sources, func(s importer.Source) bool { return !s.Rereadable() }); i >= 0 {
		return fmt.Errorf("--shift-to-now reads everything twice, which %s does not allow: save it to a file first", sources[i].Name)
	}
	newest, err := im.Newest(ctx, sources)
	if errors.Is(err, importer.ErrNoTime) {
		return fmt.Errorf("--shift-to-now: %w", err)
	}
	if err != nil || newest.IsZero() {
		return err
	}
	im.Shift = time.Since(newest)
	im.Tell(fmt.Sprintf("all times are moved by %s; to send the same again, give --shift-by=%s in place of --shift-to-now", im.Shift, im.Shift))
	return nil
}
