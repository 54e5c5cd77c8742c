// Package zipkin reads Zipkin's spans into Plait's vocabulary, in JSON of versions 1 and 2 and in protobuf, and writes
// those of version 2. It is pure.
package zipkin

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/jsontext"
	"github.com/plaithq/plait/wire/batch"
)

// DecodeJSON reads a JSON array of spans, of version 2 or 1 (zipkin-api, zipkin2-api.yaml and zipkin-api.yaml). Each span says
// by its fields which version it is of. A span that cannot be read is left out and told in Refused. Spans may alias the
// body. Memory for them is asked for of claim, whose error ends the decoding; claim may be nil. Other errors wrap
// plait.ErrInvalid: the array is none, or has no good span.
func DecodeJSON(body []byte, claim func(bytes int64) error) (*plait.Traces, error) {
	d := newDecoder(claim)
	r := jsontext.Of(batch.Text(body))
	if r.Space(); r.Peek() != '[' {
		r.Fail("want an array of spans")
	}
	for a := (jsontext.Array{}); r.Item(&a); {
		from := r.Pos
		if r.Skip(); r.Err != nil {
			continue
		}
		// What is wrong within a span is that span's alone.
		one := jsonReader{Reader: jsontext.Of(r.Text[:r.Pos]), memory: d.Take}
		one.Pos = from
		z := one.span()
		if one.refused != nil {
			return nil, one.refused
		}
		if err := d.take(&z, one.Made); err != nil {
			return nil, err
		}
	}
	if r.End(); r.Err != nil {
		return nil, plait.Errorf(plait.ErrInvalid, "read Zipkin JSON: %w", r.Err)
	}
	return d.Result()
}

// jsonReader reads one span.
type jsonReader struct {
	jsontext.Reader
	memory  func(bytes int) error
	refused error // of memory
}

// take asks for memory, and ends the reading where there is none.
func (r *jsonReader) take(bytes int) {
	if err := r.memory(bytes); err != nil && r.refused == nil {
		r.refused = err
		r.Fail("the reading was ended")
	}
}

// words are the members of a span that are words with a meaning.
type words struct{ traceID, id, parentID, kind string }

// identify takes what the words mean.
func (z *span) identify(w words) (err error) {
	if z.traceID, err = traceID(w.traceID); err != nil {
		return err
	}
	if z.id, err = spanID("id", w.id); err != nil {
		return err
	}
	if w.parentID != "" {
		if z.parentID, err = spanID("parentId", w.parentID); err != nil {
			return err
		}
	}
	var ok bool
	if z.kind, ok = kinds[strings.TrimPrefix(strings.ToUpper(w.kind), "SPAN_KIND_")]; !ok {
		return plait.Errorf(plait.ErrInvalid, "kind %.32q is none of Zipkin's", w.kind)
	}
	return nil
}

func (r *jsonReader) span() (z span) {
	var w words
	for o := (jsontext.Object{}); r.Field(&o); {
		switch o.Key {
		case "traceId":
			w.traceID = r.Str()
		case "id":
			w.id = r.Str()
		case "parentId":
			w.parentID = r.Str()
		case "kind":
			w.kind = r.Str()
		case "name":
			z.name = r.Str()
		case "timestamp":
			z.timestamp = r.micros()
		case "duration":
			z.duration = r.micros()
		case "debug":
			z.debug = r.scalar() == wordTrue
		case "shared":
			z.shared = r.scalar() == wordTrue
		default:
			r.nested(&z, o.Key)
		}
	}
	if r.Err != nil {
		z.problem = r.Err
		return z
	}
	z.problem = z.identify(w)
	return z
}

// nested reads a member of a span that is an object or a list.
func (r *jsonReader) nested(z *span, key string) {
	switch key {
	case "localEndpoint":
		z.localEndpoint = r.endpoint()
	case "remoteEndpoint":
		z.remoteEndpoint = r.endpoint()
	case "annotations":
		for a := (jsontext.Array{}); r.Item(&a); {
			z.annotations = append(z.annotations, r.annotation())
			r.take(annotationCost)
		}
		z.first = z.first || slices.ContainsFunc(z.annotations, func(a annotation) bool { return a.endpoint != nil })
	case "tags":
		for t := (jsontext.Object{}); r.Field(&t); {
			z.tags = append(z.tags, tag{key: t.Key, value: r.scalar()})
			r.take(tagCost)
		}
	case "binaryAnnotations":
		z.first = true
		for a := (jsontext.Array{}); r.Item(&a); {
			z.tags = append(z.tags, r.binaryAnnotation())
			r.take(tagCost)
		}
	default:
		r.Skip()
	}
}

func (r *jsonReader) endpoint() *endpoint {
	e := &endpoint{}
	for o := (jsontext.Object{}); r.Field(&o); {
		switch o.Key {
		case "serviceName":
			e.serviceName = r.Str()
		case "ipv4":
			e.ipv4 = r.Str()
		case "ipv6":
			e.ipv6 = r.Str()
		case "port":
			e.port, _ = strconv.ParseInt(r.scalar(), 10, 16+1) // 0 is none
		default:
			r.Skip()
		}
	}
	return e
}

func (r *jsonReader) annotation() (a annotation) {
	for o := (jsontext.Object{}); r.Field(&o); {
		switch o.Key {
		case "timestamp":
			a.nanos = r.micros()
		case "value":
			a.value = r.Str()
		case "endpoint":
			a.endpoint = r.endpoint()
		default:
			r.Skip()
		}
	}
	return a
}

func (r *jsonReader) binaryAnnotation() (t tag) {
	for o := (jsontext.Object{}); r.Field(&o); {
		switch o.Key {
		case "key":
			t.key = r.Str()
		case "value":
			r.Space()
			quoted := r.Peek() == '"'
			t.value = r.scalar()
			t.truth = !quoted && t.value == wordTrue
		case "endpoint":
			t.endpoint = r.endpoint()
		default:
			r.Skip()
		}
	}
	return t
}

const wordTrue = "true"

// scalar reads a string, or another scalar as it is written: some senders do not make strings of what they put
// into tags.
func (r *jsonReader) scalar() string {
	r.Space()
	switch c := r.Peek(); {
	case r.Word(wordTrue):
		return wordTrue
	case r.Word("false"):
		return "false"
	case c == '-' || c >= '0' && c <= '9':
		number, _ := r.Number()
		return number
	}
	return r.Str()
}

// micros reads a number of microseconds, which some senders write with a fraction or as a string.
func (r *jsonReader) micros() (nanos int64) {
	at := r.Pos
	number := r.scalar()
	if whole, err := strconv.ParseInt(number, 10, 64); err == nil && whole < math.MaxInt64/1000 && whole > math.MinInt64/1000 {
		return whole * 1000
	}
	micros, err := strconv.ParseFloat(number, 64)
	if (err != nil || micros != micros) && r.Err == nil {
		r.FailAt(at, "want a number of microseconds")
	}
	return nanosOf(micros)
}
