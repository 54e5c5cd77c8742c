package commit

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgerrcode"

	"github.com/plaithq/plait"
)

func TestAGroupWithoutRepeatsWaitsForNoAnswerBeforeItsCommit(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, c *Committer[*request]) {
		for _, name := range []string{"a", "b"} {
			together(t, c, named(name))
		}
		if w.hurried != 2 || w.begun != 2 {
			t.Errorf("%d of %d transactions were in haste", w.hurried, w.begun)
		}
	})
}

func TestAfterARepeatGroupsAreWrittenWithCareForAWhile(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, c *Committer[*request]) {
		together(t, c, named("a"))
		if o := together(t, c, named("a"))[0]; o.err != nil || !o.Duplicate {
			t.Errorf("the sender of a repeat hears %+v", o)
		}
		if w.hurried != 2 || w.begun != 3 {
			t.Errorf("%d of %d transactions were in haste, want that of the repeat once, and once not", w.hurried, w.begun)
		}
		for i := range carefulGroups {
			together(t, c, named(fmt.Sprint("careful ", i)))
		}
		if w.hurried != 2 {
			t.Errorf("%d of the next transactions were in haste", w.hurried-2)
		}
		together(t, c, named("b"))
		if w.hurried != 3 {
			t.Error("there is no more haste")
		}
		if n := len(w.stored); n != carefulGroups+2 {
			t.Errorf("%d requests are stored", n)
		}
	})
}

// Nobody who has to wait for an answer can be in haste.
func TestAWriterThatAsksIsAnswered(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, c *Committer[*request]) {
		w.asks = true
		together(t, c, named("a"))
		if o := together(t, c, named("a"))[0]; o.err != nil || !o.Duplicate || w.hurried != 0 {
			t.Errorf("the sender of a repeat hears %+v, %d transactions were in haste", o, w.hurried)
		}
	})
}

// What Postgres refuses in haste says nothing about a batch: it may be a repeat.
func TestWhatFailsInHasteIsNobodysFaultUntilItFailsWithCare(t *testing.T) {
	for _, code := range []string{pgerrcode.InvalidTextRepresentation, pgerrcode.UniqueViolation, pgerrcode.InternalError, pgerrcode.CheckViolation} {
		t.Run(code, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world, c *Committer[*request]) {
				w.written = func([]string) error {
					if w.hurried == w.begun {
						return server(code)
					}
					return nil
				}
				for i, o := range together(t, c, named("a"), named("b")) {
					if o.err != nil || o.Duplicate {
						t.Errorf("sender %d hears %+v", i, o)
					}
				}
				if stored := slices.Sorted(slices.Values(w.stored)); !slices.Equal(stored, []string{"a", "b"}) {
					t.Errorf("stored %q", stored)
				}
				w.written = func([]string) error { return server(pgerrcode.CharacterNotInRepertoire) }
				if o := together(t, c, named("c"))[0]; !errors.Is(o.err, plait.ErrInvalid) {
					t.Errorf("the sender of what is refused with care hears %v", o.err)
				}
			})
		})
	}
}
