package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/plaithq/plait/store/localpg"
)

// stopPostgresWithin is how long the private Postgres may take to shut down in good order.
const stopPostgresWithin = 30 * time.Second

// database is the Postgres in use: somebody else's, or a private one that this process runs.
type database struct {
	url   string
	local *localpg.Server // nil for somebody else's
	log   *slog.Logger
}

// openDatabase starts the private Postgres unless there is a URL.
// Over TCP it answers readers at listenAddr, unless that is empty.
func openDatabase(ctx context.Context, c databaseConfig, listenAddr string, log *slog.Logger) (*database, error) {
	if c.DatabaseURL != "" {
		return &database{url: c.DatabaseURL, log: log}, nil
	}
	server, err := localpg.Start(ctx, localpg.Config{DataDir: c.DataDir, ListenAddr: listenAddr, Logger: log})
	if err != nil {
		return nil, err
	}
	return &database{url: server.URL(), local: server, log: log}, nil
}

// joinDatabase is openDatabase for what may be done beside a running gateway: its private Postgres
// is used, and left to it.
func joinDatabase(ctx context.Context, c databaseConfig, log *slog.Logger) (*database, error) {
	if c.DatabaseURL == "" {
		url, err := localpg.RunningURL(ctx, c.DataDir)
		if err != nil || url != "" {
			return &database{url: url, log: log}, err
		}
	}
	return openDatabase(ctx, c, "", log)
}

// failed is closed when the private Postgres is gone for good.
func (d *database) failed() <-chan struct{} {
	if d.local == nil {
		return nil
	}
	return d.local.Done()
}

// close stops the private Postgres. Nobody may be connected any more.
func (d *database) close() {
	if d.local == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopPostgresWithin)
	defer cancel()
	if err := d.local.Stop(ctx); err != nil {
		d.log.Error("stop the private Postgres", "error", err)
	}
}
