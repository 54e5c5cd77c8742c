// Package kill kills the gateway and its private Postgres while telemetry comes in over all ways,
// and compares what was acknowledged with what is there.
package kill

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// roundsVariable in the environment says how many rounds of killing there are, instead of one
// for each victim.
const roundsVariable = "PLAIT_KILL_ROUNDS"

const (
	// acksBetweenKills show that the gateway recovered, and that it works when it is killed. A kill
	// comes after up to twice as many.
	acksBetweenKills = 60
	ackLimit         = 2 * time.Minute
)

// victims take turns.
var victims = []struct {
	name string
	kill func(t *testing.T, g *gateway)
}{
	{"gateway", func(t *testing.T, g *gateway) { g.kill(t); g.start(t) }},
	{"postmaster", func(t *testing.T, g *gateway) { terminate(t, g.postmaster(t)) }},
	{"one backend", func(t *testing.T, g *gateway) { g.killBackend(t) }},
	{"gateway, then postmaster", func(t *testing.T, g *gateway) {
		pid := g.postmaster(t)
		g.kill(t)
		terminate(t, pid)
		g.start(t)
	}},
	{"postmaster, then gateway", func(t *testing.T, g *gateway) {
		terminate(t, g.postmaster(t))
		g.kill(t)
		g.start(t)
	}},
	{"gateway, by SIGTERM", func(t *testing.T, g *gateway) { g.stop(t); g.start(t) }},
}

func TestWhatIsAcknowledgedIsThereOnceWhoeverIsKilled(t *testing.T) {
	kills := make([]time.Time, roundCount(t))
	g := newGateway(t)
	g.start(t)
	s := startSenders(t, g)
	for n := range kills {
		s.await(t, g, acksBetweenKills+rand.IntN(acksBetweenKills))
		victim := victims[n%len(victims)]
		acks, repeats := s.state()
		t.Logf("kill %d: %s, after %d requests and %d repeats", n+1, victim.name, acks, repeats)
		kills[n] = time.Now()
		victim.kill(t, g)
		s.awaitBegunAfter(t, g, kills[n])
	}
	s.await(t, g, acksBetweenKills)
	acks := s.stop(t, g)
	g.stop(t)
	differences := compare(t, g.dataDir, acks)
	t.Log("\n" + table(kills, acks, differences))
}

func roundCount(t *testing.T) int {
	t.Helper()
	text := os.Getenv(roundsVariable)
	if text == "" {
		return len(victims)
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q, not a number of rounds", roundsVariable, text)
	}
	return n
}

// line is what the table says of a victim.
type line struct {
	rounds, acknowledged, lost, doubled int
	longest                             time.Duration // between two acknowledgements
}

// table has a line for each victim. A request counts for the kill that came next after it was
// first sent, and a time without acknowledgements for the kill before its end.
func table(kills []time.Time, acks []ack, differences []difference) string {
	lines := make([]line, len(victims))
	for n := range kills {
		lines[n%len(victims)].rounds++
	}
	slices.SortFunc(acks, func(a, b ack) int { return a.done.Compare(b.done) })
	lineOf := map[int]*line{}
	for i, a := range acks {
		next := killsUntil(kills, a.first)
		l := &lines[min(next, len(kills)-1)%len(victims)]
		l.acknowledged++
		lineOf[a.number] = l
		if past := killsUntil(kills, a.done); i > 0 && past > 0 {
			l := &lines[(past-1)%len(victims)]
			l.longest = max(l.longest, a.done.Sub(acks[i-1].done))
		}
	}
	var unsent line
	for _, d := range differences {
		l := &unsent
		if len(d.numbers) > 0 {
			l = lineOf[d.numbers[0]]
		}
		l.lost += d.lost
		l.doubled += d.doubled
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "victim\trounds\trequests acknowledged\tlost\tdoubled\tlongest without acknowledgement")
	for i, l := range lines {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%v\n", victims[i].name, l.rounds, l.acknowledged, l.lost, l.doubled, l.longest.Round(time.Millisecond))
	}
	fmt.Fprintf(w, "(never acknowledged)\t\t\t\t%d\t\n", unsent.doubled)
	_ = w.Flush()
	return b.String()
}

// killsUntil counts the kills before a time.
func killsUntil(kills []time.Time, t time.Time) int {
	n, _ := slices.BinarySearchFunc(kills, t, time.Time.Compare)
	return n
}
