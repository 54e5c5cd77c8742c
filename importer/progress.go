package importer

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	progressEvery = 200 * time.Millisecond
	progressWidth = 30
)

// progress shows how much of a number of bytes is done, where there is a bar.
type progress struct {
	count *atomic.Int64

	w    io.Writer
	end  func()
	once sync.Once

	mu    sync.Mutex
	drawn bool // the cursor stands behind a line that will be drawn again
}

// startProgress shows the bar until stop, or only numbers when total is unknownSize. details,
// when given, adds to the line.
func (im *Importer) startProgress(verb string, total int64, details func() string) *progress {
	w := im.Notes
	p := &progress{count: new(atomic.Int64), w: w, end: func() {}}
	if !im.Bar || total == 0 {
		return p
	}
	done, ended := make(chan struct{}), make(chan struct{})
	p.end = func() {
		close(done)
		<-ended
	}
	started := time.Now()
	draw := func() {
		n := p.count.Load()
		line := "\r" + verb
		if total == unknownSize {
			line += fmt.Sprintf(" %.1f MB", float64(n)/1e6)
		} else {
			n = min(n, total)
			filled := int(progressWidth * n / total)
			line += fmt.Sprintf(" [%s%s] %3d%%  %.1f of %.1f MB", strings.Repeat("#", filled),
				strings.Repeat(".", progressWidth-filled), 100*n/total, float64(n)/1e6, float64(total)/1e6)
		}
		line += fmt.Sprintf(", %.1f MB/s", float64(n)/1e6/time.Since(started).Seconds())
		if details != nil {
			line += ", " + details()
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		fmt.Fprint(w, line+"\x1b[K")
		p.drawn = true
	}
	go func() {
		defer close(ended)
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				draw()
			case <-done:
				draw()
				p.tell("")
				return
			}
		}
	}()
	return p
}

// tell prints a line above the bar; an empty one leaves the bar where it is and goes on below.
func (p *progress) tell(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.drawn && line != "" {
		line = "\r\x1b[K" + line
	}
	fmt.Fprintln(p.w, line)
	p.drawn = false
}

// stop draws the last state and waits for the drawing to end. It may be called twice.
func (p *progress) stop() { p.once.Do(p.end) }
