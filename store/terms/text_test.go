package terms

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestFoldJoinsEveryRuneWithItsOtherCases(t *testing.T) {
	t.Parallel()
	for r := rune(1); r <= unicode.MaxRune; r++ {
		f := foldRune(r)
		for _, other := range []rune{unicode.ToLower(r), unicode.ToUpper(r), unicode.ToTitle(r), unicode.SimpleFold(r), f} {
			if foldRune(other) != f {
				t.Errorf("%U folds to %U, its other case %U to %U", r, f, other, foldRune(other))
			}
		}
		if r >= utf8.RuneSelf && f < utf8.RuneSelf && classes[f]&(digit|hexDigit) != 0 {
			t.Errorf("%U folds to a digit", r)
		}
	}
	if got := Fold("ÀK\x00a\xffb"); got != "àk\ufffda\ufffdb" {
		t.Errorf("Fold makes %q", got)
	}
}

func TestTemplateKeepsWordsAndTakesDigitsOut(t *testing.T) {
	t.Parallel()
	s := NewSplitter(testHasher)
	for _, c := range []struct{ body, want string }{
		{"handled GET /api/v1/cart for u-01234 in 12.345ms", "handled GET /api/v#/cart for u-# in #.#ms"},
		{"request_id=3fa9c1d2 zone=eu-central-1b", "request_id=# zone=eu-central-#"},
		{"added a bad cafe", "added a bad cafe"},
		{"id 3fa9c1d2-abcd-4d3e-feed-0123456789ab done", "id #-#-#-#-# done"},
		{"abcd-1234, but abcd-xyz", "#-#, but abcd-xyz"},
		{"x86_64 K9s ７ Größe12", "x#_# K#s ７ Größe#"},
		{"", ""},
	} {
		template, _, whole := s.Split(nil, c.body)
		if got := strings.ReplaceAll(string(template), string(Placeholder), "#"); got != c.want || !whole {
			t.Errorf("%q has template %q, want %q", c.body, got, c.want)
		}
	}
}

// bodies are log records, each of a unit of its own.
type bodies struct {
	t         testing.TB
	w         *world
	texts     []string
	lower     []string // folded
	templates map[string]int
}

func newBodies(t testing.TB) *bodies {
	return &bodies{t: t, w: newWorld(t, 1, ByEnd), templates: map[string]int{}}
}

// commit stores texts, those for which free says so without their template.
func (b *bodies) commit(texts []string, free func(i int) bool) {
	block, splitter := NewBlock(testHasher), NewSplitter(testHasher)
	for i, text := range texts {
		n := len(b.texts)
		b.texts, b.lower = append(b.texts, text), append(b.lower, Fold(text))
		block.Row(traceID(n), int64(n))
		template, runs, whole := splitter.Split(nil, text)
		block.Runs(runs, whole)
		if free(i) {
			block.FreeText(text)
			continue
		}
		class, ok := b.templates[string(template)]
		if !ok {
			class = len(b.templates)
			b.templates[string(template)] = class
		}
		block.ID(Class, int64(class))
	}
	h, err := ParseHead(block.AppendTo(nil))
	if err != nil {
		b.t.Fatal(err)
	}
	b.w.heads = append(b.w.heads, h)
}

func (b *bodies) folded() iter.Seq2[Term, string] {
	return func(yield func(Term, string) bool) {
		for template, class := range b.templates {
			if !yield(testHasher.ID(Class, int64(class)), Fold(template)) {
				return
			}
		}
	}
}

// search returns which of the texts are found.
func (b *bodies) search(needle string) []bool {
	b.t.Helper()
	found := make([]bool, len(b.texts))
	plan := NewNeedle(needle).Plan(testHasher, b.folded())
	for _, u := range b.w.search(Query{Plan: plan, Order: ByEnd, From: math.MinInt64, To: math.MaxInt64}) {
		found[u.From] = true
	}
	return found
}

