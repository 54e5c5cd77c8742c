package query

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
)

// Steps are the parts of a range that are counted apart.
type Steps struct {
	Range  plait.TimeRange // both ends are needed
	Length time.Duration   // to the microsecond; 0 is all in one
	// Aligned steps end at multiples of their length since 1970, so the first may be shorter. Others begin with the range.
	// What is counted by the minute answers aligned steps of whole minutes, and what is counted by the quarter of a minute those of
	// quarters, for log records without templates; for any other, rows are read.
	Aligned bool
}

// Begin is the time at which a step begins.
func (s Steps) Begin(index int) time.Time {
	if !s.Aligned {
		return s.Range.From.Add(time.Duration(index) * s.Length)
	}
	length, from := s.Length.Microseconds(), s.Range.From.UnixMicro()
	first := from - ((from%length)+length)%length
	return time.UnixMicro(max(from, first+int64(index)*length)).UTC()
}

// Index is the step in which a time of the range lies.
func (s Steps) Index(t time.Time) int {
	length, from := s.Length.Microseconds(), s.Range.From.UnixMicro()
	if s.Aligned {
		from -= ((from % length) + length) % length
	}
	return int((t.UnixMicro() - from) / length)
}

// LogVolume asks how many log records there are.
type LogVolume struct {
	// Condition is on log records, of what their counts tell: Service, ResourceAttribute and LogSeverity. nil is any.
	Condition condition.Node
	Steps
	By LogDimensions
}

// LogDimensions say what records of a group have in common.
type LogDimensions struct{ Service, Severity, Template bool }

// LogVolumeGroup is how many records of a kind there are.
type LogVolumeGroup struct {
	Service  string
	Severity plait.SeverityNumber // the first of its range, 0 where it is not known
	// Template of the bodies, with TemplateMark for each run of digits; empty where they have none.
	Template string
	Steps    []LogStep // those that have some, in order
}

// TemplateMark stands for digits in the template of a body.
const TemplateMark = '\u0001'

// SpanVolume asks how many spans start, how many of them fail and how long they take.
type SpanVolume struct {
	// Condition is on spans, of what their counts tell: Service, ResourceAttribute, SpanName, SpanKind and SpanStatus. nil is
	// any.
	Condition condition.Node
	Steps
	By SpanDimensions
}

// SpanDimensions say what spans of a group have in common.
type SpanDimensions struct{ Service, Name, Kind, Status bool }

// SpanVolumes answer a SpanVolume.
type SpanVolumes struct {
	Groups []SpanVolumeGroup
	// Unnamed is how many spans more may fit: they are of services that brought too many names, so that their counts do
	// not tell theirs.
	Unnamed int64
}

// SpanVolumeGroup is how many spans of a kind there are.
type SpanVolumeGroup struct {
	Service string
	Name    string // empty also for spans of services that brought too many names
	Kind    plait.SpanKind
	Status  plait.StatusCode
	Steps   []SpanStep // those that have some, in order
}

// SpanStep is what the spans are that start in a step.
type SpanStep struct {
	Index     int // from 0, the first begins with the range
	Count     int64
	Failed    int64           // of status error
	SumNanos  int64           // of durations; those below zero count as zero. It ends at the greatest number.
	Durations []DurationCount // in order, none is 0
}

// DurationCount is how many spans took longer than one duration and at most another. Bounds are an eighth of a doubling
// apart, and every power of two is one.
type DurationCount struct {
	Over, UpTo time.Duration
	Count      int64
}

// Quantile estimates the duration that a share q of the spans stays below, by the place in its bucket: a bucket is at
// most an eighth of its duration wide. It is 0 where there are no spans.
func (s *SpanStep) Quantile(q float64) time.Duration {
	rank, below := q*float64(s.Count), 0.0
	for i, d := range s.Durations {
		inside := float64(d.Count)
		if below+inside >= rank || i == len(s.Durations)-1 {
			part := min(max((rank-below)/inside, 0), 1)
			return d.Over + time.Duration(part*float64(d.UpTo-d.Over))
		}
		below += inside
	}
	return 0
}

// Total adds up the steps of a group.
func (g *SpanVolumeGroup) Total() SpanStep {
	total := SpanStep{}
	durations := map[DurationCount]int64{} // by bounds
	for i := range g.Steps {
		s := &g.Steps[i]
		total.Count, total.Failed = total.Count+s.Count, total.Failed+s.Failed
		if total.SumNanos += s.SumNanos; total.SumNanos < 0 {
			total.SumNanos = math.MaxInt64
		}
		for _, d := range s.Durations {
			durations[DurationCount{Over: d.Over, UpTo: d.UpTo}] += d.Count
		}
	}
	for d, count := range durations {
		d.Count = count
		total.Durations = append(total.Durations, d)
	}
	slices.SortFunc(total.Durations, func(a, b DurationCount) int { return cmp.Compare(a.UpTo, b.UpTo) })
	return total
}
