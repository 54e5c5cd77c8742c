package terms

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/plaithq/plait"
)

// spanMaker makes spans as services write them: twelve a trace, each of an operation, with an attribute set
// and three attributes of its own.
type spanMaker struct {
	r      *rand.Rand
	block  *Block
	keys   [4][]byte
	hashes [4]AttributeKey
	micros int64
	value  []byte
}

func newSpanMaker() *spanMaker {
	m := &spanMaker{r: rand.New(rand.NewPCG(1, 2)), block: NewBlock(testHasher), micros: 1_700_000_000_000_000}
	for i, key := range []string{"user.id", "thread.id", "url.path", "messaging.message.id"} {
		m.keys[i] = plait.AppendJSONString(nil, key)
		m.hashes[i] = testHasher.AttributeKey(m.keys[i])
	}
	return m
}

const spansOfTrace = 12

func (m *spanMaker) trace() {
	var id plait.TraceID
	binary.NativeEndian.PutUint64(id[:], m.r.Uint64())
	binary.NativeEndian.PutUint64(id[8:], m.r.Uint64())
	user := strconv.Itoa(m.r.IntN(100_000))
	m.micros += 40_000
	for span := range spansOfTrace {
		operation := int64(m.r.IntN(60))
		m.block.Row(id, m.micros+int64(span)*100)
		m.block.ID(Operation, operation)
		m.block.ID(Resource, operation%24)
		m.block.ID(AttributeSet, int64(m.r.ExpFloat64()*60)*operation)
		m.block.Duration(operation, int64(math.Exp(14+m.r.NormFloat64())))
		m.attribute(0, `"u-`, user, `"`)
		m.attribute(1, "", strconv.Itoa(m.r.IntN(200)), "")
		if span%4 == 3 {
			m.attribute(3, `"`, strconv.FormatUint(m.r.Uint64(), 16), `"`)
		} else {
			m.attribute(2, `"/products/`, strconv.Itoa(m.r.IntN(1_000_000)), `"`)
		}
	}
}

func (m *spanMaker) attribute(i int, before, value, after string) {
	m.value = append(append(append(m.value[:0], before...), value...), after...)
	m.block.Attribute(m.hashes[i], m.keys[i], m.value)
}

func (m *spanMaker) head(tb testing.TB, spans int) *Head {
	m.block.Reset()
	for m.block.Rows() < spans {
		m.trace()
	}
	h, err := ParseHead(m.block.AppendTo(nil))
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

func BenchmarkBlock(b *testing.B) {
	m := newSpanMaker()
	spans, bytes := 0, 0
	var dst []byte
	before := cpuTime(b)
	for b.Loop() {
		m.block.Reset()
		for m.block.Rows() < 5000 {
			m.trace()
		}
		dst = m.block.AppendTo(dst[:0])
		spans, bytes = spans+m.block.Rows(), bytes+len(dst)
	}
	perSpan(b, before, spans)
	b.ReportMetric(float64(bytes)/float64(spans), "bytes/span")
}

// perSpan reports the processor's time for a span, on a machine that others may use too.
func perSpan(b *testing.B, before time.Duration, spans int) {
	b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/float64(spans), "cpu-ns/span")
	b.ReportMetric(0, "ns/op")
}

// cpuTime is what the process has used.
func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func BenchmarkParseHead(b *testing.B) {
	m := newSpanMaker()
	m.head(b, 5000)
	body := m.block.AppendTo(nil)
	spans := 0
	before := cpuTime(b)
	for b.Loop() {
		h, err := ParseHead(body)
		if err != nil {
			b.Fatal(err)
		}
		spans += h.Rows()
	}
	perSpan(b, before, spans)
}

// buildSegment builds a segment of heads of 5,000 spans.
func buildSegment(b *testing.B, heads []*Head) *Segment {
	builder := NewBuilder(testHasher, ByStart)
	for _, h := range heads {
		builder.AddHead(h)
	}
	g, err := builder.Build(b.Context(), false)
	if err != nil {
		b.Fatal(err)
	}
	return g
}

const segmentSpans = 250_000

func BenchmarkBuild(b *testing.B) {
	m := newSpanMaker()
	var heads []*Head
	for range segmentSpans / 5000 {
		heads = append(heads, m.head(b, 5000))
	}
	spans := 0
	var g *Segment
	before := cpuTime(b)
	for b.Loop() {
		g = buildSegment(b, heads)
		spans += g.Rows
	}
	perSpan(b, before, spans)
	reportSize(b, g)
}

func reportSize(b *testing.B, g *Segment) {
	d, err := ParseDirectory(g.Directory)
	if err != nil {
		b.Fatal(err)
	}
	for unit, size := range map[string]int{
		"bytes/span":           len(g.Body) + len(g.Directory),
		"bytes/span-shards":    int(d.listAt[0]),
		"bytes/span-lists":     d.always.at - int(d.listAt[0]),
		"bytes/span-directory": len(g.Directory),
	} {
		b.ReportMetric(float64(size)/float64(g.Rows), unit)
	}
}

