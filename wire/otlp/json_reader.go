package otlp

import (
	"github.com/plaithq/plait/jsontext"
	"github.com/plaithq/plait/wire/protobuf"
	"github.com/plaithq/plait/wire/series"
)

// jsonReader reads JSON and asks for the memory of what it makes.
type jsonReader struct {
	jsontext.Reader

	paid    int // of Made
	ledger  series.Ledger
	refused error // by the ledger
}

func newJSONReader(body []byte, claim func(int64) error) jsonReader {
	return jsonReader{Reader: jsontext.Of(view(body)), ledger: series.Ledger{Claim: claim}}
}

// account asks for the memory of what is read. When there is none the reading ends.
func (r *jsonReader) account(bytes int) {
	if err := r.ledger.Take(bytes); err != nil && r.refused == nil {
		r.refused = err
		r.Fail("no memory")
	}
}

// pay asks for the memory of the strings that were made.
func (r *jsonReader) pay() {
	if more := r.Made - r.paid; more > 0 {
		r.paid = r.Made
		r.account(more)
	}
}

// field moves to the value of an object's next field.
func (r *jsonReader) field(o *jsontext.Object) bool {
	more := r.Field(o)
	r.pay()
	return more
}

// str reads a string.
func (r *jsonReader) str() string {
	s := r.Str()
	r.pay()
	return s
}

// failure is the reader's error, nil if there is none.
func (r *jsonReader) failure() error {
	if r.refused != nil {
		return r.refused
	}
	if r.Err == nil {
		return nil
	}
	return &malformed{at: protobuf.Error{Offset: r.Err.Offset, What: r.Err.What}, path: r.Err.Path}
}
