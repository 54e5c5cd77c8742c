package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/plaithq/plait/exemplars"
	"github.com/plaithq/plait/ingest"
	"github.com/plaithq/plait/store"
)

// startDirectIngest opens a database and serves the gateway's way in to this process alone, on
// a loopback port. It returns the base URL and what stops it.
func startDirectIngest(ctx context.Context, databaseURL string, logTo io.Writer) (string, func() error, error) {
	c := databaseConfig{DatabaseURL: databaseURL}
	if err := c.validate(); err != nil {
		return "", nil, err
	}
	log := newLogger(logTo, "warn", "text")
	st, err := store.Open(ctx, store.Config{DatabaseURL: databaseURL, Logger: log})
	if err != nil {
		return "", nil, err
	}
	histograms, err := exemplars.New(exemplars.Config{Writer: st, AllLate: true, Logger: log})
	if err != nil {
		st.Close()
		return "", nil, fmt.Errorf("count spans: %w", err)
	}
	settings := ingest.DefaultConfig()
	settings.HTTPAddr, settings.GRPCAddr = "127.0.0.1:0", "127.0.0.1:0"
	doors, err := ingest.New(settings, ingest.Deps{Writer: st, DigestKey: st.DigestKey(), Spans: histograms, Logger: log})
	if err == nil {
		err = doors.Listen()
	}
	if err != nil {
		st.Close()
		return "", nil, fmt.Errorf("open the way in: %w", err)
	}
	stopDoors := start(ctx, doors.Run)
	stopHistograms := start(ctx, histograms.Run)
	return "http://" + doors.HTTPAddr().String(), func() error {
		defer st.Close()
		err := stopDoors()
		if err = errors.Join(err, stopHistograms()); err != nil { // which writes what the last requests brought
			return fmt.Errorf("close the way in: %w", err)
		}
		return nil
	}, nil
}

// start runs something, whatever becomes of ctx. It returns what stops it and waits for it.
func start(ctx context.Context, run func(context.Context) error) (stop func() error) {
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- run(running) }()
	return func() error {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	}
}
