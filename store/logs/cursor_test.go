package logs

import "testing"

func FuzzLogID(f *testing.F) {
	p := logPosition{micros: 1, sub: 2, spanID: 3, content: -4}
	f.Add(p.id())
	f.Add("")
	f.Fuzz(func(t *testing.T, id string) {
		p, err := parseLogID(id)
		if err != nil {
			return
		}
		if again, err := parseLogID(p.id()); err != nil || again != p {
			t.Errorf("%q is %v and then %v, %v", id, p, again, err)
		}
	})
}

func FuzzLogCursor(f *testing.F) {
	c := logCursor{logPosition: logPosition{micros: -1, sub: 2, spanID: 3, content: 4}, skip: 7}
	f.Add(c.String())
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseLogCursor(text)
		if err != nil {
			return
		}
		if again, err := parseLogCursor(c.String()); err != nil || again != c {
			t.Errorf("%q is %v and then %v, %v", text, c, again, err)
		}
	})
}
