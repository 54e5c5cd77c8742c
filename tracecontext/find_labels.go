package tracecontext

import "github.com/plaithq/plait"

// FromLabels finds the trace and span id among an exemplar's labels, whatever they are called,
// and returns the labels that are not part of them. Where there is no trace id all labels are
// returned, so that their user sees what was sent.
func FromLabels(labels plait.Labels) (Context, plait.Labels) {
	var f finder
	var others plait.Labels
	for _, l := range labels {
		if at, _ := fieldNamed(objects{}, l.Name); at == nil || !f.add(at, l.Value) {
			others = append(others, l)
		}
	}
	c, ok := f.result()
	if !ok {
		return Context{}, labels
	}
	return c, others
}
