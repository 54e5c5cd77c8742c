package counts

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"github.com/plaithq/plait"
)

// Increments adds up increments of counters and histograms. It belongs to one goroutine.
type Increments struct {
	families map[string]int // numbers, by the text of their labels
	labels   []plait.Labels // of each family
	cells    map[incrementKey]*plait.Increment
}

// incrementKey is what increments have in common that are added up.
type incrementKey struct {
	step   int64
	family int
}

// NewIncrements counts from nothing.
func NewIncrements() *Increments {
	return &Increments{families: map[string]int{}, cells: map[incrementKey]*plait.Increment{}}
}

// Reset forgets all.
func (n *Increments) Reset() {
	clear(n.families)
	clear(n.cells)
	n.labels = nil
}

// Len is the number of cells, each of which takes some 300 bytes of memory.
func (n *Increments) Len() int { return len(n.cells) }

// Include adds an increment, and keeps its labels.
func (n *Increments) Include(inc *plait.Increment) { n.include(n.family(inc.Labels), inc) }

func (n *Increments) family(labels plait.Labels) int {
	text := LabelText(labels)
	number, ok := n.families[text]
	if !ok {
		number = len(n.labels)
		n.families[text] = number
		n.labels = append(n.labels, labels)
	}
	return number
}

func (n *Increments) include(family int, inc *plait.Increment) {
	key := incrementKey{inc.Step, family}
	cell := n.cells[key]
	if cell == nil {
		cell = &plait.Increment{Labels: n.labels[family], Step: inc.Step}
		n.cells[key] = cell
	}
	cell.Add(inc)
}

// LabelText tells label sets apart that are sorted.
func LabelText(labels plait.Labels) string {
	var text strings.Builder
	for _, l := range labels {
		text.WriteString(l.Name)
		text.WriteByte(0xff) // which no UTF-8 has
		text.WriteString(l.Value)
		text.WriteByte(0xff)
	}
	return text.String()
}

// Merge adds what AppendTo wrote, or nothing if it is damaged.
func (n *Increments) Merge(b []byte) error {
	if err := ReadIncrements(b, nil, func(int, *plait.Increment) bool { return true }); err != nil {
		return err
	}
	return ReadIncrements(b, n.family, func(family int, inc *plait.Increment) bool {
		n.include(family, inc)
		return true
	})
}

// AppendTo appends the cells, by step: what ReadIncrements reads. A cell of one measurement takes some 20 bytes.
func (n *Increments) AppendTo(dst []byte) []byte {
	keys := make([]incrementKey, 0, len(n.cells))
	var bounds []float64
	for key, cell := range n.cells {
		keys = append(keys, key)
		for _, b := range cell.Bounded {
			if at, ok := slices.BinarySearch(bounds, b.Upper); !ok {
				bounds = slices.Insert(bounds, at, b.Upper)
			}
		}
	}
	slices.SortFunc(keys, func(a, b incrementKey) int {
		return cmp.Or(cmp.Compare(a.step, b.step), cmp.Compare(a.family, b.family))
	})
	dst = appendFamilies(append(dst, version), n.labels)
	dst = binary.AppendUvarint(dst, uint64(len(bounds)))
	for _, upper := range bounds {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(upper))
	}
	dst = binary.AppendUvarint(dst, uint64(len(keys)))
	var at minutes // which are steps here
	for _, key := range keys {
		dst = binary.AppendUvarint(at.appendTo(dst, key.step), uint64(key.family))
		dst = appendIncrement(dst, bounds, n.cells[key])
	}
	return dst
}

// appendFamilies appends label sets, with each text once.
func appendFamilies(dst []byte, families []plait.Labels) []byte {
	numbers := map[string]uint64{}
	var texts []string
	number := func(text string) uint64 {
		at, ok := numbers[text]
		if !ok {
			at = uint64(len(texts))
			numbers[text] = at
			texts = append(texts, text)
		}
		return at
	}
	var sets []byte
	for _, labels := range families {
		sets = binary.AppendUvarint(sets, uint64(len(labels)))
		for _, l := range labels {
			sets = binary.AppendUvarint(binary.AppendUvarint(sets, number(l.Name)), number(l.Value))
		}
	}
	dst = binary.AppendUvarint(dst, uint64(len(texts)))
	for _, text := range texts {
		dst = append(binary.AppendUvarint(dst, uint64(len(text))), text...)
	}
	return append(binary.AppendUvarint(dst, uint64(len(families))), sets...)
}

