package dictionary

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/maphash"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait"
)

// Content ids.
//
// The id of a dictionary entry is 64 bits of SHA-256 over a secret of the database and the
// content. All gateways of a database come to the same id, and nobody who only sends telemetry
// can make a content that has the id of somebody else's.
//
// That hash is worked out once for an entry. What a gateway has written it finds again by two
// hashes of the runtime, whose seeds differ with every start: a twentieth of the work.
//
// Entries that an earlier version wrote, under ids of another hash, stay until nothing refers to
// them; their contents get a second entry.

// Key is the secret of a database.
type Key []byte

const contentKeyBytes = 32

const (
	makeContentKeySQL = `INSERT INTO plait_store.content_key (one, key) VALUES (true, $1) ON CONFLICT (one) DO NOTHING`
	readContentKeySQL = `SELECT key FROM plait_store.content_key`
)

// ReadKey returns the secret of the database, and makes one if there is none.
func ReadKey(ctx context.Context, pool *pgxpool.Pool) (key Key, err error) {
	fresh := make([]byte, contentKeyBytes)
	_, _ = rand.Read(fresh) // never fails
	if _, err := pool.Exec(ctx, makeContentKeySQL, fresh); err != nil {
		return nil, fmt.Errorf("make the key of content ids: %w", err)
	}
	if err := pool.QueryRow(ctx, readContentKeySQL).Scan(&key); err != nil {
		return nil, fmt.Errorf("read the key of content ids: %w", err)
	}
	return key, nil
}

// DigestKey is a secret for the digests of requests.
func (k Key) DigestKey() [32]byte {
	return sha256.Sum256(append([]byte("request digests of "), k...))
}

// IndexKey is a secret for the term index of the database.
func (k Key) IndexKey() [32]byte {
	return sha256.Sum256(append([]byte("term index of "), k...))
}

// contentIDs makes the ids of one dictionary.
type contentIDs struct {
	prefix  []byte // the key and the dictionary's name
	scratch []byte
}

func newContentIDs(key Key, dictionary string) contentIDs {
	return contentIDs{prefix: append(Canonical(key[:len(key):len(key)]).Text(dictionary), 0)}
}

// of returns an id of a content given in a canonical form, the first or, when that stands for
// another content, a later one. It is never 0.
func (c *contentIDs) of(content []byte, n skipped) int64 {
	c.scratch = append(append(c.scratch[:0], c.prefix...), content...)
	c.scratch[len(c.prefix)-1] = byte(n)
	sum := sha256.Sum256(c.scratch)
	if id := int64(binary.BigEndian.Uint64(sum[:])); id != 0 {
		return id
	}
	return 1
}

// contentHash names a content within this process.
type contentHash [2]uint64

// contentSeeds differ with every start, so nobody can prepare contents that collide.
var contentSeeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

func hashContent(content []byte) contentHash {
	return contentHash{maphash.Bytes(contentSeeds[0], content), maphash.Bytes(contentSeeds[1], content)}
}

// Canonical builds the form of a content that is hashed: every part with its length or in
// a fixed width, so that different contents have different forms.
type Canonical []byte

// Text appends a string.
func (c Canonical) Text(s string) Canonical {
	c = binary.AppendUvarint(c, uint64(len(s)))
	return append(c, s...)
}

// Number appends an integer.
func (c Canonical) Number(v int64) Canonical {
	return binary.LittleEndian.AppendUint64(c, uint64(v))
}

func (c Canonical) value(v plait.Value) Canonical {
	c = append(c, byte(v.Kind()))
	switch v.Kind() {
	case plait.KindBool, plait.KindInt, plait.KindDouble:
		return c.Number(v.Int()) // the bits, whatever they mean
	}
	return c.Text(v.Str())
}

func (c Canonical) attributes(attributes plait.Attributes) Canonical {
	c = binary.AppendUvarint(c, uint64(len(attributes)))
	for i := range attributes {
		c = c.Text(attributes[i].Key).value(attributes[i].Value)
	}
	return c
}
