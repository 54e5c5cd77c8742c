package prometheus_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plaithq/plait/api/prometheus"
	"github.com/plaithq/plait/store/storetest"
)

func TestReadyWhenTheDatabaseIs(t *testing.T) {
	t.Parallel()
	st := storetest.New(t)
	if status, body := get(t, serve(t, st), "/prometheus/-/ready"); status != http.StatusOK {
		t.Errorf("%d %s", status, body)
	}
	away := serve(t, st, func(c *prometheus.Config) {
		c.Ready = func(context.Context) error { return errors.New("away") }
	})
	for path, want := range map[string]int{"/-/ready": http.StatusServiceUnavailable, "/-/healthy": http.StatusOK} {
		if status, body := get(t, away, "/prometheus"+path); status != want {
			t.Errorf("%s: %d %s, want %d", path, status, body, want)
		}
	}
}

func TestPagesOfOtherSitesMayNotRead(t *testing.T) {
	t.Parallel()
	server := serve(t, storetest.New(t))
	for _, method := range []string{http.MethodGet, http.MethodOptions} {
		req, err := http.NewRequestWithContext(t.Context(), method, server.URL+"/prometheus/api/v1/query?query=1", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", "https://elsewhere.example")
		resp, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode >= 300 || resp.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d, allowed for %q", method, resp.StatusCode, resp.Header.Get("Access-Control-Allow-Origin"))
		}
	}
}

func TestParametersOfAMultipartForm(t *testing.T) {
	t.Parallel()
	server := serve(t, storetest.New(t))
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	for name, value := range map[string]string{"query": "time()", "time": "1700000000000"} {
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	resp, err := server.Client().Post(server.URL+"/prometheus/api/v1/query", w.FormDataContentType(), &form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(body), `[1700000000,"1700000000"]`) {
		t.Errorf("%s, %v", body, err)
	}
}

func TestATimeOfNaNIsNone(t *testing.T) {
	t.Parallel()
	server := serve(t, storetest.New(t))
	before := time.Now().Unix()
	_, none := get(t, server, "/prometheus/api/v1/query?query=time()%20%3E%3D%20bool%20"+strconv.FormatInt(before, 10)+"&time=NaN")
	if !strings.Contains(none, `"1"]`) {
		t.Errorf("not answered for the present time: %s", none)
	}
}

func TestASlowListingEnds(t *testing.T) {
	t.Parallel()
	st := storetest.New(t)
	server := serve(t, st, func(c *prometheus.Config) { c.Timeout = -time.Hour }) // over before it began
	for _, path := range []string{"labels", "series?match[]=up", "query_exemplars?query=up&start=1&end=2"} {
		if status, body := get(t, server, "/prometheus/api/v1/"+path); status != http.StatusServiceUnavailable {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

func TestExpressionsTooLargeToParseAreBadData(t *testing.T) {
	t.Parallel()
	server := serve(t, storetest.New(t))
	for name, form := range map[string]url.Values{
		"query":    {"query": {strings.Repeat("(", 50_000)}},
		"match[]":  {"match[]": {"up", "x" + strings.Repeat("{", 30_000)}},
		"many":     {"match[]": slices.Repeat([]string{"up"}, 1000)},
		"too long": {"query": {strings.Repeat(" ", 300_000) + "up"}},
	} {
		for _, path := range []string{"query", "query_range", "query_exemplars", "series", "labels", "format_query", "parse_query"} {
			resp, err := server.Client().PostForm(server.URL+prometheus.Prefix+"/api/v1/"+path, form)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), `"errorType":"bad_data"`) {
				t.Errorf("%s, %s: %s %s %v", name, path, resp.Status, body, err)
			}
		}
	}
}
