package deploy

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write the alert rules for Grafana")

// grafanaRules is a file of Grafana's provisioning for alerting.
type grafanaRules struct {
	APIVersion int            `yaml:"apiVersion"`
	Groups     []grafanaGroup `yaml:"groups"`
}

type grafanaGroup struct {
	OrgID    int           `yaml:"orgId"`
	Name     string        `yaml:"name"`
	Folder   string        `yaml:"folder"`
	Interval string        `yaml:"interval"`
	Rules    []grafanaRule `yaml:"rules"`
}

type grafanaRule struct {
	UID          string            `yaml:"uid"`
	Title        string            `yaml:"title"`
	Condition    string            `yaml:"condition"`
	Data         []grafanaQuery    `yaml:"data"`
	For          string            `yaml:"for"`
	NoDataState  string            `yaml:"noDataState"`
	ExecErrState string            `yaml:"execErrState"`
	Labels       map[string]string `yaml:"labels"`
	Annotations  map[string]string `yaml:"annotations"`
}

type grafanaQuery struct {
	RefID         string         `yaml:"refId"`
	DatasourceUID string         `yaml:"datasourceUid"`
	Range         map[string]int `yaml:"relativeTimeRange"`
	Model         map[string]any `yaml:"model"`
}

// inGrafanasWords writes a template of Prometheus as Grafana's, without a $, which its provisioning might expand.
var inGrafanasWords = strings.NewReplacer("$labels.", ".Labels.", "$value", ".Values.A.Value")

// asGrafanas is the same rules for Grafana. An expression of Prometheus's alerts has a series exactly where it fires,
// whatever the value is, and no value is below zero, so the condition is that there is one.
func asGrafanas(t *testing.T) []byte {
	t.Helper()
	group := grafanaGroup{OrgID: 1, Name: "plait", Folder: "Plait", Interval: "1m"}
	for _, r := range loadAlerts(t) {
		rule := grafanaRule{
			UID: "plait-" + strings.ToLower(strings.TrimPrefix(r.Name(), "Plait")), Title: r.Name(), Condition: "B", For: r.HoldDuration().String(), NoDataState: "OK", ExecErrState: "Error",
			Labels: r.Labels().Map(), Annotations: map[string]string{},
			Data: []grafanaQuery{
				{RefID: "A", DatasourceUID: "prometheus", Range: map[string]int{"from": 600, "to": 0}, Model: map[string]any{"refId": "A", "expr": r.Query().String(), "instant": true, "range": false, "editorMode": "code"}},
				{RefID: "B", DatasourceUID: "__expr__", Range: map[string]int{"from": 0, "to": 0}, Model: map[string]any{"refId": "B", "type": "threshold", "expression": "A", "conditions": []any{
					map[string]any{"evaluator": map[string]any{"type": "gt", "params": []any{-1}}},
				}}},
			},
		}
		r.Annotations().Range(func(l labels.Label) {
			rule.Annotations[l.Name] = inGrafanasWords.Replace(l.Value)
		})
		group.Rules = append(group.Rules, rule)
	}
	var b bytes.Buffer
	b.WriteString("# The alerts of ../plait.rules.yml for Grafana, whose Prometheus has the uid prometheus. Written by\n# go test ./test/deploy -update.\n")
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(grafanaRules{APIVersion: 1, Groups: []grafanaGroup{group}}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGrafanaHasTheSameAlerts(t *testing.T) {
	t.Parallel()
	const path = "../../deploy/alerts/grafana/plait.yaml"
	want := asGrafanas(t)
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what %s says: run go test ./test/deploy -update", path, rulesFile)
	}
	there := datasources(t)
	var file grafanaRules
	read(t, path, &file)
	for _, rule := range file.Groups[0].Rules {
		if len(rule.UID) > 40 || there[rule.Data[0].DatasourceUID].Type != "prometheus" {
			t.Errorf("%s: uid %s, data source %s", rule.Title, rule.UID, rule.Data[0].DatasourceUID)
		}
		for name, text := range rule.Annotations {
			if strings.Contains(text, "$") {
				t.Errorf("%s: %s has a $, which one version of Grafana expands and another does not: %s", rule.Title, name, text)
			}
		}
	}
}