// appendIncrement appends a cell without its key. Of a counter's it appends the count, and that there are no buckets.
func appendIncrement(dst []byte, bounds []float64, inc *plait.Increment) []byte {
	dst = binary.AppendUvarint(binary.AppendUvarint(dst, uint64(inc.Count)), uint64(len(inc.Bounded)))
	if len(inc.Bounded) == 0 {
		return dst
	}
	for _, b := range inc.Bounded {
		at, _ := slices.BinarySearch(bounds, b.Upper)
		dst = binary.AppendUvarint(binary.AppendUvarint(dst, uint64(at)), uint64(b.Count))
	}
	dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(inc.Sum))
	dst = binary.AppendUvarint(binary.AppendUvarint(dst, uint64(inc.Zero)), uint64(len(inc.Exponential)))
	for _, b := range inc.Exponential {
		dst = binary.AppendUvarint(binary.AppendVarint(dst, int64(b.Index)), uint64(b.Count))
	}
	return dst
}

// ReadIncrements yields the cells that AppendTo wrote, by step, until yield returns false. A cell is valid until the next one.
// Families are told to choose first, where it is not nil: cells come with the number that it returned, those of one below zero not at all.
// It returns ErrDamaged for other bytes, maybe after some cells.
func ReadIncrements(b []byte, choose func(plait.Labels) int, yield func(family int, inc *plait.Increment) bool) error {
	r := reader{in: b}
	v := r.unsigned()
	families := r.families()
	if r.bad || v != version {
		return ErrDamaged
	}
	chosen := make([]int, len(families))
	for i := range families {
		if chosen[i] = i; choose != nil {
			chosen[i] = choose(families[i])
		}
	}
	bounds := make([]float64, r.number(int64(len(r.in)/8)))
	for i := range bounds {
		if bounds[i] = r.float(); i > 0 && bounds[i] <= bounds[i-1] || math.IsNaN(bounds[i]) {
			return ErrDamaged
		}
	}
	var at minutes
	var inc plait.Increment
	for n := r.number(int64(len(r.in))); n > 0; n-- {
		inc.Step = at.read(&r)
		family := r.number(int64(len(families)) - 1)
		r.increment(bounds, &inc)
		if r.bad {
			return ErrDamaged
		}
		if chosen[family] < 0 {
			continue
		}
		inc.Labels = families[family]
		if !yield(chosen[family], &inc) {
			return nil
		}
	}
	if r.bad || len(r.in) > 0 {
		return ErrDamaged
	}
	return nil
}

func (r *reader) families() []plait.Labels {
	texts := make([]string, r.number(int64(len(r.in))))
	for i := range texts {
		size := r.unsigned()
		if size > uint64(len(r.in)) {
			r.fail()
			return nil
		}
		texts[i] = string(r.in[:size])
		r.in = r.in[size:]
	}
	text := func() string {
		n := r.number(int64(len(texts)) - 1)
		if r.bad {
			return ""
		}
		return texts[n]
	}
	families := make([]plait.Labels, r.number(int64(len(r.in))))
	for i := range families {
		families[i] = make(plait.Labels, r.number(int64(len(r.in)/2)))
		for j := range families[i] {
			families[i][j] = plait.Label{Name: text(), Value: text()}
		}
	}
	return families
}

func (r *reader) increment(bounds []float64, inc *plait.Increment) {
	const most = 1<<63 - 1
	*inc = plait.Increment{Step: inc.Step, Count: r.number(most), Bounded: inc.Bounded[:0], Exponential: inc.Exponential[:0]}
	n := r.number(int64(len(bounds)))
	if n == 0 {
		return
	}
	for range n {
		at, count := r.number(int64(len(bounds))-1), r.number(inc.Count)
		if r.bad {
			return
		}
		inc.Bounded = append(inc.Bounded, plait.BoundCount{Upper: bounds[at], Count: count})
	}
	inc.Sum, inc.Zero = r.float(), r.number(inc.Count)
	for n := r.number(int64(len(r.in))); n > 0; n-- {
		inc.Exponential = append(inc.Exponential, plait.ExponentialCount{Index: int(r.signed()), Count: r.number(inc.Count)})
	}
}

func (r *reader) float() float64 {
	if len(r.in) < 8 {
		r.fail()
		return 0
	}
	bits := binary.LittleEndian.Uint64(r.in)
	r.in = r.in[8:]
	return math.Float64frombits(bits)
}