// segments makes segments of 250,000 spans each.
func (m *spanMaker) segments(b *testing.B, n int) (*memory, []Stored) {
	source := &memory{bodies: map[int64][]byte{}}
	var segments []Stored
	for id := range int64(n) {
		var heads []*Head
		for range segmentSpans / 5000 {
			heads = append(heads, m.head(b, 5000))
		}
		g := buildSegment(b, heads)
		d, err := ParseDirectory(g.Directory)
		if err != nil {
			b.Fatal(err)
		}
		source.bodies[id] = g.Body
		segments = append(segments, Stored{id, d})
	}
	return source, segments
}

// BenchmarkSearch is for 20 traces among one million spans and among four, without Postgres.
func BenchmarkSearch(b *testing.B) {
	source, segments := newSpanMaker().segments(b, 16)
	user := plait.AppendJSONString(nil, "u-4711")
	slow := make([]int64, 20)
	for i := range slow {
		slow[i] = int64(i)
	}
	for _, c := range []struct {
		name string
		plan *Plan
	}{
		{"a rare value", testHasher.HasAttribute("user.id", user)},
		{"no value", testHasher.HasAttribute("user.id", []byte(`"nobody"`))},
		{"an operation", testHasher.AnyID(Operation, 5)},
		{"slow operations", testHasher.SlowerThan(8e6, slow...)},
		{"a value and an operation", All(testHasher.HasAttribute("thread.id", []byte("7")), testHasher.AnyID(Operation, 5))},
	} {
		for _, n := range []int{4, 16} {
			b.Run(fmt.Sprintf("%s in %d segments", c.name, n), func(b *testing.B) {
				source.reads, source.bytes = 0, 0
				found := 0
				for b.Loop() {
					s := NewSearch(testHasher, Query{Plan: c.plan, From: math.MinInt64, To: math.MaxInt64}, nil, segments[:n], source)
					units, err := s.Next(b.Context(), 20)
					if err != nil {
						b.Fatal(err)
					}
					found += len(units)
				}
				for unit, sum := range map[string]int{"found/op": found, "reads/op": source.reads, "read-bytes/op": source.bytes} {
					b.ReportMetric(float64(sum)/float64(b.N), unit)
				}
			})
		}
	}
}

func BenchmarkMerge(b *testing.B) {
	m := newSpanMaker()
	source, segments := m.segments(b, 4)
	spans := 0
	var g *Segment
	before := cpuTime(b)
	for b.Loop() {
		builder := NewBuilder(testHasher, ByStart)
		for _, s := range segments {
			if err := builder.AddSegment(b.Context(), s.ID, s.Directory, source); err != nil {
				b.Fatal(err)
			}
		}
		var err error
		if g, err = builder.Build(b.Context(), true); err != nil {
			b.Fatal(err)
		}
		spans += g.Rows
	}
	perSpan(b, before, spans)
	reportSize(b, g)
}

func BenchmarkSplit(b *testing.B) {
	lines := []string{
		"handled GET /api/v1/cart/{id} for u-01234 in 12.345ms, 12 items, cache=hit, size=48211 bytes, region=eu-central-1 tier=standard",
		"loaded profile user=u-12345 plan=free cart=11 orders=212 last_seen=74511s flags=[new_checkout,express,31]",
		"pool cart acquired connection id=44 wait=3411us in_use=33 idle=12 max=64 lifetime=1800s for GET /cart/{id}",
		"calling downstream shop.Cart/AddItem with timeout=1300ms budget=2944ms retries=1 request_id=3fa9c1d2 peer_zone=eu-central-1b",
		"trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7 paid",
	}
	for _, free := range []bool{false, true} {
		b.Run(fmt.Sprintf("free text %t", free), func(b *testing.B) {
			s, block := NewSplitter(testHasher), NewBlock(testHasher)
			var terms []Term
			count := 0
			before := cpuTime(b)
			for i := 0; b.Loop(); i++ {
				line := lines[i%len(lines)]
				if i%5000 == 0 {
					block.Reset()
				}
				block.Row(traceID(i/18), int64(i))
				var whole bool
				_, terms, whole = s.Split(terms[:0], line)
				block.Runs(terms, whole)
				count += len(terms)
				if free {
					block.FreeText(line)
				}
			}
			b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/body")
			b.ReportMetric(float64(count)/float64(b.N), "terms/body")
		})
	}
}

func BenchmarkHash(b *testing.B) {
	for _, n := range []int{6, 14, 40} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			text := make([]byte, n)
			for b.Loop() {
				hashText(testHasher, word, text)
			}
		})
	}
}
