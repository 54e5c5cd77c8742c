package forward

import (
	"slices"
	"strings"

	"github.com/plaithq/plait"
)

// serviceLabels are those in which series name a service: those of metrics, of what is derived from spans, and of its service graph.
var serviceLabels = []string{"service_name", "service", "job", "client", "server"}

// series makes of the filter what fits series; nil: all do. The filter has been found good.
func (f *Filter) series() func(plait.Labels) bool {
	if len(f.Services)+len(f.Attributes) == 0 {
		return nil
	}
	return func(labels plait.Labels) bool {
		return (len(f.Services) == 0 || f.namesService(labels)) && !slices.ContainsFunc(f.Attributes, func(a string) bool {
			key, value, _ := strings.Cut(a, "=")
			has := labels.Get(key)
			if has == "" {
				has = labels.Get(labelOf(key))
			}
			return has != value
		})
	}
}

// namesService says whether a label has one of the services.
func (f *Filter) namesService(labels plait.Labels) bool {
	return slices.ContainsFunc(serviceLabels, func(name string) bool {
		value := labels.Get(name)
		if name == "job" { // of OTLP it begins with the namespace
			value = value[strings.LastIndexByte(value, '/')+1:]
		}
		return slices.Contains(f.Services, value)
	})
}

// labelOf is how a label is called that comes from an attribute.
func labelOf(key string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '_'
	}, key)
}
