package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// yamlSettings resolves flags from a YAML file whose keys are the flags' long names. A flag on
// the command line and an environment variable both go before it.
type yamlSettings map[string]any

// readYAML reads the file of --config.
func readYAML(r io.Reader) (kong.Resolver, error) {
	settings := yamlSettings{}
	if err := yaml.NewDecoder(r).Decode(&settings); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the configuration file: %w", err)
	}
	return settings, nil
}

// Validate refuses keys that are no flag's name, so that a misspelling is not ignored.
func (y yamlSettings) Validate(app *kong.Application) error {
	known := map[string]bool{}
	var collect func(n *kong.Node)
	collect = func(n *kong.Node) {
		for _, f := range n.Flags {
			known[f.Name] = true
		}
		for _, c := range n.Children {
			collect(c)
		}
	}
	collect(app.Node)
	for _, key := range slices.Sorted(maps.Keys(y)) {
		if !known[key] {
			return fmt.Errorf("configuration file: unknown setting %q ('plait serve --print-config' prints all of them)", key)
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
	switch v := y[flag.Name].(type) {
	case nil:
		return nil, nil
	case bool:
		return v, nil
	case []any:
		return v, nil
	default:
		return fmt.Sprint(v), nil
	}
}
