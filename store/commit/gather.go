package commit

import "time"

// expect says what gather waits for after a group that took so long.
func (c *Committer[B]) expect(answered int, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expected = answered + len(c.waiting)
	c.deadline = time.Now().Add(min(took/2, maxPatience))
}

// gather waits for senders that were answered a moment ago.
func (c *Committer[B]) gather() {
	patience := time.Until(c.deadline)
	if patience <= 0 {
		return
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		c.mu.Lock()
		full := len(c.waiting) >= c.expected || c.records >= maxGroupRecords || c.closed
		c.mu.Unlock()
		if full {
			return
		}
		select {
		case <-c.wake:
		case <-timer.C:
			return
		}
	}
}
