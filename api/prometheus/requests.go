package prometheus

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// What is done to requests and answers around Prometheus's handlers.

// singleSlashes mends the paths of data sources whose URL was pasted with a slash at its end.
func singleSlashes(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, Prefix+"//") {
			r.URL.Path = Prefix + "/" + strings.TrimLeft(r.URL.Path[len(Prefix):], "/")
			r.URL.RawPath = ""
		}
		next.ServeHTTP(w, r)
	})
}

// retryAfter adds the header that belongs to a 503.
func retryAfter(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&retryWriter{w}, r)
	})
}

type retryWriter struct{ http.ResponseWriter }

func (w *retryWriter) WriteHeader(status int) {
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	w.ResponseWriter.WriteHeader(status)
}

// Flush is for handlers that ask for an http.Flusher, Unwrap for those that ask the
// http.ResponseController.
func (w *retryWriter) Flush() { flush(w.ResponseWriter) }

// Unwrap returns the writer within.
func (w *retryWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// withTimeout bounds what has no limit of its own in Prometheus: series, labels, exemplars. The
// engine's limit for queries is as long, and comes first.
func withTimeout(limit time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), limit+time.Second)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// escapedNames routes label/NAME/values for names with an escaped slash in them, which would be
// two parts of the path once it is unescaped. Prometheus has a way to spell such names.
func escapedNames(next http.Handler) http.Handler {
	const before, after = Prefix + "/api/v1/label/", "/values"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, found := strings.CutPrefix(r.URL.EscapedPath(), before)
		if name, values := strings.CutSuffix(name, after); found && values && strings.Contains(strings.ToUpper(name), "%2F") {
			if plain, err := url.PathUnescape(name); err == nil {
				r.URL.Path = before + model.EscapeName(plain, model.ValueEncodingEscaping) + after
				r.URL.RawPath = ""
			}
		}
		next.ServeHTTP(w, r)
	})
}

// emptyList answers with an empty list where Prometheus answers with nothing, which it does to an
// expression that selects no series: data sources read a body.
func emptyList(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&listWriter{ResponseWriter: w}, r)
	})
}

type listWriter struct {
	http.ResponseWriter
	answered bool
}

func (w *listWriter) WriteHeader(status int) {
	if status != http.StatusNoContent {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.answered = true
	w.Header().Del("Content-Encoding")
	w.Header().Set("Content-Type", "application/json")
	w.ResponseWriter.WriteHeader(http.StatusOK)
	_, _ = w.ResponseWriter.Write([]byte(`{"status":"success","data":[]}`)) // a client that is gone needs no answer
}

// Write drops what follows the answer: the end of an empty compressed stream.
func (w *listWriter) Write(b []byte) (int, error) {
	if w.answered {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}
