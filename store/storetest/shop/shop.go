// Package shop makes telemetry of a shop for tests and benchmarks.
package shop

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/plaithq/plait"
)

// Generator makes requests: the same for the same seed.
type Generator struct {
	rand      *rand.Rand
	Now       time.Time     // the latest that a trace starts
	Window    time.Duration // traces start within it, before Now
	resources []*plait.Resource
	scope     *plait.Scope
	// Hostile makes every attribute value and every span name new.
	Hostile bool
}

const (
	generatedServices  = 12
	generatedInstances = 3
)

// NewGenerator returns a generator whose telemetry ends at now.
func NewGenerator(seed uint64, now time.Time) *Generator {
	g := &Generator{
		rand:   rand.New(rand.NewPCG(seed, 1)),
		Now:    now,
		Window: time.Hour,
		scope:  &plait.Scope{Name: "shop/http", Version: "1.4.2"},
	}
	for i := range generatedServices * generatedInstances {
		service := fmt.Sprintf("shop-%c", 'a'+i/generatedInstances)
		g.resources = append(g.resources, &plait.Resource{Attributes: plait.Attributes{
			Text("service.name", service),
			Text("service.version", "2.3."+fmt.Sprint(i%4)),
			Text("service.instance.id", fmt.Sprintf("%s-%d", service, i%generatedInstances)),
			Text("k8s.pod.name", fmt.Sprintf("%s-7f9c4d-%05d", service, i*7919)),
			Text("deployment.environment.name", "production"),
		}})
	}
	return g
}

// Text is an attribute whose value is a string.
func Text(key, value string) plait.Attribute {
	return plait.Attribute{Key: key, Value: plait.StringValue(value)}
}

// Number is an attribute whose value is an integer.
func Number(key string, value int) plait.Attribute {
	return plait.Attribute{Key: key, Value: plait.IntValue(int64(value))}
}

// rare draws from [0, n), low values more often.
func (g *Generator) rare(n int) int {
	u := g.rand.Float64()
	return int(u * u * u * float64(n))
}

// Traces makes a request of about so many spans: whole traces, ordered by resource as
// exporters send them.
func (g *Generator) Traces(spans int) *plait.Traces {
	byResource := make([][]plait.Span, len(g.resources))
	for n := 0; n < spans; {
		size := min(3+g.rare(36), spans-n)
		g.trace(size, byResource)
		n += size
	}
	t := &plait.Traces{Digest: g.digest()}
	for _, list := range byResource {
		t.Spans = append(t.Spans, list...)
	}
	return t
}

func (g *Generator) digest() (d plait.Digest) {
	binary.LittleEndian.PutUint64(d[:8], g.rand.Uint64())
	binary.LittleEndian.PutUint64(d[8:], g.rand.Uint64())
	return d
}

func (g *Generator) traceID() (id plait.TraceID) {
	binary.BigEndian.PutUint64(id[:8], g.rand.Uint64()>>1)
	binary.BigEndian.PutUint64(id[8:], g.rand.Uint64()|1)
	return id
}

func (g *Generator) trace(size int, byResource [][]plait.Span) {
	id, user := g.traceID(), fmt.Sprintf("u-%05d", g.rare(50_000))
	start := g.Now.Add(-time.Duration(g.rand.Float64() * float64(g.Window))).UnixNano()
	var parent plait.SpanID
	for i := range size {
		r := g.rand.IntN(len(g.resources))
		s := plait.Span{
			TraceID: id, SpanID: plait.SpanIDFromInt64(int64(g.rand.Uint64()>>1) | 1), ParentSpanID: parent,
			StartNanos: start + int64(i)*1_234_567, Resource: g.resources[r], Scope: g.scope, Flags: 1,
		}
		s.EndNanos = s.StartNanos + int64(g.rand.ExpFloat64()*20e6)
		g.describe(&s, r/generatedInstances, user)
		if i == 0 || g.rand.IntN(3) == 0 {
			parent = s.SpanID
		}
		byResource[r] = append(byResource[r], s)
	}
}

var (
	statuses   = []int{200, 200, 200, 200, 201, 204, 304, 404}
	methods    = []string{"GET", "POST", "PUT", "DELETE"}
	agents     = []string{"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/131.0", "okhttp/4.12.0", "shop-android/5.12.0 (Android 14)"}
	statements = []string{"SELECT id, name, price FROM products WHERE id = $1", "UPDATE stock SET reserved = reserved + $2 WHERE sku = $1", "INSERT INTO orders (id, user_id, total) VALUES ($1, $2, $3)"}
)

