package store_test

import (
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

func TestSeriesAndSamplesGoWhenTheirRetentionIsOver(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	c := &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	s, conn := storetest.Open(t, url, storetest.Now(c.read), func(config *store.Config) {
		config.RetentionTraces, config.RetentionLogs, config.RetentionMetrics = 24*time.Hour, 24*time.Hour, 4*24*time.Hour
	}), connect(t, url)
	if _, err := s.WriteMetrics(t.Context(), &plait.Metrics{
		Series: []plait.SeriesData{{
			Labels:  plait.Labels{{Name: "__name__", Value: "up"}},
			Samples: []plait.Sample{{TimeMillis: c.read().UnixMilli(), Value: 1}, {TimeMillis: 1, Value: 1}},
		}},
		Metadata: []plait.MetricMetadata{{Metric: "up", Type: plait.MetricGauge}},
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Metrics().CompactNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		days                     int
		samples, series, entries int64
	}{{0, 2, 1, 1}, {4, 2, 1, 1}, {5, 0, 1, 1}, {12, 0, 0, 0}} {
		liveUntil(t, s, c, time.Date(2026, 3, 1+step.days, 12, 0, 0, 0, time.UTC))
		for sql, want := range map[string]int64{
			`SELECT count(*) FROM plait.samples`:               step.samples,
			`SELECT count(*) FROM plait_store.series`:          step.series,
			`SELECT count(*) FROM plait_store.metric_metadata`: step.entries,
		} {
			if got := selectOne[int64](t, conn, sql); got != want {
				t.Errorf("after %d days: %s is %d, want %d", step.days, sql, got, want)
			}
		}
	}
	if _, err := s.WriteMetrics(t.Context(), &plait.Metrics{Series: []plait.SeriesData{{
		Labels: plait.Labels{{Name: "__name__", Value: "up"}}, Samples: []plait.Sample{{TimeMillis: c.read().UnixMilli(), Value: 1}},
	}}}); err != nil {
		t.Fatal(err)
	}
	if got := selectOne[int64](t, conn, `SELECT count(*) FROM plait.samples WHERE metric = 'up'`); got != 1 {
		t.Errorf("a series that came back has %d samples", got)
	}
}
