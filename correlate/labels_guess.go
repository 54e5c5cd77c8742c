package correlate

import (
	"slices"
	"strconv"
	"strings"

	"github.com/plaithq/plait"
)

// What is known of a label where a span has none of the attributes that it may have been made from, and
// other spellings of those that it has.

// heuristicOf returns how a span without the attribute is read, nil where it does not tell.
func heuristicOf(key string, m plait.Matcher) reader {
	switch key {
	case "http.request.method":
		return readMethodInName
	case "http.route", "url.path":
		return readRouteInName
	case "rpc.method":
		return readRPCInName
	case "rpc.service":
		return readRPCServiceInName
	case "db.operation.name", "messaging.operation.name":
		return readOperationInName
	case "http.response.status_code":
		return guessCode
	case "rpc.response.status_code":
		return guessRPCCode
	case "error.type":
		return guessError
	case "service.instance.id":
		return instanceReader(m)
	}
	return nil
}

// spelledOut adds other spellings of an attribute's value.
func spelledOut(key string, m plait.Matcher, r reading, s *plait.Span) reading {
	label, text := m.Name, r.texts[0]
	switch key {
	case "http.request.method":
		r.texts = append(r.texts, strings.ToUpper(text), strings.ToLower(text))
	case "http.response.status_code":
		if len(text) == 3 {
			r.texts = append(r.texts, text[:1]+"xx", text[:1]+"XX")
			if strings.HasSuffix(label, "_class") {
				r.texts = append(r.texts, text[:1])
			}
		}
		switch {
		case label == "http_response_status_code" || label == "http_status_code":
		case s.Status == plait.StatusError:
			r.texts = append(r.texts, failedWords...)
		default:
			r.texts = append(r.texts, successWords...)
		}
	case "rpc.method", "rpc.service":
		r.texts = append(r.texts, text[strings.LastIndexAny(text, "/.")+1:])
	case "rpc.response.status_code":
		r.texts = append(r.texts, rpcSpellings(text)...)
	case "error.type":
		if label != "error_type" && s.Status == plait.StatusError {
			r.texts = append(r.texts, failedWords...)
		}
	case "service.instance.id":
		// An address that is scraped says nothing about an id.
		r.told = strings.Contains(text, ":") || !strings.Contains(m.Value, ":")
	}
	return r
}

var httpMethods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY"}

// splitName splits the name of an HTTP span into method and what follows it.
func splitName(name string) (method, rest string) {
	rest = strings.TrimPrefix(name, "HTTP ")
	word, after, _ := strings.Cut(rest, " ")
	if slices.Contains(httpMethods, word) {
		return word, after
	}
	return "", rest
}

func readMethodInName(s *plait.Span) reading {
	method, _ := splitName(s.Name)
	if method == "" {
		return reading{}
	}
	return reading{texts: []string{method, strings.ToLower(method)}, told: true}
}

func readRouteInName(s *plait.Span) reading {
	_, rest := splitName(s.Name)
	r := reading{told: strings.HasPrefix(rest, "/")}
	if rest != "" {
		path, _, _ := strings.Cut(rest, "?")
		r.texts = append(r.texts, path, rest, s.Name)
	}
	for _, key := range []string{"url.path", "http.target"} {
		if v, ok := s.Attributes.Get(key); ok {
			path, _, _ := strings.Cut(v.Text(), "?")
			r.texts = append(r.texts, path)
		}
	}
	return r
}

func readRPCInName(s *plait.Span) reading {
	at := strings.LastIndexAny(s.Name, "/.")
	return reading{texts: []string{s.Name[at+1:], s.Name, strings.TrimPrefix(s.Name, "/")}, told: at > 0}
}

func readRPCServiceInName(s *plait.Span) reading {
	service, _, ok := strings.Cut(strings.TrimPrefix(s.Name, "/"), "/")
	if !ok {
		return reading{}
	}
	return reading{texts: []string{service, service[strings.LastIndexByte(service, '.')+1:]}, told: true}
}

// readOperationInName reads SELECT in "SELECT orders", and publish in "publish orders" or "orders publish".
func readOperationInName(s *plait.Span) reading {
	words := strings.Fields(s.Name)
	if len(words) == 0 {
		return reading{}
	}
	first, last := words[0], words[len(words)-1]
	return reading{texts: []string{first, strings.ToUpper(first), strings.ToLower(first), last, s.Name}}
}

