// Package openmetrics checks pages of metrics as strictly as the specification of OpenMetrics text
// 1.0 is written: Prometheus's own parser lets much of it pass, other scrapers refuse the whole page.
// It is for tests.
package openmetrics

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxExemplarRunes bounds the names and values of an exemplar's labels together.
const maxExemplarRunes = 128

// suffixes are those that the samples of a type of family may have.
var suffixes = map[string][]string{
	"counter":        {"_total", "_created"},
	"gauge":          {""},
	"histogram":      {"_bucket", "_count", "_sum", "_created"},
	"gaugehistogram": {"_bucket", "_gcount", "_gsum"},
	"summary":        {"", "_count", "_sum", "_created"},
	"info":           {"_info"},
	"stateset":       {""},
	"unknown":        {""},
}

// page is what was read of a page so far.
type page struct {
	families map[string]bool   // by name
	names    map[string]string // of samples that a family may have: the family
	family   *family
}

type family struct {
	name, kind string
	told       map[string]bool // metadata
	metrics    map[string]bool // label sets so far
	metric     *metric
}

// metric is the samples of one label set.
type metric struct {
	labels  string
	samples map[string]bool
	le      float64
	last    float64 // value of the last bucket
	count   float64
	counted bool
}

// Check returns everything that is wrong with a page, nil if it is valid.
func Check(text string) error {
	body, ended := strings.CutSuffix(text, "# EOF\n")
	if !ended {
		return errors.New("the page does not end with # EOF and a line feed")
	}
	p := &page{families: map[string]bool{}, names: map[string]string{}}
	var wrong []error
	for i, line := range strings.Split(strings.TrimSuffix(body, "\n"), "\n") {
		if err := p.line(line); err != nil {
			wrong = append(wrong, fmt.Errorf("line %d: %w: %s", i+1, err, line))
		}
	}
	return errors.Join(append(wrong, p.family.close())...)
}

func (p *page) line(line string) error {
	if !utf8.ValidString(line) {
		return errors.New("invalid UTF-8")
	}
	rest, comment := strings.CutPrefix(line, "# ")
	if !comment {
		return p.sample(line)
	}
	word, rest, _ := strings.Cut(rest, " ")
	name, value, _ := strings.Cut(rest, " ")
	if word != "HELP" && word != "TYPE" && word != "UNIT" {
		return errors.New("a comment that is none of HELP, TYPE, UNIT, EOF")
	}
	if p.family == nil || p.family.name != name {
		if err := p.begin(name); err != nil {
			return err
		}
	}
	return p.metadata(word, value)
}

// begin closes the family before and opens another one.
func (p *page) begin(name string) error {
	err := p.family.close()
	if p.families[name] {
		err = errors.Join(err, errors.New("the family was here before"))
	}
	p.families[name] = true
	p.family = &family{name: name, kind: "unknown", told: map[string]bool{}, metrics: map[string]bool{}}
	return err
}

func (p *page) metadata(word, value string) error {
	f := p.family
	if f.told[word] {
		return errors.New("told twice")
	}
	f.told[word] = true
	if f.metric != nil {
		return errors.New("metadata after samples")
	}
	switch word {
	case "HELP":
		return escapes(value)
	case "UNIT":
		if value != "" && !strings.HasSuffix(f.name, "_"+value) {
			return errors.New("the name does not end with the unit")
		}
	case "TYPE":
		f.kind = value
		for _, suffix := range suffixes[value] {
			if other, taken := p.names[f.name+suffix]; taken {
				return fmt.Errorf("samples named %s may be those of %s, too", f.name+suffix, other)
			}
			p.names[f.name+suffix] = f.name
		}
		if suffixes[value] == nil {
			return errors.New("no such type")
		}
	}
	return nil
}

func (f *family) close() error {
	if f == nil {
		return nil
	}
	return f.metric.close(f)
}

func (m *metric) close(f *family) error {
	if m != nil && f.kind == "histogram" && (!math.IsInf(m.le, 1) || m.counted && m.count != m.last) {
		return fmt.Errorf("%s%s: no bucket +Inf, or one that is not the count", f.name, m.labels)
	}
	return nil
}

// sample reads: name, labels in braces, value, perhaps a time, perhaps an exemplar.
func (p *page) sample(line string) error {
	name, labels, rest, err := series(line)
	if err != nil {
		return err
	}
	value, exemplar, hasExemplar := strings.Cut(rest, " # ")
	fields := strings.Fields(value)
	if len(fields) < 1 || len(fields) > 2 {
		return errors.New("not a value and perhaps a time")
	}
	v, err := strconv.ParseFloat(fields[0], 64)
	if err != nil {
		return err
	}
	f := p.family
	if f == nil || !strings.HasPrefix(name, f.name) || !slices.Contains(suffixes[f.kind], name[len(f.name):]) {
		return errors.New("a sample that its family's type does not have, or of no family")
	}
	suffix := name[len(f.name):]
	le, err := f.enter(suffix, labels)
	if err != nil {
		return err
	}
	if err := f.check(suffix, le, v); err != nil {
		return err
	}
	if hasExemplar {
		return f.exemplar(suffix, exemplar)
	}
	return nil
}

// enter goes on with a metric or begins one, and returns the bound of a bucket.
func (f *family) enter(suffix string, labels []label) (le string, err error) {
	var rest []label
	for _, l := range labels {
		if suffix == "_bucket" && l.name == "le" || f.kind == "summary" && suffix == "" && l.name == "quantile" {
			le = l.value
			continue
		}
		rest = append(rest, l)
	}
	slices.SortFunc(rest, func(a, b label) int { return strings.Compare(a.name, b.name) })
	text := fmt.Sprint(rest)
	if f.metric == nil || f.metric.labels != text {
		if f.metric != nil {
			err = f.metric.close(f)
		}
		if f.metrics[text] {
			err = errors.Join(err, errors.New("the metric was here before, with others in between"))
		}
		f.metrics[text] = true
		f.metric = &metric{labels: text, samples: map[string]bool{}, le: math.Inf(-1)}
	}
	if f.metric.samples[suffix+le] {
		err = errors.Join(err, errors.New("the sample was here before"))
	}
	f.metric.samples[suffix+le] = true
	return le, err
}

func (f *family) check(suffix, le string, v float64) error {
	if (f.kind == "counter" || suffix == "_bucket" || suffix == "_count") && (v < 0 || math.IsNaN(v)) {
		return errors.New("a count below 0 or NaN")
	}
	m := f.metric
	switch suffix {
	case "_bucket":
		bound, err := strconv.ParseFloat(le, 64)
		if err != nil || bound <= m.le || v < m.last {
			return errors.New("buckets that do not ascend")
		}
		m.le, m.last = bound, v
	case "_count":
		m.count, m.counted = v, true
	}
	return nil
}

func (f *family) exemplar(suffix, text string) error {
	if suffix != "_bucket" && suffix != "_total" {
		return errors.New("an exemplar at neither a bucket nor a counter")
	}
	_, labels, rest, err := series(text)
	if err != nil {
		return err
	}
	runes := 0
	for _, l := range labels {
		runes += utf8.RuneCountInString(l.name) + utf8.RuneCountInString(l.value)
	}
	if runes > maxExemplarRunes {
		return fmt.Errorf("an exemplar of %d characters", runes)
	}
	fields := strings.Fields(rest)
	if len(fields) < 1 || len(fields) > 2 {
		return errors.New("an exemplar without a value")
	}
	for _, number := range fields {
		if _, err := strconv.ParseFloat(number, 64); err != nil {
			return err
		}
	}
	return nil
}
