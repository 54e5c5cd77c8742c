package ingest

import (
	"net/http"
	"time"
)

// A sender that is refused before it has sent all of its body has to be heard out: many HTTP
// clients look for the answer only when they have sent everything, and a connection that is closed
// while bytes are on their way is reset, answer and all. Those clients would see a broken connection
// where they were told to come back later.

const (
	drainLimit = 256 << 20              // bytes that are read and forgotten
	drainTime  = 5 * time.Second        // for all of them
	drainStall = 500 * time.Millisecond // without any
	drainRead  = 8 << 10                // bytes at once
)

// drain reads what is left of a refused body, within limits.
func drain(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Expect") != "" || r.ProtoMajor > 1 {
		return // the sender waits to be asked for the body, or HTTP/2 tells it to stop
	}
	control := http.NewResponseController(w)
	buffer := buffers.get(drainRead)
	defer buffers.put(buffer)
	end := time.Now().Add(drainTime)
	for left := drainLimit; left > 0 && time.Now().Before(end); {
		if control.SetReadDeadline(time.Now().Add(drainStall)) != nil {
			return
		}
		n, err := r.Body.Read((*buffer)[:cap(*buffer)])
		if left -= n; err != nil {
			return
		}
	}
}