// check searches, and returns how many texts were found in vain.
func (b *bodies) check(needle string) (wrong int) {
	b.t.Helper()
	found := b.search(needle)
	needle = Fold(needle)
	for i, text := range b.lower {
		switch has := strings.Contains(text, needle); {
		case has && !found[i]:
			b.t.Fatalf("%q has %q and is not found", b.texts[i], needle)
		case found[i] && !has:
			wrong++
		}
	}
	return wrong
}

// randomBody makes a text of what bodies are made of.
func randomBody(r *rand.Rand) string {
	digits := func(set string, n int) string {
		var s strings.Builder
		for range n {
			s.WriteByte(set[r.IntN(len(set))])
		}
		return s.String()
	}
	const hex, decimal = "0123456789abcdef", "0123456789"
	words := []string{"connection", "refused", "bad", "cafe", "added", "to", "User", "größe", "ΣΊΣΥΦΟΣ", "Straße", "İstanbul", "K9", "データベース", "接続", "エラー", "v2beta", "x86_64", "a", "f", "dead-beef"}
	var s strings.Builder
	for range 1 + r.IntN(12) {
		switch r.IntN(9) {
		case 0:
			s.WriteString(digits(decimal, 1+r.IntN(12)))
		case 1:
			s.WriteString(digits(hex, 1+r.IntN(20)))
		case 2:
			fmt.Fprintf(&s, "%s-%s-%s-%s-%s", digits(hex, 8), digits(hex, 4), digits("abcdef", 4), digits(hex, 4), digits(hex, 12))
		case 3:
			s.WriteString(digits(hex, 32))
		case 4:
			s.WriteString(digits("abcxyz01", 1+r.IntN(8)))
		case 5:
			s.WriteString(digits("abcdef", []int{4, 8, 12, 5}[r.IntN(4)]))
		default:
			s.WriteString(words[r.IntN(len(words))])
		}
		s.WriteString([]string{" ", " ", "-", "=", ".", "", "_", "/", "—", "\x01"}[r.IntN(10)])
	}
	return s.String()
}

// randomNeedle cuts a part of a text, in another case.
func randomNeedle(r *rand.Rand, text string) string {
	runes := []rune(text)
	from := r.IntN(len(runes))
	to := from + 1 + r.IntN(min(len(runes)-from, 1+r.IntN(40)))
	needle := string(runes[from:to])
	switch r.IntN(4) {
	case 0:
		return strings.ToUpper(needle)
	case 1:
		return strings.ToLower(needle)
	}
	return needle
}

func TestSearchFindsEveryBodyWithTheText(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	b := newBodies(t)
	for range 12 {
		texts := make([]string, 100)
		for i := range texts {
			texts[i] = randomBody(r)
		}
		b.commit(texts, func(int) bool { return r.IntN(2) == 0 })
	}
	for step := range 4 {
		wrong, all := 0, 0
		for range 200 {
			needle := randomNeedle(r, b.texts[r.IntN(len(b.texts))])
			if len(needle) >= 8 {
				wrong += b.check(needle)
				all += len(b.texts)
			} else {
				b.check(needle)
			}
		}
		if share := float64(wrong) / float64(all); share > 0.15 {
			t.Errorf("texts of eight bytes and more find %.3f of all bodies in vain", share)
		}
		b.w.merge(3, step/2, step == 3)
	}
}

func TestNoNeedleMissesABodyOfFewParts(t *testing.T) {
	t.Parallel()
	parts := []string{"abcd", "g", "12345", "-", "f"}
	bodies := []string{""}
	for from := 0; len(bodies) < 3000; {
		end := len(bodies)
		for _, b := range bodies[from:end] {
			for _, p := range parts {
				bodies = append(bodies, b+p)
			}
		}
		from = end
	}
	r := rand.New(rand.NewPCG(1, 9))
	for _, free := range []bool{false, true} {
		b := newBodies(t)
		b.commit(bodies[1:], func(int) bool { return free })
		for range 25 {
			text := bodies[len(bodies)-1-r.IntN(2000)]
			for range 8 {
				from := r.IntN(len(text))
				b.check(text[from : from+1+r.IntN(len(text)-from)])
			}
		}
	}
}

