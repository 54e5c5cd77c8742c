package ingest

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"

	"github.com/plaithq/plait"
)

// digestOf hashes a decompressed request, so that one which its sender repeats is stored once.
// The signal is part of it: the same bytes may be a valid request for each of them. Two 64-bit
// hashes with seeds of their own make up the 128 bits; on a sender's bytes they take a twentieth
// of the time of SHA-256.
func digestOf(signal string, body []byte) plait.Digest {
	var d plait.Digest
	seed := xxhash.Sum64String(signal)
	for i := range 2 {
		var h xxhash.Digest
		h.ResetWithSeed(seed + uint64(i))
		_, _ = h.Write(body) // never fails
		binary.BigEndian.PutUint64(d[8*i:], h.Sum64())
	}
	return d
}