// describe makes a span one of five kinds of work.
func (g *Generator) describe(s *plait.Span, service int, user string) {
	switch g.rand.IntN(5) {
	case 0:
		method, route := methods[g.rare(4)], fmt.Sprintf("/api/%c/{id}", 'a'+g.rare(5))
		s.Kind, s.Name = plait.SpanKindServer, method+" "+route
		s.Attributes = plait.Attributes{
			Text("http.request.method", method), Text("http.route", route),
			Text("url.path", strings.Replace(route, "{id}", fmt.Sprint(g.rare(100_000)), 1)),
			Text("url.scheme", "https"), Number("http.response.status_code", statuses[g.rare(8)]),
			Text("server.address", fmt.Sprintf("shop-%c.svc", 'a'+service)), Number("server.port", 8443),
			Text("client.address", fmt.Sprintf("203.0.%d.%d", g.rare(20), g.rand.IntN(256))),
			Text("user_agent.original", agents[g.rare(3)]), Text("network.protocol.version", "1.1"), Text("user.id", user),
		}
	case 1:
		method, host := methods[g.rare(4)], fmt.Sprintf("shop-%c.svc", 'a'+g.rare(4))
		s.Kind, s.Name = plait.SpanKindClient, method
		s.Attributes = plait.Attributes{
			Text("http.request.method", method), Text("url.full", fmt.Sprintf("http://%s/api/%d", host, g.rare(100_000))),
			Number("http.response.status_code", statuses[g.rare(8)]), Text("server.address", host), Number("server.port", 8080),
			Text("network.peer.address", fmt.Sprintf("10.0.%d.%d", g.rand.IntN(4), g.rand.IntN(60))),
			Text("network.protocol.version", "1.1"), Number("http.request.resend_count", g.rare(3)), Text("user.id", user),
		}
	case 2:
		q := g.rare(len(statements))
		s.Kind, s.Name = plait.SpanKindClient, strings.Fields(statements[q])[0]+" shop"
		s.Attributes = plait.Attributes{
			Text("db.system.name", "postgresql"), Text("db.namespace", fmt.Sprintf("shop-%c", 'a'+service)),
			Text("db.query.text", statements[q]), Number("db.response.returned_rows", g.rare(60)),
			Text("server.address", "postgres-0.svc"), Number("server.port", 5432),
			Text("network.peer.address", fmt.Sprintf("10.0.9.%d", g.rand.IntN(6))),
		}
	case 3:
		s.Kind, s.Name = plait.SpanKindProducer, "send orders"
		s.Attributes = plait.Attributes{
			Text("messaging.system", "kafka"), Text("messaging.destination.name", "orders"), Text("messaging.operation.type", "send"),
			Text("messaging.message.id", fmt.Sprintf("%016x%016x", g.rand.Uint64(), g.rand.Uint64())),
			Number("messaging.message.body.size", 200+g.rand.IntN(3800)), Number("messaging.kafka.offset", g.rand.IntN(10_000_000)),
			Text("messaging.destination.partition.id", fmt.Sprint(g.rand.IntN(12))),
		}
	default:
		function := []string{"validate", "price", "render", "merge", "tax", "serialize"}[g.rare(6)]
		s.Kind, s.Name = plait.SpanKindInternal, function
		s.Attributes = plait.Attributes{
			Text("code.function.name", "shop."+function), Text("code.file.path", "src/"+function+".go"), Number("code.line.number", 20+len(function)),
			Number("thread.id", g.rand.IntN(200)), Text("thread.name", fmt.Sprintf("worker-%d", g.rand.IntN(32))),
			Text("app.cache", []string{"hit", "miss", "bypass"}[g.rare(3)]), Number("app.items", g.rare(40)), Text("user.id", user),
		}
	}
	g.disturb(s)
}

// disturb makes some spans fail, others repeat, and those of hostile senders new in everything.
func (g *Generator) disturb(s *plait.Span) {
	if g.rand.IntN(50) == 0 {
		s.Status, s.StatusMessage = plait.StatusError, "operation failed"
	}
	if g.rand.IntN(8) == 0 {
		s.Events = []plait.Event{{TimeNanos: s.StartNanos + 1000, Name: "retry", Attributes: plait.Attributes{Number("attempt", 1)}}}
	}
	if g.Hostile {
		s.Name += fmt.Sprint(g.rand.Uint64())
		for i := range s.Attributes {
			s.Attributes[i].Value = plait.StringValue(fmt.Sprint(g.rand.Uint64()))
		}
	}
}

// Logs makes a request of so many log records, most of them within traces.
func (g *Generator) Logs(records int) *plait.Logs {
	l := &plait.Logs{Digest: g.digest()}
	var id plait.TraceID
	for i := range records {
		if i%18 == 0 {
			id = g.traceID()
		}
		r := g.rand.IntN(len(g.resources))
		user := fmt.Sprintf("u-%05d", g.rare(50_000))
		record := plait.LogRecord{
			TraceID: id, SpanID: plait.SpanIDFromInt64(int64(g.rand.Uint64()>>1) | 1),
			TimeNanos: g.Now.Add(-time.Duration(g.rand.Float64() * float64(g.Window))).UnixNano(),
			Resource:  g.resources[r], Scope: g.scope, Severity: 9, SeverityText: "INFO",
			Body: plait.StringValue(fmt.Sprintf("handled GET /api/a/{id} for %s in %dus, %d items, cache=hit, size=%d bytes, region=eu-central-1 tier=standard",
				user, g.rand.IntN(100_000), g.rand.IntN(40), g.rand.IntN(65536))),
			Attributes: plait.Attributes{
				Text("logger.name", fmt.Sprintf("shop-%c.handler", 'a'+r/generatedInstances)), Text("user.id", user),
				Number("thread.id", g.rand.IntN(200)), Text("code.function.name", []string{"validate", "price", "render", "merge"}[g.rare(4)]),
			},
		}
		if g.rand.IntN(20) == 0 {
			record.TraceID, record.SpanID, record.Severity, record.SeverityText = plait.TraceID{}, plait.SpanID{}, 17, "ERROR"
		}
		if g.Hostile {
			record.EventName = fmt.Sprint(g.rand.Uint64())
			for i := range record.Attributes {
				record.Attributes[i].Value = plait.StringValue(fmt.Sprint(g.rand.Uint64()))
			}
		}
		l.Records = append(l.Records, record)
	}
	return l
}
