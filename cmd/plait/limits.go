package main

import "github.com/plaithq/plait/ingest"

// serviceLimits is the setting limits: a list of what services may have, in YAML.
type serviceLimits struct{ list []ingest.ServiceLimit }

// limitsOfServices are what the list is of.
var limitsOfServices = listKind{many: "limits", one: "a limit", page: "docs/operations.md"}

// UnmarshalText reads the list. Whether its entries can be used the room tells.
func (l *serviceLimits) UnmarshalText(text []byte) (err error) {
	l.list, err = readList[ingest.ServiceLimit](limitsOfServices, text)
	return err
}

// check implements listSetting.
func (*serviceLimits) check(text []byte) error { return new(serviceLimits).UnmarshalText(text) }

// MarshalYAML writes the list.
func (l serviceLimits) MarshalYAML() (any, error) { return l.list, nil } //nolint:unparam // yaml.Marshaler
