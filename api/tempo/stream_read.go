package tempo

import (
	"net/url"
	"strconv"
	"time"

	"github.com/plaithq/plait"
	wire "github.com/plaithq/plait/wire/protobuf"
)

// The questions of tempopb.StreamingQuerier, read as the parameters of the HTTP API.
// Their fields: https://github.com/grafana/tempo/blob/main/pkg/tempopb/tempo.proto

// parameter says as what a field is read.
type parameter struct {
	name string
	text func(f *wire.Fields) string
}

type parameters map[wire.Tag]parameter

// read reads a field, if it is one of them. A number that is 0 is as good as none, as everywhere in protobuf.
func (of parameters) read(f *wire.Fields, q url.Values) {
	if p, ok := of[f.Tag]; ok && (f.Tag&7 == wire.Bytes || f.Num > 0) {
		q.Set(p.name, p.text(f))
	}
}

func textOf(f *wire.Fields) string   { return f.Text() }
func numberOf(f *wire.Fields) string { return strconv.FormatUint(f.Num, 10) }
func millisOf(f *wire.Fields) string { return periodText(f.Num, time.Millisecond) }
func nanosOf(f *wire.Fields) string  { return periodText(f.Num, time.Nanosecond) }
func bytesTag(n wire.Tag) wire.Tag   { return n<<3 | wire.Bytes }
func varintTag(n wire.Tag) wire.Tag  { return n<<3 | wire.Varint }

// periodText writes a duration as the parameters of the HTTP API have it.
func periodText(n uint64, unit time.Duration) string {
	const longest = uint64(1<<63 - 1)
	if n > longest/uint64(unit) {
		n = longest / uint64(unit)
	}
	return strconv.FormatFloat((time.Duration(n)*unit).Seconds(), 'f', -1, 64) + "s"
}

const searchTags = wire.Tag(1)

var searchParameters = parameters{
	varintTag(2): {"minDuration", millisOf}, varintTag(3): {"maxDuration", millisOf}, varintTag(4): {"limit", numberOf},
	varintTag(5): {"start", numberOf}, varintTag(6): {"end", numberOf}, bytesTag(8): {"q", textOf}, varintTag(9): {"spss", numberOf},
}

func readSearchQuestion(message string) (url.Values, string, error) {
	q := url.Values{}
	tags := ""
	f := wire.Of(message)
	for f.Next() {
		if f.Tag == bytesTag(searchTags) {
			entry := f.Message()
			key, value, err := readEntry(&entry)
			if err != nil {
				return nil, "", err
			}
			tags += " " + key + "=" + strconv.Quote(value)
		} else {
			searchParameters.read(&f, q)
		}
	}
	if tags != "" {
		q.Set("tags", tags[1:])
	}
	return q, "", f.Err
}

// readEntry reads an entry of a map of texts.
func readEntry(f *wire.Fields) (key, value string, err error) {
	for f.Next() {
		switch f.Tag {
		case bytesTag(1):
			key = f.Text()
		case bytesTag(2):
			value = f.Text()
		}
	}
	return key, value, f.Err
}

func readTagsQuestion(message string) (url.Values, string, error) {
	return readParameters(message, parameters{
		bytesTag(1): {"scope", textOf}, bytesTag(2): {"q", textOf}, varintTag(3): {"start", numberOf}, varintTag(4): {"end", numberOf}, varintTag(5): {"limit", numberOf},
	})
}

func readValuesQuestion(message string) (url.Values, string, error) {
	const name = "name"
	q, _, err := readParameters(message, parameters{
		bytesTag(1): {name, textOf}, bytesTag(2): {"q", textOf}, varintTag(4): {"start", numberOf}, varintTag(5): {"end", numberOf}, varintTag(6): {"limit", numberOf},
	})
	if err == nil && q.Get(name) == "" {
		err = plait.Errorf(plait.ErrInvalid, "the question names no tag")
	}
	return q, q.Get(name), err
}

func readRangeQuestion(message string) (url.Values, string, error) {
	return readParameters(message, parameters{
		bytesTag(1): {"q", textOf}, varintTag(2): {"start", numberOf}, varintTag(3): {"end", numberOf}, varintTag(4): {"step", nanosOf}, varintTag(16): {"exemplars", numberOf},
	})
}

func readInstantQuestion(message string) (url.Values, string, error) {
	return readParameters(message, parameters{
		bytesTag(1): {"q", textOf}, varintTag(2): {"start", numberOf}, varintTag(3): {"end", numberOf},
	})
}

// readParameters reads a question of such fields.
func readParameters(message string, fields parameters) (url.Values, string, error) {
	q := url.Values{}
	f := wire.Of(message)
	for f.Next() {
		fields.read(&f, q)
	}
	return q, "", f.Err
}
