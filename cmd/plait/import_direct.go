package main

import (
	"context"
	"errors"
	"fmt"
	"io"

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
	settings := ingest.DefaultConfig()
	settings.HTTPAddr, settings.GRPCAddr = "127.0.0.1:0", "127.0.0.1:0"
	doors, err := ingest.New(settings, ingest.Deps{Writer: st, DigestKey: st.DigestKey(), Logger: log})
	if err == nil {
		err = doors.Listen()
	}
	if err != nil {
		st.Close()
		return "", nil, fmt.Errorf("open the way in: %w", err)
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- doors.Run(serving) }()
	return "http://" + doors.HTTPAddr().String(), func() error {
		defer st.Close()
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			return fmt.Errorf("close the way in: %w", err)
		}
		return nil
	}, nil
}
