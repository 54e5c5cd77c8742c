package prometheus_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/storetest"
)

// many are series with a sample each.
func many(count, labelBytes int) []plait.SeriesData {
	all := make([]plait.SeriesData, count)
	for i := range all {
		all[i] = plait.SeriesData{
			Labels:  plait.Labels{{Name: "__name__", Value: "many"}, {Name: "i", Value: fmt.Sprintf("%04d%s", i, strings.Repeat("x", labelBytes))}},
			Samples: []plait.Sample{{TimeMillis: base.UnixMilli(), Value: 1}},
		}
	}
	return all
}

func TestLargeQueriesAreAnsweredAndTooLargeOnesRefused(t *testing.T) {
	t.Parallel()
	st := storetest.New(t)
	if _, err := st.WriteMetrics(t.Context(), &plait.Metrics{Series: many(1200, 0)}); err != nil {
		t.Fatal(err)
	}
	server := serve(t, st)
	window := fmt.Sprintf("&start=%d&end=%d&step=1", base.Unix(), base.Unix()+3599)
	ranged := func(selector string) string {
		return "query_range?query=" + url.QueryEscape("last_over_time("+selector+"[2h])") + window
	}
	subquery := func(seconds int) string {
		return "query?query=" + url.QueryEscape(fmt.Sprintf("max_over_time(vector(1)[%ds:1s])", seconds))
	}
	for _, c := range []struct {
		name, path string
		refused    string
	}{
		{"few samples", subquery(1000), ""},
		{"more samples than a small query has", subquery(600_000), ""},
		{"more samples than a large one has", subquery(3_100_000), "too many samples"},
		{"an answer of 1 MB", ranged(`many{i=~"000."}`), ""},
		{"an answer of 13 MB", ranged(`many{i=~"00.."}`), ""},
		{"an answer of 90 MB", ranged(`many{i=~"0[0-6].."}`), "the answer would have more than 32 MiB"},
	} {
		status, body := get(t, server, "/prometheus/api/v1/"+c.path)
		if c.refused == "" && status != http.StatusOK {
			t.Errorf("%s: %d %.200s", c.name, status, body)
		}
		if c.refused != "" && (status != http.StatusUnprocessableEntity || !strings.Contains(body, c.refused) || !strings.Contains(body, `"errorType":"execution"`)) {
			t.Errorf("%s: %d %.200s, want 422 that says %s", c.name, status, body, c.refused)
		}
	}
	var asking sync.WaitGroup
	for range 3 { // of each: who waits gets its turn
		for _, path := range []string{subquery(600_000), "query?query=count(many)&time=" + fmt.Sprint(base.Unix()), ranged(`many{i=~"004."}`), "series?match[]=many"} {
			asking.Go(func() {
				if status, body := get(t, server, "/prometheus/api/v1/"+path); status != http.StatusOK {
					t.Errorf("%s: %d %.200s", path, status, body)
				}
			})
		}
	}
	asking.Wait()
}

func TestAnswersWithLongLabelsAreRefusedBeforeTheyAreBuilt(t *testing.T) {
	t.Parallel()
	st := storetest.New(t)
	const size = 15 << 10
	all := many(2500, size) // 37 MB
	for i := 0; i < len(all); i += 500 {
		if _, err := st.WriteMetrics(t.Context(), &plait.Metrics{Series: all[i : i+500]}); err != nil {
			t.Fatal(err)
		}
	}
	server := serve(t, st)
	at := fmt.Sprintf("&time=%d", base.Unix())
	for path, want := range map[string]struct {
		status int
		says   string
	}{
		"query?query=many" + at:                     {http.StatusUnprocessableEntity, "the answer would have more than 32 MiB"},
		"query?query=count(many)" + at:              {http.StatusOK, `"2500"`},
		"series?match[]=many":                       {http.StatusUnprocessableEntity, "the series that match take more than 32768 kB of memory"},
		"labels?match[]=many":                       {http.StatusUnprocessableEntity, "the series that match take more than 32768 kB of memory"},
		"label/i/values":                            {http.StatusUnprocessableEntity, "the names or values take more than 16 MiB"},
		"series?match[]=many%7Bi%3D~%22000.*%22%7D": {http.StatusOK, `"i":"0001xxx`},
	} {
		status, body := get(t, server, "/prometheus/api/v1/"+path)
		if status != want.status || !strings.Contains(body, want.says) {
			t.Errorf("%s: %d %.200s, want %d that says %s", path, status, body, want.status, want.says)
		}
	}
}

func TestMetadataOfManyMetricsIsCutWithAWarning(t *testing.T) {
	t.Parallel()
	st := storetest.New(t)
	m := &plait.Metrics{Series: many(1, 0)}
	for i := range 2500 { // 10 MB
		m.Metadata = append(m.Metadata, plait.MetricMetadata{Metric: fmt.Sprintf("m%04d", i), Type: plait.MetricGauge, Help: strings.Repeat("x", 4<<10)})
	}
	if _, err := st.WriteMetrics(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	server := serve(t, st)
	status, body := get(t, server, "/prometheus/api/v1/metadata")
	if status != http.StatusOK || len(body) > 9<<20 || !strings.Contains(body, "m1999") || !strings.Contains(body, `"warnings":["there is more metadata`) {
		t.Errorf("%d with %d bytes that end with %s", status, len(body), body[max(0, len(body)-200):])
	}
	status, body = get(t, server, "/prometheus/api/v1/metadata?metric=m2499")
	if status != http.StatusOK || !strings.Contains(body, "m2499") || strings.Contains(body, "warnings") {
		t.Errorf("%d %.200s", status, body)
	}
}
