package spanmetrics

import (
	"slices"
	"strconv"
	"strings"

	"github.com/plaithq/plait"
)

// The attributes in which an instrumentation names the other side itself: as OpenTelemetry spells it, and as it did before.
const (
	servicePeerName = "service.peer.name"
	peerService     = "peer.service"
)

// DatabaseKeys are the attributes that make a client's span a call of a database, the best name of
// one first.
var DatabaseKeys = []string{"db.namespace", "db.name", "db.system.name", "db.system"}

// addressKeys are those by which a client tells where it called, the best first, each with the key
// of the port that belongs to the name. Names of hosts stand without a port, as Tempo has them.
var addressKeys = []addressKey{
	{"server.address", ""},
	{"net.peer.name", ""},
	{"network.peer.address", "network.peer.port"},
	{"net.sock.peer.addr", "net.sock.peer.port"},
	{"net.peer.ip", "net.peer.port"},
}

type addressKey struct{ key, port string }

// messagingSystem names what a producer sent its messages to, where nobody is known to have taken them.
const messagingSystem = "messaging.system"

// PeerKeys are all attributes by which spans name the other side of their call.
var PeerKeys = func() []string {
	keys := slices.Concat([]string{servicePeerName, peerService, messagingSystem}, DatabaseKeys)
	for _, a := range addressKeys {
		keys = append(keys, a.key)
	}
	return keys
}()

// PortKeys are the attributes that complete the name of a peer.
var PortKeys = func() (keys []string) {
	for _, a := range addressKeys {
		if a.port != "" {
			keys = append(keys, a.port)
		}
	}
	return keys
}()

// PeerOf returns what the attributes of a client or producer span call the other side, empty where
// they do not tell, and how it is connected: directly where it may be a service that sends spans.
//
// The order is Tempo's, by which Grafana's users know their databases: the service's name; of a client's
// call of a database its address and then the database's own names, so that two servers which both
// hold a database "postgres" are two nodes; of others the messaging system and then the address.
// The name is clipped.
func PeerOf(kind plait.SpanKind, attributes plait.Attributes) (peer string, c ConnectionType) {
	if kind == plait.SpanKindProducer {
		c = ConnectionMessaging
	}
	var p peerNames
	p.read(attributes)
	if p.database != "" && kind == plait.SpanKindClient {
		return p.first(p.named, p.service, p.address(), p.database), ConnectionDatabase
	}
	return p.first(p.named, p.service, p.system, p.address()), c
}

// CallerOf returns whom a server's or consumer's span names as its caller, by service.peer.name or
// peer.service, empty where it names nobody.
func CallerOf(attributes plait.Attributes) string {
	for _, key := range [...]string{servicePeerName, peerService} {
		if v, ok := attributes.Get(key); ok && v.Kind() == plait.KindString && v.Str() != "" {
			return Clip(v.Str())
		}
	}
	return ""
}

// peerNames are what the attributes of a span say.
type peerNames struct {
	named           string // service.peer.name
	service, system string // peer.service, messaging.system
	database        string // the best of DatabaseKeys
	rank            int    // of database
	addresses       [5]string
	ports           [5]string
}

func (p *peerNames) read(attributes plait.Attributes) {
	for i := range attributes {
		a := &attributes[i]
		if !peerInitial(a.Key) {
			continue
		}
		if a.Value.Kind() == plait.KindString && a.Value.Str() != "" {
			p.take(a.Key, a.Value.Str())
		} else if a.Value.Kind() == plait.KindInt {
			p.takeNumber(a.Key, a.Value.Int())
		}
	}
}

// peerInitial says whether a key may be one of a peer's. Most are not, by their first letter.
func peerInitial(key string) bool {
	if key == "" {
		return false
	}
	switch key[0] {
	case 'p', 'd', 'm', 's', 'n':
		return true
	}
	return false
}

func (p *peerNames) take(key, text string) {
	switch key {
	case servicePeerName:
		p.named = text
	case peerService:
		p.service = text
	case messagingSystem:
		p.system = text
	case "db.namespace", "db.name", "db.system.name", "db.system":
		if rank := slices.Index(DatabaseKeys, key); p.database == "" || rank < p.rank {
			p.database, p.rank = text, rank
		}
	case "server.address", "net.peer.name", "network.peer.address", "net.sock.peer.addr", "net.peer.ip":
		p.addresses[slices.IndexFunc(addressKeys, func(a addressKey) bool { return a.key == key })] = text
	default:
		p.takePort(key, text)
	}
}

func (p *peerNames) takePort(key, text string) {
	switch key {
	case "network.peer.port", "net.sock.peer.port", "net.peer.port":
		p.ports[slices.IndexFunc(addressKeys, func(a addressKey) bool { return a.port == key })] = text
	}
}

func (p *peerNames) takeNumber(key string, n int64) {
	if strings.HasSuffix(key, ".port") {
		p.takePort(key, strconv.FormatInt(n, 10))
	}
}

// address is the best address, with its port if it is a number's.
func (p *peerNames) address() string {
	for i, address := range p.addresses {
		switch {
		case address == "":
		case p.ports[i] == "" || p.ports[i] == "0":
			return address
		default:
			return Clip(address) + ":" + Clip(p.ports[i])
		}
	}
	return ""
}

func (*peerNames) first(names ...string) string {
	for _, name := range names {
		if name != "" {
			return Clip(name)
		}
	}
	return ""
}
