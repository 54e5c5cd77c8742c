// Package series turns what Prometheus's libraries speak (labels, native histograms,
// exemplars) into the vocabulary. The formats that bring metrics, wire/otlp and
// wire/remotewrite, share it so that a series, and an exemplar's trace, come out the same
// whichever way they came. It stores nothing and looks nothing up.
package series

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/tracecontext"
)

// Limits of one label set. They are far above what Prometheus's own users have and keep one
// series from filling a page of the database.
const (
	MaxLabels     = 128
	MaxLabelBytes = 16 << 10 // all names and values together
	// MaxNameBytes bounds the name of a metric and of a label. The former is a key of indexes, which
	// hold 2704 bytes.
	MaxNameBytes = 1024
)

// Limits of what is told about a metric. Longer texts are cut.
const (
	MaxHelpBytes = 4 << 10
	MaxUnitBytes = 256
)

// maxMillis is the last millisecond that nanoseconds since the epoch can tell.
const maxMillis = math.MaxInt64 / int64(time.Millisecond)

// CheckTime refuses a sample's time that is before 1970 or after 2262.
func CheckTime(millis int64) error {
	if millis < 0 || millis > maxMillis {
		return plait.Errorf(plait.ErrInvalid, "time %d ms is out of range", millis)
	}
	return nil
}

// Collector gathers a request's series. Samples of the same series land in one
// plait.SeriesData; label sets are kept in one slice because a request has thousands of them.
type Collector struct {
	metrics  plait.Metrics
	index    map[uint64]int // labels' hash to the position in metrics.Series
	labels   []plait.Label
	samples  []plait.Sample
	families map[string]struct{}
}

// NewCollector makes a collector for about so many samples.
func NewCollector(samples int) *Collector {
	return &Collector{
		index:    make(map[uint64]int, samples),
		labels:   make([]plait.Label, 0, 8*samples),
		samples:  make([]plait.Sample, 0, samples),
		families: map[string]struct{}{},
	}
}

// Metrics returns what was gathered.
func (c *Collector) Metrics() *plait.Metrics { return &c.metrics }

// Series returns the entry of a label set, which is valid until the next call, or what is
// wrong with the labels. The strings of ls are kept, not copied.
func (c *Collector) Series(ls labels.Labels) (*plait.SeriesData, error) {
	hash := ls.Hash()
	if i, ok := c.index[hash]; ok && equal(c.metrics.Series[i].Labels, ls) {
		return &c.metrics.Series[i], nil
	}
	if err := check(ls); err != nil {
		return nil, err
	}
	c.index[hash] = len(c.metrics.Series)
	c.metrics.Series = append(c.metrics.Series, plait.SeriesData{Labels: c.clone(ls)})
	return &c.metrics.Series[len(c.metrics.Series)-1], nil
}

// AddSample appends a float sample to an entry that Series returned.
func (c *Collector) AddSample(s *plait.SeriesData, sample plait.Sample) {
	if s.Samples == nil {
		c.samples = append(c.samples, sample)
		s.Samples = c.samples[len(c.samples)-1 : len(c.samples) : len(c.samples)]
		return
	}
	s.Samples = append(s.Samples, sample)
}

// AddMetadata notes what a metric family means, the first time that it is told. What is too long for
// a name is the name of no stored metric, and left out.
func (c *Collector) AddMetadata(m plait.MetricMetadata) {
	if m.Metric == "" || len(m.Metric) > MaxNameBytes {
		return
	}
	if _, told := c.families[m.Metric]; told {
		return
	}
	c.families[m.Metric] = struct{}{}
	c.metrics.Metadata = append(c.metrics.Metadata, Clip(m))
}

// Clip cuts the texts of metadata to their limits.
func Clip(m plait.MetricMetadata) plait.MetricMetadata {
	m.Help, m.Unit = cut(m.Help, MaxHelpBytes), cut(m.Unit, MaxUnitBytes)
	return m
}

// cut shortens a text, not through a character.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

func (c *Collector) clone(ls labels.Labels) plait.Labels {
	from := len(c.labels)
	ls.Range(func(l labels.Label) {
		if l.Value != "" {
			c.labels = append(c.labels, plait.Label{Name: l.Name, Value: l.Value})
		}
	})
	return c.labels[from:len(c.labels):len(c.labels)]
}

// Text writes labels as PromQL does, and of long ones the beginning.
func Text(ls plait.Labels, most int) string {
	text := fmt.Appendf(nil, "%.*s{", most, ls.Get(plait.NameLabel))
	for _, l := range ls {
		if l.Name == plait.NameLabel {
			continue
		}
		if len(text) >= most {
			return string(text) + "…}"
		}
		text = fmt.Appendf(text, "%.*s=%.*q,", most, l.Name, most, l.Value)
	}
	return strings.TrimSuffix(string(text), ",") + "}"
}

