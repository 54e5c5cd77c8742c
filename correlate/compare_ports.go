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

// withoutPorts takes out ports of connections, in place, and names their keys.
func withoutPorts(held []query.HeldValue) (rest []query.HeldValue, keys []string) {
	rest = slices.DeleteFunc(held, func(v query.HeldValue) bool {
		if !slices.Contains(peerPorts, v.Key) {
			return false
		}
		port, err := strconv.Atoi(v.Value)
		if err != nil || port < firstPort {
			return false
		}
		keys = append(keys, v.Key)
		return true
	})
	slices.Sort(keys)
	return rest, slices.Compact(keys)
}
