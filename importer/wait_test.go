package importer

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, body string) (*http.Response, error) {
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

// sendOne sends one request through a gateway that answers as rt does.
func sendOne(ctx context.Context, limit time.Duration, rt roundTrip) (lines []string, err error) {
	p := &patience{Wait: Wait{Target: "the gateway", Limit: limit, Advice: "advice"}, tell: func(line string) { lines = append(lines, line) }}
	s := newSender("http://gateway", p)
	s.client.Transport = rt
	ctx, stop := p.watch(ctx)
	defer stop()
	err = s.send(ctx, payload{signal: "traces", json: true, body: []byte("{}")})
	return lines, err
}

func TestWaitIsToldOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		lines, err := sendOne(t.Context(), 2*time.Minute, func(*http.Request) (*http.Response, error) {
			if time.Since(start) < 33*time.Second {
				return nil, syscall.ECONNREFUSED
			}
			return answer(http.StatusOK, "{}")
		})
		if err != nil {
			t.Fatal(err)
		}
		// The pauses between tries are random, up to 7.5 s: the try that
		// succeeds may come in the fourth decade or in the fifth.
		if len(lines) < 4 || lines[0] != "waiting for the gateway: connection refused" ||
			!strings.HasPrefix(lines[1], "still waiting for the gateway after 1") ||
			!strings.HasPrefix(lines[len(lines)-1], "the gateway answers again after ") {
			t.Errorf("told %q", lines)
		}
	})
}

func TestPatienceEnds(t *testing.T) {
	for name, c := range map[string]struct {
		answer roundTrip
		first  string
		want   string
	}{
		"unreachable": {
			func(*http.Request) (*http.Response, error) { return nil, syscall.ECONNREFUSED },
			"waiting for the gateway: connection refused", "connection refused (advice)",
		},
		"busy": {
			func(*http.Request) (*http.Response, error) { return answer(http.StatusTooManyRequests, "full") },
			"still waiting for the gateway after 10s: Too Many Requests: full", "Too Many Requests: full (advice)",
		},
		"silent": {
			func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() },
			"still waiting for the gateway after 10s: no answer yet", "no answer yet (advice)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				lines, err := sendOne(t.Context(), 90*time.Second, c.answer)
				if err == nil || !strings.HasPrefix(err.Error(), "gave up after 1m30s") || !strings.HasSuffix(err.Error(), c.want) {
					t.Errorf("got %v", err)
				}
				if passed := time.Since(start); passed > 95*time.Second {
					t.Errorf("gave up after %s", passed)
				}
				if len(lines) < 8 || len(lines) > 10 || lines[0] != c.first {
					t.Errorf("told %q", lines)
				}
			})
		})
	}
}

func TestWhatAGatewaySaysIsShownAsOneLine(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"no\n\x1b[2J\xffway" + strings.Repeat("!", 1<<20), `{"message":"no\n\u001b[2J way` + strings.Repeat("!", 1<<10) + `"}`} {
		_, err := sendOne(t.Context(), time.Minute, func(*http.Request) (*http.Response, error) { return answer(http.StatusBadRequest, body) })
		if err == nil || strings.ContainsAny(err.Error(), "\n\x1b") || !utf8.ValidString(err.Error()) || !strings.Contains(err.Error(), "no ") || len(err.Error()) > 2000 {
			t.Errorf("got %.200q", err)
		}
	}
}

func TestInterruptEndsAWaitAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		start := time.Now()
		time.AfterFunc(700*time.Millisecond, cancel)
		lines, err := sendOne(ctx, time.Minute, func(*http.Request) (*http.Response, error) { return nil, syscall.ECONNREFUSED })
		if !errors.Is(err, context.Canceled) || time.Since(start) > time.Second {
			t.Errorf("got %v after %s", err, time.Since(start))
		}
		if want := []string{"waiting for the gateway: connection refused"}; !slices.Equal(lines, want) {
			t.Errorf("told %q, want %q", lines, want)
		}
	})
}
