package correlate

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
)

// Inference finds spans for a metric that carries no exemplars. Its series become conditions
// (conditions.go, labels.go); one question then finds, among all spans of the window, those that fit
// any of the series and most exceed what is usual for their operation; and each span is given to the
// series that it fits best. So the answer is in one order, however many series there are, and no series
// claims the spans of another.

const (
	// seriesSeen bounds the series that are looked at for a selector.
	seriesSeen = 5000
	// servicesAsked bounds the services that Postgres is asked for by name; beyond, all spans are compared.
	servicesAsked = 100
)

// The grades of spans.
const (
	gradeOther  = iota // it says that it is of none of the series
	gradeSilent        // of the service of a series, or its instance, and it does not tell the rest
	gradeFits
)

// answerOf is what a selector leads to.
type answerOf struct {
	hits     []MetricHit
	ignored  []plait.Matcher
	cutShort bool
	// ranked says that hits of other selectors can be ranked among these, and failedFirst how.
	ranked, failedFirst bool
}

// inference is what the series of a selector ask of spans.
type inference struct {
	asked     []condition // the query's matchers
	byService map[string][]*inferredSeries
	anywhere  []*inferredSeries // whose labels name no service
	series    []*inferredSeries
}

// inferredSeries is a series as conditions on spans.
type inferredSeries struct {
	labels     plait.Labels
	conditions []condition
}

// infer finds spans that fit the labels of the selected series, the window and, where the
// metric is a latency, the value.
func (p *Pivots) infer(ctx context.Context, matchers []plait.Matcher, q MetricQuestion) (answerOf, error) {
	rest, upper := withoutBucket(matchers)
	stored, err := p.seriesOf(ctx, rest, q.Range)
	if err != nil {
		return answerOf{}, err
	}
	unit, latency := latencyUnit(matchers)
	var ignored []plait.Matcher
	if !latency {
		upper = nil
		ignored = slices.DeleteFunc(slices.Clone(matchers), func(m plait.Matcher) bool { return m.Name != "le" })
	}
	inf, unread, err := newInference(stored, rest)
	if err != nil {
		return answerOf{}, err
	}
	ignored = append(ignored, unread...)
	question := inf.question(metricName(matchers), rest)
	if !inf.tells() {
		return answerOf{ignored: ignored, ranked: true}, nil
	}
	question.Range, question.Limit, question.FailedFirst = q.Range, q.Limit, isCounter(matchers)
	if latency {
		bound(&question.spanQuestion, q.Min, q.Max, unit)
		bound(&question.spanQuestion, nil, upper, unit)
	}
	found, cutShort, err := p.unusual(ctx, question)
	if err != nil {
		return answerOf{}, err
	}
	found = bestGrade(found)
	answer := answerOf{ignored: append(ignored, inf.untold(found)...), cutShort: cutShort, ranked: true, failedFirst: question.FailedFirst}
	for _, u := range found {
		h := u.hit(MatchInferred)
		h.Series = inf.seriesOf(u.span)
		if latency {
			value := float64(u.span.DurationNanos()) / 1e9 / unit
			h.Value = &value
		}
		answer.hits = append(answer.hits, h)
	}
	return answer, p.nameBuckets(ctx, answer.hits, matchers, q.Range)
}

// seriesOf returns the series that match, one of each histogram's.
func (p *Pivots) seriesOf(ctx context.Context, matchers []plait.Matcher, r plait.TimeRange) ([]plait.Labels, error) {
	if strings.HasSuffix(metricName(matchers), "_bucket") {
		matchers = append(slices.Clone(matchers), plait.Matcher{Name: "le", Op: plait.MatchEqual, Value: "+Inf"})
	}
	return p.metrics.Series(ctx, matchers, r, seriesSeen)
}

// bestGrade keeps the spans of the highest grade there is.
func bestGrade(found []unusualSpan) []unusualSpan {
	for i := range found {
		if found[i].grade < found[0].grade {
			return found[:i]
		}
	}
	return found
}

