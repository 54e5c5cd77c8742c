package spanmetrics

// Edge is an edge of the service graph: who calls whom, and over what. The names and connection
// types are those of Tempo's service graph. Which spans are a call is said in pairing.go.
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

// UserNode is the client of calls from outside, by whom nobody knows.
const UserNode = "user"

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

// OutsideEdge is the edge of a call from outside: of whom CallerOf told, or of the user.
func OutsideEdge(caller, server string) Edge {
	if caller == "" {
		caller = UserNode
	}
	return Edge{Client: caller, Server: server, ConnectionType: ConnectionVirtualNode}
}
