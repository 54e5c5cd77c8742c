package ask

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/plaithq/plait"
)

type exampleParams struct {
	ID      TraceID  `path:"id"`
	Service string   `query:"service" required:"true"`
	Waits   []Period `query:"wait"`
	Limit   int      `query:"limit" default:"20" max:"100"`
	Least   *Period  `query:"least"`
	Most    *Period  `query:"most"`
	Window
}

func TestParametersAreReadIntoAStruct(t *testing.T) {
	t.Parallel()
	query := url.Values{"service": {"cart"}, "wait": {"1s", "", "2m"}, "limit": {""}, "least": {"3s"}, "end": {"1674982096"}}
	p, err := Parse[exampleParams](query, "17b4947393b68e5df1fac39efc57b3a5")
	if err != nil {
		t.Fatal(err)
	}
	if p.Service != "cart" || p.Limit != 20 || len(p.Waits) != 2 || time.Duration(p.Waits[1]) != 2*time.Minute || p.Least == nil || time.Duration(*p.Least) != 3*time.Second || p.Most != nil || len(p.ID) == 0 || !p.End.Given() || p.Start.Given() {
		t.Errorf("read as %+v", p)
	}
}

func TestParametersThatAreRefusedAreNamed(t *testing.T) {
	t.Parallel()
	const id = "17b4947393b68e5df1fac39efc57b3a5"
	for query, want := range map[string]string{
		"":                           "parameter service is missing",
		"service=a&service=b":        "parameter service is given 2 times",
		"service=a&limit=101":        `parameter limit: "101" is not a number from 1 to 100`,
		"service=a&limit=0":          `parameter limit: "0" is not a number from 1 to 100`,
		"service=a&limits=1":         `there is no parameter "limits" here, only end, least, limit, most, service, start, wait`,
		"service=a&wait=-1s":         `parameter wait: "-1s" is negative`,
		"service=a&start=2&end=1;23": "",
	} {
		values, err := ReadQuery(&url.URL{RawQuery: query})
		if err == nil {
			_, err = Parse[exampleParams](values, id)
		}
		if !errors.Is(err, plait.ErrInvalid) || want != "" && err.Error() != want {
			t.Errorf("%s: %v, want %s", query, err, want)
		}
	}
	if _, err := Parse[exampleParams](url.Values{"service": {"a"}}, ""); !errors.Is(err, plait.ErrInvalid) {
		t.Errorf("without an id: %v", err)
	}
}

func TestAProblemSaysWhenToAskAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err         error
		otherwise   int
		status      int
		retry, body string
	}{
		{fmt.Errorf("ask: %w", plait.ErrUnavailable), 500, 503, "5", `{"title":"Service Unavailable","status":503,"detail":"the database cannot be reached or is not ready"}`},
		{plait.Errorf(plait.ErrOverloaded, "too many at once"), 500, 429, "1", `{"title":"Too Many Requests","status":429,"detail":"too many at once"}`},
		{errors.New("the password is hunter2"), 500, 500, "", `{"title":"Internal Server Error","status":500,"detail":"the gateway could not answer; its log says why"}`},
		{errors.New("of no kind"), 405, 405, "", `{"title":"Method Not Allowed","status":405,"detail":"only GET and HEAD are answered here"}`},
	} {
		p, retry := ProblemOf(c.err, c.otherwise)
		w := httptest.NewRecorder()
		if err := p.Write(w, retry); err != nil {
			t.Error(err)
		}
		if w.Code != c.status || w.Header().Get("Retry-After") != c.retry || w.Body.String() != c.body || w.Header().Get("Content-Type") != ProblemType {
			t.Errorf("%v is answered %d, Retry-After %q, %s", c.err, w.Code, w.Header().Get("Retry-After"), w.Body)
		}
	}
	if p, _ := ProblemOf(http.ErrNoLocation, http.StatusNotFound); p.Status != 404 || p.Detail == "" {
		t.Errorf("got %+v", p)
	}
}