// newInference reads the labels of the stored series, or the matchers where none is stored: the series
// may be in a Prometheus elsewhere. It returns the matchers that no span can be compared with.
func newInference(stored []plait.Labels, matchers []plait.Matcher) (*inference, []plait.Matcher, error) {
	inf := &inference{byService: map[string][]*inferredSeries{}}
	asked, unread, err := conditionsOf(matchers)
	if err != nil {
		return nil, nil, err
	}
	for i := range asked {
		asked[i].decisive = true
	}
	inf.asked = asked
	if len(stored) == 0 {
		inf.add(&inferredSeries{labels: labelsOf(matchers), conditions: asked})
	}
	seen := map[string]bool{}
	for _, labels := range stored {
		conditions, _, err := conditionsOf(matchersOf(labels))
		if err != nil {
			return nil, nil, err
		}
		var key strings.Builder
		for i := range conditions {
			c := &conditions[i]
			c.decisive = c.decisive || slices.ContainsFunc(asked, func(a condition) bool { return a.matcher.Name == c.matcher.Name })
			key.WriteString(c.matcher.Name + "\x00" + c.matcher.Value + "\x00")
		}
		if !seen[key.String()] {
			seen[key.String()] = true
			inf.add(&inferredSeries{labels: labels, conditions: conditions})
		}
	}
	return inf, unread, nil
}

func (inf *inference) add(s *inferredSeries) {
	inf.series = append(inf.series, s)
	names, ok := servicesIn(s.conditions)
	if !ok {
		inf.anywhere = append(inf.anywhere, s)
		return
	}
	for _, name := range names {
		inf.byService[name] = append(inf.byService[name], s)
	}
}

// conditionsOf makes conditions of matchers, and returns those that no span can be compared with.
func conditionsOf(matchers []plait.Matcher) (all []condition, unread []plait.Matcher, err error) {
	service := serviceMatcher(matchers)
	for _, m := range matchers {
		if m.Name == "__name__" {
			continue
		}
		c, ok, err := conditionOf(m)
		if err != nil {
			return nil, nil, err
		}
		if !ok || slices.Contains(serviceLabels, m.Name) && !sameService(m, service) {
			unread = append(unread, m)
			continue
		}
		all = append(all, c)
	}
	return all, unread, nil
}

// serviceMatcher is the matcher that tells most about the service: one that names it, before those that say which it is not.
func serviceMatcher(matchers []plait.Matcher) plait.Matcher {
	for _, excluding := range []bool{false, true} {
		for _, name := range serviceLabels {
			for _, m := range matchers {
				if m.Name == name && excludes(m) == excluding && (m.Value != "" || m.Op != plait.MatchEqual) {
					return m
				}
			}
		}
	}
	return plait.Matcher{}
}

// excludes says whether a matcher tells what a label is not.
func excludes(m plait.Matcher) bool {
	return m.Op == plait.MatchNotEqual || m.Op == plait.MatchNotRegexp
}

// sameService says whether a matcher is about the service that a more telling one names, or leaves
// some services out. Others are about who scraped, or what it was scraped from.
func sameService(m, service plait.Matcher) bool {
	if m.Name == service.Name || excludes(m) {
		return true
	}
	return m.Op == plait.MatchEqual && service.Op == plait.MatchEqual && (m.Value == service.Value || strings.HasSuffix(m.Value, "/"+service.Value))
}

// servicesIn are the names of services that conditions allow, not ok where they may be any.
func servicesIn(conditions []condition) (names []string, ok bool) {
	for _, label := range serviceLabels {
		for i := range conditions {
			m := conditions[i].matcher
			if m.Name != label || m.Op != plait.MatchEqual || m.Value == "" {
				continue
			}
			names = append(names, m.Value)
			for rest := m.Value; strings.HasSuffix(label, "job") && strings.Contains(rest, "/"); {
				_, rest, _ = strings.Cut(rest, "/")
				names = append(names, rest)
			}
			return names, true
		}
	}
	return nil, false
}

