// Package metrics keeps series, samples and exemplars in Postgres and answers PromQL's storage
// interfaces from there. Package store opens it, commits its batches together with everybody
// else's and hands it out to the Prometheus API; it never speaks HTTP and knows no wire format.
//
// # How a sample travels
//
//  1. Prepare names the series of a request by content hash and writes the label sets that are
//     unknown to the dictionary, in a short transaction of their own (series.go).
//  2. Insert adds all batches of a commit group to the table sample_head, as one row of arrays
//     (write.go). That row is the durable log: once it is committed, the request is acknowledged.
//  3. Applied adds the same samples to the head, which mirrors sample_head in memory (head.go).
//     Before every query the head reads the rows that other gateways committed meanwhile, so a
//     query sees whatever was acknowledged anywhere before it began.
//  4. When enough has gathered, a part of the head is rewritten as chunks: per series and time
//     span a row of sample_chunk, in one transaction with the removal of its rows from
//     sample_head (compact.go). At no moment is a sample in neither.
//  5. A query merges chunks, which are immutable and cached, with the head (querier.go). A
//     sample that is found twice, because a compaction happened meanwhile, counts once.
package metrics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pgcopy"
)

// Config says where samples are kept and how much of them in memory.
type Config struct {
	Read   *pgxpool.Pool // for queries and upkeep
	Lookup *pgxpool.Pool // for rows found by an id, planned once a connection; nil means Read
	Write  *pgxpool.Pool // for transactions that must be durable

	// Shelf is the key of the partition to which rows of that time go in a table, in days since 1970-01-01.
	Shelf func(table string, t time.Time) int32

	// Increments hands out bodies of increments (store/counts), all that are of a range of time and maybe others. It ends with
	// use's error.
	Increments func(ctx context.Context, from, to time.Time, use func(body []byte) error) error

	// HeadBytes is how many bytes of samples gather in memory before they are rewritten as chunks, while
	// as much may gather beside them; 0 means 32 MiB, about a million float samples.
	HeadBytes int
	// HeadAge is how long at most they gather; 0 means 2 hours.
	HeadAge time.Duration
	// CacheBytes bounds the chunks kept in memory; 0 means 64 MiB.
	CacheBytes int64
	// PageBytes bounds the samples that a query reads at once, of each selector: it goes
	// through its series page by page; 0 means 12 MiB.
	PageBytes int
	// QueryBytes bounds the samples that a query has in memory at once, of all selectors, and,
	// twice as many, its series; 0 means four pages.
	QueryBytes int
	// MaxNewSeries bounds how many unknown series one request may bring; 0 means 50,000.
	MaxNewSeries int

	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time
}

const (
	defaultHeadBytes    = 32 << 20
	defaultHeadAge      = 2 * time.Hour
	defaultCacheBytes   = 64 << 20
	defaultPageBytes    = 12 << 20
	defaultMaxNewSeries = 50_000
	syncInterval        = time.Second      // how often the head looks for other gateways' rows when nobody asks
	compactInterval     = 10 * time.Second // how often it is looked whether something should be compacted
)

func (c Config) withDefaults() Config {
	if c.Lookup == nil {
		c.Lookup = c.Read
	}
	if c.HeadBytes == 0 {
		c.HeadBytes = defaultHeadBytes
	}
	if c.HeadAge == 0 {
		c.HeadAge = defaultHeadAge
	}
	if c.CacheBytes == 0 {
		c.CacheBytes = defaultCacheBytes
	}
	if c.PageBytes == 0 {
		c.PageBytes = defaultPageBytes
	}
	if c.QueryBytes == 0 {
		c.QueryBytes = 4 * c.PageBytes
	}
	if c.MaxNewSeries == 0 {
		c.MaxNewSeries = defaultMaxNewSeries
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Increments == nil {
		c.Increments = func(context.Context, time.Time, time.Time, func([]byte) error) error { return nil }
	}
	if c.Shelf == nil {
		c.Shelf = func(_ string, t time.Time) int32 { return int32(floorDay(t.UnixMilli())) }
	}
	return c
}

// DB is one gateway's access to the metrics of a database. Its methods may be called concurrently.
type DB struct {
	config   Config
	log      *slog.Logger
	now      func() time.Time
	series   *seriesCache
	head     *head
	chunks   *chunkCache
	resolved *traceCache
	metadata *metadataCache
	counters counters

	seriesWriters turns

	headRows pgcopy.Rows // of Insert

	full       chan struct{} // asks for a look at the head before its time
	stop       context.CancelFunc
	background sync.WaitGroup
}

// Open reads the head back and starts the upkeep, which runs until Close.
func Open(ctx context.Context, config Config) (*DB, error) {
	config = config.withDefaults()
	db := &DB{
		config:   config,
		log:      config.Logger,
		now:      config.Now,
		series:   newSeriesCache(),
		head:     newHead(config.HeadBytes),
		chunks:   newChunkCache(config.CacheBytes),
		resolved: newTraceCache(),
		metadata: newMetadataCache(),

		seriesWriters: newTurns(seriesWriters),

		full: make(chan struct{}, 1),
	}
	db.counters.register(config.Registerer, db)
	err := db.syncHead(ctx)
	for errors.Is(err, plait.ErrOverloaded) { // another gateway compacts what there is no room for
		err = db.syncHead(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("read the head back: %w", err)
	}
	ctx, db.stop = context.WithCancel(context.Background())
	db.background.Go(func() { db.upkeep(ctx) })
	return db, nil
}

// Close stops the upkeep. The pools belong to whoever gave them.
func (db *DB) Close() {
	db.stop()
	db.background.Wait()
}

// upkeep follows the other gateways and compacts.
func (db *DB) upkeep(ctx context.Context) {
	follow := time.NewTicker(syncInterval)
	defer follow.Stop()
	compact := time.NewTicker(compactInterval)
	defer compact.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-follow.C:
			err = db.syncHead(ctx)
		case <-db.full:
			err = db.compact(ctx)
		case <-compact.C:
			err = db.compact(ctx)
		}
		if err != nil && ctx.Err() == nil {
			db.log.WarnContext(ctx, "metrics upkeep", "error", err)
		}
	}
}