func TestATemplateTellsWhatItsBodiesCannotHave(t *testing.T) {
	t.Parallel()
	s := NewSplitter(testHasher)
	templateOf := func(body string) string {
		template, _, _ := s.Split(nil, body)
		return Fold(string(template))
	}
	for _, c := range []struct {
		body, needle string
		may          bool
	}{
		{"handled GET /cart for u-17 in 3.5ms", "cart", true},
		{"handled GET /cart for u-17 in 3.5ms", "CART FOR U-99", true}, // another user's, for all that the template tells
		{"handled GET /cart for u-17 in 3.5ms", "checkout", false},
		{"handled GET /cart for u-17 in 3.5ms", "cart 17", false},
		{"Größe 12", "GRÖSSE", false},
		{"Größe 12", "GRÖße", true},
		{"", "a", false},
	} {
		if may := NewNeedle(c.needle).MayBeIn(templateOf(c.body)); may != c.may {
			t.Errorf("%q in bodies like %q: %v", c.needle, c.body, may)
		}
	}
	r := rand.New(rand.NewPCG(5, 6))
	for range 20_000 {
		body := randomBody(r)
		if needle := randomNeedle(r, body); strings.Contains(Fold(body), Fold(needle)) && !NewNeedle(needle).MayBeIn(templateOf(body)) {
			t.Fatalf("%q has %q, which its template does not tell", body, needle)
		}
	}
}

func TestWhatNarrowsASearchForText(t *testing.T) {
	t.Parallel()
	b := newBodies(t)
	var texts []string
	for n := range 2000 {
		texts = append(texts,
			fmt.Sprintf("handled GET /cart for u-%05d in %d.%dms", n, n%7, n),
			fmt.Sprintf("stored order %08x of %s", uint32(n)*2654435761, []string{"Ada", "Grace", "Edsger"}[n%3]),
			fmt.Sprintf("the %s engine ran with %s", []string{"difference", "analytical"}[n%2], []string{"punched cards", "steam"}[n/2%2]))
	}
	texts = append(texts, "one needle in the haystack", "account 123456789 was opened")
	b.commit(texts, func(i int) bool { return i%3 == 2 })
	b.w.merge(1, 0, true)
	for _, c := range []struct {
		needle string
		wrong  int // at most
	}{
		{"needle", 0}, {"eedl", 0}, {"NEEDLE IN", 0}, {"haystack", 0}, // words, parts of words
		{"one needle in the haystack", 0},
		{"u-01234", 0}, {"u-0123", 10}, // digits with what is before them
		{"12345678", 5}, {"456789", 5}, // digits within a number
		{"order 9e3779b1", 0}, {"9e3779b1", 5}, // a hexadecimal number
		{"account 123456789 was", 0},
		{"nowhere", 0}, {"nowhere 12", 0}, {"u-99999", 0}, {"stored order ffffffff of", 0},
		{"analytical engine ran with steam", 0},
		{"grace", 0},
	} {
		if wrong := b.check(c.needle); wrong > c.wrong {
			t.Errorf("%q finds %d bodies in vain, want %d at most", c.needle, wrong, c.wrong)
		}
	}
	for _, needle := range []string{"", "a", "12", "cafe"} {
		b.check(needle)
	}
}

