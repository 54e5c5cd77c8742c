package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v3"

	"github.com/plaithq/plait/forward"
	"github.com/plaithq/plait/store"
)

// forwardTargets is the setting forward: a list of targets, in YAML.
type forwardTargets struct {
	list []forward.Target
	err  error // why it cannot be read: told by validate, since kong would show the text beside it, with its secrets
}

var (
	// unknownField is how the YAML library names a key that a target does not have.
	unknownField = regexp.MustCompile(`field (\S+) not found in type \S+`)
	// lineNumber is of the list alone, which begins somewhere in a file.
	lineNumber = regexp.MustCompile(`line \d+: `)
)

// UnmarshalText reads the list. What is wrong with it validate tells.
func (f *forwardTargets) UnmarshalText(text []byte) error { //nolint:unparam // encoding.TextUnmarshaler
	f.err = f.read(text)
	return nil
}

func (f *forwardTargets) read(text []byte) error {
	var list []forward.Target
	d := yaml.NewDecoder(strings.NewReader(string(text)))
	d.KnownFields(true)
	err := d.Decode(&list)
	if wrong, ok := errors.AsType[*yaml.TypeError](err); ok {
		said := lineNumber.ReplaceAllString(strings.Join(wrong.Errors, "; "), "")
		return fmt.Errorf("a list of targets (docs/forwarding.md): %s", unknownField.ReplaceAllString(said, "$1 is no setting of a target"))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("a list of targets (docs/forwarding.md): %w", err)
	}
	f.list = list
	return nil
}

// MarshalYAML writes the list, with secrets masked.
func (f forwardTargets) MarshalYAML() (any, error) { return f.list, nil } //nolint:unparam // yaml.Marshaler

// fromFile reads the list from what stands in the configuration file.
func (f *forwardTargets) fromFile(raw any) (text string, err error) {
	b, err := yaml.Marshal(raw)
	if err != nil {
		return "", fmt.Errorf("read the list of targets: %w", err)
	}
	return string(b), f.read(b)
}

// validate says what is wrong with the list.
func (f *forwardTargets) validate() error {
	err := f.err
	if err == nil {
		err = forward.Validate(f.list)
	}
	if err != nil {
		return fmt.Errorf("--forward: %w", err)
	}
	return nil
}

// forwarder makes what sends to the targets of the settings, nil where there are none.
func (c config) forwarder(ctx context.Context, st *store.Store, registry *prometheus.Registry, log *slog.Logger) (*forward.Forwarder, error) {
	if len(c.Forward.list) == 0 {
		return nil, nil
	}
	f, err := forward.New(ctx, forward.Config{Targets: c.Forward.list, Outbox: st.Outbox(), Logger: log, Registerer: registry})
	if err != nil {
		return nil, fmt.Errorf("--forward: %w", err)
	}
	return f, nil
}
