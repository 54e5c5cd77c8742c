// Package ask is what all faces of the API (Plait's own, those of Grafana's data sources) have in common
// at their edge: how a question's parameters, ids, times and durations are read, and how a failure
// becomes an answer. It knows HTTP and no question; faces import it, and it imports none of them.
package ask

import (
	"encoding"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/plaithq/plait"
)

// The parameters of an endpoint are the fields of a struct, and Parse reads all of them. Tags:
//
//	query:"limit"    the parameter's name
//	path:"id"        the rest of the path, in place of query
//	default:"20"     the value when it is absent or empty
//	max:"1000"       the largest number
//	required:"true"  it may not be absent
//
// Embedded structs are parameters that several endpoints share. A parameter that no field names
// is refused: a misspelt one would otherwise widen the answer in silence.

// Field is a parameter of an endpoint.
type Field struct {
	Name     string
	In       string // "query" or "path", as OpenAPI has it
	Value    string // when it is absent
	Max      int    // the largest number; 0 where there is none
	Required bool
	Repeated bool  // it may be given several times
	index    []int // of the struct's field
}

var unmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()

// FieldsOf lists the parameters of a struct type.
func FieldsOf(t reflect.Type) []Field {
	var fields []Field
	for _, f := range reflect.VisibleFields(t) {
		p := Field{Name: f.Tag.Get("query"), In: "query", Value: f.Tag.Get("default"), index: f.Index}
		if id := f.Tag.Get("path"); id != "" {
			p.Name, p.In = id, "path"
		}
		if p.Name == "" {
			continue
		}
		p.Max, _ = strconv.Atoi(f.Tag.Get("max"))
		p.Required = f.Tag.Get("required") == "true" || p.In == "path"
		p.Repeated = f.Type.Kind() == reflect.Slice && !reflect.PointerTo(f.Type).Implements(unmarshaler)
		fields = append(fields, p)
	}
	return fields
}

// ReadQuery reads a query string whole: url.URL.Query leaves out what it cannot read, and so
// would the answer.
func ReadQuery(u *url.URL) (url.Values, error) {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, plait.Errorf(plait.ErrInvalid, "the query string is malformed: %w (a semicolon in a value is %%3B, a percent sign %%25)", err)
	}
	return query, nil
}

// Parse reads an endpoint's parameters from a query and, where it has one, from the path. Errors
// name the parameter and wrap plait.ErrInvalid.
func Parse[P any](query url.Values, path string) (P, error) {
	var params P
	v := reflect.ValueOf(&params).Elem()
	fields := FieldsOf(v.Type())
	if err := refuseUnknown(query, fields); err != nil {
		return params, err
	}
	for _, f := range fields {
		values := query[f.Name]
		if f.In == "path" {
			values = []string{path}
		}
		values = slices.DeleteFunc(slices.Clone(values), func(s string) bool { return s == "" })
		if len(values) == 0 && f.Value != "" {
			values = []string{f.Value}
		}
		if len(values) == 0 && f.Required {
			return params, plait.Errorf(plait.ErrInvalid, "parameter %s is missing", f.Name)
		}
		if len(values) > 1 && !f.Repeated {
			return params, plait.Errorf(plait.ErrInvalid, "parameter %s is given %d times", f.Name, len(values))
		}
		for _, value := range values {
			if err := f.set(v.FieldByIndex(f.index), value); err != nil {
				return params, fmt.Errorf("parameter %s: %w", f.Name, err)
			}
		}
	}
	return params, nil
}

func refuseUnknown(query url.Values, fields []Field) error {
	var names []string
	for _, f := range fields {
		if f.In == "query" {
			names = append(names, f.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if len(names) == 0 {
			return plait.Errorf(plait.ErrInvalid, "there is no parameter %q here, this path takes none", name)
		}
		if !slices.Contains(names, name) {
			slices.Sort(names)
			return plait.Errorf(plait.ErrInvalid, "there is no parameter %q here, only %s", name, strings.Join(names, ", "))
		}
	}
	return nil
}

// set reads one value into a field.
func (f Field) set(v reflect.Value, text string) error {
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	if v.Kind() == reflect.Pointer && v.Type().Implements(unmarshaler) {
		v.Set(reflect.New(v.Type().Elem()))
		return v.Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
	}
	if v.Kind() == reflect.Slice {
		element := reflect.New(v.Type().Elem()).Elem()
		if err := f.set(element, text); err != nil {
			return err
		}
		v.Set(reflect.Append(v, element))
		return nil
	}
	switch v.Interface().(type) {
	case string:
		v.SetString(text)
	case int:
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || f.Max > 0 && n > f.Max {
			return plait.Errorf(plait.ErrInvalid, "%q is not a number from 1 to %d", text, f.Max)
		}
		v.SetInt(int64(n))
	case *float64:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || n != n {
			return plait.Errorf(plait.ErrInvalid, "%q is not a number", text)
		}
		v.Set(reflect.ValueOf(&n))
	default:
		panic("no way to read a parameter into " + v.Type().String())
	}
	return nil
}
