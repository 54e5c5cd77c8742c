package correlate

import (
	"slices"
	"strconv"

	"github.com/plaithq/plait/query"
)

// peerPorts are keys of the port at the other end of a connection. Seen by a server it is one that the client's
// system took for this connection. Those who share it come one after the other, as the requests of a slow
// time do, so it would tell a box apart and yet name nothing.
var peerPorts = []string{"client.port", "network.peer.port", "net.sock.peer.port", "net.peer.port"}

// firstPort is the lowest port that systems take for connections: Linux's, the others begin higher.
const firstPort = 32768

func isConnection(v *query.HeldValue) bool {
	port, err := strconv.Atoi(v.Value)
	return err == nil && port >= firstPort && slices.Contains(peerPorts, v.Key)
}

// verdicts are keys of what only says that a request failed, and how that was answered. Beside requests that did not fail they
// would stand before what failed requests have in common, and name nothing.
var verdicts = []string{
	"error", "error.type", "exception.type", "otel.status_code", "http.response.status_code", "http.status_code", "http.response.body.size",
	"http.response_content_length", "http.response.header.content-length", "rpc.grpc.status_code", "rpc.response.status_code", "db.response.status_code",
}

func isVerdict(v *query.HeldValue) bool { return slices.Contains(verdicts, v.Key) }

// leaveOut takes out values, in place, and names their keys.
func leaveOut(held []query.HeldValue, is func(*query.HeldValue) bool) (rest []query.HeldValue, keys []string) {
	rest = slices.DeleteFunc(held, func(v query.HeldValue) bool {
		if is(&v) {
			keys = append(keys, v.Key)
			return true
		}
		return false
	})
	slices.Sort(keys)
	return rest, slices.Compact(keys)
}
