package series

// Ledger accounts for the memory that a request is decoded into. A few bytes of a request can stand
// for many in memory (a symbol that a thousand series refer to, a list of buckets with the labels
// of each), so decoders take from the ledger what they are about to make, and end where it is refused.
// The zero value grants everything.
type Ledger struct {
	// Claim asks for so many bytes more. Its error ends the decoding and is what the decoder returns.
	Claim func(bytes int64) error
	// free is what was claimed ahead.
	free int64
}

// claimStep is what is claimed at a time, so that the budget that all requests share is not
// touched for every series.
const claimStep = 32 << 10

// Take accounts for so many bytes.
func (l *Ledger) Take(bytes int) error {
	if bytes <= 0 {
		return nil
	}
	if l.free -= int64(bytes); l.free >= 0 || l.Claim == nil {
		return nil
	}
	more := claimStep - l.free
	if err := l.Claim(more); err != nil {
		return err
	}
	l.free += more
	return nil
}
