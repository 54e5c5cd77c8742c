package api

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/plaithq/plait/api/ask"
)

// description is openapi.yaml as far as the tests look at it.
type description struct {
	Paths map[string]struct {
		Get struct {
			Parameters []describedParameter
			Responses  map[string]struct {
				Content map[string]any
			}
		}
	}
	Components struct {
		Parameters map[string]describedParameter
	}
	compiling sync.Mutex           // a compiler serves one test at a time
	schemas   *jsonschema.Compiler // of the whole description
}

type describedParameter struct {
	Ref      string `yaml:"$ref"`
	Name, In string
	Required bool
	Schema   schema
}

// schema is the part of a parameter's schema that is compared with the code.
type schema struct {
	Type    yaml.Node // a name or a list of names
	Maximum *float64
	Default any
}

func readDescription(t testing.TB) *description {
	t.Helper()
	var d description
	if err := yaml.Unmarshal(openAPIYAML, &d); err != nil {
		t.Fatal(err)
	}
	text, err := openAPIJSON()
	if err != nil {
		t.Fatal(err)
	}
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	d.schemas = jsonschema.NewCompiler()
	d.schemas.AssertFormat()
	d.schemas.RegisterFormat(&jsonschema.Format{Name: "date-time", Validate: isNanosecondTime})
	if err := d.schemas.AddResource("openapi.json", whole); err != nil {
		t.Fatal(err)
	}
	return &d
}

// isNanosecondTime says what is wrong with a time: all that the API answers have nine digits and end in Z.
func isNanosecondTime(v any) error {
	text, ok := v.(string)
	if !ok {
		return nil
	}
	_, err := time.Parse("2006-01-02T15:04:05.000000000Z", text)
	return err
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
			} else if f.Value != "" {
				initial = f.Value
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
	_, ok := d.Paths[path].Get.Responses[status].Content[contentType]
	at := pointer("paths", path, "get", "responses", status, "content", contentType, "schema")
	if status == "default" {
		ok, at = contentType == ask.ProblemType, pointer("components", "schemas", "Problem")
	}
	if !ok {
		return []string{fmt.Sprintf("%s %s is not described for %s", contentType, resp.Status, path)}
	}
	described, err := d.compile("openapi.json#" + at)
	if err != nil {
		return []string{err.Error()}
	}
	answer, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err == nil {
		err = described.Validate(answer)
	}
	if err != nil {
		return []string{err.Error()}
	}
	return nil
}

// compile is the schema at an address. Parallel tests that share a description may call it.
func (d *description) compile(address string) (*jsonschema.Schema, error) {
	d.compiling.Lock()
	defer d.compiling.Unlock()
	return d.schemas.Compile(address)
}

// pointer is a JSON pointer (RFC 6901) as the fragment of a URL.
func pointer(path ...string) string {
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	var b strings.Builder
	for _, p := range path {
		b.WriteString("/" + url.PathEscape(escape.Replace(p)))
	}
	return b.String()
}

func TestAnswersThatAreNotDescribedAreFound(t *testing.T) {
	t.Parallel()
	d := readDescription(t)
	for body, good := range map[string]bool{
		`{"title":"Bad Request","status":400,"detail":"what is wrong"}`: true,
		`{"title":"Bad Request","status":"400"}`:                        false,
		`{"status":400}`:                                                false,
		`{"title":"Bad Request","status":400,"details":"misspelt"}`:     false,
		`{`: false,
	} {
		resp := &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {ask.ProblemType}}}
		if wrong := d.validate(root+"/logs", resp, []byte(body)); (len(wrong) == 0) != good {
			t.Errorf("%s: found %v", body, wrong)
		}
	}
	if isNanosecondTime("2026-11-21T10:00:00Z") == nil || isNanosecondTime("2026-11-21T10:00:00.000000000Z") != nil {
		t.Error("times without nanoseconds are taken for times with them, or the other way round")
	}
}
