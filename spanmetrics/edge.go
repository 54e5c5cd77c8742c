package spanmetrics

import (
	"slices"

	"github.com/plaithq/plait"
)

// Edge is an edge of the service graph: who calls whom, and over what. What makes an edge is said
// here and nowhere else, for three that must agree on it: the metrics that count spans as they come
// in, the service map that joins stored ones, and the pivots that lead from one to the other.
//
//   - A call has two sides: a client or producer span, and the server or consumer span that
//     answers it. They find each other by the id that both carry (B3), by the answering span's
//     parent, or, where a consumer has none, by its first link. AnsweredEdge names their edge.
//   - A server or consumer span whose parent is no client but a span of another service answers that
//     one. (The metrics know nothing of such parents, so they count no such calls.)
//   - A call of which only the client's side is known is one of what its attributes name, if they
//     name anything: UnansweredEdge. Calls of databases are always of this kind.
//   - A server span without a parent was called from outside: UserEdge.
//
// The names are those of Tempo's service graph.
type Edge struct {
	Client, Server string
	ConnectionType ConnectionType
}

// ConnectionType says what connects the ends of an edge.
type ConnectionType uint8

// The connection types.
const (
	ConnectionDirect      ConnectionType = iota // both sides sent spans
	ConnectionVirtualNode                       // one side is known by the other's word only
	ConnectionMessaging
	ConnectionDatabase
)

var connectionNames = [...]string{"", "virtual_node", "messaging_system", "database"}

// String returns the value of the label connection_type.
func (c ConnectionType) String() string { return connectionNames[c] }

// UserNode is the client of calls from outside.
const UserNode = "user"

// DatabaseKeys are the attributes that only calls of databases have, the best name of one first.
var DatabaseKeys = []string{"db.name", "db.namespace", "db.system", "db.system.name"}

// PeerKeys are the attributes by which a client names whom it calls, the best first.
var PeerKeys = slices.Concat([]string{"peer.service"}, DatabaseKeys,
	[]string{"messaging.system", "server.address", "net.peer.name", "network.peer.address"})

// PeerOf returns what the attributes of a client or producer span call the other side, empty where
// they do not tell, and how it is connected: directly where it may be a service that sends spans.
func PeerOf(kind plait.SpanKind, attributes plait.Attributes) (peer string, c ConnectionType) {
	if kind == plait.SpanKindProducer {
		c = ConnectionMessaging
	}
	best := len(PeerKeys)
	for i := range attributes {
		a := &attributes[i]
		if !peerInitial(a.Key) || a.Value.Kind() != plait.KindString || a.Value.Str() == "" {
			continue
		}
		rank := slices.Index(PeerKeys, a.Key)
		if rank < 0 {
			continue
		}
		if slices.Contains(DatabaseKeys, a.Key) {
			c = ConnectionDatabase
		}
		if rank <= best {
			best, peer = rank, a.Value.Str()
		}
	}
	return peer, c
}

// peerInitial says whether a key may be in PeerKeys. Most are not, by their first letter.
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

// AnsweredEdge is the edge of a call between two services that sent its spans. It is one of
// messages where the client's span is a producer's or the server's a consumer's.
func AnsweredEdge(client, server string, messages bool) Edge {
	e := Edge{Client: client, Server: server}
	if messages {
		e.ConnectionType = ConnectionMessaging
	}
	return e
}

// UnansweredEdge is the edge of a call of what PeerOf told. There is none when that is nothing.
func UnansweredEdge(client, peer string, c ConnectionType) (Edge, bool) {
	return Edge{Client: client, Server: peer, ConnectionType: max(c, ConnectionVirtualNode)}, peer != ""
}

// UserEdge is the edge of a call from outside.
func UserEdge(server string) Edge {
	return Edge{Client: UserNode, Server: server, ConnectionType: ConnectionVirtualNode}
}
