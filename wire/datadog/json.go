package datadog

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/tinylib/msgp/msgp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/jsontext"
	"github.com/plaithq/plait/wire/batch"
)

// DecodeJSON is Decode for the same lists in JSON.
func DecodeJSON(body []byte, sender Tracer, claim func(bytes int64) error) (*plait.Traces, error) {
	packed, err := pack(body, claim)
	if err != nil {
		return nil, err
	}
	return Decode(packed, sender, claim)
}

// maxDepth bounds how deep JSON may nest: a span's attributes are five levels deep.
const maxDepth = 32

// pack writes JSON as MessagePack, so that a span is read in one way only.
func pack(body []byte, claim func(int64) error) ([]byte, error) {
	p := packer{Reader: jsontext.Of(batch.Text(body)), claim: claim}
	p.value(maxDepth)
	if p.refused != nil {
		return nil, p.refused
	}
	if p.End(); p.Err != nil {
		return nil, plait.Errorf(plait.ErrInvalid, "read Datadog's JSON: %w", p.Err)
	}
	return p.out, nil
}

type packer struct {
	jsontext.Reader
	out     []byte
	claim   func(bytes int64) error
	claimed int   // of the memory of out
	refused error // of claim
}

// take asks for the memory that out has got, and ends the reading where there is none.
func (p *packer) take() {
	more := cap(p.out) - p.claimed
	if more == 0 || p.claim == nil || p.refused != nil {
		return
	}
	p.claimed = cap(p.out)
	if err := p.claim(int64(more)); err != nil {
		p.refused = err
		p.Fail("the reading was ended")
	}
}

func (p *packer) value(depth int) {
	p.take()
	p.Space()
	switch c := p.Peek(); {
	case depth == 0:
		p.Fail(fmt.Sprintf("values nest deeper than %d levels", maxDepth))
	case c == '{':
		n, head := uint32(0), p.head(mapHead)
		for o := (jsontext.Object{}); p.Field(&o); n++ {
			p.out = msgp.AppendString(p.out, o.Key)
			p.value(depth - 1)
		}
		binary.BigEndian.PutUint32(p.out[head:], n)
	case c == '[':
		n, head := uint32(0), p.head(listHead)
		for a := (jsontext.Array{}); p.Item(&a); n++ {
			p.value(depth - 1)
		}
		binary.BigEndian.PutUint32(p.out[head:], n)
	case c == '"':
		p.out = msgp.AppendString(p.out, p.Str())
	case p.Word("true"):
		p.out = msgp.AppendBool(p.out, true)
	case p.Word("false"):
		p.out = msgp.AppendBool(p.out, false)
	case p.Word("null"):
		p.out = msgp.AppendNil(p.out)
	default:
		p.number()
	}
}

// The heads of maps and lists with four bytes for their length.
const (
	mapHead  = 0xdf
	listHead = 0xdd
)

// head writes a head, and returns where its length belongs.
func (p *packer) head(kind byte) int {
	p.out = append(p.out, kind, 0, 0, 0, 0)
	return len(p.out) - 4
}

func (p *packer) number() {
	text, whole := p.Number()
	if p.Err != nil {
		return
	}
	if whole {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			p.out = msgp.AppendInt64(p.out, n)
			return
		}
		if n, err := strconv.ParseUint(text, 10, 64); err == nil {
			p.out = msgp.AppendUint64(p.out, n)
			return
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		p.Fail(fmt.Sprintf("%.32s is beyond all numbers", text))
		return
	}
	p.out = msgp.AppendFloat64(p.out, f)
}
