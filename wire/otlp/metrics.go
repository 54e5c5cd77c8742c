package otlp

import (
	"time"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/storage/remote/otlptranslator/prometheusremotewrite"
)

// MetricSettings says how OTLP metrics become Prometheus series. The zero value is what
// Prometheus does by default.
type MetricSettings struct {
	// PromoteResourceAttributes become labels of every series of their resource.
	PromoteResourceAttributes []string
	// PromoteAllResourceAttributes makes labels of all of them.
	PromoteAllResourceAttributes bool
	// KeepUTF8 keeps names as they are sent (http.server.duration) where the default
	// writes them as Prometheus traditionally does (http_server_duration_seconds).
	KeepUTF8 bool
	// PromoteScope adds otel_scope_name, otel_scope_version and the scope's attributes as labels.
	PromoteScope bool
}

const (
	// lookback is PromQL's.
	lookback = 5 * time.Minute
	// targetInfo is the series that carries the attributes of a resource.
	targetInfo = "target_info"
)

func (s MetricSettings) prometheus() prometheusremotewrite.Settings {
	return prometheusremotewrite.Settings{
		AddMetricSuffixes:     !s.KeepUTF8,
		AllowUTF8:             s.KeepUTF8,
		AllowDeltaTemporality: true,
		PromoteScopeMetadata:  s.PromoteScope,
		LookbackDelta:         lookback,
		PromoteResourceAttributes: prometheusremotewrite.NewPromoteResourceAttributes(config.OTLPConfig{
			PromoteResourceAttributes:    s.PromoteResourceAttributes,
			PromoteAllResourceAttributes: s.PromoteAllResourceAttributes,
		}),
	}
}
