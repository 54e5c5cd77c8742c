package tracetree

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/plaithq/plait"
)

func TestCriticalPathAndSelfTimeAsDrawn(t *testing.T) {
	t.Parallel()
	for name, drawing := range map[string]string{
		"a span alone": `
			shop server |########| self 8`,
		"calls one after another": `
			shop server       |#==##===#| self 4
			  cart client     | ##      | self 2
			  pay client      |     ### | self 3`,
		"of parallel calls the last to finish counts, then what led up to it": `
			shop server       |#=======#| self 2
			  cart client     | ##===   | self 5
			  pay client      |   ##### | self 5`,
		"a call within the time of a longer one does not count": `
			shop server       |#=======#| self 2
			  cart client     |   ==    | self 2
			  pay client      | ####### | self 7`,
		"what runs beside a call is found within the call": `
			shop server       |=========| self 0
			  pay client      |##=====##| self 4
			    till@b server |  #####  | self 5`,
		"a child that outlives its parent is not waited for": `
			shop server       |#########          | self 9
			  mail internal   |   ================| self 16`,
		"a child a little late was waited for": `
			shop server       |##========= | self 2
			  pay client      |  ##########| self 10`,
		"a server works on after its client gave up": `
			shop client       |##======            | self 2
			  pay@b server    |  ##################| self 18`,
		"a consumer is not waited for": `
			shop server       |#==######| self 7
			  queue producer  | ##      | self 2
			    mail consumer |  ====   | self 2
			      smtp client |   ==    | self 2`,
		"a child that starts after its parent is not waited for": `
			shop server       |###   | self 3
			  mail internal   |    ==| self 2`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			drawn := parseDrawing(t, drawing)
			tree := Build(drawnTrace(drawn))
			for i := range tree.Nodes {
				n, id := &tree.Nodes[i], 0
				for id = range drawn {
					if spanID(id+1) == n.Span.SpanID {
						break
					}
				}
				want := drawn[id]
				if n.SelfNanos != int64(want.self)*column {
					t.Errorf("%s: self time is %v columns, want %d", want.name, float64(n.SelfNanos)/float64(column), want.self)
				}
				// Beyond the end of the root nothing is on the path.
				critical := slices.DeleteFunc(slices.Clone(want.critical), func(c int) bool { return c >= drawn[0].to })
				if got := criticalColumns(tree, i); !slices.Equal(got, critical) {
					t.Errorf("%s: on the critical path in columns %v, want %v", want.name, got, critical)
				}
			}
		})
	}
}

func TestSpanThatEndsBeforeItStartsHasNoDuration(t *testing.T) {
	t.Parallel()
	spans := []plait.Span{
		{SpanID: spanID(1), StartNanos: 100, EndNanos: 1000, Resource: resource("shop", "a")},
		{SpanID: spanID(2), ParentSpanID: spanID(1), StartNanos: 500, EndNanos: 200, Resource: resource("shop", "a")},
	}
	tree := Build(spans)
	if n := tree.Nodes[0]; n.SelfNanos != 900 || n.CriticalNanos != 900 {
		t.Errorf("parent has self time %d and %d ns on the critical path, want 900 of both", n.SelfNanos, n.CriticalNanos)
	}
	if n := tree.Nodes[1]; n.SelfNanos != 0 || n.DurationNanos() != 0 {
		t.Errorf("child has self time %d of %d ns, want none", n.SelfNanos, n.DurationNanos())
	}
}

// anyTrace draws traces of all sorts: parents that are missing, repeated ids, cycles, skew,
// negative durations, times at the ends of what int64 holds.
func anyTrace(t *rapid.T) []plait.Span {
	n := rapid.IntRange(0, 40).Draw(t, "spans")
	at := rapid.OneOf(rapid.Int64Range(0, 1000), rapid.Int64())
	spans := make([]plait.Span, n)
	for i := range spans {
		start := at.Draw(t, "start")
		spans[i] = plait.Span{
			SpanID:       spanID(rapid.IntRange(1, 30).Draw(t, "id")),
			ParentSpanID: spanID(rapid.IntRange(0, 32).Draw(t, "parent")),
			Kind:         plait.SpanKind(rapid.IntRange(0, 5).Draw(t, "kind")),
			Resource:     resource("shop", rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "instance")),
			StartNanos:   start,
			EndNanos:     rapid.OneOf(at, rapid.Just(start+int64(rapid.IntRange(-5, 500).Draw(t, "duration")))).Draw(t, "end"),
		}
	}
	return spans
}

func TestAnyTraceKeepsItsPromises(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		spans := anyTrace(t)
		tree := Build(spans)
		checkShape(t, tree, spans)
		for i := range tree.Nodes {
			n := &tree.Nodes[i]
			if n.SelfNanos < 0 || n.SelfNanos > n.DurationNanos() {
				t.Errorf("self time %d of %d ns", n.SelfNanos, n.DurationNanos())
			}
			if n.CriticalNanos < 0 || n.CriticalNanos > n.SelfNanos {
				t.Errorf("%d ns on the critical path with a self time of %d", n.CriticalNanos, n.SelfNanos)
			}
			if n.CriticalNanos > 0 && !n.Critical {
				t.Error("the critical path leads through a span that is not marked")
			}
		}
		if tree.Main < 0 {
			return
		}
		root := &tree.Nodes[tree.Main]
		at := root.StartNanos()
		for _, s := range tree.CriticalPath {
			if s.FromNanos != at {
				t.Errorf("the critical path has a gap between %d and %d", at, s.FromNanos)
			}
			at = s.ToNanos
		}
		if at != root.EndNanos() {
			t.Errorf("the critical path ends at %d, want the root's end %d", at, root.EndNanos())
		}
	})
}

