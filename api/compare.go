package api

import (
	"context"
	"fmt"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/correlate"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/promsel"
)

type compareParams struct {
	Query string `query:"query" required:"true"`
	ask.Window
	BoxStart ask.Moment `query:"box_start" required:"true"`
	BoxEnd   ask.Moment `query:"box_end" required:"true"`
	Min      *float64   `query:"min"`
	Max      *float64   `query:"max"`
	Rest     rest       `query:"rest" default:"op"`
}

// rest is with what a box is compared.
type rest string

var rests = map[rest]query.Rest{"op": query.SameOperations, "all": query.AllOthers, "before": query.TimeBefore}

// UnmarshalText reads one of the rests.
func (r *rest) UnmarshalText(text []byte) error {
	if *r = rest(text); r.known() {
		return nil
	}
	return plait.Errorf(plait.ErrInvalid, "%q is none of op, all and before", text)
}

func (r *rest) known() bool {
	_, ok := rests[*r]
	return ok
}

type compareAnswer struct {
	Query string       `json:"query"`
	Rest  rest         `json:"rest"`
	Box   comparedSide `json:"box"`
	// Others are without those that are slow, or failed, where most in the box are: they are other spikes.
	Others        comparedSide       `json:"others"`
	Operations    int                `json:"operations"`
	WithoutSlow   bool               `json:"without_slow,omitempty"`
	WithoutFailed bool               `json:"without_failed,omitempty"`
	TooFew        bool               `json:"too_few,omitempty"`
	Values        []comparedValue    `json:"values"`
	Templates     []comparedTemplate `json:"templates"`
	NoDifferent   []comparedValue    `json:"no_different"`
	Around        []logRecord        `json:"around"`
	LeftOut       []leftOut          `json:"left_out"`
	// KeysNotCompared is how many keys there are beyond those that most traces have.
	KeysNotCompared int      `json:"keys_not_compared,omitempty"`
	IgnoredMatchers []string `json:"ignored_matchers,omitempty"`
	Truncated       bool     `json:"truncated,omitempty"`
}

type comparedSide struct {
	Start string `json:"start"`
	End   string `json:"end"`
	// Requests is how many were compared, of Total, of which one in OneIn was looked at.
	Requests int   `json:"requests"`
	Total    int64 `json:"total"`
	OneIn    int64 `json:"sampled_one_in,omitempty"`
}

type comparedShare struct {
	Box    int     `json:"box"`
	Others int     `json:"others"`
	Chance float64 `json:"chance"`
}

type comparedValue struct {
	attributeValue
	comparedShare
	SameAs []attributeValue `json:"same_as"`
}

type attributeValue struct {
	Key     string `json:"key"`
	Value   string `json:"value"`
	Service string `json:"service,omitempty"`
}

type comparedTemplate struct {
	Template string `json:"template"`
	Severity string `json:"severity"`
	Service  string `json:"service"`
	comparedShare
}

type leftOut struct {
	Key string `json:"key"`
	Why string `json:"why"`
}

// compare tells what the requests in a box have in common that others have not.
func (s *Server) compare(ctx context.Context, p compareParams) (*compareAnswer, error) {
	selectors, err := promsel.Selectors(p.Query)
	if err != nil {
		return nil, fmt.Errorf("parameter query: %w", err)
	}
	now := s.deps.Now()
	window, err := p.Bounded(now)
	if err != nil {
		return nil, err
	}
	box, err := ask.Window{Start: p.BoxStart, End: p.BoxEnd}.Within(now)
	if err != nil {
		return nil, fmt.Errorf("the box: %w", err)
	}
	if p.Min != nil && p.Max != nil && *p.Min > *p.Max {
		return nil, plait.Errorf(plait.ErrInvalid, "min is greater than max")
	}
	found, err := s.pivots.Compare(ctx, correlate.CompareQuestion{Selectors: selectors, Window: window, Box: box, Min: p.Min, Max: p.Max, Rest: rests[p.Rest]})
	if err != nil {
		return nil, err
	}
	answer := &compareAnswer{
		Query: p.Query, Rest: p.Rest, Box: side(&found.Box), Others: side(&found.Others), Operations: found.Operations,
		WithoutSlow: found.Slow, WithoutFailed: found.Failed, TooFew: found.TooFew,
		Values: comparedValues(found.Values), NoDifferent: comparedValues(found.Alike), Templates: make([]comparedTemplate, 0, len(found.Templates)),
		Around: s.linksFor(ctx).records(found.Around), LeftOut: make([]leftOut, 0, len(found.IDs)+len(found.Ports)+len(found.Verdicts)),
		KeysNotCompared: found.MoreKeys, IgnoredMatchers: written(found.Ignored), Truncated: found.CutShort,
	}
	for _, t := range found.Templates {
		answer.Templates = append(answer.Templates, comparedTemplate{shownTemplate(t.Template), t.Severity.String(), t.Service, comparedShare(t.Share)})
	}
	for _, key := range found.IDs {
		answer.LeftOut = append(answer.LeftOut, leftOut{key, "a value for nearly each request"})
	}
	for _, key := range found.Ports {
		answer.LeftOut = append(answer.LeftOut, leftOut{key, "a port for each connection"})
	}
	for _, key := range found.Verdicts {
		answer.LeftOut = append(answer.LeftOut, leftOut{key, "says that a request failed"})
	}
	return answer, nil
}

func side(s *query.RequestSample) comparedSide {
	shown := comparedSide{Requests: len(s.Requests), Total: s.Total}
	if !s.Range.From.IsZero() {
		shown.Start, shown.End = ask.Stamp(s.Range.From.UnixNano()), ask.Stamp(s.Range.To.UnixNano())
	}
	if s.OneIn > 1 {
		shown.OneIn = s.OneIn
	}
	return shown
}

func comparedValues(values []correlate.ComparedValue) []comparedValue {
	shown := make([]comparedValue, 0, len(values))
	for i := range values {
		v := &values[i]
		one := comparedValue{attributeValue{v.Key, clipped(v.Value), v.Service}, comparedShare(v.Share), make([]attributeValue, 0, len(v.Same))}
		for _, same := range v.Same {
			one.SameAs = append(one.SameAs, attributeValue{same.Key, clipped(same.Value), same.Service})
		}
		shown = append(shown, one)
	}
	return shown
}

// shownValue bounds a value in an answer, in bytes.
const shownValue = 2 << 10

func clipped(text string) string {
	if len(text) <= shownValue {
		return text
	}
	return plait.OneLine(text, shownValue)
}
