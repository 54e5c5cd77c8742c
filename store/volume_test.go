package store_test

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/plaithq/plait"
	questions "github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/store/storetest"
)

// volumes is telemetry of two hours, and questions about how much there is.
type volumes struct {
	r    *rand.Rand
	base time.Time
}

func (v *volumes) moment() int64 { return v.base.UnixNano() + v.r.Int64N(int64(2*time.Hour)) }

func (v *volumes) resource() *plait.Resource {
	return &plait.Resource{Attributes: plait.Attributes{
		{Key: "service.name", Value: plait.StringValue(fmt.Sprint("service-", v.r.IntN(3)))}, {Key: "zone", Value: plait.IntValue(int64(v.r.IntN(2)))}}}
}

func (v *volumes) span() plait.Span {
	s := plait.Span{Name: fmt.Sprint("call ", v.r.IntN(3)), Kind: plait.SpanKind(v.r.IntN(6)), Status: plait.StatusCode(v.r.IntN(3)), Resource: v.resource(), Scope: &plait.Scope{}}
	binary.BigEndian.PutUint64(s.TraceID[:], v.r.Uint64()|1)
	binary.BigEndian.PutUint64(s.SpanID[:], v.r.Uint64()|1)
	s.StartNanos = v.moment()
	s.EndNanos = s.StartNanos + v.r.Int64N(int64(time.Second)) - 1000
	return s
}

func (v *volumes) record() plait.LogRecord {
	return plait.LogRecord{TimeNanos: v.moment(), Severity: plait.SeverityNumber(v.r.IntN(25)), Resource: v.resource(), Scope: &plait.Scope{},
		Body: plait.StringValue(fmt.Sprint("order ", v.r.IntN(5000), []string{" sent", " lost"}[v.r.IntN(2)]))}
}

// steps are some of the two hours or of more, as likely as not within a minute.
func (v *volumes) steps() questions.Steps {
	unit := []time.Duration{time.Minute, 15 * time.Second, time.Second, time.Microsecond}[v.r.IntN(4)]
	from := v.base.Add(time.Duration(v.r.Int64N(int64(time.Hour)))).Truncate(unit)
	s := questions.Steps{Range: plait.TimeRange{From: from, To: from.Add(unit + time.Duration(v.r.Int64N(int64(2*time.Hour)))).Truncate(unit)}}
	s.Length = []time.Duration{0, time.Minute, 5 * time.Minute, 15 * time.Second, 45 * time.Second, 90 * time.Second, 24 * time.Hour}[v.r.IntN(7)]
	s.Aligned = v.r.IntN(2) == 0
	return s
}

// at is the step in which a time lies.
func at(s questions.Steps, nanos int64) (int, bool) {
	t := time.Unix(0, nanos).Truncate(time.Microsecond)
	switch {
	case t.Before(s.Range.From) || !t.Before(s.Range.To):
		return 0, false
	case s.Length == 0:
		return 0, true
	case s.Aligned:
		return int(t.Truncate(s.Length).Sub(s.Range.From.Truncate(s.Length)) / s.Length), true
	}
	return int(t.Sub(s.Range.From) / s.Length), true
}

// conditions are on what is counted.
func conditions() []condition.Node {
	zone := condition.Leaf{Field: condition.Attribute(condition.ResourceAttribute, "zone"), Op: condition.OpEqual, Value: condition.Int(1)}
	return []condition.Node{nil, questions.Service("service-1"), zone, condition.Not{Of: condition.And{zone, questions.Service("service-2")}}}
}

