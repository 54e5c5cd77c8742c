package api

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

// The parameters of an endpoint are the fields of a struct, and parse reads all of them. Tags:
//
//	query:"limit"    the parameter's name
//	path:"id"        the rest of the path, in place of query
//	default:"20"     the value when it is absent or empty
//	max:"1000"       the largest number
//	required:"true"  it may not be absent
//
// Embedded structs are parameters that several endpoints share. A parameter that no field names
// is refused: a misspelt one would otherwise widen the answer in silence.

// field is a parameter of an endpoint.
type field struct {
	name     string
	in       string // "query" or "path", as OpenAPI has it
	value    string // when it is absent
	max      int
	required bool
	repeated bool
	index    []int // of the struct's field
}

var unmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()

// fieldsOf lists the parameters of a struct type.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for _, f := range reflect.VisibleFields(t) {
		p := field{name: f.Tag.Get("query"), in: "query", value: f.Tag.Get("default"), index: f.Index}
		if id := f.Tag.Get("path"); id != "" {
			p.name, p.in = id, "path"
		}
		if p.name == "" {
			continue
		}
		p.max, _ = strconv.Atoi(f.Tag.Get("max"))
		p.required = f.Tag.Get("required") == "true" || p.in == "path"
		p.repeated = f.Type.Kind() == reflect.Slice && !reflect.PointerTo(f.Type).Implements(unmarshaler)
		fields = append(fields, p)
	}
	return fields
}

// readQuery reads a query string whole: url.URL.Query leaves out what it cannot read, and so
// would the answer.
func readQuery(u *url.URL) (url.Values, error) {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("the query string is malformed: %w (a semicolon in a value is %%3B, a percent sign %%25): %w", err, plait.ErrInvalid)
	}
	return query, nil
}

// parse reads an endpoint's parameters from a query and, where it has one, from the path. Errors
// name the parameter and wrap plait.ErrInvalid.
func parse[P any](query url.Values, path string) (P, error) {
	var params P
	v := reflect.ValueOf(&params).Elem()
	fields := fieldsOf(v.Type())
	if err := refuseUnknown(query, fields); err != nil {
		return params, err
	}
	for _, f := range fields {
		values := query[f.name]
		if f.in == "path" {
			values = []string{path}
		}
		values = slices.DeleteFunc(slices.Clone(values), func(s string) bool { return s == "" })
		if len(values) == 0 && f.value != "" {
			values = []string{f.value}
		}
		if len(values) == 0 && f.required {
			return params, fmt.Errorf("parameter %s is missing: %w", f.name, plait.ErrInvalid)
		}
		if len(values) > 1 && !f.repeated {
			return params, fmt.Errorf("parameter %s is given %d times: %w", f.name, len(values), plait.ErrInvalid)
		}
		for _, value := range values {
			if err := f.set(v.FieldByIndex(f.index), value); err != nil {
				return params, fmt.Errorf("parameter %s: %w", f.name, err)
			}
		}
	}
	return params, nil
}

func refuseUnknown(query url.Values, fields []field) error {
	var names []string
	for _, f := range fields {
		if f.in == "query" {
			names = append(names, f.name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if len(names) == 0 {
			return fmt.Errorf("there is no parameter %q here, this path takes none: %w", name, plait.ErrInvalid)
		}
		if !slices.Contains(names, name) {
			slices.Sort(names)
			return fmt.Errorf("there is no parameter %q here, only %s: %w", name, strings.Join(names, ", "), plait.ErrInvalid)
		}
	}
	return nil
}

// set reads one value into a field.
func (f field) set(v reflect.Value, text string) error {
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
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
		if err != nil || n < 1 || f.max > 0 && n > f.max {
			return fmt.Errorf("%q is not a number from 1 to %d: %w", text, f.max, plait.ErrInvalid)
		}
		v.SetInt(int64(n))
	case *float64:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || n != n {
			return fmt.Errorf("%q is not a number: %w", text, plait.ErrInvalid)
		}
		v.Set(reflect.ValueOf(&n))
	default:
		panic("no way to read a parameter into " + v.Type().String())
	}
	return nil
}
