package ingest

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcgzip "google.golang.org/grpc/encoding/gzip"

	"github.com/plaithq/plait"
)

// coding is a way to compress a body.
type coding struct {
	name     string // of the case
	encoding string // the header
	encode   func(testing.TB, []byte) []byte
	// chained says that two compressed bodies one after the other are one of both.
	chained bool
}

var codings = []coding{
	{"gzip", "gzip", gzipped, true},
	{"x-gzip in capitals", "X-GZIP", gzipped, true},
	{"zstd", "zstd", func(t testing.TB, b []byte) []byte { return zstded(t, b) }, true},
	{"zstd with checksums and a small window", "zstd", func(t testing.TB, b []byte) []byte {
		return zstded(t, b, zstd.WithWindowSize(1<<16), zstd.WithEncoderCRC(true))
	}, true},
	{"zstd that knows its size", "zstd", func(t testing.TB, b []byte) []byte {
		w, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		return w.EncodeAll(b, nil)
	}, true},
	{"deflate as zlib", "deflate", zlibbed, false},
	{"zlib", "zlib", zlibbed, false},
	{"deflate without a header", "deflate", func(t testing.TB, b []byte) []byte {
		return compressed(t, b, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, 6) })
	}, false},
	{"snappy as a block", "snappy", func(_ testing.TB, b []byte) []byte { return snappy.Encode(nil, b) }, false},
	{"snappy in frames", "snappy", snappied, true},
	{"snappy in frames by its own name", "x-snappy-framed", snappied, true},
	{"lz4", "lz4", func(t testing.TB, b []byte) []byte { return lz4ed(t, b) }, true},
	{"lz4 with checksums, size and large blocks", "lz4", func(t testing.TB, b []byte) []byte {
		return lz4ed(t, b, lz4.BlockChecksumOption(true), lz4.BlockSizeOption(lz4.Block4Mb), lz4.SizeOption(uint64(len(b))))
	}, true},
	{"lz4 without checksums", "lz4", func(t testing.TB, b []byte) []byte {
		return lz4ed(t, b, lz4.ChecksumOption(false), lz4.BlockSizeOption(lz4.Block64Kb))
	}, true},
}

func compressed(t testing.TB, b []byte, open func(io.Writer) (io.WriteCloser, error)) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := open(&out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func gzipped(t testing.TB, b []byte) []byte {
	return compressed(t, b, func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil })
}

func zlibbed(t testing.TB, b []byte) []byte {
	return compressed(t, b, func(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriter(w), nil })
}

func snappied(t testing.TB, b []byte) []byte {
	return compressed(t, b, func(w io.Writer) (io.WriteCloser, error) { return snappy.NewBufferedWriter(w), nil })
}

func zstded(t testing.TB, b []byte, options ...zstd.EOption) []byte {
	return compressed(t, b, func(w io.Writer) (io.WriteCloser, error) {
		return zstd.NewWriter(w, append(options, zstd.WithEncoderConcurrency(1))...)
	})
}

func lz4ed(t testing.TB, b []byte, options ...lz4.Option) []byte {
	return compressed(t, b, func(w io.Writer) (io.WriteCloser, error) {
		z := lz4.NewWriter(w)
		return z, z.Apply(options...)
	})
}

func TestBodiesInEveryEncodingAreTheSame(t *testing.T) {
	t.Parallel()
	ts := start(t)
	plain := coding{"as they are", "", func(_ testing.TB, b []byte) []byte { return b }, true}
	for i, c := range append(codings, plain, coding{"identity", "identity", plain.encode, true}) {
		t.Run(c.name, func(t *testing.T) {
			// Large enough to grow the buffer.
			bytes := marshal(t, testTrace(byte(i), repeat(200, strings.Repeat("x", 1000))...))
			body := c.encode(t, bytes)
			if c.chained {
				body = append(c.encode(t, bytes[:1000]), c.encode(t, bytes[1000:])...)
			}
			a := ts.protobuf(t, "/v1/traces", body, "Content-Encoding: "+c.encoding)
			if a.code != http.StatusOK || a.body != "" {
				t.Fatalf("answer %d %q", a.code, a.body)
			}
			if got := len(ts.spanNames(t, testTraceID(byte(i)))); got != 200 {
				t.Errorf("%d spans are stored, want 200", got)
			}
		})
	}
}

func TestMalformedCompressionIsTheSendersFault(t *testing.T) {
	t.Parallel()
	ts := serve(t)
	for _, c := range codings {
		whole := c.encode(t, marshal(t, testTrace(1, repeat(200, strings.Repeat("x", 1000))...)))
		for name, body := range map[string][]byte{
			"empty":     {},
			"one byte":  whole[:1],
			"truncated": whole[:len(whole)-3],
			"half":      whole[:len(whole)/2],
			"garbage":   []byte("this is no compressed text, of no kind at all"),
			"then some": append(bytes.Clone(whole), "garbage after the end, of some length"...),
		} {
			if name == "then some" && !c.chained {
				continue // what comes after the end is not looked at
			}
			a := ts.protobuf(t, "/v1/traces", body, "Content-Encoding: "+c.encoding)
			if a.code != http.StatusBadRequest && a.code != http.StatusRequestEntityTooLarge || a.body == "" {
				t.Errorf("%s, %s: answer %d %q, want 400", c.name, name, a.code, a.body)
			}
		}
	}
}

