package correlate

import (
	"cmp"
	"context"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	conditions "github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/spanmetrics"
)

// What do the requests of a spike have in common that others have not? Each value of an attribute, and each template of a log record,
// that the traces of the requests have is counted in the box and outside of it. What could be chance is told (chance.go).

// CompareReader finds the requests that are compared, and what their traces have.
type CompareReader interface {
	// Compare finds the requests in a box and others. It is bounded in time, and says so if that cut it short.
	Compare(ctx context.Context, q query.Compare) (query.Compared, error)
	// HeldValues returns which values of attributes the spans of traces have. The range is when their requests start.
	HeldValues(ctx context.Context, r plait.TimeRange, ids []plait.TraceID) (query.HeldValues, error)
}

// TemplateReader reads what log records of traces say.
type TemplateReader interface {
	// HeldTemplates returns which templates of log records traces have, and whether that was cut short. The range is when their
	// requests start.
	HeldTemplates(ctx context.Context, r plait.TimeRange, ids []plait.TraceID) ([]query.HeldTemplate, bool, error)
}

const (
	// comparedRequests bounds the traces that are read on each side.
	comparedRequests = 1_000
	// fewestCompared is the fewest requests in a box that are compared.
	fewestCompared = 5
	// comparedKeys bounds the keys that are compared: those that most traces have.
	comparedKeys = 200
	// valuesTold, templatesTold, sameTold and alikeTold bound what is answered.
	valuesTold, templatesTold, sameTold, alikeTold = 20, 10, 20, 12
	// nearestTold is how many values are told at least, whatever their chance.
	nearestTold = 3
	// unlikely is from which chance on nothing sets requests apart.
	unlikely = 0.05
	// aroundBefore, aroundTold and aroundRead are about records without a trace.
	aroundBefore           = time.Minute
	aroundTold, aroundRead = 3, 200
	// warns is the severity WARN: what is less severe is not told.
	warns = plait.SeverityNumber(13)
	// tracesAsked is how many traces tell which services these records are from.
	tracesAsked = 200
)

// CompareQuestion asks what requests in a box have in common.
type CompareQuestion struct {
	Selectors   [][]plait.Matcher
	Window, Box plait.TimeRange
	Min, Max    *float64 // seconds
	Rest        query.Rest
}

// Comparison is what the requests in a box have in common that others have not.
type Comparison struct {
	Box, Others  query.RequestSample
	Operations   int // of those in the box
	Slow, Failed bool
	// TooFew says that the box has too few to be compared.
	TooFew    bool
	Values    []ComparedValue // the least likely first
	Templates []ComparedTemplate
	// Alike are values of what is asked for first, such as versions, that are no different.
	Alike []ComparedValue
	// Around are log records of the same services without a trace, the most severe first.
	Around []plait.LogRecord
	// IDs are keys that have a value for nearly each request, Ports those of ports that a system gave to connections, Verdicts
	// those of what says that a request failed, where the others did not. MoreKeys is how many more keys were not compared.
	IDs      []string
	Ports    []string
	Verdicts []string
	MoreKeys int
	Ignored  []plait.Matcher
	CutShort bool
}

// Share is how many requests have something.
type Share struct {
	Box, Others int
	// Chance is the chance that at least so many in the box have it, if the box does not matter, corrected for everything compared.
	Chance float64
}

// ComparedValue is a value of an attribute.
type ComparedValue struct {
	Key, Value string
	Service    string // of the resource whose attribute it is, empty for a span's own
	Share
	// Same are values that the very same requests have.
	Same []query.HeldValue
}

// ComparedTemplate is a template of log records.
type ComparedTemplate struct {
	query.HeldTemplate
	Share
}

// Compare tells what the requests in a box have in common. It is plait.ErrNotFound for a metric whose samples are no spans.
func (p *Pivots) Compare(ctx context.Context, q CompareQuestion) (*Comparison, error) {
	samples, ignored, err := samplesOf(q.Selectors)
	if err != nil {
		return nil, err
	}
	others, _, err := samplesOf(ofAnyStatus(q.Selectors))
	if err != nil {
		return nil, err
	}
	bounds := spanQuestion{}
	bound(&bounds, q.Min, q.Max, 1)
	found, err := p.traces.Compare(ctx, query.Compare{
		Condition: samples, Others: others, Window: q.Window, Box: q.Box, Least: bounds.Min, Most: bounds.Max, Rest: q.Rest, Limit: comparedRequests,
	})
	if err != nil {
		return nil, err
	}
	c := &Comparison{Box: found.Box, Others: found.Others, Slow: found.Slow, Failed: found.Failed, Ignored: ignored, CutShort: found.CutShort}
	operations := map[int64]bool{}
	for _, r := range found.Box.Requests {
		operations[r.Operation] = true
	}
	c.Operations = len(operations)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		c.Around, err = p.around(gctx, c.Box.Requests, q.Box)
		return err
	})
	if c.TooFew = len(c.Box.Requests) < fewestCompared || len(c.Others.Requests) == 0; !c.TooFew {
		g.Go(func() error { return p.compare(gctx, c) })
	}
	return c, g.Wait()
}

