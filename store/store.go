// Package store keeps spans, log records, samples and exemplars in Postgres, and is the only
// room that knows SQL. The ingest pipeline writes through it, the doors of the query side read
// through it; it imports neither and satisfies their interfaces without naming them.
//
// Its tables live in the schema plait_store and are its own business; the views in the schema
// plait are public (docs/sql.md). A Write returns nil only after the transaction that holds
// the batch is committed and synced (package commit). Several gateways may share a database.
package store

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/commit"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/index"
	"github.com/plaithq/plait/store/limits"
	"github.com/plaithq/plait/store/logs"
	"github.com/plaithq/plait/store/metrics"
	"github.com/plaithq/plait/store/outbox"
	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/servicemap"
	"github.com/plaithq/plait/store/spans"
	"github.com/plaithq/plait/store/tally"
	"github.com/plaithq/plait/store/thin"
	"github.com/plaithq/plait/store/traceid"
)

// Config says which database to use and how.
type Config struct {
	// DatabaseURL names a database of Postgres 15 or newer, as a URL or as keywords and values.
	DatabaseURL string
	// MaxConns bounds the connections for searches and upkeep, and again those for look-ups by
	// id; 0 means 8, and fewer than 4 mean 4, since upkeep takes 3. Writing has 6 of its own.
	MaxConns int

	// RetentionTraces, RetentionLogs and RetentionMetrics say how long telemetry is kept,
	// rounded up to whole days. Zero means 7, 7 and 30 days.
	RetentionTraces  time.Duration
	RetentionLogs    time.Duration
	RetentionMetrics time.Duration

	// Thin says which traces of closed days are kept; the zero value keeps all.
	Thin ThinPolicy

	// Outbox makes the bytes of what is forwarded; none means that this gateway's commits leave nothing for other systems.
	Outbox outbox.Encoding

	Logger     *slog.Logger          // nil means slog.Default
	Registerer prometheus.Registerer // nil means that the store's metrics are not collected
	// Now is this gateway's clock; nil means time.Now. DatabaseNow stands in for the database's,
	// which decides about retention; nil, as outside of tests, means to ask the database.
	Now         func() time.Time
	DatabaseNow func() time.Time
}

// ThinPolicy says which traces of closed days are kept.
type ThinPolicy = thin.Policy

// ThinServiceShare is the share of the traces through a service that is kept.
type ThinServiceShare = thin.ServiceShare

const (
	oneDay         = 24 * time.Hour
	defaultReaders = 8
	minReaders     = 4
	writers        = 4                // connections that write: more than cores would only make smaller groups
	closeGrace     = 10 * time.Second // for what is waiting when Close is called
)