func TestSpansAreCountedAsTheirRowsSay(t *testing.T) {
	t.Parallel()
	s, v := storetest.New(t), volumes{rand.New(rand.NewPCG(1, 1)), time.Now().Add(-3 * time.Hour).Truncate(24 * time.Minute)}
	var spans []plait.Span
	for range 5 {
		var batch []plait.Span
		for range 60 {
			batch = append(batch, v.span())
		}
		if _, err := s.WriteTraces(t.Context(), &plait.Traces{Spans: slices.Clone(batch)}); err != nil {
			t.Fatal(err)
		}
		spans = append(spans, batch...)
	}
	more := append(conditions(), questions.SpanName("call 1"), condition.And{questions.Kind(plait.SpanKindServer), condition.Not{Of: questions.Status(plait.StatusOK)}})
	for range 60 {
		q := questions.SpanVolume{Steps: v.steps(), Condition: more[v.r.IntN(len(more))]}
		q.By = questions.SpanDimensions{Service: v.r.IntN(2) == 0, Name: v.r.IntN(2) == 0, Kind: v.r.IntN(2) == 0, Status: v.r.IntN(2) == 0}
		got, err := s.SpanVolume(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(spansCounted(t, spans, q), got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(questions.SpanStep{}, "Durations")); diff != "" {
			t.Fatalf("%+v: %s", q, diff)
		}
		checkDurations(t, got)
	}
}

// spansCounted counts spans one by one.
func spansCounted(t *testing.T, spans []plait.Span, q questions.SpanVolume) (all questions.SpanVolumes) {
	t.Helper()
	asked := q.Condition
	if asked == nil {
		asked = condition.Const(true)
	}
	fits, err := condition.CompileSpans(asked)
	if err != nil {
		t.Fatal(err)
	}
	for i := range spans {
		s := &spans[i]
		step, ok := at(q.Steps, s.StartNanos)
		if !ok || !fits.Match(&condition.SpanView{Span: s}) {
			continue
		}
		g := questions.SpanVolumeGroup{}
		if q.By.Service {
			g.Service = s.Resource.Service()
		}
		if q.By.Name {
			g.Name = s.Name
		}
		if q.By.Kind {
			g.Kind = s.Kind
		}
		if q.By.Status {
			g.Status = s.Status
		}
		n := slices.IndexFunc(all.Groups, func(o questions.SpanVolumeGroup) bool {
			return o.Service == g.Service && o.Name == g.Name && o.Kind == g.Kind && o.Status == g.Status
		})
		if n < 0 {
			n, all.Groups = len(all.Groups), append(all.Groups, g)
		}
		all.Groups[n].Steps = addStep(all.Groups[n].Steps, questions.SpanStep{Index: step}, func(o questions.SpanStep) int { return o.Index }, func(to *questions.SpanStep) {
			to.Count++
			to.SumNanos += max(0, s.EndNanos-s.StartNanos)
			if s.Status == plait.StatusError {
				to.Failed++
			}
		})
	}
	slices.SortFunc(all.Groups, func(a, b questions.SpanVolumeGroup) int {
		return cmp.Or(strings.Compare(a.Service, b.Service), strings.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Status, b.Status))
	})
	return all
}

// addStep adds to the step with an index, or to a new one that it puts in order.
func addStep[S any](steps []S, empty S, index func(S) int, add func(*S)) []S {
	i, ok := slices.BinarySearchFunc(steps, index(empty), func(s S, at int) int { return index(s) - at })
	if !ok {
		steps = slices.Insert(steps, i, empty)
	}
	add(&steps[i])
	return steps
}

// checkDurations fails unless each span of a step is in one bucket.
func checkDurations(t *testing.T, all questions.SpanVolumes) {
	t.Helper()
	for _, g := range all.Groups {
		for _, step := range g.Steps {
			spans, last := int64(0), time.Duration(-1)
			for _, d := range step.Durations {
				if d.UpTo <= last || d.Count <= 0 {
					t.Fatalf("buckets are %v", step.Durations)
				}
				spans, last = spans+d.Count, d.UpTo
			}
			if spans != step.Count {
				t.Fatalf("%d spans have %d durations", step.Count, spans)
			}
		}
	}
}

