package api

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/plaithq/plait/api/ask"
)

// description is openapi.yaml as far as the tests look at it.
type description struct {
	Paths map[string]struct {
		Get struct {
			Parameters []describedParameter
			Responses  map[string]struct {
				Content map[string]struct{ Schema schema }
			}
		}
	}
	Components struct {
		Parameters map[string]describedParameter
		Schemas    map[string]schema
	}
}

type describedParameter struct {
	Ref      string `yaml:"$ref"`
	Name, In string
	Required bool
	Schema   schema
}

// schema is the part of JSON Schema that openapi.yaml uses.
type schema struct {
	Ref                  string    `yaml:"$ref"`
	Type                 yaml.Node // a name or a list of names
	Format, Pattern      string
	Enum                 []string
	Minimum, Maximum     *float64
	Default              any
	Required             []string
	Properties           map[string]schema
	AdditionalProperties yaml.Node `yaml:"additionalProperties"`
	Items                *schema
	AnyOf                []schema `yaml:"anyOf"`
}

func readDescription(t testing.TB) *description {
	t.Helper()
	var d description
	if err := yaml.Unmarshal(openAPIYAML, &d); err != nil {
		t.Fatal(err)
	}
	return &d
}

func (d *description) parameter(p describedParameter) describedParameter {
	if name, ok := strings.CutPrefix(p.Ref, "#/components/parameters/"); ok {
		return d.Components.Parameters[name]
	}
	return p
}

func TestDescriptionAndCodeHaveTheSameEndpoints(t *testing.T) {
	t.Parallel()
	d := readDescription(t)
	for _, e := range endpoints {
		path, ok := d.Paths[e.path]
		if !ok {
			t.Errorf("%s is not described", e.path)
			continue
		}
		described := map[string]string{}
		for _, p := range path.Get.Parameters {
			p = d.parameter(p)
			described[p.Name] = fmt.Sprintf("in %s, required %v, default %v, maximum %v, list %v",
				p.In, p.Required, orNone(p.Schema.Default), orNone(p.Schema.Maximum), p.Schema.Type.Value == "array")
		}
		coded := map[string]string{}
		for _, f := range ask.FieldsOf(e.params) {
			var initial, most any
			if n, err := strconv.Atoi(f.Value); err == nil {
				initial = n
			}
			if f.Max > 0 {
				most = f.Max
			}
			coded[f.Name] = fmt.Sprintf("in %s, required %v, default %v, maximum %v, list %v", f.In, f.Required, orNone(initial), orNone(most), f.Repeated)
		}
		if !reflect.DeepEqual(described, coded) {
			t.Errorf("parameters of %s:\ndescribed %v\ncoded     %v", e.path, described, coded)
		}
	}
	for path := range d.Paths {
		if !slices.ContainsFunc(endpoints, func(e endpoint) bool { return e.path == path }) {
			t.Errorf("%s is described and not there", path)
		}
	}
}

func orNone(v any) any {
	if f, ok := v.(*float64); ok {
		if f == nil {
			return "none"
		}
		return int(*f)
	}
	if v == nil {
		return "none"
	}
	return v
}

func TestDescriptionIsServedInBothForms(t *testing.T) {
	t.Parallel()
	g := start(t, emptyStore(t))
	resp, body := g.get(t, "/openapi.yaml")
	if resp.Header.Get("Content-Type") != "application/yaml" || string(body) != string(openAPIYAML) {
		t.Errorf("openapi.yaml is served as %s, with %d bytes", resp.Header.Get("Content-Type"), len(body))
	}
	got := answerOf[map[string]any](t, g, "/openapi.json")
	if got["openapi"] != "3.1.0" || len(got["paths"].(map[string]any)) != len(endpoints) {
		t.Errorf("openapi.json is not the description: %v", got["openapi"])
	}
}

