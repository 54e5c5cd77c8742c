package ingest

import (
	"crypto/aes"
	"crypto/cipher"

	"github.com/plaithq/plait"
)

// digester names requests, so that one which its sender repeats is stored once. It hashes by GMAC,
// under a key that all gateways of a database share: a twentieth of the time of SHA-256 where the
// processor has AES, and nobody can prepare a request that passes for one of somebody else's.
type digester struct{ gcm cipher.AEAD }

func newDigester(key [32]byte) (digester, error) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return digester{}, err
	}
	gcm, err := cipher.NewGCM(block)
	return digester{gcm}, err
}

// of returns the digest of a decompressed request. The signal is part of it: the same bytes may be
// a valid request for each of them. A nonce is used again and again, which gives the key away only
// to whoever sees digests.
func (d digester) of(signal string, body []byte) (digest plait.Digest) {
	var nonce [12]byte
	copy(nonce[:], signal)
	d.gcm.Seal(digest[:0], nonce[:], nil, body)
	return digest
}

// splitTimeless moves the log records that carry no time of their own to a batch without a digest.
// They are events at their arrival: a second one that says the same is another event and no retry.
// It has to be asked before their times are filled in.
//
// Nothing else is like them. A span without times is one span however often it is sent, since it has
// its ids; a sample without a time is none.
func splitTimeless(b *plait.Logs) (timeless *plait.Logs) {
	n := 0
	for i := range b.Records {
		if isTimeless(&b.Records[i]) {
			n++
		}
	}
	switch n {
	case 0:
		return nil
	case len(b.Records):
		b.Digest = plait.Digest{}
		return nil
	}
	timed := make([]plait.LogRecord, 0, len(b.Records)-n)
	timeless = &plait.Logs{Records: make([]plait.LogRecord, 0, n)}
	for _, r := range b.Records {
		if isTimeless(&r) {
			timeless.Records = append(timeless.Records, r)
		} else {
			timed = append(timed, r)
		}
	}
	b.Records = timed
	return timeless
}

// isTimeless says whether a record has neither a time nor one at which a collector saw it.
func isTimeless(r *plait.LogRecord) bool { return r.TimeNanos == 0 && r.ObservedNanos == 0 }
