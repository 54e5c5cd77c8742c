package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// annotationFields are what Grafana's Prometheus data source reads of an annotation and Grafana's schema does not have: how often
// a spike is looked at, what is written of it, and where that leads. They put in labels, and no variables. Addresses that begin
// with a dot stay below the path of a Grafana that has one.
var annotationFields = map[string]any{
	"step":        "60s",
	"titleFormat": "{{service}}: {{span_name}}",
	"textFormat": `{{says}}<br><a href="./d/` + pivotUID + `?from={{since}}&to={{until}}&var-service={{service}}&var-slower={{slower_ms}}">Traces behind it</a>` +
		`<br><a href="./d/` + serviceUID + `?from={{since}}&to={{until}}&var-name={{service}}">The service</a>`,
	"tagKeys": "kind,span_kind",
}

// withSpikes marks when latency or errors of some operations rose, as Plait finds them in the counts of spans. Another Prometheus
// has none.
func (p *page) withSpikes(selector string) {
	p.Annotation(dashboard.NewAnnotationQueryBuilder().
		Name("Spikes").
		Datasource(metrics).
		IconColor("orange").
		Expr("plait_spikes" + selector))
}

// describeAnnotations adds what the SDK has no fields for.
func describeAnnotations(d map[string]any) {
	annotations, _ := d["annotations"].(map[string]any)
	list, _ := annotations["list"].([]any)
	for _, one := range list {
		for key, value := range annotationFields {
			one.(map[string]any)[key] = value
		}
	}
}