// checkShape holds what makes nodes a forest in depth-first order with every span in it once.
func checkShape(t *rapid.T, tree *Tree, spans []plait.Span) {
	seen := map[*plait.Span]bool{}
	children := make([]int, len(tree.Nodes))
	for i := range tree.Nodes {
		n := &tree.Nodes[i]
		seen[n.Span] = true
		if n.Parent < 0 {
			if n.Depth != 0 {
				t.Errorf("root at depth %d", n.Depth)
			}
			continue
		}
		p := &tree.Nodes[n.Parent]
		children[n.Parent]++
		if n.Parent >= i || i >= n.Parent+p.Size || n.Depth != p.Depth+1 {
			t.Errorf("node %d of depth %d stands outside its parent %d of depth %d and size %d", i, n.Depth, n.Parent, p.Depth, p.Size)
		}
	}
	if len(seen) != len(spans) {
		t.Errorf("%d of %d spans are in the tree", len(seen), len(spans))
	}
	for i := range tree.Nodes {
		if tree.Nodes[i].Children != children[i] {
			t.Errorf("node %d counts %d children, has %d", i, tree.Nodes[i].Children, children[i])
		}
		last := int64(-maxNanos) * 2
		for c := range tree.Children(i) {
			if tree.Nodes[c].Parent != i || tree.Nodes[c].StartNanos() < last {
				t.Errorf("node %d is no child of %d or out of order", c, i)
			}
			last = tree.Nodes[c].StartNanos()
		}
	}
}

func TestTreeDoesNotDependOnTheOrderOfSpans(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		spans := anyTrace(t)
		one := Build(spans)
		other := Build(rapid.Permutation(spans).Draw(t, "permuted"))
		if difference := compareTrees(one, other); difference != "" {
			t.Fatal(difference)
		}
	})
}

// compareTrees describes the first difference. Spans that nothing tells apart may stand for
// one another.
func compareTrees(one, other *Tree) string {
	for i := range one.Nodes {
		a, b := one.Nodes[i], other.Nodes[i]
		if compareSpans(a.Span, b.Span) != 0 || a.Parent != b.Parent || a.SelfNanos != b.SelfNanos || a.SkewNanos != b.SkewNanos {
			return fmt.Sprintf("node %d differs: %+v and %+v", i, a, b)
		}
	}
	return ""
}

func TestSpansThatDifferInOneThingKeepTheirOrder(t *testing.T) {
	t.Parallel()
	span := func(parent int, instance string) plait.Span {
		return plait.Span{SpanID: spanID(3), ParentSpanID: spanID(parent), Resource: resource("shop", instance), EndNanos: 10}
	}
	for name, twins := range map[string][2]plait.Span{
		"parent":   {span(1, "a"), span(2, "a")},
		"instance": {span(1, "a"), span(1, "b")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parents := []plait.Span{
				{SpanID: spanID(1), Resource: resource("shop", "a"), EndNanos: 100},
				{SpanID: spanID(2), Resource: resource("shop", "b"), EndNanos: 90},
			}
			one := Build(append(slices.Clone(parents), twins[0], twins[1]))
			other := Build(append(slices.Clone(parents), twins[1], twins[0]))
			if difference := compareTrees(one, other); difference != "" {
				t.Error(difference)
			}
			for i := range one.Nodes {
				if a, b := one.Nodes[i].Span, other.Nodes[i].Span; a.ParentSpanID != b.ParentSpanID || InstanceOf(a.Resource) != InstanceOf(b.Resource) {
					t.Errorf("node %d is another of the twins: %+v and %+v", i, a, b)
				}
			}
		})
	}
}

func TestTracesOfTwentyThousandSpansAreBounded(t *testing.T) {
	t.Parallel()
	const n = 20_000
	shapes := map[string]func(i int) (id, parent int, instance string){
		"each below the last":         func(i int) (int, int, string) { return i, i - 1, "a" },
		"each calls the next":         func(i int) (int, int, string) { return i, i - 1, string(rune('a' + i%7)) },
		"all below one":               func(i int) (int, int, string) { return i, min(i-1, 1), "a" },
		"all of one id":               func(i int) (int, int, string) { return 1, 1, string(rune('a' + i%7)) },
		"one ring":                    func(i int) (int, int, string) { return i, i%n + 1, "a" },
		"every parent missing":        func(i int) (int, int, string) { return i, n + i, "a" },
		"binary":                      func(i int) (int, int, string) { return i, i / 2, "a" },
		"pairs that share ids":        func(i int) (int, int, string) { return (i + 1) / 2, (i+1)/2 - 1, string(rune('a' + i%2)) },
		"a thousand with the same id": func(i int) (int, int, string) { return i % 20, i % 19, "a" },
	}
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spans := make([]plait.Span, n)
			kinds := []plait.SpanKind{plait.SpanKindClient, plait.SpanKindServer}
			resources := map[string]*plait.Resource{}
			for i := range spans {
				id, parent, instance := shape(i + 1)
				if resources[instance] == nil {
					resources[instance] = resource("shop", instance)
				}
				spans[i] = plait.Span{
					SpanID: spanID(id), ParentSpanID: spanID(parent), Kind: kinds[i%2], Resource: resources[instance],
					StartNanos: int64(i) * 10, EndNanos: int64(2*n-i) * 10,
				}
			}
			begin := time.Now()
			tree := Build(spans)
			t.Logf("%v", time.Since(begin))
			if len(tree.Nodes) != n {
				t.Errorf("%d spans are in the tree, want %d", len(tree.Nodes), n)
			}
		})
	}
}