func TestBombsOfEveryEncodingAreCutOff(t *testing.T) {
	t.Parallel()
	ts := serve(t, func(c *Config, _ *Deps) { c.MaxBodyBytes = 1 << 20 })
	bomb := make([]byte, 50<<20)
	for _, c := range codings {
		body := c.encode(t, bomb)
		if len(body) > 1<<20 {
			body = c.encode(t, bomb[:10<<20]) // snappy and lz4 compress less
		}
		a := ts.protobuf(t, "/v1/traces", body, "Content-Encoding: "+c.encoding)
		if a.code != http.StatusRequestEntityTooLarge || !strings.Contains(a.body, "1048576") {
			t.Errorf("%s: answer %d %q, want 413 with the limit", c.name, a.code, a.body)
		}
	}
}

func TestUnknownEncodingsAreToldWhichAreKnown(t *testing.T) {
	t.Parallel()
	ts := serve(t)
	for _, encoding := range []string{"br", "compress", "gzip, zstd", "gzip,gzip"} {
		a := ts.protobuf(t, "/v1/traces", nil, "Content-Encoding: "+encoding)
		if a.code != http.StatusUnsupportedMediaType || !strings.Contains(a.body, "gzip, zstd, snappy, x-snappy-framed, deflate, zlib, lz4") {
			t.Errorf("%s: answer %d %q", encoding, a.code, a.body)
		}
	}
}

func TestDecodersTakeTheirMemoryFromTheBudget(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, encoding string
		body           []byte
		least          int64
	}{
		{"gzip", "gzip", gzipped(t, make([]byte, 1000)), 32 << 10},
		{"deflate", "deflate", zlibbed(t, make([]byte, 1000)), 32 << 10},
		{"snappy", "x-snappy-framed", snappied(t, make([]byte, 1000)), 128 << 10},
		{"zstd", "zstd", zstded(t, make([]byte, 9<<20), zstd.WithWindowSize(8<<20)), 8 << 20},
		{"zstd, in the second frame", "zstd", append(zstded(t, []byte("a"), zstd.WithWindowSize(1<<10)), zstded(t, make([]byte, 9<<20), zstd.WithWindowSize(8<<20))...), 8 << 20},
		{"lz4", "lz4", lz4ed(t, make([]byte, 1000), lz4.BlockSizeOption(lz4.Block4Mb)), 8 << 20},
		{"lz4, in the second frame", "lz4", append(lz4ed(t, make([]byte, 1000), lz4.BlockSizeOption(lz4.Block64Kb)), lz4ed(t, make([]byte, 1000), lz4.BlockSizeOption(lz4.Block4Mb))...), 8 << 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, _ := newTestBudget(c.least)
			lease := b.lease("")
			defer lease.release()
			if err := lease.grow(1); err != nil { // so that least is not free
				t.Fatal(err)
			}
			r, err := decompressors[c.encoding](bytes.NewReader(c.body), lease)
			if err == nil {
				_, err = io.Copy(io.Discard, r)
				r.Close()
			}
			if !errors.Is(err, plait.ErrTooLarge) {
				t.Errorf("got %v, want that the memory does not do", err)
			}
			if used := b.inUse(); used != 1 {
				t.Errorf("%d bytes are held after the end, want 1", used)
			}
		})
	}
}

func TestGRPCTakesEveryEncoding(t *testing.T) {
	t.Parallel()
	ts := start(t)
	names := repeat(300, strings.Repeat("x", 1000))
	for i, c := range append(codings, coding{encoding: "", encode: func(_ testing.TB, b []byte) []byte { return b }}) {
		code, message := ts.grpcCall(t, otlpSignals[0].service, strings.ToLower(c.encoding), c.encode(t, marshal(t, testTrace(byte(i), names...))))
		if code != codes.OK {
			t.Fatalf("%s: %v %q", c.name, code, message)
		}
		if got := len(ts.spanNames(t, testTraceID(byte(i)))); got != len(names) {
			t.Errorf("%s: %d spans are stored, want %d", c.name, got, len(names))
		}
	}
}

func TestGRPCsOwnClientCompresses(t *testing.T) {
	t.Parallel()
	ts := start(t)
	response, err := coltrace.NewTraceServiceClient(ts.dial(t)).Export(t.Context(), testTrace(1, "a", "b"), grpc.UseCompressor(grpcgzip.Name))
	if err != nil || response.GetPartialSuccess() != nil || len(ts.spanNames(t, testTraceID(1))) != 2 {
		t.Errorf("answer %v %v", response, err)
	}
}

func TestGRPCNamesTheEncodingsItTakes(t *testing.T) {
	t.Parallel()
	ts := serve(t)
	code, message := ts.grpcCall(t, otlpSignals[0].service, "br", []byte("x"))
	if code != codes.Unimplemented || !strings.Contains(message, "gzip,zstd,snappy") {
		t.Errorf("answer %v %q", code, message)
	}
}