func TestARareNumberIsFoundWithoutAskingForEachTemplateThatMayHaveIt(t *testing.T) {
	t.Parallel()
	b := newBodies(t)
	var texts []string
	for n := range 3000 {
		template := strings.Map(func(r rune) rune { return 'g' + r - '0' }, strconv.Itoa(n%1500))
		texts = append(texts, fmt.Sprintf("%s of user u-%05d, trace %016x%016x, %d left", template, n, uint32(n)*2654435761, n*n, n%10))
	}
	b.commit(texts, func(int) bool { return false })
	b.w.merge(1, 0, false)
	for _, needle := range []string{"u-01234", texts[7][strings.Index(texts[7], "trace ")+6:][:32], "u-99999"} {
		b.w.source.bytes = 0
		if wrong := b.check(needle); wrong > 10 {
			t.Errorf("%q finds %d bodies in vain", needle, wrong)
		}
		if read, all := b.w.source.bytes, len(b.w.source.bodies[b.w.ids]); read > all/4 {
			t.Errorf("%q reads %d bytes of a segment of %d", needle, read, all)
		}
	}
	if wrong := b.check("user u-01234, trace"); wrong > 0 {
		t.Errorf("a number with its words finds %d bodies in vain", wrong)
	}
}

func TestWordsThatHaveNoPlaceAreFound(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	letters := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte('g' + r.IntN(20))
		}
		return string(b)
	}
	b := newBodies(t)
	for range 12 {
		texts := make([]string, 0, 400)
		for range 400 {
			words := make([]string, 60)
			for i := range words {
				words[i] = letters(4 + r.IntN(12))
			}
			texts = append(texts, strings.Join(words, " "))
		}
		texts = append(texts, letters(500), strings.Repeat("many ", 3000), "few words")
		b.commit(texts, func(int) bool { return true })
	}
	needles := func() {
		t.Helper()
		for range 50 {
			text := b.texts[r.IntN(len(b.texts))]
			at := r.IntN(len(text) - 8)
			b.check(text[at : at+8])
		}
		for _, text := range b.texts[400:403] {
			b.check(text[len(text)-6:])
		}
	}
	needles()
	b.w.merge(6, 0, false)
	b.w.merge(6, 0, false)
	needles()
	b.w.merge(0, 2, true)
	needles()
	d := b.w.segments[0].Directory
	if words := d.size - d.wordsAt; words > maxSegmentWords || words < maxSegmentWords/2 {
		t.Errorf("the segment keeps %d bytes of words, want at most %d", words, maxSegmentWords)
	}
	if d.beyond.count == 0 || d.beyond.count == d.units {
		t.Errorf("%d of %d units have text that is not indexed", d.beyond.count, d.units)
	}
}

func FuzzNeedle(f *testing.F) {
	f.Add("user 3fa9c1d2-abcd-4d3e-feed-0123456789ab added 12abcd34 x", "feed-0123", true)
	f.Add("Größe der Datei: 12345678 接続エラー", "größe", false)
	f.Add("u-01234\x01\xff", "01234", true)
	f.Fuzz(func(t *testing.T, body, needle string, free bool) {
		body = strings.ToValidUTF8(strings.ReplaceAll(body, "\x00", "\ufffd"), "\ufffd")
		b := newBodies(t)
		b.commit([]string{body}, func(int) bool { return free })
		b.check(needle)
		for _, part := range []int{3, 5, 8, 20} {
			for at := range body {
				if end := at + part; end <= len(body) && utf8.ValidString(body[at:end]) && at < 100 && at%3 == 0 {
					b.check(body[at:end])
				}
			}
		}
		b.w.merge(1, 0, true)
		b.check(needle)
	})
}

func TestEachTextHasOneSplitWhateverItsCase(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(8, 8))
	for range 2000 {
		text := randomBody(r)
		var raw, folded []string
		pieces(text, func(p piece) { raw = append(raw, fmt.Sprint(p.run, Fold(text[p.from:p.to]))) })
		low := Fold(text)
		pieces(low, func(p piece) { folded = append(folded, fmt.Sprint(p.run, low[p.from:p.to])) })
		if !slices.Equal(raw, folded) {
			t.Fatalf("%q is split into %q, folded into %q", text, raw, folded)
		}
	}
}
