package terms

import (
	"encoding/binary"
	"math/bits"

	"github.com/plaithq/plait"
)

// A segment is a directory and a body. The body has, one after the other:
//
//	shards      for each term its units, in the order of hashes. A shard has some 512 terms, and begins at a byte:
//	            the number of terms, then bits (emit.go)
//	lists       the units of terms that have many, the newest first
//	always      a list: the units that are in every answer
//	beyond      a list: the units with text that is not indexed
//	units       24 bytes each: id, first row, length, both in ticks; in the order that Order says
//	words       the words of free text, sorted, each with a line feed behind it
//
// The directory says where they begin. It is some kilobytes, and whoever searches often keeps it.

// Order is by what the units of an index are ordered.
type Order uint8

const (
	// ByStart is the order of the first row: of traces, which start with it.
	ByStart Order = iota
	// ByEnd is the order of the last row: of log records, the newest of which are asked for.
	ByEnd
)

const (
	segmentVersion = 1
	unitBytes      = 24
	maxHashBits    = 32
	maxShardBits   = 20
	maxUnits       = 1 << 24
	maxBody        = 1 << 30
)

// Segment is what many heads brought, as it is stored. Segments become few by being merged.
type Segment struct {
	// Directory is what ParseDirectory reads, Body what a Source reads parts of.
	Directory, Body []byte
	// Rows and Units are their numbers, From and To the times of the first and last row in
	// microseconds since 1970.
	Rows, Units int
	From, To    int64
}

// Directory says where things are in the body of a segment.
type Directory struct {
	order      Order
	rows       int
	units      int
	from, to   int64 // microseconds since 1970
	shift      int   // a tick is so many doublings of a microsecond
	longest    int64 // microseconds of the longest unit
	terms      int
	hashBits   int
	shardBits  int
	rice       int
	shardAt    []uint32 // where each shard begins, and the last one ends
	listAt     []uint32 // the same of its lists
	always     list
	beyond     list
	unitsAt    int
	wordsAt    int
	size       int
	sampleStep int      // of so many units one stands in samples
	samples    []uint32 // ticks by which these are ordered
}

// list is where some units stand in a body.
type list struct{ at, size, count int }

func (d *Directory) appendTo(dst []byte) []byte {
	unsigned := func(values ...int) {
		for _, v := range values {
			dst = binary.AppendUvarint(dst, uint64(v))
		}
	}
	unsigned(segmentVersion, int(d.order), d.rows, d.units)
	dst = binary.AppendVarint(dst, d.from)
	unsigned(int(d.to-d.from), d.shift, int(d.longest), d.terms, d.hashBits, d.shardBits, d.rice)
	for i := range 1 << d.shardBits {
		unsigned(int(d.shardAt[i+1]-d.shardAt[i]), int(d.listAt[i+1]-d.listAt[i]))
	}
	unsigned(d.always.count, d.always.size, d.beyond.count, d.beyond.size, d.size-d.wordsAt, d.sampleStep, len(d.samples))
	last := uint32(0)
	for _, s := range d.samples {
		unsigned(int(s - last))
		last = s
	}
	return dst
}

