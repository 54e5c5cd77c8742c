package ingest

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zlib"

	"github.com/plaithq/plait"
)

// Decompression streams, so that a bomb is cut off at the body limit and only what has come out
// takes memory. What a decoder needs for itself is taken from the lease before the decoder gets it.

// decompressor opens a compressed stream. Memory that the format itself asks for is taken from the
// lease until Close. A malformed stream is plait.ErrInvalid.
type decompressor func(r io.Reader, lease *lease) (io.ReadCloser, error)

// decompressors has every content encoding, as the OpenTelemetry Collector names them. Snappy's
// blocks are read by readEncoded.
var decompressors = map[string]decompressor{
	"gzip":            openGzip,
	"x-gzip":          openGzip,
	"zstd":            openZstd,
	"deflate":         openDeflate,
	"zlib":            openDeflate,
	"lz4":             openLZ4,
	"snappy":          openSnappy,
	"x-snappy-framed": openSnappy,
}

// encodings lists them for those who send something else.
var encodings = strings.Join([]string{"gzip", "zstd", "snappy", "x-snappy-framed", "deflate", "zlib", "lz4"}, ", ")

// stream is an open compressed stream.
type stream struct {
	format string
	reader io.Reader
	lease  *lease
	cost   int64  // of lease, until Close
	reuse  func() // may be nil
}

// newStream takes the decoder's memory from the lease and opens the stream.
func newStream(format string, lease *lease, cost int64, open func() (r io.Reader, reuse func(), err error)) (io.ReadCloser, error) {
	if err := lease.grow(cost); err != nil {
		return nil, err
	}
	reader, reuse, err := open()
	if err != nil {
		lease.shrink(cost)
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF // without a header there is no stream to end
		}
		return nil, streamError(format, err)
	}
	return &stream{format: format, reader: reader, lease: lease, cost: cost, reuse: reuse}, nil
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.reader.Read(p)
	return n, streamError(s.format, err)
}

// Close gives the decoder and its memory back. The stream may not be read any more.
func (s *stream) Close() error {
	s.lease.shrink(s.cost)
	if s.reuse != nil {
		s.reuse()
	}
	s.reader = nil
	return nil
}

// flateCost is the memory of a decoder of DEFLATE: a window of 32 KiB, tables, an input buffer.
const flateCost = 64 << 10

var gzipReaders = sync.Pool{New: func() any { return new(gzip.Reader) }}

func openGzip(r io.Reader, lease *lease) (io.ReadCloser, error) {
	return newStream("gzip", lease, flateCost, func() (io.Reader, func(), error) {
		reader := gzipReaders.Get().(*gzip.Reader)
		reuse := func() { gzipReaders.Put(reader) }
		if err := reader.Reset(r); err != nil {
			reuse()
			return nil, nil, err
		}
		return reader, reuse, nil
	})
}

// openDeflate reads zlib's format, which HTTP calls deflate (RFC 9110, 8.4.1.2), and bare DEFLATE,
// which many senders take it for.
func openDeflate(r io.Reader, lease *lease) (io.ReadCloser, error) {
	return newStream("deflate", lease, flateCost, func() (io.Reader, func(), error) {
		head := bufio.NewReaderSize(r, 4<<10)
		start, err := head.Peek(2)
		if err != nil {
			return nil, nil, err
		}
		if start[0]&0x0f != 8 || (uint(start[0])<<8|uint(start[1]))%31 != 0 { // RFC 1950, 2.2
			return flate.NewReader(head), nil, nil
		}
		reader, err := zlib.NewReader(head)
		return reader, nil, err
	})
}

const (
	// snappyMagic begins every stream in snappy's framing format.
	snappyMagic = "\xff\x06\x00\x00sNaPpY"
	// snappyCost is the memory of a decoder: two chunks of 64 KiB.
	snappyCost = 192 << 10
)

// openSnappy reads snappy's framing format.
func openSnappy(r io.Reader, lease *lease) (io.ReadCloser, error) {
	return newStream("snappy", lease, snappyCost, func() (io.Reader, func(), error) {
		head := bufio.NewReaderSize(r, 4<<10)
		if _, err := head.Peek(1); err != nil {
			return nil, nil, err
		}
		return snappy.NewReader(head), nil, nil
	})
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
	return plait.Errorf(plait.ErrInvalid, "%s: %w", format, err)
}
