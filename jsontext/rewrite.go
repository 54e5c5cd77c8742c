package jsontext

// Rewrite returns the text with other keys and scalars, and all else as it was. edit gets a key as it is
// written between its quotes, and the value behind it as it is written: a string with its quotes, a number or
// a word, or nothing for an object or array. It returns what to write in their places. The key of an array's
// items is empty, and what is returned for it is ignored. Rewrite checks nothing: it makes JSON of JSON if edit does.
func Rewrite(text string, edit func(key, value string) (newKey, newValue string)) []byte {
	w := rewriter{Scanner: Scanner{Text: text}, out: make([]byte, 0, len(text)+len(text)/16)}
	for w.Pos < len(text) {
		switch w.Next() {
		case '{', '}', '[', ']', ',', ':', 0:
		case '"':
			w.text(edit)
		default:
			start := w.Pos - 1
			_, value := edit("", w.Bare())
			w.replace(start, w.Pos, value)
		}
	}
	return append(w.out, text[w.copied:]...)
}

type rewriter struct {
	Scanner
	out    []byte
	copied int // of the text
}

// replace writes what lies before from, and a text in place of what lies between.
func (w *rewriter) replace(from, to int, by string) {
	w.out = append(append(w.out, w.Text[w.copied:from]...), by...)
	w.copied = to
}

// text edits a string whose opening quote was passed: an item, or a key with its value.
func (w *rewriter) text(edit func(key, value string) (newKey, newValue string)) {
	start := w.Pos - 1
	key, ok := w.Quoted()
	if !ok {
		return
	}
	end := w.Pos
	if w.Next() != ':' {
		w.Pos = end
		_, value := edit("", w.Text[start:end])
		w.replace(start, end, value)
		return
	}
	w.Space()
	begin := w.Pos
	switch w.Peek() {
	case '{', '[', '}', ']', ',', ':':
	case '"':
		w.Pos++
		if _, ok := w.Quoted(); !ok {
			return
		}
	default:
		w.Bare()
	}
	newKey, value := edit(key, w.Text[begin:w.Pos])
	w.replace(start+1, end-1, newKey)
	if begin < w.Pos {
		w.replace(begin, w.Pos, value)
	}
}
