package face

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/plaithq/plait"
)

// around puts a handler into a face at /a, whose failures are lines of text.
func around(t *testing.T, timeout time.Duration, h http.HandlerFunc) http.Handler {
	t.Helper()
	face, err := Around(Config{Prefix: "/a", Timeout: timeout, Fail: func(w http.ResponseWriter, r *http.Request, err error) {
		status, detail := Failure(w, r, err, slog.New(slog.NewTextHandler(t.Output(), nil)))
		http.Error(w, detail, status)
	}}, h)
	if err != nil {
		t.Fatal(err)
	}
	return face
}

func TestPathsReachTheHandlerWithOneSlashAfterThePrefix(t *testing.T) {
	t.Parallel()
	h := around(t, time.Minute, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.EscapedPath()) })
	for path, want := range map[string]string{
		"/a/b": "/a/b", "/a//b": "/a/b", "/a///b//c": "/a/b//c", "/a//b%2Fc": "/a/b%2Fc", "/a/b%2Fc": "/a/b%2Fc", "/a//": "/a/",
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if w.Body.String() != want {
			t.Errorf("%s arrives as %s, want %s", path, w.Body, want)
		}
	}
}

func TestOnlyGETAndHEADAreAnswered(t *testing.T) {
	t.Parallel()
	h := around(t, time.Minute, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	for method, want := range map[string]int{"GET": 200, "HEAD": 200, "POST": 405, "PUT": 405, "DELETE": 405, "OPTIONS": 405} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, "/a/b", nil))
		if w.Code != want || want == 405 && w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s is answered %d, Allow %q", method, w.Code, w.Header().Get("Allow"))
		}
	}
}

func TestAQuestionEndsWithItsTime(t *testing.T) {
	t.Parallel()
	var ended error
	h := around(t, time.Millisecond, func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		ended = r.Context().Err()
	})
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/a/b", nil))
	if !errors.Is(ended, context.DeadlineExceeded) {
		t.Errorf("it ended with %v", ended)
	}
}

func TestAnswersAreCompressedByGzipOrNotAtAll(t *testing.T) {
	t.Parallel()
	h := around(t, time.Minute, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `"`+strings.Repeat("a", 5000)+`"`)
	})
	for accept, want := range map[string]string{"": "", "gzip": "gzip", "gzip, deflate, br, zstd": "gzip", "br, zstd": "", "identity": ""} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/a/b", nil)
		r.Header.Set("Accept-Encoding", accept)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Header().Get("Content-Encoding"); got != want {
			t.Errorf("who accepts %q gets %q", accept, got)
		}
	}
}

func TestAFailureHasAStatusAndALine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		status int
		retry  string
	}{
		{plait.Errorf(plait.ErrInvalid, "a"), 400, ""}, {ErrNoPath, 404, ""}, {errMethod, 405, ""}, {plait.ErrTooLarge, 413, ""}, {plait.ErrOverloaded, 429, "1"},
		{errors.New("a"), 500, ""}, {plait.ErrUnavailable, 503, "5"}, {context.DeadlineExceeded, 504, ""}, {context.Canceled, 499, ""},
	} {
		w := httptest.NewRecorder()
		status, detail := Failure(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/a", nil), c.err, slog.New(slog.DiscardHandler))
		if status != c.status || detail == "" || w.Header().Get("Retry-After") != c.retry {
			t.Errorf("%v is %d %q, Retry-After %q", c.err, status, detail, w.Header().Get("Retry-After"))
		}
	}
}

func TestAWarningIsOneLineWhateverItSays(t *testing.T) {
	t.Parallel()
	header := http.Header{}
	Warn(header, "a \"b\"\r\nX: é")
	if got := header.Get("Warning"); got != `199 plait "a \"b\"\r\nX: \u00e9"` {
		t.Errorf("got %s", got)
	}
}
