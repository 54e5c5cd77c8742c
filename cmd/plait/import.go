package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sync/errgroup"
)

type importCommand struct {
	Files []string `arg:"" name:"file" help:"OTLP/JSON lines (as the OpenTelemetry Collector's file exporter writes them), OTLP protobuf or Zipkin v2 JSON; plain, .gz or .zst." type:"existingfile"`

	Gateway     baseURL `help:"The gateway's OTLP/HTTP address." default:"http://127.0.0.1:4318" placeholder:"URL"`
	DatabaseURL string  `help:"Write straight into this database instead of sending to a gateway." placeholder:"URL"`
	GiveUpAfter period  `help:"End with an error when nothing could be stored for this long, because the gateway cannot be reached or keeps asking to come back." default:"2m" placeholder:"PERIOD"`
	Signal      string  `help:"What an OTLP protobuf file holds: traces, logs or metrics. It is found out when not given." enum:",traces,logs,metrics" default:"" placeholder:"SIGNAL"`
	ShiftToNow  bool    `help:"Move all time stamps so that the newest one of all files is now."`
	Parallel    int     `help:"Requests under way at a time." default:"4" placeholder:"N"`
}

// Run imports the files in the order given and says what was stored.
func (c *importCommand) Run(ctx context.Context, std console) error {
	if c.Parallel < 1 || c.GiveUpAfter <= 0 {
		return errors.New("--parallel and --give-up-after must be positive")
	}
	err := c.importAll(ctx, std)
	if err != nil && ctx.Err() != nil {
		return errors.New("interrupted: not everything is stored")
	}
	return err
}

func (c *importCommand) importAll(ctx context.Context, std console) error {
	var shift time.Duration
	if c.ShiftToNow {
		newest, err := c.newest(ctx, std)
		if err != nil {
			return err
		}
		shift = time.Since(newest)
	}
	s, stop, err := c.target(ctx, std)
	if err != nil {
		return err
	}
	err = c.send(ctx, std, s, shift)
	return errors.Join(err, stop())
}

// send reads the files and sends what they hold, a few requests at a time.
func (c *importCommand) send(ctx context.Context, std console, s *sender, shift time.Duration) error {
	total, err := sizeOf(c.Files)
	if err != nil {
		return err
	}
	bar := startProgress(std.err, "imported", total, s.counts)
	defer bar.stop()
	s.patience.tell = bar.tell
	ctx, stopWatch := s.patience.watch(ctx)
	defer stopWatch()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(c.Parallel)
	for _, file := range c.Files {
		err := readTelemetry(file, c.Signal, bar.count, func(p payload) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			group.Go(func() error {
				if err := p.shift(shift); err != nil {
					return fmt.Errorf("%s: %w", file, err)
				}
				err := s.send(ctx, p)
				if err != nil && context.Cause(ctx) == nil {
					err = fmt.Errorf("%s: %w", file, err)
				}
				return err
			})
			return nil
		})
		if err != nil {
			// the error that cancelled the group says more than "context canceled"
			return errors.Join(group.Wait(), notCanceled(err))
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	bar.stop()
	return s.report(std.out)
}

func notCanceled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// newest finds the newest time stamp of all files.
func (c *importCommand) newest(ctx context.Context, std console) (time.Time, error) {
	total, err := sizeOf(c.Files)
	if err != nil {
		return time.Time{}, err
	}
	bar := startProgress(std.err, "read", total, nil)
	defer bar.stop()
	var newest int64
	for _, file := range c.Files {
		err := readTelemetry(file, c.Signal, bar.count, func(p payload) error {
			n, err := p.newest()
			newest = max(newest, n)
			return errors.Join(err, ctx.Err())
		})
		if err != nil {
			return time.Time{}, err
		}
	}
	if newest == 0 {
		return time.Time{}, errors.New("the files hold no time stamp")
	}
	return time.Unix(0, newest), nil
}

// target returns what sends to the gateway or the database, and what ends it. For a database,
// the gateway's own way in runs in this process, so that a direct import is cleaned and
// committed as any other.
func (c *importCommand) target(ctx context.Context, std console) (*sender, func() error, error) {
	p := &patience{
		target: string(c.Gateway), limit: time.Duration(c.GiveUpAfter),
		advice: "is 'plait serve' running? --gateway says where, --give-up-after how long to wait",
	}
	if c.DatabaseURL == "" {
		return newSender(string(c.Gateway), p), func() error { return nil }, nil
	}
	p.target, p.advice = "the database", "--give-up-after says how long to wait"
	base, stop, err := startDirectIngest(ctx, c.DatabaseURL, std.err)
	if err != nil {
		return nil, nil, err
	}
	return newSender(base, p), stop, nil
}

func sizeOf(files []string) (int64, error) {
	var total int64
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			return 0, fmt.Errorf("look at the file: %w", err)
		}
		total += info.Size()
	}
	return total, nil
}
