// Package importer sends telemetry files to a gateway: it finds the files, takes the export requests out of
// them, moves their times if asked to, sends a few requests at a time, waits for a gateway that is away, and
// counts what became of the records. The program's import command is its caller.
package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"
)

// Importer imports files.
type Importer struct {
	// Signal is what OTLP protobuf files hold: "traces", "logs" or "metrics". It is found out where empty.
	Signal string
	// Shift is added to all time stamps.
	Shift time.Duration
	// Parallel is how many requests may be under way at a time, at least 1.
	Parallel int
	// Wait says how long to wait for a gateway that stores nothing.
	Wait Wait
	// Report is where the counts go, Notes what there is to tell on the way.
	Report, Notes io.Writer
	// Bar says that Notes is a terminal, where a moving line shows how far it is.
	Bar bool
}

// ErrNoTime says that a file's telemetry carries no time stamp.
var ErrNoTime = errors.New("the files hold no time stamp")

// Tell prints a line of notes.
func (im *Importer) Tell(line string) { fmt.Fprintln(im.Notes, line) }

// Newest reads all files and returns the newest time stamp in them. It is zero where the files hold no
// request, and the error is ErrNoTime where none of the requests has a time stamp.
func (im *Importer) Newest(ctx context.Context, sources []Source) (time.Time, error) {
	bar := im.startProgress("read", totalSize(sources), nil)
	defer bar.stop()
	var newest int64
	var requests int
	silent := func(string) {} // sending tells the same again
	err := im.eachRequest(ctx, sources, bar, silent, func(_ Source, p payload) error {
		requests++
		n, err := p.newest()
		newest = max(newest, n)
		return err
	})
	switch {
	case err != nil:
		return time.Time{}, err
	case requests == 0:
		return time.Time{}, nil
	case newest == 0:
		return time.Time{}, ErrNoTime
	}
	return time.Unix(0, newest), nil
}

// Send reads the files in the order given, sends what they hold to the gateway whose OTLP/HTTP doors are below a base URL,
// and reports what was stored. The error says what ended the import, or that records were refused or nothing
// was stored.
func (im *Importer) Send(ctx context.Context, gateway string, sources []Source) error {
	s := newSender(gateway, &patience{Wait: im.Wait})
	bar := im.startProgress("imported", totalSize(sources), s.counts)
	defer bar.stop()
	s.patience.tell = bar.tell
	ctx, stopWatch := s.patience.watch(ctx)
	defer stopWatch()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(im.Parallel)
	err := im.eachRequest(ctx, sources, bar, bar.tell, func(from Source, p payload) error {
		p.file = from.Name
		group.Go(func() error {
			err := p.shift(im.Shift)
			if err == nil {
				err = s.send(ctx, p)
			}
			if err != nil && context.Cause(ctx) == nil {
				err = fmt.Errorf("%s: %w", from.Name, err)
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
	return s.report(im.Report, im.Notes)
}

// eachRequest reads the files and hands over their requests. It tells of files that hold none,
// and of files found in a directory that turn out to hold something else.
func (im *Importer) eachRequest(ctx context.Context, sources []Source, bar *progress, tell func(line string), each func(Source, payload) error) error {
	for _, from := range sources {
		requests := 0
		err := readTelemetry(ctx, from, im.Signal, bar.count, func(p payload) error {
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
			tell(from.Name + ": nothing in it to import")
		}
	}
	return nil
}