// question asks for the spans that any of the series may be about.
func (inf *inference) question(metric string, matchers []plait.Matcher) unusualQuestion {
	q := unusualQuestion{OfEachTrace: true, Grade: inf.grade, BestGrade: gradeFits}
	if len(inf.anywhere) == 0 && len(inf.byService) <= servicesAsked {
		var names []string
		for name := range inf.byService {
			names = append(names, regexp.QuoteMeta(name))
		}
		slices.Sort(names)
		q.Matchers = append(q.Matchers, plait.Matcher{Name: "service", Op: plait.MatchRegexp, Value: strings.Join(names, "|")})
	} else if m := serviceMatcher(matchers); m.Name != "" && !strings.HasSuffix(m.Name, "job") {
		q.Matchers = append(q.Matchers, plait.Matcher{Name: "service", Op: m.Op, Value: m.Value})
	}
	if kind := kindOf(metric); kind != plait.SpanKindUnspecified {
		q.Matchers = append(q.Matchers, plait.Matcher{Name: "span_kind", Op: plait.MatchEqual, Value: spanmetrics.KindLabel(kind)})
	}
	return q
}

// tells says whether the question is about some spans rather than all.
func (inf *inference) tells() bool {
	return slices.ContainsFunc(inf.series, func(s *inferredSeries) bool { return len(s.conditions) > 0 })
}

// grade says how well a span fits the series that it fits best.
func (inf *inference) grade(span *plait.Span) int {
	best := gradeOther
	for _, some := range [][]*inferredSeries{inf.byService[span.Resource.Service()], inf.anywhere} {
		for _, s := range some {
			if grade, _ := s.judge(span); grade > best {
				if best = grade; best == gradeFits {
					return best
				}
			}
		}
	}
	return best
}

// judge compares a span: how well it fits, and how many labels it confirms.
func (s *inferredSeries) judge(span *plait.Span) (grade, confirmed int) {
	grade, identified := gradeFits, false
	for i := range s.conditions {
		c := &s.conditions[i]
		switch c.of(span) {
		case differs:
			return gradeOther, 0
		case unknown:
			if c.decisive {
				grade = gradeSilent
			}
		case fits:
			confirmed++
			identified = identified || c.identifies
		}
	}
	if confirmed == 0 || grade == gradeSilent && !identified {
		return gradeOther, 0
	}
	return grade, confirmed
}

// seriesOf are the labels of the series that a span fits best.
func (inf *inference) seriesOf(span *plait.Span) plait.Labels {
	var labels plait.Labels
	bestGrade, bestConfirmed := gradeOther, 0
	for _, some := range [][]*inferredSeries{inf.byService[span.Resource.Service()], inf.anywhere} {
		for _, s := range some {
			grade, confirmed := s.judge(span)
			if grade > bestGrade || grade == bestGrade && confirmed > bestConfirmed {
				bestGrade, bestConfirmed, labels = grade, confirmed, s.labels
			}
		}
	}
	return slices.Clone(labels)
}

// untold are the matchers about which none of the spans found says anything.
func (inf *inference) untold(found []unusualSpan) (ignored []plait.Matcher) {
	for i := range inf.asked {
		c := &inf.asked[i]
		silent := func(u unusualSpan) bool { return c.of(u.span) == unknown }
		if len(found) > 0 && !slices.ContainsFunc(found, func(u unusualSpan) bool { return !silent(u) }) {
			ignored = append(ignored, c.matcher)
		}
	}
	return ignored
}

// labelsOf are the labels that matchers state.
func labelsOf(matchers []plait.Matcher) plait.Labels {
	var labels plait.Labels
	for _, m := range matchers {
		if m.Op == plait.MatchEqual && m.Value != "" {
			labels = append(labels, plait.Label{Name: m.Name, Value: m.Value})
		}
	}
	slices.SortFunc(labels, func(a, b plait.Label) int { return strings.Compare(a.Name, b.Name) })
	return labels
}

// matchersOf selects the series with some labels.
func matchersOf(labels plait.Labels) []plait.Matcher {
	matchers := make([]plait.Matcher, 0, len(labels))
	for _, l := range labels {
		if l.Name != "le" {
			matchers = append(matchers, plait.Matcher{Name: l.Name, Op: plait.MatchEqual, Value: l.Value})
		}
	}
	return matchers
}
