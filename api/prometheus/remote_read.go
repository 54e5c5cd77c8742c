package prometheus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/klauspost/compress/snappy"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/storage/remote"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/plaithq/plait"
)

// Bounds of remote read. An answer of chunks is streamed and costs a frame of memory, however long
// it is. An answer of samples is built whole, encoded and compressed before its first byte is sent,
// so it takes some four times readBytes.
const (
	readRequestBytes = 1 << 20 // of a request, compressed and not
	readBytes        = 8 << 20
	readConcurrency  = 2
	readPage         = 8 << 20 // see Storage.Limited
	readFrameBytes   = 1 << 20
)

// remoteRead answers /api/v1/read: Prometheus's handler, held to a number of bytes for each request.
type remoteRead struct {
	storage storage.SampleAndChunkQueryable
	log     *slog.Logger
	slots   chan struct{}
}

func newRemoteRead(c Config) *remoteRead {
	return &remoteRead{storage: c.Storage.Limited(readPage), log: c.Logger, slots: make(chan struct{}, readConcurrency)}
}

// ServeHTTP answers in the form that the request asks for first: samples, or streamed chunks.
func (h *remoteRead) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := readRequest(w, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-r.Context().Done():
		http.Error(w, "too many remote reads at once", http.StatusServiceUnavailable)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	q := &boundedQueryable{SampleAndChunkQueryable: h.storage, left: readBytes}
	remote.NewReadHandler(h.log, nil, q, noConfig, 0, 1, readFrameBytes).ServeHTTP(&readWriter{w, q}, r)
}

func noConfig() config.Config { return config.DefaultConfig }

// readRequest reads a body that is not larger than readRequestBytes, also once it is decompressed.
func readRequest(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, readRequestBytes))
	if err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	size, err := snappy.DecodedLen(body)
	if err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	if size > readRequestBytes {
		return nil, fmt.Errorf("the request has %d bytes, the limit is %d", size, readRequestBytes)
	}
	return body, nil
}

// readWriter answers with the status that belongs to the reason for which a read ended:
// Prometheus's handler answers 500 for all of them.
type readWriter struct {
	http.ResponseWriter
	query *boundedQueryable
}

func (w *readWriter) WriteHeader(status int) {
	if err := w.query.err; status == http.StatusInternalServerError && err != nil {
		switch {
		case errors.Is(err, errReadTooLarge), errors.Is(err, plait.ErrTooLarge):
			status = http.StatusBadRequest
		case errors.Is(err, plait.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
			status = http.StatusServiceUnavailable
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// Flush sends a frame on its way; Prometheus's handler streams to nobody who cannot.
func (w *readWriter) Flush() { flush(w.ResponseWriter) }

// flush flushes whatever writer flushes, within others or not.
func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }

var errReadTooLarge = fmt.Errorf("the answer would have more than %d MiB of samples: ask for less time, for fewer series, or for streamed chunks", readBytes>>20)

// boundedQueryable gives out samples until a number of bytes is spent. It serves one request, one
// goroutine at a time.
type boundedQueryable struct {
	storage.SampleAndChunkQueryable
	left int
	err  error // for which reading ended
}

// spend takes bytes from what is left.
func (q *boundedQueryable) spend(bytes int) bool {
	q.left -= bytes
	if q.left < 0 && q.err == nil {
		q.err = errReadTooLarge
	}
	return q.left >= 0
}

// fail remembers the first error and returns it, nil for none.
func (q *boundedQueryable) fail(err error) error {
	if q.err == nil {
		q.err = err
	}
	return q.err
}

// Querier implements storage.Queryable.
func (q *boundedQueryable) Querier(from, to int64) (storage.Querier, error) {
	inner, err := q.SampleAndChunkQueryable.Querier(from, to)
	return &boundedQuerier{inner, q}, err
}

// ChunkQuerier implements storage.ChunkQueryable. Chunks are streamed, their number is not bounded.
func (q *boundedQueryable) ChunkQuerier(from, to int64) (storage.ChunkQuerier, error) {
	inner, err := q.SampleAndChunkQueryable.ChunkQuerier(from, to)
	return &watchedChunkQuerier{inner, q}, err
}

type boundedQuerier struct {
	storage.Querier
	query *boundedQueryable
}

// Select implements storage.Querier.
func (q *boundedQuerier) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	return &boundedSet{q.Querier.Select(ctx, sorted, hints, matchers...), q.query}
}

type watchedChunkQuerier struct {
	storage.ChunkQuerier
	query *boundedQueryable
}

// Select implements storage.ChunkQuerier.
func (q *watchedChunkQuerier) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.ChunkSeriesSet {
	return &watchedChunkSet{q.ChunkQuerier.Select(ctx, sorted, hints, matchers...), q.query}
}

type watchedChunkSet struct {
	storage.ChunkSeriesSet
	query *boundedQueryable
}

func (s *watchedChunkSet) Err() error { return s.query.fail(s.ChunkSeriesSet.Err()) }

type boundedSet struct {
	storage.SeriesSet
	query *boundedQueryable
}

// seriesBytes is what a series takes in an answer besides its labels' text and samples.
const seriesBytes = 128

func (s *boundedSet) Next() bool {
	if !s.query.within() || !s.SeriesSet.Next() {
		return false
	}
	return s.query.spend(seriesBytes + int(s.SeriesSet.At().Labels().ByteSize()))
}

func (s *boundedSet) At() storage.Series { return &boundedSeries{s.SeriesSet.At(), s.query} }
func (s *boundedSet) Err() error         { return s.query.fail(s.SeriesSet.Err()) }

// within says whether something is left to spend.
func (q *boundedQueryable) within() bool { return q.left >= 0 }

type boundedSeries struct {
	storage.Series
	query *boundedQueryable
}

// Iterator implements storage.Series.
func (s *boundedSeries) Iterator(reused chunkenc.Iterator) chunkenc.Iterator {
	if b, ok := reused.(*boundedIterator); ok {
		reused = b.Iterator
	}
	return &boundedIterator{s.Series.Iterator(reused), s.query}
}

type boundedIterator struct {
	chunkenc.Iterator
	query *boundedQueryable
}

// floatBytes is a float sample in an answer.
const floatBytes = 16

func (i *boundedIterator) Next() chunkenc.ValueType {
	kind := i.Iterator.Next()
	if kind == chunkenc.ValFloat && !i.query.spend(floatBytes) || !i.query.within() {
		return chunkenc.ValNone
	}
	return kind
}

func (i *boundedIterator) AtHistogram(h *histogram.Histogram) (int64, *histogram.Histogram) {
	at, h := i.Iterator.AtHistogram(h)
	i.query.spend(histogramBytes + 8*(len(h.PositiveBuckets)+len(h.NegativeBuckets)+len(h.PositiveSpans)+len(h.NegativeSpans)+len(h.CustomValues)))
	return at, h
}

func (i *boundedIterator) AtFloatHistogram(h *histogram.FloatHistogram) (int64, *histogram.FloatHistogram) {
	at, h := i.Iterator.AtFloatHistogram(h)
	i.query.spend(histogramBytes + 8*(len(h.PositiveBuckets)+len(h.NegativeBuckets)+len(h.PositiveSpans)+len(h.NegativeSpans)+len(h.CustomValues)))
	return at, h
}

// histogramBytes is a histogram in an answer without its buckets.
const histogramBytes = 256

func (i *boundedIterator) Err() error { return i.query.fail(i.Iterator.Err()) }
