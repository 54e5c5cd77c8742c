// Package terms is the index of what is searched for: from a term, such as an attribute with its value,
// to the units of telemetry that have it. A unit is a trace or, of log records without one, some records
// that were committed together.
//
// A commit collects its terms in a Block while rows are encoded, and stores them as one Head for each
// partition. A Builder merges heads, and later small segments, to a Segment. A Search takes a Plan, which
// says what terms a row must have, and hands out the units that may have such a row, newest first; their
// rows are then read and compared. A search finds every row that fits, and some units without one: terms are hashes,
// and different rows of a unit may have different terms of a condition.
//
// The package is pure: the store writes and reads the bytes, and compares the rows.
package terms

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
)

// Term is what a row has and a search may ask for, cut to 32 bits of a keyed hash. Two of a million
// different terms share their bits with others; to the search it looks as if a unit had both.
type Term uint32

// Space tells kinds of terms apart: the same id or text in two spaces is two terms.
type Space uint8

// The spaces of terms. What a number or text stands for in each is the writer's and the reader's agreement.
const (
	Key                Space = iota // an attribute's key, whatever its value
	Nested                          // an attribute's key, up to a dot, whose value has lists or maps that are not indexed
	AttributeSet                    // the id of an attribute set, for all attributes in it
	Resource                        // the id of a resource
	Operation                       // the id of an operation
	ErrorOperation                  // the id of an operation that failed
	RootOperation                   // the id of an operation without a parent
	OperationDurations              // the id of an operation whose durations are indexed
	SpanName                        // the name of a span whose operation has none
	Class                           // the id of a log class
	Severity                        // a log record's severity number
	freeText                        // a log body without a template
	word                            // of a body without a template
	run                             // of digits in a body
	runStart                        // the first digits of a run
	runPart                         // digits within a run
	longRun                         // a run of which few parts are indexed
	attribute                       // an attribute's key and value
	spaces
)

// Hasher makes terms under a key.
//
// What an attacker can do: who does not know the key cannot find two values with the same term, nor one
// whose term is that of a value of somebody else. Who sends many random values hits a given term with every
// four-billionth. A hit costs a search the reading of one more unit; it never hides one. So a hash of 64
// bits by multiplication is strong enough, where the ids of dictionaries need SHA-256: nobody sees a
// hash, and the time of a search tells next to nothing about single bits.
type Hasher struct {
	spaces [spaces]uint64
	mixes  [4]uint64
}

// NewHasher makes a hasher. All that read and write one index need the same key, a secret of the database.
func NewHasher(key [32]byte) *Hasher {
	h := &Hasher{}
	secret := func(n int) uint64 {
		sum := sha256.Sum256(append(key[:], byte(n)))
		return binary.LittleEndian.Uint64(sum[:])
	}
	for i := range h.spaces {
		h.spaces[i] = secret(i)
	}
	for i := range h.mixes {
		h.mixes[i] = secret(len(h.spaces) + i)
	}
	return h
}

// ID makes the term of an id or number.
func (h *Hasher) ID(space Space, id int64) Term {
	return term(fold(uint64(id)^h.spaces[space], h.mixes[0]))
}

// Text makes the term of a text.
func (h *Hasher) Text(space Space, text string) Term { return term(hashText(h, space, text)) }

// hashText takes 16 bytes at a time; the last ones overlap those before.
func hashText[T string | []byte](h *Hasher, space Space, text T) uint64 {
	sum, n := h.spaces[space], len(text)
	for len(text) > 16 {
		sum = fold(load64(text)^h.mixes[1]^sum, load64(text[8:])^h.mixes[2])
		text = text[16:]
	}
	var a, b uint64
	switch {
	case len(text) >= 8:
		a, b = load64(text), load64(text[len(text)-8:])
	case len(text) >= 4:
		a, b = load32(text), load32(text[len(text)-4:])
	case len(text) > 0:
		a, b = uint64(text[0])|uint64(text[len(text)/2])<<8, uint64(text[len(text)-1])
	}
	sum = fold(a^h.mixes[1]^sum, b^h.mixes[2])
	return fold(sum^uint64(n), h.mixes[3])
}

// fold multiplies to 128 bits and adds the halves without carry.
func fold(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high ^ low
}

func term(hash uint64) Term { return Term(hash >> 32) }

func load64[T string | []byte](b T) uint64 {
	_ = b[7]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

func load32[T string | []byte](b T) uint64 {
	_ = b[3]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24
}