// withDefaults fills what is zero.
func (c Config) withDefaults() Config {
	if c.MaxConns == 0 {
		c.MaxConns = defaultReaders
	}
	c.MaxConns = max(c.MaxConns, minReaders)
	if c.RetentionTraces == 0 {
		c.RetentionTraces = 7 * oneDay
	}
	if c.RetentionLogs == 0 {
		c.RetentionLogs = 7 * oneDay
	}
	if c.RetentionMetrics == 0 {
		c.RetentionMetrics = 30 * oneDay
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Registerer == nil {
		c.Registerer = prometheus.NewRegistry()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Validate reports the first setting that cannot work, wrapping plait.ErrInvalid.
func (c Config) Validate() error {
	if c.DatabaseURL == "" {
		return plait.Errorf(plait.ErrInvalid, "database URL is empty")
	}
	if _, err := pgxpool.ParseConfig(c.DatabaseURL); err != nil {
		// Without the reason, which would show what is in it.
		return plait.Errorf(plait.ErrInvalid, "the database URL cannot be read")
	}
	if c.MaxConns < 0 {
		return plait.Errorf(plait.ErrInvalid, "%d connections, want 0 or more", c.MaxConns)
	}
	for _, r := range []time.Duration{c.RetentionTraces, c.RetentionLogs, c.RetentionMetrics} {
		if r < 0 || r > MaxRetention {
			return plait.Errorf(plait.ErrInvalid, "retention of %v, more than %v", r, MaxRetention)
		}
	}
	return c.Thin.Validate(cmp.Or(c.RetentionTraces, 7*oneDay))
}

// MaxRetention is the longest time for which telemetry can be kept: each day is a partition, and
// a question without a time opens them all.
const MaxRetention = 400 * oneDay

// The readers whose methods are the store's: under their own names, Reader all of them, they could not
// be embedded together.
type (
	spanReader = spans.Reader
	logReader  = logs.Reader
	mapReader  = servicemap.Reader
)

// Store is one gateway's access to the database. Its methods may be called concurrently.
type Store struct {
	config Config
	log    *slog.Logger

	writePool  *pgxpool.Pool // transactions that must be durable; few connections
	readPool   *pgxpool.Pool // queries, and upkeep in the background
	lookupPool *pgxpool.Pool // reading by id, by statements that are planned once

	partitions *partition.Keeper
	contentKey dictionary.Key
	ids        *traceid.Index
	spanTerms  *index.Index
	logTerms   *index.Index
	tally      *tally.Tally
	thinner    *thin.Thinner
	outbox     *outbox.Outbox
	limits     *limits.History

	dictionaries *dictionary.Instruments
	entries      *dictionary.Reader

	*spanReader
	*logReader
	*mapReader
	metrics *metrics.DB

	traces  *commit.Committer[*spans.Batch]
	logs    *commit.Committer[*logs.Batch]
	samples *commit.Committer[*metricBatch]

	stop       func() // ends what runs in the background, and waits for it
	background sync.WaitGroup
}

// Open connects, migrates the schema, makes the partitions and starts the upkeep that runs in
// the background until Close. It waits for another gateway that is migrating.
func Open(ctx context.Context, config Config) (*Store, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	config = config.withDefaults()
	if err := Migrate(ctx, config.DatabaseURL, MigrateUp); err != nil {
		return nil, err
	}
	s := &Store{config: config, log: config.Logger, stop: func() {}}
	if err := s.start(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// start opens the pools, then everything that lives on them.
func (s *Store) start(ctx context.Context) (err error) {
	if s.writePool, err = pg.OpenPool(ctx, s.config.DatabaseURL, "write", writers); err != nil {
		return err
	}
	if s.readPool, err = pg.OpenPool(ctx, s.config.DatabaseURL, "read", s.config.MaxConns); err != nil {
		return err
	}
	if s.lookupPool, err = pg.OpenPool(ctx, s.config.DatabaseURL, "lookup", s.config.MaxConns); err != nil {
		return err
	}
	if err := s.openPartitions(ctx); err != nil {
		return err
	}
	if s.contentKey, err = dictionary.ReadKey(ctx, s.writePool); err != nil {
		return err
	}
	s.openReaders()
	s.limits = limits.New(s.readPool)
	s.outbox = outbox.New(s.readPool)
	if err := s.outbox.Refresh(ctx); err != nil {
		return err
	}
	if err := s.openMetrics(ctx); err != nil {
		return err
	}
	s.openWriters()
	s.startBackground()
	return nil
}

// openPartitions reads the database's clock and makes the partitions that are missing.
func (s *Store) openPartitions(ctx context.Context) error {
	c := partition.NewClock(s.config.Now, s.config.DatabaseNow)
	if err := c.Measure(ctx, s.readPool); err != nil {
		return err
	}
	kept := partition.Retention{Traces: s.config.RetentionTraces, Logs: s.config.RetentionLogs, Metrics: s.config.RetentionMetrics}
	s.partitions = partition.NewKeeper(s.readPool, c, kept, s.log, partition.NewInstruments(s.config.Registerer))
	s.partitions.CloseAfter(s.config.Thin.After)
	if err := s.partitions.Make(ctx); err != nil {
		if !s.partitions.HasRoom() {
			return err
		}
		s.log.Warn("make partitions: there are enough for today, and it is tried again", "error", err)
	}
	return nil
}

// openReaders makes what answers questions about spans and log records.
func (s *Store) openReaders() {
	s.entries = dictionary.NewReader(s.lookupPool)
	s.ids = traceid.New(s.readPool, s.lookupPool)
	indexes := index.NewInstruments(s.config.Registerer)
	s.spanTerms = index.New(index.Spans, s.lookupPool, s.contentKey.IndexKey(), indexes)
	s.logTerms = index.New(index.Logs, s.lookupPool, s.contentKey.IndexKey(), indexes)
	s.tally = tally.New(s.readPool, s.config.Registerer)
	s.partitions.Pinned = s.keepDerived
	s.thinner = thin.New(s.config.Thin, s.readPool, s.partitions, s.tally, []*index.Index{s.spanTerms, s.logTerms}, s.log, thin.NewInstruments(s.config.Registerer))
	s.spanReader = spans.NewReader(s.readPool, s.lookupPool, s.entries, s.ids, s.spanTerms, s.tally, s.partitions.Now)
	s.mapReader = servicemap.NewReader(s.readPool, s.entries, s.ids, s.tally, s.partitions.Now)
	s.logReader = logs.NewReader(s.readPool, s.lookupPool, s.entries, s.ids, s.logTerms, s.tally, s.partitions.Now)
}

// openWriters makes a committer for each signal.
func (s *Store) openWriters() {
	s.dictionaries = dictionary.NewInstruments(s.config.Registerer)
	commits := commit.NewInstruments(s.config.Registerer)
	refresh := s.partitions.Make
	s.traces = commit.New(s.writePool, commits, "traces", spans.NewWriter(s.partitions, s.contentKey, s.dictionaries, s.spanTerms, s.outbox, s.config.Outbox.Traces), refresh)
	s.logs = commit.New(s.writePool, commits, "logs", logs.NewWriter(s.partitions, s.contentKey, s.dictionaries, s.logTerms, s.outbox, s.config.Outbox.Logs), refresh)
	s.samples = commit.New(s.writePool, commits, "metrics", newMetricWriter(s.metrics, s.partitions, s.outbox, s.config.Outbox.Metrics), refresh)
}

// startBackground starts what runs until Close.
func (s *Store) startBackground() {
	commits, abandon := context.WithCancel(context.Background())
	upkeep, stopUpkeep := context.WithCancel(context.Background())
	s.background.Go(func() { s.traces.Run(commits) })
	s.background.Go(func() { s.logs.Run(commits) })
	s.background.Go(func() { s.samples.Run(commits) })
	s.background.Go(func() { s.partitions.KeepUp(upkeep, s.upkeepTasks()) })
	s.background.Go(func() { s.partitions.NewRanges().KeepUp(upkeep) })
	s.background.Go(func() { s.mergeBehind(upkeep) })
	s.stop = func() {
		stopUpkeep()
		s.traces.Close()
		s.logs.Close()
		s.samples.Close()
		// what is waiting gets its time, and no more: its senders will repeat it
		grace := time.AfterFunc(closeGrace, abandon)
		s.background.Wait()
		grace.Stop()
		abandon()
	}
}

// Close finishes what was taken in, stops the upkeep and closes the connections. Writes that
// come after it get plait.ErrUnavailable.
func (s *Store) Close() {
	s.stop()
	s.finishNotes()
	if s.metrics != nil {
		s.metrics.Close()
	}
	if s.writePool != nil {
		s.writePool.Close()
	}
	if s.readPool != nil {
		s.readPool.Close()
	}
	if s.lookupPool != nil {
		s.lookupPool.Close()
	}
}

// pingLimit is how long the database may take to say that it is there. One that hangs takes
// forever.
const pingLimit = 2 * time.Second

// takesWritesSQL is false on a standby, and where default_transaction_read_only is on.
const takesWritesSQL = `SELECT pg_catalog.current_setting('transaction_read_only') = 'off'`

// Ping says whether the database answers and takes writes; the error wraps plait.ErrUnavailable.
func (s *Store) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingLimit)
	defer cancel()
	var writable bool
	if err := s.readPool.QueryRow(ctx, takesWritesSQL).Scan(&writable); err != nil {
		return plait.Errorf(plait.ErrUnavailable, "ping the database: %w", err)
	}
	if !writable {
		return plait.OfKind(plait.ErrUnavailable, plait.ErrReadOnly)
	}
	return nil
}
