package ingest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"google.golang.org/grpc/encoding"

	"github.com/plaithq/plait"
)

// Decompression streams, so that a bomb is cut off at the body limit and only what has come out
// takes memory. Decoders are pooled: a zstd decoder costs more to make than a body to decode.

// decompressor opens compressed streams of one content encoding.
type decompressor interface {
	// open reads from r. Memory that the format itself asks for is taken from the lease
	// until Close. A stream whose head is malformed is plait.ErrInvalid.
	open(r io.Reader, lease *lease) (io.ReadCloser, error)
}

var decompressors = map[string]decompressor{
	"gzip": &gzipStreams{},
	"zstd": &zstdStreams{},
}

// gzipStreams is the gzip decompressor.
type gzipStreams struct{ pool sync.Pool }

type gzipStream struct {
	reader *gzip.Reader
	pool   *sync.Pool
}

func (g *gzipStreams) open(r io.Reader, _ *lease) (io.ReadCloser, error) {
	reader, _ := g.pool.Get().(*gzip.Reader)
	if reader == nil {
		reader = new(gzip.Reader)
	}
	if err := reader.Reset(r); err != nil {
		g.pool.Put(reader)
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF // without a header there is no stream to end
		}
		return nil, streamError("gzip", err)
	}
	return &gzipStream{reader: reader, pool: &g.pool}, nil
}

func (s *gzipStream) Read(p []byte) (int, error) {
	n, err := s.reader.Read(p)
	return n, streamError("gzip", err)
}

func (s *gzipStream) Close() error {
	s.pool.Put(s.reader)
	s.reader = nil
	return nil
}

// maxZstdWindow is the largest window that a zstd stream may ask for. RFC 8878 asks decoders to
// support 8 MiB, which is what encoders stay below unless told otherwise.
const maxZstdWindow = 8 << 20

// zstdStreams is the zstd decompressor.
type zstdStreams struct{ pool sync.Pool }

type zstdStream struct {
	decoder *zstd.Decoder
	pool    *sync.Pool
	lease   *lease
	window  int64
}

func (z *zstdStreams) open(r io.Reader, lease *lease) (io.ReadCloser, error) {
	head := bufio.NewReaderSize(r, 4<<10)
	window, err := zstdWindow(head)
	if err != nil {
		return nil, err
	}
	if err := lease.grow(window); err != nil {
		return nil, err
	}
	decoder, _ := z.pool.Get().(*zstd.Decoder)
	if decoder == nil {
		if decoder, err = newZstdDecoder(); err != nil {
			lease.shrink(window)
			return nil, err
		}
	}
	if err := decoder.Reset(head); err != nil {
		lease.shrink(window)
		return nil, streamError("zstd", err)
	}
	return &zstdStream{decoder: decoder, pool: &z.pool, lease: lease, window: window}, nil
}

// zstdWindow reads how much of its own output the first frame looks back on. Frames that follow
// are held to maxZstdWindow only.
func zstdWindow(r *bufio.Reader) (int64, error) {
	head, err := r.Peek(zstd.HeaderMaxSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	if len(head) == 0 {
		return 0, nil
	}
	var h zstd.Header
	if err := h.Decode(head); err != nil {
		return 0, streamError("zstd", err)
	}
	if h.WindowSize > maxZstdWindow {
		return 0, fmt.Errorf("zstd window of %d bytes, the limit is %d: %w", h.WindowSize, maxZstdWindow, plait.ErrTooLarge)
	}
	return int64(h.WindowSize), nil
}

// newZstdDecoder makes a decoder without goroutines of its own.
func newZstdDecoder() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxZstdWindow))
}

func (s *zstdStream) Read(p []byte) (int, error) {
	n, err := s.decoder.Read(p)
	return n, streamError("zstd", err)
}

func (s *zstdStream) Close() error {
	s.lease.shrink(s.window)
	// Without this the pool would keep the request's connection alive.
	if err := s.decoder.Reset(nil); err == nil {
		s.pool.Put(s.decoder)
	}
	s.decoder = nil
	return nil
}

// streamError blames a malformed stream on its sender. io.EOF stays what it is, and so do
// errors of the connection below.
func streamError(format string, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	var network interface{ Timeout() bool }
	if errors.As(err, &network) || isKind(err) {
		return err
	}
	return fmt.Errorf("%s: %w: %w", format, err, plait.ErrInvalid)
}

func init() {
	// gRPC finds compressors in a registry of the process, which must be filled before use. Its
	// own gzip is the standard library's, at twice the cost.
	encoding.RegisterCompressor(grpcCompressor{name: "gzip"})
	encoding.RegisterCompressor(grpcCompressor{name: "zstd"})
}

// grpcCompressor gives gRPC the same decompressors that HTTP uses. gRPC itself bounds the
// decompressed size of messages.
type grpcCompressor struct{ name string }

func (c grpcCompressor) Name() string { return c.name }

func (c grpcCompressor) Decompress(r io.Reader) (io.Reader, error) {
	unbounded := &budget{max: 2 * maxZstdWindow}
	stream, err := decompressors[c.name].open(r, unbounded.lease())
	if err != nil {
		return nil, err
	}
	return &closeAtEnd{stream}, nil
}

func (c grpcCompressor) Compress(w io.Writer) (io.WriteCloser, error) {
	if c.name == "zstd" {
		return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	}
	return gzip.NewWriterLevel(w, gzip.BestSpeed)
}

// closeAtEnd closes a stream when it has been read to its end or has failed: gRPC does not.
type closeAtEnd struct{ stream io.ReadCloser }

func (c *closeAtEnd) Read(p []byte) (int, error) {
	if c.stream == nil {
		return 0, io.EOF
	}
	n, err := c.stream.Read(p)
	if err != nil {
		c.stream.Close()
		c.stream = nil
	}
	return n, err
}