func TestLogRecordsAreCountedAsTheirRowsSay(t *testing.T) {
	t.Parallel()
	s, v := storetest.New(t), volumes{rand.New(rand.NewPCG(2, 1)), time.Now().Add(-3 * time.Hour).Truncate(24 * time.Minute)}
	var records []plait.LogRecord
	for range 5 {
		var batch []plait.LogRecord
		for range 60 {
			batch = append(batch, v.record())
		}
		if _, err := s.WriteLogs(t.Context(), &plait.Logs{Records: slices.Clone(batch)}); err != nil {
			t.Fatal(err)
		}
		records = append(records, batch...)
	}
	more := append(conditions(), questions.SeverityAtLeast(plait.SeverityNumber(15)))
	for range 60 {
		q := questions.LogVolume{Steps: v.steps(), Condition: more[v.r.IntN(len(more))]}
		q.By = questions.LogDimensions{Service: v.r.IntN(2) == 0, Severity: v.r.IntN(2) == 0, Template: v.r.IntN(2) == 0}
		got, err := s.LogVolume(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(recordsCounted(t, records, q), got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%+v: %s", q, diff)
		}
	}
}

// recordsCounted counts log records one by one.
func recordsCounted(t *testing.T, records []plait.LogRecord, q questions.LogVolume) (all []questions.LogVolumeGroup) {
	t.Helper()
	asked := q.Condition
	if asked == nil {
		asked = condition.Const(true)
	}
	fits, err := condition.CompileLogs(asked)
	if err != nil {
		t.Fatal(err)
	}
	for i := range records {
		r := &records[i]
		step, ok := at(q.Steps, r.TimeNanos)
		if !ok || !fits.Match(r) {
			continue
		}
		g := questions.LogVolumeGroup{}
		if q.By.Service {
			g.Service = r.Resource.Service()
		}
		if q.By.Severity && r.Severity > 0 {
			g.Severity = plait.ParseSeverity(r.Severity.String())
		}
		if q.By.Template {
			_, last, _ := strings.Cut(r.Body.Text()[len("order "):], " ")
			g.Template = "order " + string(questions.TemplateMark) + " " + last
		}
		n := slices.IndexFunc(all, func(o questions.LogVolumeGroup) bool {
			return o.Service == g.Service && o.Severity == g.Severity && o.Template == g.Template
		})
		if n < 0 {
			n, all = len(all), append(all, g)
		}
		all[n].Steps = addStep(all[n].Steps, questions.LogStep{Index: step}, func(o questions.LogStep) int { return o.Index }, func(to *questions.LogStep) {
			to.Count++
			to.Bytes += int64(len(r.Body.Text()))
		})
	}
	slices.SortFunc(all, func(a, b questions.LogVolumeGroup) int {
		return cmp.Or(strings.Compare(a.Service, b.Service), cmp.Compare(a.Severity, b.Severity), strings.Compare(a.Template, b.Template))
	})
	return all
}

func TestOnlyWhatIsCountedCanBeAskedOfCounts(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	steps := questions.Steps{Range: plait.TimeRange{From: time.Now().Add(-time.Hour), To: time.Now()}}
	if _, err := s.LogVolume(t.Context(), questions.LogVolume{Steps: steps, Condition: condition.BodyContains("order")}); !errors.Is(err, plait.ErrInvalid) {
		t.Errorf("bodies are counted: %v", err)
	}
	for _, n := range []condition.Node{questions.Took(time.Second, 0), condition.Leaf{Field: condition.Field{Name: condition.SpanName, Parent: true}, Op: condition.OpExists}} {
		if _, err := s.SpanVolume(t.Context(), questions.SpanVolume{Steps: steps, Condition: n}); !errors.Is(err, plait.ErrInvalid) {
			t.Errorf("%s is counted: %v", n, err)
		}
	}
	steps.Length = time.Microsecond
	if _, err := s.SpanVolume(t.Context(), questions.SpanVolume{Steps: steps}); !errors.Is(err, plait.ErrInvalid) {
		t.Errorf("steps are not bounded: %v", err)
	}
}

func TestSpansOfServicesWithTooManyNamesAreCountedApart(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	from := time.Now().Add(-time.Hour).Truncate(time.Minute)
	const spans = 2_500 // more than names that a service may bring
	batch := &plait.Traces{}
	for i := range spans {
		one := plait.Span{Name: fmt.Sprintf("order %c%c%c", 'a'+i%26, 'a'+i/26%26, 'a'+i/676), Kind: plait.SpanKindServer, Resource: &plait.Resource{}, Scope: &plait.Scope{}}
		binary.BigEndian.PutUint64(one.TraceID[:], uint64(i+1))
		one.SpanID[0] = 1
		one.StartNanos = from.UnixNano()
		one.EndNanos = one.StartNanos + 5
		batch.Spans = append(batch.Spans, one)
	}
	if _, err := s.WriteTraces(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	steps := questions.Steps{Range: plait.TimeRange{From: from, To: from.Add(time.Minute)}}
	all, err := s.SpanVolume(t.Context(), questions.SpanVolume{Steps: steps, By: questions.SpanDimensions{Name: true}})
	if err != nil {
		t.Fatal(err)
	}
	if all.Groups[0].Name != "" || all.Unnamed != 0 {
		t.Errorf("of %d names none is its span's own; %d are unnamed", len(all.Groups), all.Unnamed)
	}
	apart := all.Groups[0].Steps[0].Count
	named, err := s.SpanVolume(t.Context(), questions.SpanVolume{Steps: steps, Condition: questions.SpanName("order aaa")})
	if err != nil || named.Unnamed != apart || len(named.Groups) != 1 {
		t.Errorf("%d of %d spans may fit, and %d groups do, %v", named.Unnamed, apart, len(named.Groups), err)
	}
	none, err := s.SpanVolume(t.Context(), questions.SpanVolume{Steps: steps, Condition: condition.And{questions.SpanName("order aaa"), questions.Service("other")}})
	if err != nil || none.Unnamed != 0 {
		t.Errorf("%d spans of another service may fit, %v", none.Unnamed, err)
	}
}