// ParseDirectory reads the directory of a segment. It does not keep the bytes.
func ParseDirectory(b []byte) (*Directory, error) {
	r := varints{in: b}
	version := r.unsigned()
	d := &Directory{order: Order(r.size(int(ByEnd))), rows: r.size(1 << 40), units: r.size(maxUnits)}
	d.from = r.signed()
	d.to = d.from + int64(r.unsigned())
	d.shift, d.longest = r.size(62), int64(r.size(1<<62))
	d.terms, d.hashBits, d.shardBits = r.size(1<<32), r.size(maxHashBits), r.size(maxShardBits)
	d.rice = r.size(maxHashBits - 1)
	shards := 1 << d.shardBits
	if r.bad || version != segmentVersion || d.to < d.from || d.hashBits < d.shardBits || 2*shards > len(r.in) {
		return nil, damaged("directory of a segment")
	}
	d.shardAt, d.listAt = make([]uint32, shards+1), make([]uint32, shards+1)
	for i := range shards {
		d.shardAt[i+1] = d.shardAt[i] + uint32(r.size(maxBody-int(d.shardAt[i])))
		d.listAt[i+1] = d.listAt[i] + uint32(r.size(maxBody-int(d.listAt[i])))
	}
	d.always.count, d.always.size = r.size(d.units), r.size(maxBody)
	d.beyond.count, d.beyond.size = r.size(d.units), r.size(maxBody)
	d.place(r.size(maxBody))
	d.sampleStep = r.size(maxUnits)
	samples := r.size(len(r.in))
	if r.bad || d.size > maxBody || d.sampleStep == 0 && samples > 0 || samples > 0 && (samples-1)*d.sampleStep >= d.units {
		return nil, damaged("directory of a segment")
	}
	d.samples = make([]uint32, samples)
	last := 0
	for i := range d.samples {
		last += r.size(1<<32 - 1 - last)
		d.samples[i] = uint32(last)
	}
	if r.bad || len(r.in) > 0 {
		return nil, damaged("directory of a segment")
	}
	return d, nil
}

// place works out where the parts are whose sizes are known.
func (d *Directory) place(words int) {
	at := int(d.shardAt[len(d.shardAt)-1])
	for i := range d.listAt {
		d.listAt[i] += uint32(at)
	}
	d.always.at = int(d.listAt[len(d.listAt)-1])
	d.beyond.at = d.always.at + d.always.size
	d.unitsAt = d.beyond.at + d.beyond.size
	d.wordsAt = d.unitsAt + unitBytes*d.units
	d.size = d.wordsAt + words
}

// Size is what the directory takes in memory, in bytes.
func (d *Directory) Size() int {
	return 256 + 4*(len(d.shardAt)+len(d.listAt)+len(d.samples))
}

// Range returns the times of the first and of the last row, in microseconds since 1970.
func (d *Directory) Range() (from, to int64) { return d.from, d.to }

// Units and Rows are how many the segment has.
func (d *Directory) Units() int { return d.units }

// Rows is the number of rows.
func (d *Directory) Rows() int { return d.rows }

// hash cuts a term to the bits that the segment keeps.
func (d *Directory) hash(t Term) uint32 { return uint32(t) >> (32 - d.hashBits) }

func (d *Directory) shard(t Term) int { return int(uint64(t) >> (32 - d.shardBits)) }

func (d *Directory) shardRange(shard int) (at, size int) {
	return int(d.shardAt[shard]), int(d.shardAt[shard+1] - d.shardAt[shard])
}

// unit reads one from the units of the body.
func (d *Directory) unit(b []byte) Unit {
	from := d.from + int64(binary.LittleEndian.Uint32(b[16:]))<<d.shift
	return Unit{ID: plait.TraceID(b[:16]), From: from, To: from + int64(binary.LittleEndian.Uint32(b[20:]))<<d.shift}
}

func (d *Directory) appendUnit(dst []byte, u *Unit) []byte {
	from := (u.From - d.from) >> d.shift
	to := (u.To - d.from + 1<<d.shift - 1) >> d.shift
	dst = append(dst, u.ID[:]...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(from))
	return binary.LittleEndian.AppendUint32(dst, uint32(to-from))
}

// tickShift is how many doublings of a microsecond a tick needs for a length of time to fit in 31 bits.
func tickShift(micros int64) int { return max(0, bits.Len64(uint64(micros))-31) }

// below returns how many units, of the beginning of the order, may come before a time.
func (d *Directory) below(micros int64) int {
	if micros <= d.from {
		return 0
	}
	tick := (micros - d.from) >> d.shift
	for i, s := range d.samples {
		if int64(s) > tick {
			return i * d.sampleStep
		}
	}
	return d.units
}

// above returns the first unit that may not come before a time.
func (d *Directory) above(micros int64) int {
	if micros <= d.from {
		return 0
	}
	tick := (micros - d.from) >> d.shift
	first := 0
	for i, s := range d.samples {
		if int64(s) < tick {
			first = i * d.sampleStep
		}
	}
	return first
}
