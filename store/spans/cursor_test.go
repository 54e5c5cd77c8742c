package spans

import "testing"

func FuzzTraceCursor(f *testing.F) {
	c := traceCursor{startNanos: 1, resume: -2}
	f.Add(c.String())
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseTraceCursor(text)
		if err != nil {
			return
		}
		if again, err := parseTraceCursor(c.String()); err != nil || again != c {
			t.Errorf("%q is %v and then %v, %v", text, c, again, err)
		}
	})
}
