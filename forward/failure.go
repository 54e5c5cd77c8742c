package forward

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/plaithq/plait"
)

// verdict is what is to be done after a request that failed.
type verdict int

const (
	// later: the target takes nothing at the moment, whatever it is. The same request is sent again.
	later verdict = iota
	// broken: the target failed over this request. It is sent again some times; then it counts as refused.
	broken
	// refused: the target says that it will never take these records.
	refused
)

// failure is why a request was not taken.
type failure struct {
	verdict verdict
	after   time.Duration // for how long the target asks to be left alone
	text    string
	// code tells failures apart in metrics: a status of HTTP or gRPC, or that no answer came.
	code string
}

func (f *failure) Error() string { return f.text }

// codeNone is the code of a request that was not answered.
const codeNone = "no_answer"

// unanswered is the failure of a request to which no answer came.
func unanswered(err error) *failure {
	return &failure{verdict: later, code: codeNone, text: err.Error()}
}

// failureOf is what an error of an exporter says.
func failureOf(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	return &failure{verdict: broken, code: codeNone, text: err.Error()}
}

// maxSaid bounds what is told of a target's answer.
const maxSaid = 512

// statusFailure is what a status of HTTP means, other than success.
func statusFailure(response *http.Response, body []byte, now time.Time) *failure {
	f := &failure{code: strconv.Itoa(response.StatusCode), text: response.Status}
	if said := plait.OneLine(said(response.Header, body), maxSaid); said != "" {
		f.text += ": " + said
	}
	f.after = retryAfter(response.Header.Get("Retry-After"), now)
	switch response.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		f.verdict = refused
	case http.StatusInternalServerError:
		f.verdict = broken
	default:
		// 429 and 503 say so. 401, 403, 404, 405, 415 and redirects say that the address or the credentials are wrong, which somebody
		// has to mend: nothing is lost until then.
		f.verdict = later
	}
	return f
}

// said is the text of an answer: OTLP over HTTP has it in the message of a status, encoded as the request was.
func said(h http.Header, body []byte) string {
	if strings.HasPrefix(h.Get("Content-Type"), "application/x-protobuf") {
		var s spb.Status
		if err := proto.Unmarshal(body, &s); err == nil {
			return s.GetMessage()
		}
	}
	return string(body)
}

// maxRetryAfter bounds how long a target may ask to be left alone.
const maxRetryAfter = time.Hour

// retryAfter reads the header, seconds or a date.
func retryAfter(text string, now time.Time) time.Duration {
	text = strings.TrimSpace(text)
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds > 0 { // not of NaN
		return time.Duration(min(seconds, maxRetryAfter.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), maxRetryAfter)
	}
	return 0
}
