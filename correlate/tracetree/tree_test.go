package tracetree

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
)

// testSpan is a span in one line: "id<parent kind@instance from-to".
func testSpan(t *testing.T, line string) plait.Span {
	t.Helper()
	var ids, kindAt, times string
	if _, err := fmt.Sscan(line, &ids, &kindAt, &times); err != nil {
		t.Fatalf("line %q: %v", line, err)
	}
	kind, instance, _ := strings.Cut(kindAt, "@")
	s := plait.Span{Kind: kindNamed(kind), Resource: resource("shop", instance)}
	var id, parent int
	if _, err := fmt.Sscanf(ids, "%d<%d", &id, &parent); err != nil {
		t.Fatalf("line %q: %v", line, err)
	}
	if _, err := fmt.Sscanf(times, "%d-%d", &s.StartNanos, &s.EndNanos); err != nil {
		t.Fatalf("line %q: %v", line, err)
	}
	s.Name, s.SpanID, s.ParentSpanID = ids, spanID(id), spanID(parent)
	return s
}

// outline prints a tree: an indented line a node, with what is special about it.
func outline(tree *Tree) string {
	var b strings.Builder
	for i := range tree.Nodes {
		n := &tree.Nodes[i]
		fmt.Fprintf(&b, "%s%s", strings.Repeat("  ", n.Depth), n.Span.Name)
		if n.Shared {
			b.WriteString(" shared")
		}
		if n.SkewNanos != 0 {
			fmt.Fprintf(&b, " skew %+d", n.SkewNanos)
		}
		b.WriteByte('\n')
	}
	for _, m := range tree.MissingParents {
		fmt.Fprintf(&b, "missing %x: waiting %v\n", m.SpanID[7], m.Waiting)
	}
	for _, id := range tree.DuplicateIDs {
		fmt.Fprintf(&b, "duplicate %x\n", id[7])
	}
	for _, ring := range tree.Cycles {
		b.WriteString("cycle")
		for _, id := range ring {
			fmt.Fprintf(&b, " %x", id[7])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestTreeOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ spans, want string }{
		"children in order of start": {
			`1<0 server@a 0-100; 3<1 internal@a 50-60; 2<1 internal@a 10-20; 4<2 internal@a 12-15`,
			"1<0\n  2<1\n    4<2\n  3<1\n",
		},
		"several roots": {
			`2<0 server@a 50-60; 1<0 server@a 0-10`,
			"1<0\n2<0\n",
		},
		"a parent that was never recorded": {
			`1<0 server@a 0-100; 3<9 internal@a 50-60; 4<9 internal@a 70-75; 5<4 internal@a 71-72`,
			"1<0\n3<9\n4<9\n  5<4\nmissing 9: waiting [1 2]\n",
		},
		"a call whose sides share an id": {
			`1<0 server@a 0-100; 2<1 client@a 10-90; 2<1 server@b 20-80; 3<2 internal@b 30-40; 4<2 internal@a 12-13`,
			"1<0\n  2<1\n    4<2\n    2<1 shared\n      3<2\n",
		},
		"a shared id whose client comes later than the server": {
			`2<0 server@b 6-80; 2<0 client@a 10-90`,
			"2<0\n  2<0 shared skew +4\n",
		},
		"two servers that answer one shared id": {
			`2<0 client@a 0-90; 2<0 server@b 5-30; 2<0 server@c 40-80; 3<2 client@c 50-60`,
			"2<0\n  2<0 shared\n  2<0 shared\n    3<2\n",
		},
		"an id used twice": {
			`1<0 server@a 0-100; 2<1 internal@a 10-90; 2<1 internal@b 20-80; 3<2 internal@b 30-40; 4<2 internal@c 30-40`,
			"1<0\n  2<1\n    4<2\n  2<1\n    3<2\nduplicate 2\n",
		},
		"a cycle opened at its earliest span": {
			`1<3 internal@a 10-20; 2<1 internal@a 12-18; 3<2 internal@a 5-30; 4<3 internal@a 6-7`,
			"3<2\n  4<3\n  1<3\n    2<1\ncycle 3 2 1\n",
		},
		"a span that is its own parent": {
			`1<1 internal@a 10-20`,
			"1<1\ncycle 1\n",
		},
		"a clock behind, known from one call": {
			`1<0 client@a 1000-2000; 2<1 server@b 600-1400; 3<2 internal@b 700-800`,
			"1<0\n  2<1 skew +400\n    3<2 skew +400\n",
		},
		"a clock ahead, narrowed down by two calls": {
			`1<0 server@a 0-10000; 2<1 client@a 1000-2000; 3<2 server@b 2000-2800; 4<1 client@a 4000-4300; 5<4 server@b 5020-5280`,
			"1<0\n  2<1\n    3<2 skew -980\n  4<1\n    5<4 skew -980\n",
		},
		"a clock behind a clock behind": {
			`1<0 client@a 1000-2000; 2<1 server@b 500-1300; 3<2 client@b 600-1000; 4<3 server@c 100-300`,
			"1<0\n  2<1 skew +500\n    3<2 skew +500\n      4<3 skew +1000\n",
		},
		"clocks alone when one call of three disagrees": {
			`1<0 server@a 0-10000; 2<1 client@a 0-1000; 3<2 server@b 10-990; 4<1 client@a 2000-3000; 5<4 server@b 2010-2990; 6<1 client@a 4000-4010; 7<6 server@b 4050-4060`,
			"1<0\n  2<1\n    3<2\n  4<1\n    5<4\n  6<1\n    7<6\n",
		},
		"a server that outlasts its client on the same clock": {
			`1<0 client@a 0-100; 2<1 server@b 10-900`,
			"1<0\n  2<1\n",
		},
		"a server that outlasts its client on either side": {
			`1<0 client@a 1000-13000; 2<1 server@b 996-13006`,
			"1<0\n  2<1\n",
		},
		"a server that began after its client had given up, on a clock ahead": {
			`1<0 client@a 0-100; 2<1 server@b 5010-5900`,
			"1<0\n  2<1 skew -4910\n",
		},
		"a server that ended before its client began, on a clock behind": {
			`1<0 client@a 5000-5100; 2<1 server@b 10-900`,
			"1<0\n  2<1 skew +4200\n",
		},
		"calls that disagree move a clock by the least that one of them asks for": {
			`1<0 server@a 0-10000; 2<1 client@a 1000-1100; 3<2 server@b 1300-1390; 4<1 client@a 2000-2100; 5<4 server@b 2050-2140`,
			"1<0\n  2<1\n    3<2 skew -40\n  4<1\n    5<4 skew -40\n",
		},
		"messages, which nobody waits for, say nothing about clocks": {
			`1<0 producer@a 0-100; 2<1 consumer@b 5000-5900`,
			"1<0\n  2<1\n",
		},
		"no spans": {``, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var spans []plait.Span
			for line := range strings.SplitSeq(c.spans, ";") {
				if strings.TrimSpace(line) != "" {
					spans = append(spans, testSpan(t, line))
				}
			}
			if diff := cmp.Diff(c.want, outline(Build(spans))); diff != "" {
				t.Errorf("tree differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMainRootHasNoParentWhereThereIsOne(t *testing.T) {
	t.Parallel()
	tree := Build([]plait.Span{
		testSpan(t, "1<9 server@a 0-1000"),
		testSpan(t, "2<0 server@a 10-20"),
		testSpan(t, "3<0 server@a 30-60"),
	})
	if got := tree.Nodes[tree.Main].Span.SpanID; got != spanID(3) {
		t.Errorf("main root is %v, want the longest without a parent, 3", got)
	}
}

func TestLogsGoToTheirSpans(t *testing.T) {
	t.Parallel()
	tree := Build([]plait.Span{
		testSpan(t, "1<0 client@a 0-100"),
		testSpan(t, "1<0 server@b 10-90"),
		testSpan(t, "2<1 internal@b 20-30"),
	})
	record := func(span int, instance string) plait.LogRecord {
		return plait.LogRecord{SpanID: spanID(span), Resource: resource("shop", instance), ID: fmt.Sprint(span, instance)}
	}
	unattached := tree.PlaceLogs([]plait.LogRecord{record(1, "b"), record(1, "a"), record(1, "c"), record(2, "b"), record(0, "a"), record(7, "a")})

	var got [][]string
	for _, records := range [][]plait.LogRecord{tree.Nodes[0].Logs, tree.Nodes[1].Logs, tree.Nodes[2].Logs, unattached} {
		var ids []string
		for _, r := range records {
			ids = append(ids, r.ID)
		}
		got = append(got, ids)
	}
	want := [][]string{{"1a", "1c"}, {"1b"}, {"2b"}, {"0a", "7a"}}
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("logs went to %q, want %q", got, want)
	}
}

func TestTraceDurationIsOnTheClockOfTheRoot(t *testing.T) {
	t.Parallel()
	tree := Build([]plait.Span{
		testSpan(t, "1<0 server@web 0-100"),
		testSpan(t, "2<1 client@web 5-95"),
		testSpan(t, "3<2 server@pay -3000--2920"),
	})
	summary := tree.Summary(plait.TraceID{15: 1})
	if summary.StartNanos != 0 || summary.DurationNanos != 100 {
		t.Errorf("the trace starts at %d and takes %d, want 0 and 100 as on the root's clock", summary.StartNanos, summary.DurationNanos)
	}
}
