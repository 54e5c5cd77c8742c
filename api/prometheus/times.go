package prometheus

import (
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// normalTimes rewrites the times of a request to what Prometheus reads, Unix seconds: Grafana
// sends milliseconds on some paths (query_exemplars), and people paste whatever they have. A
// number is taken for seconds, milliseconds, microseconds or nanoseconds by its size.
func normalTimes(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Any other error is found again by whoever reads a parameter.
		if err := r.ParseMultipartForm(formMemory); err == nil || errors.Is(err, http.ErrNotMultipart) {
			for _, name := range []string{"start", "end", "time"} {
				r.Form[name] = slices.DeleteFunc(r.Form[name], isNaN)
				for i, v := range r.Form[name] {
					r.Form[name][i] = seconds(v)
				}
			}
		}
		next.ServeHTTP(w, r)
	})
}

// formMemory is how much of a multipart form is kept in memory; nobody sends a query as a file.
const formMemory = 1 << 20

// isNaN says whether a time is NaN, which data sources send when they mean none.
func isNaN(s string) bool {
	v, err := strconv.ParseFloat(s, 64)
	return err == nil && math.IsNaN(v)
}

// seconds returns a number too large for Unix seconds as such, anything else as it is.
func seconds(s string) string {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return s
	}
	const year5138 = 1e11 // in seconds; in milliseconds it is 1973
	for unit := time.Second; math.Abs(v) >= year5138 && unit > time.Nanosecond; unit /= 1000 {
		v /= 1000
	}
	if rounded := strconv.FormatFloat(v, 'f', -1, 64); rounded != s && math.Abs(v) < year5138 {
		return rounded
	}
	return s
}
