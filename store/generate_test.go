package store

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/plaithq/plait"
)

// Generator makes telemetry of a shop for tests and benchmarks: the same for the same seed.
type Generator struct {
	rand      *rand.Rand
	Now       time.Time
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
			text("service.name", service),
			text("service.version", "2.3."+fmt.Sprint(i%4)),
			text("service.instance.id", fmt.Sprintf("%s-%d", service, i%generatedInstances)),
			text("k8s.pod.name", fmt.Sprintf("%s-7f9c4d-%05d", service, i*7919)),
			text("deployment.environment.name", "production"),
		}})
	}
	return g
}

func text(key, value string) plait.Attribute {
	return plait.Attribute{Key: key, Value: plait.StringValue(value)}
}

func number(key string, value int) plait.Attribute {
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

func (g *Generator) describe(s *plait.Span, service int, user string) {
	switch g.rand.IntN(5) {
	case 0:
		method, route := methods[g.rare(4)], fmt.Sprintf("/api/%c/{id}", 'a'+g.rare(5))
		s.Kind, s.Name = plait.SpanKindServer, method+" "+route
		s.Attributes = plait.Attributes{
			text("http.request.method", method), text("http.route", route),
			text("url.path", strings.Replace(route, "{id}", fmt.Sprint(g.rare(100_000)), 1)),
			text("url.scheme", "https"), number("http.response.status_code", statuses[g.rare(8)]),
			text("server.address", fmt.Sprintf("shop-%c.svc", 'a'+service)), number("server.port", 8443),
			text("client.address", fmt.Sprintf("203.0.%d.%d", g.rare(20), g.rand.IntN(256))),
			text("user_agent.original", agents[g.rare(3)]), text("network.protocol.version", "1.1"), text("user.id", user),
		}
	case 1:
		method, host := methods[g.rare(4)], fmt.Sprintf("shop-%c.svc", 'a'+g.rare(4))
		s.Kind, s.Name = plait.SpanKindClient, method
		s.Attributes = plait.Attributes{
			text("http.request.method", method), text("url.full", fmt.Sprintf("http://%s/api/%d", host, g.rare(100_000))),
			number("http.response.status_code", statuses[g.rare(8)]), text("server.address", host), number("server.port", 8080),
			text("network.peer.address", fmt.Sprintf("10.0.%d.%d", g.rand.IntN(4), g.rand.IntN(60))),
			text("network.protocol.version", "1.1"), number("http.request.resend_count", g.rare(3)), text("user.id", user),
		}
	case 2:
		q := g.rare(len(statements))
		s.Kind, s.Name = plait.SpanKindClient, strings.Fields(statements[q])[0]+" shop"
		s.Attributes = plait.Attributes{
			text("db.system.name", "postgresql"), text("db.namespace", fmt.Sprintf("shop-%c", 'a'+service)),
			text("db.query.text", statements[q]), number("db.response.returned_rows", g.rare(60)),
			text("server.address", "postgres-0.svc"), number("server.port", 5432),
			text("network.peer.address", fmt.Sprintf("10.0.9.%d", g.rand.IntN(6))),
		}
	case 3:
		s.Kind, s.Name = plait.SpanKindProducer, "send orders"
		s.Attributes = plait.Attributes{
			text("messaging.system", "kafka"), text("messaging.destination.name", "orders"), text("messaging.operation.type", "send"),
			text("messaging.message.id", fmt.Sprintf("%016x%016x", g.rand.Uint64(), g.rand.Uint64())),
			number("messaging.message.body.size", 200+g.rand.IntN(3800)), number("messaging.kafka.offset", g.rand.IntN(10_000_000)),
			text("messaging.destination.partition.id", fmt.Sprint(g.rand.IntN(12))),
		}
	default:
		function := []string{"validate", "price", "render", "merge", "tax", "serialize"}[g.rare(6)]
		s.Kind, s.Name = plait.SpanKindInternal, function
		s.Attributes = plait.Attributes{
			text("code.function.name", "shop."+function), text("code.file.path", "src/"+function+".go"), number("code.line.number", 20+len(function)),
			number("thread.id", g.rand.IntN(200)), text("thread.name", fmt.Sprintf("worker-%d", g.rand.IntN(32))),
			text("app.cache", []string{"hit", "miss", "bypass"}[g.rare(3)]), number("app.items", g.rare(40)), text("user.id", user),
		}
	}
	if g.rand.IntN(50) == 0 {
		s.Status, s.StatusMessage = plait.StatusError, "operation failed"
	}
	if g.rand.IntN(8) == 0 {
		s.Events = []plait.Event{{TimeNanos: s.StartNanos + 1000, Name: "retry", Attributes: plait.Attributes{number("attempt", 1)}}}
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
				text("logger.name", fmt.Sprintf("shop-%c.handler", 'a'+r/generatedInstances)), text("user.id", user),
				number("thread.id", g.rand.IntN(200)), text("code.function.name", []string{"validate", "price", "render", "merge"}[g.rare(4)]),
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
