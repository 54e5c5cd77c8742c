package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plaithq/plait/forward"
	"github.com/plaithq/plait/store"
)

// forwardTargets is the setting forward: a list of targets, in YAML.
type forwardTargets struct {
	list []forward.Target
	err  error // why it cannot be read: told by validate, since kong would show the text beside it, with its secrets
}

// targets are what the list is of.
var targets = listKind{many: "targets", one: "a target", page: "docs/forwarding.md"}

// UnmarshalText reads the list. What is wrong with it validate tells.
func (f *forwardTargets) UnmarshalText(text []byte) error { //nolint:unparam // encoding.TextUnmarshaler
	f.list, f.err = readList[forward.Target](targets, text)
	return nil
}

// MarshalYAML writes the list, with secrets masked.
func (f forwardTargets) MarshalYAML() (any, error) { return f.list, nil } //nolint:unparam // yaml.Marshaler

// check implements listSetting.
func (*forwardTargets) check(text []byte) error {
	_, err := readList[forward.Target](targets, text)
	return err
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
	mapping, err := c.lokiMapping()
	if err != nil {
		return nil, err
	}
	f, err := forward.New(ctx, forward.Config{Targets: c.Forward.list, Outbox: st.Outbox(), Mapping: mapping, Logger: log, Registerer: registry})
	if err != nil {
		return nil, fmt.Errorf("--forward: %w", err)
	}
	return f, nil
}
