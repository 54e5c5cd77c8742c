// Package face is what goes around the handler of every API that stands beside Plait's own on its port: paths as
// people paste them, bounded time, compression, and the kinds of request that are answered at all. What is asked
// and how a failure looks is each face's own business.
package face

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
)

// The failures of requests that are no questions.
var (
	ErrNoPath = plait.Errorf(plait.ErrNotFound, "there is nothing at this path")
	errMethod = errors.New("neither GET nor HEAD")
)

// gzipFrom is the size in bytes from which answers are compressed.
const gzipFrom = 1400

// Config says how a face answers.
type Config struct {
	// Prefix is the path below which it answers, without a slash at its end.
	Prefix string
	// Timeout ends a question.
	Timeout time.Duration
	// Fail answers a failure as the API's clients read it.
	Fail func(w http.ResponseWriter, r *http.Request, err error)
}

// Around puts a handler into a face. Requests reach it with one slash after the prefix, and with a context that ends
// when the time is over or the client is gone.
func Around(c Config, next http.Handler) (http.Handler, error) {
	compress, err := gzhttp.NewWrapper(gzhttp.CompressionLevel(gzip.BestSpeed), gzhttp.MinSize(gzipFrom), gzhttp.EnableZstd(false))
	if err != nil {
		return nil, fmt.Errorf("compress answers: %w", err)
	}
	answers := compress(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			c.Fail(w, r, errMethod)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), c.Timeout)
		defer cancel()
		answers.ServeHTTP(w, singleSlash(c.Prefix, r).WithContext(ctx))
	}), nil
}

// singleSlash mends the path of a data source whose URL was pasted with a slash at its end.
func singleSlash(prefix string, r *http.Request) *http.Request {
	if !strings.HasPrefix(r.URL.Path, prefix+"//") {
		return r
	}
	mended := *r.URL
	mended.Path = prefix + "/" + strings.TrimLeft(r.URL.Path[len(prefix):], "/")
	if r.URL.RawPath != "" {
		mended.RawPath = prefix + "/" + strings.TrimLeft(strings.TrimPrefix(r.URL.RawPath, prefix), "/")
	}
	out := *r
	out.URL = &mended
	return &out
}

// Failure says what a failure is to a client: its status, and a line about it. It logs what the operator has to know,
// and sets the header that says when to ask again.
func Failure(w http.ResponseWriter, r *http.Request, err error, log *slog.Logger) (status int, detail string) {
	otherwise := http.StatusInternalServerError
	if errors.Is(err, errMethod) {
		otherwise = http.StatusMethodNotAllowed
	}
	p, retry := ask.ProblemOf(err, otherwise)
	if p.Status == http.StatusInternalServerError || p.Status == http.StatusServiceUnavailable {
		log.ErrorContext(r.Context(), "request not answered", "path", r.URL.Path, "status", p.Status, "error", err)
	}
	if retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(retry/time.Second)))
	}
	if p.Detail == "" {
		p.Detail = p.Title
	}
	return p.Status, p.Detail
}

// Warn says something beside an answer that has no place for it (RFC 7234, 5.5).
func Warn(header http.Header, text string) {
	header.Set("Warning", "199 plait "+strconv.QuoteToASCII(text))
}
