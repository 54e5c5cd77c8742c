package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// servicesNamed is how many services are named when the one that was asked for is not among them.
const servicesNamed = 12

// tellNothing says on standard error that nothing fits and, where a service was asked for that has
// sent nothing, which ones have: a misspelt name must not look like silence.
func (c apiClient) tellNothing(ctx context.Context, std console, what, service string) error {
	if service == "" {
		fmt.Fprintf(std.err, "no %s fits\n", what)
		return nil
	}
	var answer struct {
		Services []struct {
			Service string `json:"service"`
		} `json:"services"`
	}
	if err := c.fetch(ctx, "/api/v1/services", nil, &answer); err != nil {
		return err
	}
	names := make([]string, 0, len(answer.Services))
	for _, s := range answer.Services {
		names = append(names, plain(s.Service))
	}
	switch {
	case slices.Contains(names, service):
		fmt.Fprintf(std.err, "no %s of %s fits\n", what, service)
	case len(names) == 0:
		fmt.Fprintf(std.err, "no service %q: nothing has been received yet\n", service)
	case len(names) > servicesNamed:
		fmt.Fprintf(std.err, "no service %q; there are %s and %d more\n", service, strings.Join(names[:servicesNamed], ", "), len(names)-servicesNamed)
	default:
		fmt.Fprintf(std.err, "no service %q; there are %s\n", service, strings.Join(names, ", "))
	}
	return nil
}