// ofAnyStatus leaves out what selectors say of the status: failed requests are compared with those that did not fail.
func ofAnyStatus(selectors [][]plait.Matcher) [][]plait.Matcher {
	others := make([][]plait.Matcher, len(selectors))
	for i, matchers := range selectors {
		others[i] = slices.DeleteFunc(slices.Clone(matchers), func(m plait.Matcher) bool { return m.Name == spanmetrics.LabelStatusCode })
	}
	return others
}

// compare counts what both sides have.
func (p *Pivots) compare(ctx context.Context, c *Comparison) error {
	var ids []plait.TraceID
	var within plait.TimeRange
	for _, side := range []*query.RequestSample{&c.Box, &c.Others} {
		for _, r := range side.Requests {
			ids = append(ids, r.TraceID)
			start := time.Unix(0, r.StartNanos)
			if within.From.IsZero() || start.Before(within.From) {
				within.From = start
			}
			if start.After(within.To) {
				within.To = start
			}
		}
	}
	var values query.HeldValues
	var templates []query.HeldTemplate
	cut := false
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		values, err = p.traces.HeldValues(gctx, within, ids)
		return err
	})
	g.Go(func() (err error) {
		templates, cut, err = p.logs.HeldTemplates(gctx, within, ids)
		return err
	})
	if err := g.Wait(); err != nil {
		return err
	}
	c.IDs, c.CutShort = values.IDs, c.CutShort || cut || values.CutShort
	values.Values, c.Ports = leaveOut(values.Values, isConnection)
	if c.Failed {
		values.Values, c.Verdicts = leaveOut(values.Values, isVerdict)
	}
	c.compareValues(values.Values)
	c.compareTemplates(templates)
	return nil
}

// share counts the traces of a list that are in the box and outside, without the chance.
func (c *Comparison) share(traces []int) Share {
	box, _ := slices.BinarySearch(traces, len(c.Box.Requests))
	return Share{Box: box, Others: len(traces) - box, Chance: chanceOf(box, len(c.Box.Requests), len(traces)-box, len(c.Others.Requests))}
}

func (c *Comparison) compareValues(held []query.HeldValue) {
	held, c.MoreKeys = mostHeld(held)
	slices.SortFunc(held, func(a, b query.HeldValue) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Value, b.Value))
	})
	all := make([]ComparedValue, len(held))
	chances := make([]*float64, len(held))
	for i, v := range held {
		all[i] = ComparedValue{Key: v.Key, Value: v.Value, Service: v.Service, Share: c.share(v.Traces)}
		chances[i] = &all[i].Chance
	}
	holm(chances)
	seed, first := maphash.MakeSeed(), map[uint64]int{}
	told := all[:0:0]
	for i, v := range all {
		if v.Box == 0 {
			continue
		}
		of := hashOf(seed, held[i].Traces)
		if at, ok := first[of]; ok && slices.Equal(held[at].Traces, held[i].Traces) {
			continue
		}
		first[of] = i
		told = append(told, v)
	}
	slices.SortStableFunc(told, func(a, b ComparedValue) int { return c.compareShares(a.Share, b.Share) })
	told = told[:min(len(told), max(nearestTold, firstLikely(told, func(v ComparedValue) float64 { return v.Chance })), valuesTold)]
	for i := range told {
		told[i].Same = sameAs(held, &told[i])
	}
	c.Values, c.Alike = told, alike(all)
}

// compareShares puts first what is least likely, then what most of the box have.
func (c *Comparison) compareShares(a, b Share) int {
	return cmp.Or(cmp.Compare(a.Chance, b.Chance), cmp.Compare(b.Box, a.Box), cmp.Compare(a.Others, b.Others))
}

// firstLikely is how many of a list, in order of their chance, are no accident.
func firstLikely[V any](all []V, chance func(V) float64) int {
	n, _ := slices.BinarySearchFunc(all, unlikely, func(v V, least float64) int { return cmp.Compare(chance(v), least) })
	return n
}

