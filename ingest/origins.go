package ingest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/plaithq/plait"
)

// Pages in a browser may send only from the origins that the configuration names (CORS,
// https://fetch.spec.whatwg.org/#http-cors-protocol). A browser asks before most of what a page sends
// to another origin, but not before all of it, and what it sends unasked would be stored although the
// page may not read the answer. So requests that say that they come from a page are refused here,
// unless its origin is allowed.

// origins knows which pages may send.
type origins struct{ allowed []string }

func newOrigins(allowed []string) *origins {
	o := &origins{}
	for _, pattern := range allowed {
		pattern = strings.ToLower(strings.TrimSpace(pattern))
		if rest, ok := strings.CutPrefix(pattern, "https://"); ok {
			pattern = "https://" + strings.TrimSuffix(rest, ":443") // a browser leaves it out
		} else if rest, ok := strings.CutPrefix(pattern, "http://"); ok {
			pattern = "http://" + strings.TrimSuffix(rest, ":80")
		}
		o.allowed = append(o.allowed, pattern)
	}
	return o
}

// allow says whether pages of an origin may send. Browsers write origins in lower case, without the
// scheme's own port.
func (o *origins) allow(origin string) bool {
	return slices.ContainsFunc(o.allowed, func(pattern string) bool {
		before, after, any := strings.Cut(pattern, "*")
		switch {
		case !any || pattern == "*":
			return pattern == "*" || pattern == origin
		case len(origin) <= len(before)+len(after), !strings.HasPrefix(origin, before), !strings.HasSuffix(origin, after):
			return false
		}
		return !strings.ContainsAny(origin[len(before):len(origin)-len(after)], "/@?#")
	})
}

// admit refuses a request of a page that may not send, and lets one that may read its answer.
func (o *origins) admit(answer http.Header, r *http.Request) error {
	origin, site := r.Header.Get("Origin"), r.Header.Get("Sec-Fetch-Site")
	if len(o.allowed) > 0 {
		answer.Add("Vary", "Origin")
	}
	switch {
	case origin != "" && o.allow(origin):
		answer.Set("Access-Control-Allow-Origin", origin)
		answer.Set("Access-Control-Allow-Credentials", "true") // sendBeacon is never without
		answer.Set("Access-Control-Expose-Headers", "Retry-After")
		return nil
	case site == "same-origin": // which only a browser can say
		return nil
	case origin != "":
		return plait.Errorf(errForbidden, "pages of the origin %.200q may not send here: --cors-allowed-origins names those that may", origin)
	case site != "" && site != "none":
		return plait.Errorf(errForbidden, "pages of other sites may not send here: --cors-allowed-origins names those that may")
	}
	return nil
}

// preflightAge is how long a browser may remember that it may send, in seconds.
const preflightAge = "7200"

// preflight answers a browser that asks whether a page may send.
func (s *Server) preflight(c echo.Context) error {
	r, answer := c.Request(), c.Response().Header()
	if r.Header.Get("Origin") == "" || r.Header.Get("Access-Control-Request-Method") == "" {
		return echo.ErrMethodNotAllowed
	}
	answer.Add("Vary", "Access-Control-Request-Method")
	answer.Add("Vary", "Access-Control-Request-Headers")
	if err := s.origins.admit(answer, r); err != nil {
		a := answerTo(err)
		s.intake.count("none", a.name, 0)
		return c.String(a.http, a.message+"\n")
	}
	answer.Set("Access-Control-Allow-Methods", http.MethodPost)
	if headers := r.Header.Values("Access-Control-Request-Headers"); len(headers) > 0 {
		answer.Set("Access-Control-Allow-Headers", strings.Join(headers, ", "))
	}
	if r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		answer.Set("Access-Control-Allow-Private-Network", "true")
	}
	answer.Set("Access-Control-Max-Age", preflightAge)
	return c.NoContent(http.StatusNoContent)
}

// checkOrigins says which pattern can match no origin, wrapping plait.ErrInvalid.
func checkOrigins(patterns []string) error {
	for _, pattern := range patterns {
		if pattern == "*" || pattern == "null" {
			continue
		}
		u, err := url.Parse(strings.ReplaceAll(strings.ReplaceAll(pattern, ":*", ":1"), "*", "x"))
		if err != nil || strings.Count(pattern, "*") > 1 || u.Scheme == "" || u.Host == "" || u.Path+u.RawQuery+u.Fragment != "" || u.User != nil {
			return plait.Errorf(plait.ErrInvalid, "%q is not an origin such as https://shop.example, https://*.example.com or *, without a path and with one * at most", pattern)
		}
	}
	return nil
}
