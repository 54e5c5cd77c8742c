package commit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgerrcode"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pgcopy"
)

func TestRequestsThatWaitTogetherShareATransaction(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, c *Committer[*request]) {
		for _, o := range afterAnother(t, c, named("a"), named("b"), named("c")) {
			if o.err != nil || o.Duplicate {
				t.Errorf("a sender hears %+v", o)
			}
		}
		if len(w.groups) != 2 || len(w.groups[1]) != 3 {
			t.Errorf("groups %q, want the three in one", w.groups)
		}
	})
}

func TestALoneRequestIsWrittenAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, c *Committer[*request]) {
		for i := range 3 {
			start := time.Now()
			together(t, c, named(fmt.Sprint("lone ", i)))
			if took := time.Since(start); took != w.takes {
				t.Errorf("after a rest a lone request takes %v, its commit %v", took, w.takes)
			}
			time.Sleep(time.Second)
		}
	})
}

func TestAGroupHasBounds(t *testing.T) {
	for name, test := range map[string]struct {
		records, bytes int
		want           int
	}{
		"of records":                  {maxGroupRecords / 3, 1, 3},
		"of bytes":                    {1, maxGroupBytes / 4, 4},
		"a request beyond it is lone": {maxGroupRecords * 2, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world, c *Committer[*request]) {
				var requests []*request
				for i := range 9 {
					r := named(fmt.Sprint(i))
					r.records, r.bytes = test.records, test.bytes
					requests = append(requests, r)
				}
				afterAnother(t, c, requests...)
				for _, group := range w.groups[1:] {
					if len(group) > test.want {
						t.Errorf("a group has %d requests, want %d at most", len(group), test.want)
					}
				}
				if len(w.stored) != 10 {
					t.Errorf("%d requests stored, want all 10", len(w.stored))
				}
			})
		})
	}
}

func TestGroupsAreTakenInTheOrderOfArrival(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, c *Committer[*request]) {
		w.takes = time.Second
		var want []string
		answers := make(chan error, 20)
		for i := range cap(answers) {
			r := named(fmt.Sprintf("%02d", i))
			r.records = maxGroupRecords / 2
			want = append(want, r.name)
			go func() {
				_, err := c.Submit(t.Context(), r)
				answers <- err
			}()
			synctest.Wait()
		}
		for range cap(answers) {
			if err := <-answers; err != nil {
				t.Error(err)
			}
		}
		if !slices.Equal(w.stored, want) {
			t.Errorf("stored in the order %q", w.stored)
		}
	})
}

func TestSendersBeyondTheBoundAreSentAwayAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, c *Committer[*request]) {
		w.takes = time.Minute
		large := named("large")
		large.records = maxWaitingRecords
		outcomes := make(chan outcome, 2)
		submit := func(r *request) {
			receipt, err := c.Submit(t.Context(), r)
			outcomes <- outcome{receipt, err}
		}
		go submit(named("first"))
		synctest.Wait()
		go submit(large) // alone it may, however large
		synctest.Wait()
		start := time.Now()
		if _, err := c.Submit(t.Context(), named("beyond")); !errors.Is(err, plait.ErrOverloaded) || time.Since(start) > 0 {
			t.Errorf("it hears %v after %v, want ErrOverloaded at once", err, time.Since(start))
		}
		for range 2 {
			if o := <-outcomes; o.err != nil {
				t.Error(o.err)
			}
		}
	})
}

func TestASenderThatLeavesTakesItsBatchAlong(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, c *Committer[*request]) {
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() {
			_, _ = c.Submit(t.Context(), named("first"))
		}()
		synctest.Wait()
		go func() {
			_, err := c.Submit(ctx, named("leaving"))
			left <- err
		}()
		synctest.Wait()
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("it hears %v", err)
		}
		together(t, c, named("staying"))
		if want := []string{"first", "staying"}; !slices.Equal(w.stored, want) || c.Waiting() != 0 {
			t.Errorf("stored %q, %d waiting", w.stored, c.Waiting())
		}
	})
}

func TestASenderThatLeavesWhileItsBatchIsWrittenHearsHowItEnded(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, c *Committer[*request]) {
		ctx, leave := context.WithCancel(t.Context())
		heard := make(chan error, 1)
		go func() {
			_, err := c.Submit(ctx, named("taken"))
			heard <- err
		}()
		synctest.Wait()
		leave()
		if err := <-heard; err != nil || !slices.Equal(w.stored, []string{"taken"}) {
			t.Errorf("it hears %v, stored %q", err, w.stored)
		}
	})
}