func equal(a plait.Labels, b labels.Labels) bool {
	i, same := 0, true
	b.Range(func(l labels.Label) {
		if l.Value == "" || !same {
			return
		}
		same = i < len(a) && a[i].Name == l.Name && a[i].Value == l.Value
		i++
	})
	return same && i == len(a)
}

// check says why a label set cannot name a series. Any UTF-8 is a legal name, as in
// Prometheus 3; order and repetition are checked because senders write them by themselves. What is
// quoted is cut: a request has many series.
func check(ls labels.Labels) error {
	last, count, size := "", 0, 0
	name := ""
	var err error
	ls.Range(func(l labels.Label) {
		count++
		size += len(l.Name) + len(l.Value)
		if err == nil {
			err = checkLabel(l, last)
		}
		if l.Name == plait.NameLabel {
			name = l.Value
		}
		last = l.Name
	})
	switch {
	case err != nil:
		return err
	case name == "":
		return plait.Errorf(plait.ErrInvalid, "series %.200s has no name", ls)
	case len(name) > MaxNameBytes:
		return plait.Errorf(plait.ErrInvalid, "the name %.64q of a metric has %d bytes, more than %d", name, len(name), MaxNameBytes)
	case count > MaxLabels:
		return plait.Errorf(plait.ErrInvalid, "series %.100s has %d labels, more than %d", name, count, MaxLabels)
	case size > MaxLabelBytes:
		return plait.Errorf(plait.ErrInvalid, "labels of %.100s take %d bytes, more than %d", name, size, MaxLabelBytes)
	}
	return nil
}

// CheckLabels says why a label set cannot name a series, if it cannot.
func CheckLabels(ls labels.Labels) error { return check(ls) }

// checkLabel says what is wrong with a label that follows one of the name last.
func checkLabel(l labels.Label, last string) error {
	switch {
	case l.Name == "":
		return plait.Errorf(plait.ErrInvalid, "a label has no name")
	case len(l.Name) > MaxNameBytes:
		return plait.Errorf(plait.ErrInvalid, "the name %.64q of a label has %d bytes, more than %d", l.Name, len(l.Name), MaxNameBytes)
	case !validText(l.Name):
		return plait.Errorf(plait.ErrInvalid, "label name %.64q is not UTF-8 without NUL", l.Name)
	case !validText(l.Value):
		return plait.Errorf(plait.ErrInvalid, "value of label %.64q is not UTF-8 without NUL", l.Name)
	case l.Name == last:
		return plait.Errorf(plait.ErrInvalid, "label %.64q occurs twice", l.Name)
	case l.Name < last:
		return plait.Errorf(plait.ErrInvalid, "labels %.64q and %.64q are not in order", last, l.Name)
	}
	return nil
}

// validText says whether Postgres can store s as text.
func validText(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for i := range len(s) {
		if s[i] == 0 {
			return false
		}
	}
	return true
}

// maxExemplarBytes bounds the labels of an exemplar, names and values together. OpenMetrics
// grants 128 characters; the attributes that OTLP leaves in an exemplar may be more.
const maxExemplarBytes = 4 << 10

// Exemplar translates an exemplar; the trace and span id leave its labels whatever the sender
// called them. fallbackMillis is the time of its sample, for exemplars that have none.
func Exemplar(e exemplar.Exemplar, fallbackMillis int64) (plait.Exemplar, error) {
	millis := fallbackMillis
	if e.HasTs {
		millis = e.Ts
	}
	if err := CheckTime(millis); err != nil {
		return plait.Exemplar{}, fmt.Errorf("exemplar: %w", err)
	}
	var err error
	var all plait.Labels
	size := 0
	e.Labels.Range(func(l labels.Label) {
		size += len(l.Name) + len(l.Value)
		all = append(all, plait.Label{Name: l.Name, Value: l.Value})
		switch {
		case !validText(l.Name) || !validText(l.Value):
			err = plait.Errorf(plait.ErrInvalid, "exemplar label %.64q is not UTF-8 without NUL", l.Name)
		case len(all) > 1 && all[len(all)-2].Name == l.Name:
			err = plait.Errorf(plait.ErrInvalid, "exemplar label %.64q occurs twice", l.Name)
		}
	})
	if err == nil && size > maxExemplarBytes {
		err = plait.Errorf(plait.ErrInvalid, "the labels of an exemplar take %d bytes, more than %d", size, maxExemplarBytes)
	}
	if err != nil {
		return plait.Exemplar{}, err
	}
	id, others := tracecontext.FromLabels(all)
	return plait.Exemplar{
		Value: e.Value, TimeNanos: millis * int64(time.Millisecond),
		TraceID: id.TraceID, SpanID: id.SpanID, Labels: others,
	}, nil
}