// mostHeld are the values of those keys that most traces have, and how many keys there are more.
func mostHeld(held []query.HeldValue) (kept []query.HeldValue, more int) {
	type key struct{ key, service string }
	traces := map[key]int{}
	for _, v := range held {
		traces[key{v.Key, v.Service}] += len(v.Traces)
	}
	keys := make([]key, 0, len(traces))
	for k := range traces {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(traces[b], traces[a]), cmp.Compare(a.key, b.key), cmp.Compare(a.service, b.service))
	})
	for _, k := range keys[min(len(keys), comparedKeys):] {
		delete(traces, k)
		more++
	}
	for _, v := range held {
		if traces[key{v.Key, v.Service}] > 0 {
			kept = append(kept, v)
		}
	}
	return kept, more
}

func hashOf(seed maphash.Seed, traces []int) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	for _, t := range traces {
		maphash.WriteComparable(&h, t)
	}
	return h.Sum64()
}

// sameAs are the other values that the same traces have.
func sameAs(held []query.HeldValue, v *ComparedValue) (same []query.HeldValue) {
	at := slices.IndexFunc(held, func(h query.HeldValue) bool { return h.Key == v.Key && h.Value == v.Value && h.Service == v.Service })
	for i, h := range held {
		if i != at && len(same) < sameTold && slices.Equal(h.Traces, held[at].Traces) {
			same = append(same, h)
		}
	}
	return same
}

// askedFirst are the keys that people ask about first.
var askedFirst = []string{
	"service.version", "deployment.environment.name", "deployment.environment", "cloud.region", "cloud.availability_zone",
	"service.instance.id", "k8s.pod.name", "k8s.node.name", "host.name",
}

// alike are values of keys that people ask about first and that are no different, of each key that which most in the box have.
func alike(all []ComparedValue) (told []ComparedValue) {
	type key struct{ key, service string }
	most := map[key]ComparedValue{}
	for _, v := range all {
		k := key{v.Key, v.Service}
		if asked := slices.Contains(askedFirst, v.Key) || strings.HasSuffix(v.Key, "region") || strings.HasSuffix(v.Key, "version"); !asked {
			continue
		}
		if before, ok := most[k]; !ok || v.Box > before.Box {
			most[k] = v
		}
	}
	for _, v := range most {
		if v.Chance >= unlikely {
			told = append(told, v)
		}
	}
	slices.SortFunc(told, func(a, b ComparedValue) int {
		return cmp.Or(cmp.Compare(b.Box, a.Box), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Service, b.Service))
	})
	return told[:min(len(told), alikeTold)]
}

func (c *Comparison) compareTemplates(held []query.HeldTemplate) {
	all := make([]ComparedTemplate, len(held))
	chances := make([]*float64, len(held))
	for i, t := range held {
		all[i] = ComparedTemplate{HeldTemplate: t, Share: c.share(t.Traces)}
		chances[i] = &all[i].Chance
	}
	holm(chances)
	slices.SortFunc(all, func(a, b ComparedTemplate) int {
		return cmp.Or(c.compareShares(a.Share, b.Share), cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Template, b.Template))
	})
	c.Templates = all[:min(firstLikely(all, func(t ComparedTemplate) float64 { return t.Chance }), templatesTold)]
}

// around are records of the same services, without a trace, that warn of something.
func (p *Pivots) around(ctx context.Context, requests []query.Request, box plait.TimeRange) ([]plait.LogRecord, error) {
	var ids []plait.TraceID
	for _, r := range requests[:min(len(requests), tracesAsked)] {
		ids = append(ids, r.TraceID)
	}
	summaries, err := p.traces.TraceSummaries(ctx, ids)
	if err != nil || len(summaries) == 0 {
		return nil, err
	}
	var services []string
	for _, s := range summaries {
		services = append(services, s.Services...)
	}
	slices.Sort(services)
	records, _, err := p.logs.Logs(ctx, query.Logs{
		Condition: conditions.And{query.Services(slices.Compact(services)), query.LogJoined(false), query.SeverityAtLeast(warns)},
		Range:     plait.TimeRange{From: box.From.Add(-aroundBefore), To: box.To}, Page: query.Page{Limit: aroundRead},
	})
	slices.SortStableFunc(records, func(a, b plait.LogRecord) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.TimeNanos, b.TimeNanos))
	})
	return records[:min(len(records), aroundTold)], err
}