func TestAnEmptyBatchIsStoredWithoutATransaction(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, c *Committer[*request]) {
		if o := together(t, c, &request{name: "empty"})[0]; o.err != nil || w.begun != 0 {
			t.Errorf("it hears %v after %d transactions", o.err, w.begun)
		}
	})
}

func TestWhatWaitsAtTheCloseIsWrittenAndWhatComesLaterRefused(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, c *Committer[*request]) {
		heard := make(chan error, 2)
		for _, name := range []string{"under way", "waiting"} {
			go func() {
				_, err := c.Submit(t.Context(), named(name))
				heard <- err
			}()
			synctest.Wait()
		}
		c.Close()
		if _, err := c.Submit(t.Context(), named("late")); !errors.Is(err, plait.ErrUnavailable) {
			t.Errorf("after the close: %v, want ErrUnavailable", err)
		}
		for range 2 {
			if err := <-heard; err != nil {
				t.Error(err)
			}
		}
		if len(w.stored) != 2 {
			t.Errorf("stored %q", w.stored)
		}
	})
}

func TestWithoutAConnectionSendersAreToldInTime(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, c *Committer[*request]) {
		w.connected = func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
		start := time.Now()
		for _, o := range together(t, c, named("a"), named("b")) {
			if !errors.Is(o.err, plait.ErrUnavailable) {
				t.Errorf("a sender hears %v, want ErrUnavailable", o.err)
			}
		}
		if took := time.Since(start); took != acquireTimeout {
			t.Errorf("they hear it after %v", took)
		}
		w.connected = nil
		if o := together(t, c, named("a"))[0]; o.err != nil {
			t.Errorf("with the database back: %v", o.err)
		}
	})
}

func TestARequestThatIsKnownIsADuplicateAndItsNeighboursAreStored(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, c *Committer[*request]) {
		together(t, c, named("old"))
		nameless := &request{name: "without a digest", records: 1}
		got := afterAnother(t, c, named("new"), named("old"), named("twice"), named("twice"), nameless, nameless)
		for i, o := range got {
			if o.err != nil || (i != 2 && i != 3) && o.Duplicate != (i == 1) {
				t.Errorf("sender %d hears %+v", i, o)
			}
		}
		if got[2].Duplicate == got[3].Duplicate {
			t.Errorf("of two that are the same both hear duplicate: %v", got[2].Duplicate)
		}
		stored := slices.Sorted(slices.Values(w.stored))
		if want := []string{"another", "new", "old", "twice", "without a digest", "without a digest"}; !slices.Equal(stored, want) {
			t.Errorf("stored %q", stored)
		}
	})
}

func TestABadBatchIsRefusedAlone(t *testing.T) {
	for name, fault := range map[string]struct {
		inPrepare bool
		err       error
		want      error
	}{
		"that cannot be encoded":           {true, plait.ErrInvalid, plait.ErrInvalid},
		"whose value the server refuses":   {false, server(pgerrcode.CharacterNotInRepertoire), plait.ErrInvalid},
		"that breaks somebody's CHECK":     {false, server(pgerrcode.CheckViolation), plait.ErrInvalid},
		"too large for an index":           {false, server(pgerrcode.ProgramLimitExceeded), plait.ErrInvalid},
		"which the server is at odds with": {false, server(pgerrcode.InternalError), nil},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world, c *Committer[*request]) {
				fails := func(group []string) error {
					if slices.Contains(group, "bad") {
						return fault.err
					}
					return nil
				}
				if fault.inPrepare {
					w.prepared = fails
				} else {
					w.written = fails
				}
				got := afterAnother(t, c, named("a"), named("bad"), named("c"))
				if got[0].err != nil || got[2].err != nil {
					t.Errorf("the neighbours hear %v and %v", got[0].err, got[2].err)
				}
				if err := got[1].err; err == nil || errors.Is(err, plait.ErrInvalid) != (fault.want != nil) {
					t.Errorf("its sender hears %v, want %v", err, fault.want)
				}
				if len(w.stored) != 3 {
					t.Errorf("stored %q", w.stored)
				}
			})
		})
	}
}

