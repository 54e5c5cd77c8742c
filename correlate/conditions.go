package correlate

import (
	"slices"
	"strconv"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
)

// verdict is what a span says about a condition.
type verdict uint8

// The verdicts.
const (
	differs verdict = iota // the span says otherwise
	unknown                // the span does not tell
	fits
)

// reading is what a span says about a label.
type reading struct {
	texts []string // the label has one of these, in whatever spelling
	// possible are texts that the label may have without the span saying so.
	possible []string
	// told says that the span tells: a value that is neither of these is another span's.
	told bool
	// shared names a reading that is the same for many spans, and long.
	shared string
}

// condition is a matcher of a label that is compared with spans.
type condition struct {
	predicate
	read reader
	// decisive says that a span that does not tell goes behind those that do.
	decisive bool
	// identifies says that the label names a service or one of its instances.
	identifies bool
	// judged are the verdicts on readings that many spans share.
	judged map[string]verdict
}

// of compares a span. It may be called by one goroutine at a time.
func (c *condition) of(span *plait.Span) verdict {
	r := c.read(span)
	if r.shared == "" {
		return c.judge(r)
	}
	v, ok := c.judged[r.shared]
	if !ok {
		v = c.judge(r)
		c.judged[r.shared] = v
	}
	return v
}

func (c *condition) judge(r reading) verdict {
	switch {
	case len(r.texts) == 0 && !r.told && c.matches(""):
		return fits // an absent label is empty
	case excludes(c.matcher):
		return c.judgeNegative(r)
	case slices.ContainsFunc(r.texts, c.matches):
		return fits
	case slices.ContainsFunc(r.possible, c.matches):
		return unknown
	case r.told:
		return differs
	}
	return unknown
}

// judgeNegative judges != and !~: no spelling of what the span says may be what is refused.
func (c *condition) judgeNegative(r reading) verdict {
	refused := func(text string) bool { return !c.matches(text) }
	switch {
	case slices.ContainsFunc(r.texts, refused):
		return differs
	case len(r.texts) == 0 && slices.ContainsFunc(r.possible, refused):
		return unknown
	}
	return fits
}

// reader reads from a span what it says about a label.
type reader func(*plait.Span) reading

// conditionOf makes a condition of a matcher. It says no where no span can tell.
func conditionOf(m plait.Matcher) (condition, bool, error) {
	read, decisive := readerOf(m)
	if read == nil {
		return condition{}, false, nil
	}
	p, err := newPredicate(m)
	return condition{predicate: p, read: read, decisive: decisive, identifies: identifies(m.Name), judged: map[string]verdict{}}, true, err
}

// identifies says whether a label names a service or one of its instances.
func identifies(label string) bool {
	if slices.Contains(serviceLabels, label) {
		return true
	}
	keys := keysOf(label)
	return len(keys) > 0 && slices.Contains(resourceKeys, keys[0])
}

// resourceKeys are attributes of resources that name an instance.
var resourceKeys = []string{"service.instance.id", "k8s.pod.name", "host.name", "container.id", "k8s.node.name"}

// kindSpellings and statusSpellings are texts in which each kind, or status, of a span is written: as
// label of span-derived metrics of several tools, in words and as OTLP's number.
func kindSpellings(k plait.SpanKind) []string {
	return spellings(spanmetrics.KindLabel(k), k.String(), int(k))
}

func statusSpellings(c plait.StatusCode) []string {
	return spellings(spanmetrics.StatusLabel(c), c.String(), int(c))
}

func spellings(label, word string, number int) []string {
	upper := strings.ToUpper(word)
	return []string{label, word, upper, upper[:1] + word[1:], strings.ToLower(label), strconv.Itoa(number)}
}

// canonical rewrites a matcher of span_kind or status_code, whatever spelling it uses, into one of
// the spelling that Plait's metrics have. Spellings are told apart by what they match.
func canonical(m plait.Matcher, all [][]string) (plait.Matcher, error) {
	p, err := newPredicate(m)
	if err != nil {
		return m, err
	}
	c := condition{predicate: p}
	var fitting []string
	for _, texts := range all {
		if c.judge(reading{texts: texts, told: true}) == fits {
			fitting = append(fitting, texts[0])
		}
	}
	if len(fitting) == 1 {
		return plait.Matcher{Name: m.Name, Op: plait.MatchEqual, Value: fitting[0]}, nil
	}
	return plait.Matcher{Name: m.Name, Op: plait.MatchRegexp, Value: strings.Join(fitting, "|")}, nil
}

var allKinds, allStatuses = everyKind(), everyStatus()

func everyKind() (all [][]string) {
	for k := plait.SpanKindUnspecified; k <= plait.SpanKindConsumer; k++ {
		all = append(all, kindSpellings(k))
	}
	return all
}

func everyStatus() (all [][]string) {
	for c := plait.StatusUnset; c <= plait.StatusError; c++ {
		all = append(all, statusSpellings(c))
	}
	return all
}