var (
	failedWords  = []string{"error", "Error", "ERROR", "true", "1", "failed", "failure", "fail", "FAILURE", "SERVER_ERROR", "STATUS_CODE_ERROR", "internal", "unavailable"}
	successWords = []string{"ok", "Ok", "OK", "success", "SUCCESS", "false", "0", "unset", "Unset", "UNSET", "none", "None", "STATUS_CODE_OK", "STATUS_CODE_UNSET"}

	codesOf      = codeClasses()
	failedCodes  = reading{texts: slices.Concat(codesOf[5], failedWords), possible: codesOf[4], told: true, shared: "failed"}
	successCodes = reading{texts: slices.Concat(codesOf[1], codesOf[2], codesOf[3], successWords), possible: codesOf[4], told: true, shared: "not failed"}
)

// codeClasses are the HTTP status codes of each class.
func codeClasses() (all [6][]string) {
	for class := 1; class <= 5; class++ {
		all[class] = []string{strconv.Itoa(class) + "xx", strconv.Itoa(class) + "XX"}
		for code := class * 100; code < class*100+100; code++ {
			all[class] = append(all[class], strconv.Itoa(code))
		}
	}
	return all
}

// guessCode tells a failed span from others: which code below 500 it had is not known.
func guessCode(s *plait.Span) reading {
	if s.Status == plait.StatusError {
		return failedCodes
	}
	return successCodes
}

// outcomes are what Micrometer calls the classes of HTTP's status codes.
var outcomes = [...]string{1: "INFORMATIONAL", "SUCCESS", "REDIRECTION", "CLIENT_ERROR", "SERVER_ERROR"}

// failedEnds and successEnds are what else an outcome may be called.
var failedEnds, successEnds = withoutOutcomes(failedWords), withoutOutcomes(successWords)

func withoutOutcomes(words []string) []string {
	return slices.DeleteFunc(slices.Clone(words), func(w string) bool { return slices.Contains(outcomes[:], w) })
}

// readOutcome reads how a request ended: by the attribute of that name, by its status code, by whether the span failed.
func readOutcome(s *plait.Span) reading {
	if own := attributeReading(s, "outcome", nil); own.told {
		return own
	}
	ends, guessed := successEnds, successWords
	if s.Status == plait.StatusError {
		ends, guessed = failedEnds, failedWords
	}
	code := attributeReading(s, "http_response_status_code", keysOf("http_response_status_code"))
	if !code.told || len(code.texts[0]) != 3 {
		return reading{texts: guessed, told: true}
	}
	switch class := int(code.texts[0][0]) - '0'; class {
	case 4: // a failure to some, and none to others
		return reading{texts: outcomes[class : class+1], possible: slices.Concat(successEnds, failedEnds), told: true}
	case 1, 2, 3, 5:
		return reading{texts: append(slices.Clone(ends), outcomes[class]), told: true}
	}
	return reading{texts: guessed, told: true}
}

func guessError(s *plait.Span) reading {
	if s.Status == plait.StatusError {
		return reading{texts: failedWords} // any other type is possible, too
	}
	return reading{texts: append([]string{""}, successWords...), told: true}
}

// rpcCodes are gRPC's status codes by number.
var rpcCodes = []string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
	"RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
}

// rpcSpellings are a gRPC code as number, as NOT_FOUND, NotFound and not_found.
func rpcSpellings(text string) []string {
	number, err := strconv.Atoi(text)
	if err != nil {
		number = slices.Index(rpcCodes, strings.ToUpper(text))
	}
	if number < 0 || number >= len(rpcCodes) {
		return nil
	}
	upper := rpcCodes[number]
	var camel strings.Builder
	for _, word := range strings.Split(upper, "_") {
		camel.WriteString(word[:1] + strings.ToLower(word[1:]))
	}
	texts := []string{strconv.Itoa(number), upper, strings.ToLower(upper), camel.String()}
	if number == 0 {
		texts = append(texts, "OK")
	}
	if number == 1 {
		texts = append(texts, "Canceled", "canceled")
	}
	return texts
}

func guessRPCCode(s *plait.Span) reading {
	if s.Status == plait.StatusError {
		return reading{texts: failedWords}
	}
	return reading{texts: rpcSpellings("0"), possible: rpcCodes, told: true}
}

// instanceReader reads an address as host.name or the pod's where it has a port.
func instanceReader(m plait.Matcher) reader {
	return func(s *plait.Span) reading {
		var r reading
		host, port, ok := strings.Cut(m.Value, ":")
		for _, key := range []string{"host.name", "k8s.pod.name", "k8s.pod.ip", "host.ip"} {
			v, has := s.Resource.Attributes.Get(key)
			if !has {
				continue
			}
			r.texts = append(r.texts, v.Text())
			if ok && v.Text() == host {
				r.texts = append(r.texts, host+":"+port)
			}
		}
		return r
	}
}
