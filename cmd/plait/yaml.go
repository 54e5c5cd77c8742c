package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"

	"github.com/plaithq/plait/bytesize"
	"github.com/plaithq/plait/duration"
)

// yamlSettings resolves flags from a YAML file whose keys are the flags' long names. A flag on
// the command line and an environment variable both go before it.
type yamlSettings struct {
	file   string
	values map[string]any
}

// readYAML reads the file of --config.
func readYAML(r io.Reader) (kong.Resolver, error) {
	settings := yamlSettings{file: "configuration file"}
	if f, ok := r.(*os.File); ok {
		settings.file = f.Name()
	}
	err := yaml.NewDecoder(r).Decode(&settings.values)
	var shape *yaml.TypeError
	switch {
	case errors.Is(err, io.EOF): // nothing in it
	case errors.As(err, &shape):
		return nil, fmt.Errorf("read the configuration file %s: a setting is a line such as 'retention-traces: 14d'", settings.file)
	case err != nil:
		return nil, fmt.Errorf("read the configuration file %s: %w", settings.file, err)
	}
	return settings, nil
}

// notSettings are flags that make no sense in a file.
var notSettings = []string{"config", "help", "print-config"}

// Validate refuses keys that are no setting of the commands that take --config, so that a
// misspelling is not ignored. Those of the demo's shop may be in a file that 'plait serve' reads.
func (y yamlSettings) Validate(app *kong.Application) error {
	known := map[string]bool{}
	for _, command := range app.Children {
		if !slices.ContainsFunc(command.Flags, func(f *kong.Flag) bool { return f.Name == "config" }) {
			continue
		}
		for _, f := range command.Flags {
			known[f.Name] = !slices.Contains(notSettings, f.Name)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(y.values)) {
		if !known[key] {
			return fmt.Errorf("%s: unknown setting %q ('plait serve --print-config' prints all of them)", y.file, key)
		}
	}
	return nil
}

// Resolve returns the file's value of a flag, nothing where the environment has one.
func (y yamlSettings) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil
		}
	}
	raw := y.values[flag.Name]
	if raw == nil || slices.Contains(notSettings, flag.Name) {
		return nil, nil
	}
	if list, ok := reflect.New(flag.Target.Type()).Interface().(listSetting); ok {
		text, err := listFromFile(list, raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", y.file, err)
		}
		return text, nil
	}
	value, shown := flagValue(raw, flag.IsSlice())
	if value != nil {
		scan := kong.Scan().PushTyped(value, kong.FlagValueToken)
		err := flag.Mapper.Decode(&kong.DecodeContext{Value: flag.Value, Scan: scan}, reflect.New(flag.Target.Type()).Elem())
		if err == nil && (flag.Enum == "" || flag.EnumMap()[shown]) {
			return value, nil
		}
	}
	return nil, fmt.Errorf("%s has %s where %s is expected", y.file, shown, expected(flag)) // kong puts the flag's name before it
}

// flagValue makes of a value of the file what a flag is read from, nil if there is no way to,
// and a text that shows it in a message.
func flagValue(raw any, isList bool) (value any, shown string) {
	switch v := raw.(type) {
	case []any:
		if !isList {
			return nil, "a list"
		}
		list := make([]any, len(v))
		for i, element := range v {
			one, shown := flagValue(element, false)
			if one == nil {
				return nil, "a list with " + shown + " in it"
			}
			list[i] = fmt.Sprint(one)
		}
		return list, "a list"
	case map[string]any, map[any]any:
		return nil, "a mapping"
	case nil:
		return nil, "nothing"
	case bool:
		return v, fmt.Sprint(v)
	default:
		text := fmt.Sprint(v)
		return text, text
	}
}

// expected says how a value of a flag is written.
func expected(flag *kong.Flag) string {
	if flag.Enum != "" {
		return "one of " + strings.ReplaceAll(flag.Enum, ",", ", ")
	}
	switch reflect.New(flag.Target.Type()).Interface().(type) {
	case *duration.Duration:
		return "a duration such as 30s, 36h, 7d or 2w"
	case *share:
		return "a share such as 10%"
	case *bytesize.Size:
		return "a size such as 64MiB"
	case *bool:
		return "true or false"
	case *int:
		return "a whole number"
	case *float64:
		return "a number"
	case *baseURL:
		return "an address such as http://127.0.0.1:4318"
	case *[]string:
		return "a list of names"
	}
	return "a text"
}
