package forward

import (
	"net/url"
	"testing"

	"github.com/prometheus/common/config"

	"github.com/plaithq/plait/store/outbox"
)

func TestWhereRequestsGo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ protocol, url, want string }{
		{"otlp_http", "http://a:4318", "http://a:4318/v1/metrics"},
		{"otlp_http", "http://a:4318/", "http://a:4318/v1/metrics"},
		{"otlp_http", "http://a/otlp", "http://a/otlp/v1/metrics"},
		{"otlp_http", "http://a/v1/metrics", "http://a/v1/metrics"},
		{"prometheus_remote_write", "http://a:9090", "http://a:9090/api/v1/write"},
		{"prometheus_remote_write", "http://a:9090/", "http://a:9090/api/v1/write"},
		{"prometheus_remote_write", "http://a/prometheus/api/v1/write", "http://a/prometheus/api/v1/write"},
		{"prometheus_remote_write", "http://mimir:9009/api/v1/push", "http://mimir:9009/api/v1/push"},
		{"loki", "http://a:3100", "http://a:3100/loki/api/v1/push"},
		{"loki", "http://a/logs/loki/api/v1/push", "http://a/logs/loki/api/v1/push"},
		{"zipkin", "http://a:9411", "http://a:9411/api/v2/spans"},
		{"zipkin", "http://a:9411/api/v2/spans", "http://a:9411/api/v2/spans"},
	} {
		target := DefaultTarget()
		target.Protocol = c.protocol
		u, err := url.Parse(c.url)
		if err != nil {
			t.Fatal(err)
		}
		target.URL = config.URL{URL: u}
		e, err := target.protocol().open(&Config{}, &target, outbox.Metrics)
		if err != nil {
			t.Fatal(err)
		}
		if got := addressOf(e); got != c.want {
			t.Errorf("%s at %s sends to %s, want %s", c.protocol, c.url, got, c.want)
		}
		e.close()
	}
}

func addressOf(e exporter) string {
	switch e := e.(type) {
	case otlpHTTP:
		return e.url
	case remoteWrite:
		return e.url
	case lokiPush:
		return e.url
	case zipkinV2:
		return e.url
	}
	return ""
}
