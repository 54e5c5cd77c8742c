package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/sync/errgroup"
)

type importCommand struct {
	Files []string `arg:"" name:"file" help:"OTLP/JSON lines (as the OpenTelemetry Collector's file exporter writes them), OTLP protobuf or Zipkin v2 JSON; plain, .gz or .zst. Of a directory, all files at any depth whose names end in ${suffixes}, with or without .gz or .zst. A - is standard input."`

	Gateway     baseURL `help:"The gateway's OTLP/HTTP address." default:"http://127.0.0.1:4318" placeholder:"URL"`
	DatabaseURL string  `help:"Write straight into this database instead of sending to a gateway." placeholder:"URL"`
	GiveUpAfter period  `help:"End with an error when nothing could be stored for this long, because the gateway cannot be reached or keeps asking to come back." default:"2m" placeholder:"PERIOD"`
	Signal      string  `help:"What an OTLP protobuf file holds: traces, logs or metrics. It is found out when not given." enum:",traces,logs,metrics" default:"" placeholder:"SIGNAL"`
	ShiftToNow  bool    `help:"Move all time stamps so that the newest one of all files is now. Run twice it stores everything twice; the shift is told, for --shift-by to repeat it." xor:"shift"`
	ShiftBy     period  `help:"Move all time stamps by this much, such as 7d or -90m." placeholder:"PERIOD" xor:"shift"`
	Parallel    int     `help:"Requests under way at a time." default:"4" placeholder:"N"`
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
	tell := func(line string) { fmt.Fprintln(std.err, line) }
	sources, err := findSources(c.Files, std.in, tell)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(sources, func(s source) bool { return s.size == unknownSize }); c.ShiftToNow && i >= 0 {
		return fmt.Errorf("--shift-to-now reads everything twice, which %s does not allow: save it to a file first", sources[i].name)
	}
	err = c.importAll(ctx, std, sources)
	if err != nil && ctx.Err() != nil {
		return errors.New("interrupted: not everything is stored")
	}
	return err
}

func (c *importCommand) importAll(ctx context.Context, std console, sources []source) error {
	shift := time.Duration(c.ShiftBy)
	if c.ShiftToNow {
		var err error
		if shift, err = c.shiftOf(ctx, std, sources); err != nil {
			return err
		}
		if shift != 0 {
			fmt.Fprintf(std.err, "all times are moved by %s; to send the same again, give --shift-by=%s in place of --shift-to-now\n", shift, shift)
		}
	}
	s, stop, err := c.target(ctx, std)
	if err != nil {
		return err
	}
	err = c.send(ctx, std, s, sources, shift)
	return errors.Join(err, stop())
}

// send reads the files and sends what they hold, a few requests at a time.
func (c *importCommand) send(ctx context.Context, std console, s *sender, sources []source, shift time.Duration) error {
	bar := startProgress(std.err, "imported", totalSize(sources), s.counts)
	defer bar.stop()
	s.patience.tell = bar.tell
	ctx, stopWatch := s.patience.watch(ctx)
	defer stopWatch()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(c.Parallel)
	err := c.eachRequest(ctx, sources, bar, bar.tell, func(from source, p payload) error {
		p.file = from.name
		group.Go(func() error {
			err := p.shift(shift)
			if err == nil {
				err = s.send(ctx, p)
			}
			if err != nil && context.Cause(ctx) == nil {
				err = fmt.Errorf("%s: %w", from.name, err)
			}
			return err
		})
		return nil
	})
	// what ended the group says more than that it has ended, which is why reading stopped
	if sent := group.Wait(); sent != nil {
		return sent
	}
	if err != nil {
		return err
	}
	bar.stop()
	return s.report(std.out, std.err)
}

// eachRequest reads the files and hands over their requests. It tells of files that hold none,
// and of files found in a directory that turn out to hold something else.
func (c *importCommand) eachRequest(ctx context.Context, sources []source, bar *progress, tell func(line string), each func(source, payload) error) error {
	for _, from := range sources {
		requests := 0
		err := readTelemetry(ctx, from, c.Signal, bar.count, func(p payload) error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			requests++
			return each(from, p)
		})
		switch {
		case from.found && requests == 0 && errors.Is(err, errNotTelemetry):
			tell("skipped " + err.Error())
		case err != nil:
			return err
		case requests == 0:
			tell(from.name + ": nothing in it to import")
		}
	}
	return nil
}

// shiftOf says how far the newest time stamp of all files is from now.
func (c *importCommand) shiftOf(ctx context.Context, std console, sources []source) (time.Duration, error) {
	bar := startProgress(std.err, "read", totalSize(sources), nil)
	defer bar.stop()
	var newest int64
	var requests int
	silent := func(string) {} // sending tells the same again
	err := c.eachRequest(ctx, sources, bar, silent, func(_ source, p payload) error {
		requests++
		n, err := p.newest()
		newest = max(newest, n)
		return err
	})
	switch {
	case err != nil:
		return 0, err
	case requests == 0:
		return 0, nil
	case newest == 0:
		return 0, errors.New("--shift-to-now: the files hold no time stamp")
	}
	return time.Since(time.Unix(0, newest)), nil
}
