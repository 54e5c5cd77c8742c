package main

import (
	"fmt"

	"github.com/plaithq/plait/store"
)

// thinServices is the setting thin-services: a list of services with the share of their traces that is kept, in YAML.
type thinServices struct{ list []thinService }

type thinService struct {
	Service string `yaml:"service"`
	Keep    *share `yaml:"keep"`
}

// thinnedServices are what the list is of.
var thinnedServices = listKind{many: "services", one: "a service", page: "docs/operations.md"}

// UnmarshalText reads the list. Whether its entries can be used the store tells.
func (s *thinServices) UnmarshalText(text []byte) (err error) {
	if s.list, err = readList[thinService](thinnedServices, text); err != nil {
		return err
	}
	for i, one := range s.list {
		if one.Keep == nil {
			return fmt.Errorf("entry %d: keep is not set, such as 50%%", i+1)
		}
	}
	return nil
}

// check implements listSetting.
func (*thinServices) check(text []byte) error { return new(thinServices).UnmarshalText(text) }

// MarshalYAML writes the list.
func (s thinServices) MarshalYAML() (any, error) { return s.list, nil } //nolint:unparam // yaml.Marshaler

// shares are those of the services.
func (s thinServices) shares() (all []store.ThinServiceShare) {
	for _, one := range s.list {
		all = append(all, store.ThinServiceShare{Service: one.Service, Keep: float64(*one.Keep)})
	}
	return all
}