func TestAnAccidentOfOneTransactionIsNotNoticed(t *testing.T) {
	for name, test := range map[string]struct {
		err               error
		resets, refreshes int
	}{
		"a connection that broke":       {errors.New("broken pipe"), 1, 0},
		"a terminated session":          {server(pgerrcode.AdminShutdown), 0, 0},
		"a deadlock":                    {server(pgerrcode.DeadlockDetected), 0, 0},
		"two gateways with one id":      {server(pgerrcode.UniqueViolation), 0, 0},
		"a statement that is overtaken": {server(pgerrcode.FeatureNotSupported), 0, 0},
		"a partition that is not there": {noPartition(), 0, 1},
		"a writer that asks for it":     {ErrTryAgain, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world, c *Committer[*request]) {
				failed := false
				w.written = func([]string) error {
					if failed {
						return nil
					}
					failed = true
					return test.err
				}
				if o := together(t, c, named("a"))[0]; o.err != nil || o.Duplicate {
					t.Errorf("its sender hears %+v", o)
				}
				if !slices.Equal(w.stored, []string{"a"}) || w.resets != test.resets || w.refreshs != test.refreshes {
					t.Errorf("stored %q, %d resets, %d refreshes", w.stored, w.resets, w.refreshs)
				}
				if want := []bool{false, true}; !slices.Equal(w.ended, want) {
					t.Errorf("the writer was told %v, want %v", w.ended, want)
				}
			})
		})
	}
}

func TestAnAccidentThatStaysIsTheServersAndNobodysFault(t *testing.T) {
	for name, fault := range map[string]error{
		"the disk is full":           server(pgerrcode.DiskFull),
		"the server stops":           server(pgerrcode.CannotConnectNow),
		"it has become a standby":    server(pgerrcode.ReadOnlySQLTransaction),
		"a class of newer servers":   server("57Z99"),
		"the connection breaks":      errors.New("broken pipe"),
		"a lock is not to be had":    server(pgerrcode.LockNotAvailable),
		"the group runs out of time": context.DeadlineExceeded,
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world, c *Committer[*request]) {
				w.written = func([]string) error { return fault }
				begun := w.begun
				for _, o := range together(t, c, named("a"), named("b")) {
					if !errors.Is(o.err, plait.ErrUnavailable) || errors.Is(o.err, plait.ErrInvalid) {
						t.Errorf("a sender hears %v, want ErrUnavailable", o.err)
					}
				}
				if n := w.begun - begun; n > 4 {
					t.Errorf("%d transactions were tried", n)
				}
			})
		})
	}
}

func TestAWriterThatAlwaysWantsToTryAgainIsNotTriedForEver(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, c *Committer[*request]) {
		w.written = func([]string) error { return ErrTryAgain }
		if o := together(t, c, named("a"))[0]; o.err == nil || w.begun > 10 {
			t.Errorf("its sender hears %v after %d transactions", o.err, w.begun)
		}
	})
}

func TestAPartitionThatCannotBeMadeIsToldToTheSender(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, c *Committer[*request]) {
		w.written = func([]string) error { return noPartition() }
		w.refreshed = func() error { return server(pgerrcode.LockNotAvailable) }
		if o := together(t, c, named("a"))[0]; !errors.Is(o.err, plait.ErrUnavailable) {
			t.Errorf("its sender hears %v, want ErrUnavailable", o.err)
		}
	})
}

func TestACommitWithoutAnAnswerIsAnErrorAndTheRetryTellsWhetherItHappened(t *testing.T) {
	for _, happened := range []bool{true, false} {
		t.Run(fmt.Sprint("it happened: ", happened), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world, c *Committer[*request]) {
				w.committing = func([]string) (bool, error) {
					return happened, errors.Join(pgcopy.ErrCommitUnknown, errors.New("connection reset"))
				}
				if o := together(t, c, named("a"))[0]; !errors.Is(o.err, plait.ErrUnavailable) {
					t.Errorf("the sender hears %v, want ErrUnavailable", o.err)
				}
				if w.begun != 1 || !slices.Equal(w.ended, []bool{false}) {
					t.Errorf("%d transactions: the gateway may not write again what may be there; the writer was told %v", w.begun, w.ended)
				}
				w.committing = nil
				if o := together(t, c, named("a"))[0]; o.err != nil || o.Duplicate != happened {
					t.Errorf("the retry hears %+v", o)
				}
				if !slices.Equal(w.stored, []string{"a"}) {
					t.Errorf("stored %q", w.stored)
				}
			})
		})
	}
}
