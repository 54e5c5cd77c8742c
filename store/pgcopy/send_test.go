package pgcopy

import (
	"errors"
	"io"
	"sync"
	"testing"
)

// The race detector is what judges here: a reader goes on while its loan ends and the bytes are
// written over, as CopyFrom's does when a connection breaks.
func TestBytesMayBeWrittenOverOnceTheirLoanEnded(t *testing.T) {
	t.Parallel()
	bytes := make([]byte, 1<<20)
	for range 100 {
		lent := &loan{bytes: bytes}
		reading := make(chan struct{})
		var reader sync.WaitGroup
		reader.Go(func() {
			piece := make([]byte, 64)
			for n := 0; ; n++ {
				if _, err := lent.Read(piece); errors.Is(err, io.EOF) {
					return
				}
				if n == 0 {
					close(reading)
				}
			}
		})
		<-reading
		lent.end()
		clear(bytes)
		reader.Wait()
	}
}
