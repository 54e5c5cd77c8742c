package pipeline

import (
	"errors"
	"strconv"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/logql"
	"github.com/plaithq/plait/query/logql/quantity"
)

// NewMetric compiles a log query as a range aggregation has it: unwrap, which may be nil, takes a label as
// the entry's value and away from its labels. Entries without the label are left out, and where it is no
// number they carry an error.
func NewMetric(l logql.Log, unwrap *logql.Unwrap) (*Pipeline, error) {
	p, err := New(l)
	if err != nil || unwrap == nil {
		return p, err
	}
	p.stages = append(p.stages, func(s *state) bool {
		text, ok := s.get(unwrap.Label)
		if !ok {
			return false
		}
		if s.value, ok = number(text, unwrap.Conversion); !ok {
			s.fail("SampleExtractionErr", errors.New(strconv.Quote(plait.OneLine(text, 100))+" is no value to unwrap"))
		}
		return true
	})
	for _, f := range unwrap.Filters {
		fits, err := predicate(f.Of)
		if err != nil {
			return nil, err
		}
		p.stages = append(p.stages, fits)
	}
	p.stages = append(p.stages, func(s *state) bool { s.remove(unwrap.Label); return true })
	return p, nil
}

func number(text string, by logql.Conversion) (float64, bool) {
	switch by {
	case logql.ConvertDuration, logql.ConvertSeconds:
		d, ok := quantity.Duration(text)
		return d.Seconds(), ok
	case logql.ConvertBytes:
		return quantity.Bytes(text)
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	return n, err == nil
}
