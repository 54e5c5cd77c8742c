package store

import (
	"slices"

	"github.com/plaithq/plait"
)

// The connection types, as Tempo's service graph has them.
const (
	connectionDatabase  = "database"
	connectionMessaging = "messaging_system"
)

// The attributes by which a client tells whom it calls, the most telling first, in the names
// of today's semantic conventions and of those before.
var (
	peerServiceKeys   = []string{"peer.service"}
	databaseKeys      = []string{"db.system.name", "db.system"}
	databaseNameKeys  = []string{"db.namespace", "db.name"}
	messagingKeys     = []string{"messaging.system"}
	destinationKeys   = []string{"messaging.destination.name", "messaging.destination"}
	serverAddressKeys = []string{"server.address", "net.peer.name", "http.host"}

	peerKeys = slices.Concat(peerServiceKeys, databaseKeys, databaseNameKeys, messagingKeys, destinationKeys, serverAddressKeys)
)

// peerOf names what a client or producer span called when nobody answered, and how it is
// connected. The name is empty when the attributes do not tell.
func peerOf(producer bool, attributes plait.Attributes) (name, connectionType string) {
	first := func(lists ...[]string) string {
		for _, keys := range lists {
			for _, key := range keys {
				if v, ok := attributes.Get(key); ok && v.Text() != "" {
					return v.Text()
				}
			}
		}
		return ""
	}
	switch {
	case first(databaseKeys, databaseNameKeys) != "":
		return first(peerServiceKeys, databaseNameKeys, serverAddressKeys, databaseKeys), connectionDatabase
	case producer || first(messagingKeys) != "":
		return first(peerServiceKeys, destinationKeys, messagingKeys, serverAddressKeys), connectionMessaging
	}
	return first(peerServiceKeys, serverAddressKeys), ""
}
