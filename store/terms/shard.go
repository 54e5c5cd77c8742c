package terms

import "encoding/binary"

// shardReader reads the terms of a shard, in the order of their hashes.
type shardReader struct {
	d      *Directory
	r      bitReader
	left   int
	number int    // of the shard
	hash   uint64 // of the current term, as many bits as the segment keeps
	kind   int
	units  []uint32 // of the current term, when they stand in the shard: the newest first
	count  int      // of its units
	listAt int      // of those that stand apart: where in the body
	size   int      // and how many bytes
	err    error

	room [maxFew]uint32
}

func (d *Directory) openShard(number int, data []byte) (*shardReader, error) {
	s := &shardReader{d: d, number: number, listAt: int(d.listAt[number]), hash: uint64(number) << (d.hashBits - d.shardBits)}
	if len(data) == 0 {
		return s, nil
	}
	terms, n := binary.Uvarint(data)
	if n <= 0 || terms > uint64(8*len(data)) {
		return nil, damaged("shard")
	}
	s.left, s.r.in = int(terms), data[n:]
	return s, nil
}

// next reads the next term. At the end it returns false, and with damaged bytes, with err.
func (s *shardReader) next() bool {
	if s.left == 0 {
		return false
	}
	s.left--
	s.listAt, s.size = s.listAt+s.size, 0
	s.hash += s.r.rice(s.d.rice)
	switch {
	case s.r.read(1) == 0:
		s.kind, s.count = kindOne, 1
		s.room[0] = uint32(s.r.read(s.d.unitBits()))
		s.units = s.room[:1]
	case s.r.read(1) == 0:
		s.kind, s.count = kindFew, int(s.r.rice(fewBits))+2
		if s.count <= maxFew {
			s.few()
		}
	default:
		s.kind = kindList
		if s.r.read(1) == 1 {
			s.kind = kindDurations
		}
		s.units = nil
		s.count, s.size = int(s.r.number()), int(s.r.number())
	}
	if s.bad() {
		s.err, s.left = damaged("shard"), 0
		return false
	}
	return true
}

func (s *shardReader) few() {
	k := riceBits(s.d.units, s.count)
	s.units = s.room[:s.count]
	u := int64(s.d.units)
	for i := range s.units {
		u -= int64(s.r.rice(k)) + 1
		s.units[i] = uint32(max(u, -1)) // beyond all units when damaged
	}
}

func (s *shardReader) bad() bool {
	if s.r.short() || s.hash>>(s.d.hashBits-s.d.shardBits) != uint64(s.number) || s.count > s.d.units ||
		s.listAt+s.size > int(s.d.listAt[s.number+1]) || s.kind == kindFew && s.count > maxFew {
		return true
	}
	for _, u := range s.units {
		if int(u) >= s.d.units {
			return true
		}
	}
	return false
}

// listReader reads the units of a list, the newest first. It may have only the beginning of the bytes.
type listReader struct {
	r      bitReader
	bits   int // Rice parameter
	extra  int // bits that follow each unit
	unit   int // that was read last
	left   int
	detail uint8 // the extra bits of the unit
}

func (d *Directory) openList(l octaveList, data []byte, extra int) *listReader {
	return &listReader{r: bitReader{in: data}, bits: riceBits(d.units, l.count), extra: extra, unit: d.units, left: l.count}
}

// next returns the next unit, or -1 at the end, and when the bytes end before: then left says how many units
// are missing.
func (l *listReader) next() int {
	if l.left == 0 {
		return -1
	}
	before := l.r.pos
	gap := int(l.r.rice(l.bits)) + 1
	if l.extra > 0 {
		l.detail = uint8(l.r.read(l.extra))
	}
	if l.r.short() || gap > l.unit {
		l.r.pos = before
		return -1
	}
	l.unit -= gap
	l.left--
	return l.unit
}

// wholeList reads a list of which all bytes are there.
func (d *Directory) wholeList(data []byte, count int) ([]uint32, error) {
	if count > 8*len(data) {
		return nil, damaged("list")
	}
	units := make([]uint32, 0, count)
	l := d.openList(octaveList{list: list{count: count}}, data, 0)
	for u := l.next(); u >= 0; u = l.next() {
		units = append(units, uint32(u))
	}
	if l.left > 0 {
		return nil, damaged("list")
	}
	return units, nil
}

// octaveBits tell the quarters of an octave apart.
const octaveBits = 2

// octaveList is a list of durations of one octave.
type octaveList struct {
	list
	octave uint8
}

// operationDurations say where the durations of an operation are.
type operationDurations struct {
	total   int
	floor   uint8
	octaves []octaveList // the longest first; where each is, counted from the beginning
}

// openDurations reads the beginning of what stands of an operation's durations.
func (d *Directory) openDurations(data []byte) (o operationDurations, err error) {
	r := bitReader{in: data}
	o.total, o.floor = int(r.number()), uint8(r.number())
	octaves := int(r.number())
	if octaves > 64 {
		return o, damaged("durations")
	}
	for range octaves {
		octave := uint8(r.number()) & 63
		o.octaves = append(o.octaves, octaveList{list{count: int(r.number()), size: int(r.number())}, octave})
	}
	if r.short() {
		return o, damaged("durations")
	}
	at := (r.pos + 7) / 8
	for i := range o.octaves {
		l := &o.octaves[i]
		if l.count > d.units || l.size > maxBody || l.count > 8*l.size {
			return o, damaged("durations")
		}
		l.at = at
		at += l.size
	}
	return o, nil
}