// validate checks a body against the schema of a path's answer.
func (d *description) validate(path string, resp *http.Response, body []byte) []string {
	status := "default"
	if resp.StatusCode == http.StatusOK {
		status = "200"
	}
	contentType := resp.Header.Get("Content-Type")
	s, ok := d.Paths[path].Get.Responses[status].Content[contentType]
	if status == "default" {
		s.Schema, ok = d.Components.Schemas["Problem"], contentType == ask.ProblemType
	}
	if !ok {
		return []string{fmt.Sprintf("%s %s is not described for %s", contentType, resp.Status, path)}
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return []string{err.Error()}
	}
	var wrong []string
	d.check(s.Schema, v, "$", &wrong)
	return wrong
}

func (d *description) check(s schema, v any, at string, wrong *[]string) {
	report := func(format string, args ...any) { *wrong = append(*wrong, at+": "+fmt.Sprintf(format, args...)) }
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		if s, ok = d.Components.Schemas[name]; !ok {
			report("schema %s is missing", name)
			return
		}
	}
	if len(s.AnyOf) > 0 {
		fits := slices.ContainsFunc(s.AnyOf, func(one schema) bool {
			var failures []string
			d.check(one, v, at, &failures)
			return len(failures) == 0
		})
		if !fits {
			report("fits none of the alternatives: %v", v)
		}
		return
	}
	if types := typeNames(&s.Type); len(types) > 0 && !slices.ContainsFunc(types, func(name string) bool { return isType(v, name) }) {
		report("%v is not of type %v", v, types)
		return
	}
	switch v := v.(type) {
	case string:
		d.checkText(s, v, report)
	case float64:
		if s.Minimum != nil && v < *s.Minimum || s.Maximum != nil && v > *s.Maximum {
			report("%v is out of bounds", v)
		}
	case []any:
		for i := range v {
			if s.Items != nil {
				d.check(*s.Items, v[i], fmt.Sprintf("%s[%d]", at, i), wrong)
			}
		}
	case map[string]any:
		d.checkObject(s, v, at, wrong)
	}
}

func (d *description) checkText(s schema, v string, report func(string, ...any)) {
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, v) {
		report("%q is none of %q", v, s.Enum)
	}
	if s.Pattern != "" && !regexp.MustCompile(s.Pattern).MatchString(v) {
		report("%q does not match %s", v, s.Pattern)
	}
	if s.Format == "date-time" {
		if _, err := time.Parse("2006-01-02T15:04:05.000000000Z", v); err != nil {
			report("%q is no time with nanoseconds", v)
		}
	}
}

func (d *description) checkObject(s schema, v map[string]any, at string, wrong *[]string) {
	for _, name := range s.Required {
		if _, ok := v[name]; !ok {
			*wrong = append(*wrong, at+": "+name+" is missing")
		}
	}
	for name, value := range v {
		property, ok := s.Properties[name]
		switch {
		case ok:
			d.check(property, value, at+"."+name, wrong)
		case s.AdditionalProperties.Value == "false":
			*wrong = append(*wrong, at+": "+name+" is not described")
		case s.AdditionalProperties.Kind == yaml.MappingNode:
			var rest schema
			if err := s.AdditionalProperties.Decode(&rest); err != nil {
				*wrong = append(*wrong, at+": "+err.Error())
			}
			d.check(rest, value, at+"."+name, wrong)
		}
	}
}

func typeNames(n *yaml.Node) []string {
	if n.Kind == yaml.ScalarNode {
		return []string{n.Value}
	}
	var names []string
	for _, c := range n.Content {
		names = append(names, c.Value)
	}
	return names
}

func isType(v any, name string) bool {
	switch v := v.(type) {
	case nil:
		return name == "null"
	case string:
		return name == "string"
	case bool:
		return name == "boolean"
	case float64:
		return name == "number" || name == "integer" && v == math.Trunc(v)
	case []any:
		return name == "array"
	case map[string]any:
		return name == "object"
	}
	return false
}
