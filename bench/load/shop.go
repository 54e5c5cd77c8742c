// Package load makes telemetry for benchmarks: a model of a shop, the same for the same seed,
// and a hostile variant in which every value is new. It serialises OTLP requests ahead of
// time, so that sending them costs next to nothing.
package load

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Config says how much to make.
type Config struct {
	Seed    uint64
	Spans   int
	Hostile bool          // every attribute value and span name is new
	Window  time.Duration // the traces begin within this time
	End     time.Time     // of the window
}

// service is one node of the shop, with what it calls.
type service struct {
	name  string
	calls []int
	db    string
	ops   []string
}

var shop = []service{
	{"web", []int{1, 2, 3}, "", []string{"GET /", "GET /item/{id}", "POST /basket", "POST /order"}},
	{"items", []int{8}, "postgresql", []string{"GET /api/items", "GET /api/items/{id}", "GET /api/find"}},
	{"basket", []int{1}, "redis", []string{"basket.Add", "basket.Show", "basket.Clear"}},
	{"orders", []int{2, 4, 5}, "postgresql", []string{"orders.Place", "orders.Show", "orders.List"}},
	{"payment", []int{7}, "postgresql", []string{"payment.Charge", "payment.Refund"}},
	{"shipping", []int{6}, "mysql", []string{"POST /api/quote", "POST /api/parcel"}},
	{"mail", nil, "", []string{"mail.Confirm", "mail.Notice"}},
	{"risk", nil, "mongodb", []string{"risk.Score"}},
	{"stock", nil, "postgresql", []string{"GET /api/stock/{id}", "POST /api/reserve"}},
	{"login", nil, "redis", []string{"POST /login", "GET /session/{id}"}},
}

const (
	instances = 3 // of each service
	users     = 50_000
)

// Span is one generated span.
type Span struct {
	Trace    [16]byte
	ID       [8]byte
	Parent   [8]byte
	Instance int
	Kind     int32
	Name     string
	Start    time.Time
	Duration time.Duration
	Failed   bool
	User     string
	Attrs    []Attr
}

// Attr is a string attribute, or an integer one when Text is empty.
type Attr struct {
	Key    string
	Text   string
	Number int64
}

// trace makes trace number k.
func (c Config) trace(k int) []Span {
	r := rand.New(rand.NewPCG(c.Seed, uint64(k)))
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], r.Uint64())
	binary.BigEndian.PutUint64(id[8:], r.Uint64()|1)
	g := &traceMaker{c: c, r: r, id: id, user: fmt.Sprintf("user-%05d", int(float64(users)*r.Float64()*r.Float64()))}
	begin := c.End.Add(-time.Duration(r.Float64() * float64(c.Window)))
	root := 0
	if r.IntN(8) == 0 {
		root = 9
	}
	g.serve(root, [8]byte{}, begin, 0)
	return g.spans
}

type traceMaker struct {
	c     Config
	r     *rand.Rand
	id    [16]byte
	user  string
	spans []Span
}

func (g *traceMaker) newID() (id [8]byte) {
	binary.BigEndian.PutUint64(id[:], g.r.Uint64()|1)
	return id
}

// around draws from a log-normal distribution with the given median.
func (g *traceMaker) around(median time.Duration) time.Duration {
	return time.Duration(float64(median) * math.Exp(0.6*g.r.NormFloat64()))
}

// serve adds a server span with everything below it, and returns its end.
func (g *traceMaker) serve(s int, parent [8]byte, start time.Time, depth int) time.Time {
	svc := shop[s]
	op := svc.ops[g.r.IntN(len(svc.ops))]
	id, instance := g.newID(), s*instances+g.r.IntN(instances)
	at := start.Add(g.around(300 * time.Microsecond))
	for _, callee := range svc.calls {
		if depth < 4 && g.r.Float64() < 0.6 {
			call := g.newID()
			end := g.serve(callee, call, at.Add(200*time.Microsecond), depth+1).Add(200 * time.Microsecond)
			g.add(Span{ID: call, Parent: id, Instance: instance, Kind: 3, Name: "call " + shop[callee].name, Start: at, Duration: end.Sub(at),
				Attrs: []Attr{{Key: "server.address", Text: shop[callee].name + ".shop.svc"}, {Key: "server.port", Number: 8080},
					{Key: "network.peer.address", Text: fmt.Sprintf("10.0.%d.%d", callee, g.r.IntN(40))}, {Key: "user.id", Text: g.user}}})
			at = end
		}
	}
	if svc.db != "" {
		d := g.around(2 * time.Millisecond)
		g.add(Span{ID: g.newID(), Parent: id, Instance: instance, Kind: 3, Name: "SELECT " + svc.name, Start: at, Duration: d,
			Attrs: []Attr{{Key: "db.system", Text: svc.db}, {Key: "db.namespace", Text: svc.name}, {Key: "db.operation.name", Text: "SELECT"},
				{Key: "db.query.text", Text: "SELECT id, name, price FROM " + svc.name + " WHERE id = $1"},
				{Key: "db.response.returned_rows", Number: int64(g.r.IntN(50))}, {Key: "server.address", Text: svc.db + "-0." + svc.name}}})
		at = at.Add(d)
	}
	failed := g.r.IntN(80) == 0
	code := int64(200)
	if failed {
		code = 500
	}
	end := at.Add(g.around(time.Millisecond))
	g.add(Span{ID: id, Parent: parent, Instance: instance, Kind: 2, Name: op, Start: start, Duration: end.Sub(start), Failed: failed,
		Attrs: []Attr{{Key: "http.request.method", Text: "GET"}, {Key: "http.route", Text: op}, {Key: "url.scheme", Text: "https"},
			{Key: "url.path", Text: fmt.Sprintf("/%s/%d", svc.name, g.r.IntN(100_000))}, {Key: "http.response.status_code", Number: code},
			{Key: "server.address", Text: svc.name + ".shop.svc"}, {Key: "server.port", Number: 8443},
			{Key: "client.address", Text: fmt.Sprintf("198.51.%d.%d", g.r.IntN(20), g.r.IntN(250))},
			{Key: "user_agent.original", Text: userAgents[g.r.IntN(len(userAgents))]}, {Key: "user.id", Text: g.user}}})
	return end
}

var userAgents = []string{
	"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
	"shop-android/6.2.0",
}

func (g *traceMaker) add(s Span) {
	s.Trace, s.User = g.id, g.user
	if g.c.Hostile {
		s.Name = fmt.Sprintf("%s %x", s.Name, g.r.Uint64())
		for i := range s.Attrs {
			s.Attrs[i].Text, s.Attrs[i].Number = fmt.Sprintf("%x-%x", g.r.Uint64(), g.r.Uint64()), 0
		}
	}
	g.spans = append(g.spans, s)
}
