package ingest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// browser sends a request as a browser does for a page.
func (ts *testServer) browser(t *testing.T, method, path, body string, headers ...string) answered {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+ts.HTTPAddr().String()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
		}
		req.Header.Set(name, value)
	}
	return ts.do(t, req)
}

func TestPagesOfAllowedOriginsMaySend(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		allowed string
		origin  string
		may     bool
	}{
		{"", "https://shop.example", false},
		{"", "null", false},
		{"https://shop.example", "https://shop.example", true},
		{"https://shop.example", "http://shop.example", false},
		{"https://shop.example", "https://shop.example:8443", false},
		{"https://shop.example", "https://shop.example.evil", false},
		{"https://shop.example", "https://evil-shop.example", false},
		{"https://shop.example", "null", false},
		{"https://Shop.Example", "https://shop.example", true},
		{"https://shop.example:443", "https://shop.example", true},
		{"http://shop.example:80", "http://shop.example", true},
		{"http://shop.example:8080", "http://shop.example:8080", true},
		{"http://shop.example:8080", "http://shop.example", false},
		{"https://*.example.com", "https://a.example.com", true},
		{"https://*.example.com", "https://a.b.example.com", true},
		{"https://*.example.com", "https://example.com", false},
		{"https://*.example.com", "https://.example.com", false},
		{"https://*.example.com", "https://a.example.com.evil", false},
		{"https://*.example.com", "https://a.example.com:8443", false},
		{"https://*.example.com", "https://evil/.example.com", false},
		{"http://localhost:*", "http://localhost:3000", true},
		{"http://localhost:*", "http://localhost", false},
		{"https://other.example https://shop.example", "https://shop.example", true},
		{"*", "https://anything.example:1", true},
		{"*", "null", true},
		{"null", "null", true},
	} {
		t.Run(c.allowed+" "+c.origin, func(t *testing.T) {
			t.Parallel()
			ts := serve(t, func(config *Config, d *Deps) {
				config.AllowedOrigins, d.Writer = strings.Fields(c.allowed), nowhere{}
			})
			if err := ts.config.Validate(); err != nil {
				t.Error(err)
			}
			asked := ts.browser(t, http.MethodOptions, "/v1/traces", "", "Origin: "+c.origin,
				"Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type,x-own", "Access-Control-Request-Private-Network: true")
			sent := ts.browser(t, http.MethodPost, "/v1/traces", "{}", "Origin: "+c.origin, "Sec-Fetch-Site: cross-site", "Content-Type: application/json")
			if !c.may {
				if asked.code != http.StatusForbidden || sent.code != http.StatusForbidden || asked.header.Get("Access-Control-Allow-Origin")+sent.header.Get("Access-Control-Allow-Origin") != "" {
					t.Errorf("the page is answered %d and %d, want 403", asked.code, sent.code)
				}
				return
			}
			if asked.code != http.StatusNoContent || sent.code != http.StatusOK {
				t.Errorf("the page is answered %d and %d %q, want 204 and 200", asked.code, sent.code, sent.body)
			}
			for name, want := range map[string]string{
				"Access-Control-Allow-Origin": c.origin, "Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": "content-type,x-own",
				"Access-Control-Max-Age": "7200", "Access-Control-Allow-Private-Network": "true",
			} {
				if got := asked.header.Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if got := fmt.Sprint(asked.header["Vary"]); got != "[Access-Control-Request-Method Access-Control-Request-Headers Origin]" {
				t.Errorf("Vary of the answer to the browser is %s", got)
			}
			if sent.header.Get("Access-Control-Allow-Origin") != c.origin || sent.header.Get("Vary") != "Origin" {
				t.Errorf("the page may not read the answer: %v", sent.header)
			}
		})
	}
}

func TestAnAllowedPageReadsWhyItWasRefused(t *testing.T) {
	t.Parallel()
	ts := serve(t, func(c *Config, _ *Deps) { c.AllowedOrigins = []string{"https://shop.example"} })
	a := ts.browser(t, http.MethodPost, "/v1/traces", "{", "Origin: https://shop.example", "Content-Type: application/json")
	if a.code != http.StatusBadRequest || a.header.Get("Access-Control-Allow-Origin") != "https://shop.example" {
		t.Errorf("answer %d %v", a.code, a.header)
	}
}

func TestWhatAnyPageCouldSendIsRefused(t *testing.T) {
	t.Parallel()
	ts := serve(t)
	for _, path := range ts.paths() {
		// What a browser sends to another origin without asking.
		for _, media := range []string{"", "text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"} {
			var headers []string
			if media != "" {
				headers = []string{"Content-Type: " + media}
			}
			if a := ts.browser(t, http.MethodPost, path, "{}", headers...); a.code != http.StatusUnsupportedMediaType {
				t.Errorf("%s of type %q: answer %d %q, want 415", path, media, a.code, a.body)
			}
		}
		for _, headers := range [][]string{
			{"Origin: https://evil.example"}, {"Sec-Fetch-Site: cross-site"}, {"Sec-Fetch-Site: same-site"},
			{"Origin: http://localhost:3000", "Sec-Fetch-Site: same-site"}, {"Origin: null"},
		} {
			a := ts.browser(t, http.MethodPost, path, "{}", append(headers, "Content-Type: application/x-protobuf")...)
			if a.code != http.StatusForbidden || !strings.Contains(a.body, "--cors-allowed-origins") {
				t.Errorf("%s with %v: answer %d %q, want 403", path, headers, a.code, a.body)
			}
		}
	}
	if len(counted(t, ts.registry, "plait_ingest_records_total")) != 0 {
		t.Error("records of a page were taken")
	}
}

func TestOnlyOwnHostNamesAreAnsweredOverLoopback(t *testing.T) {
	t.Parallel()
	local := serve(t, func(c *Config, d *Deps) {
		d.Writer, c.AllowedHosts = nowhere{}, []string{"plait.example", "*.shop.example"}
	})
	wide := serve(t, func(c *Config, d *Deps) { d.Writer, c.HTTPAddr = nowhere{}, "0.0.0.0:0" })
	for _, c := range []struct {
		host string
		ok   bool
	}{
		{"localhost", true}, {"localhost:4318", true}, {"LOCALHOST", true}, {"localhost.", true}, {"127.0.0.1:4318", true}, {"127.9.9.9", true},
		{"[::1]:4318", true}, {"[::1]", true}, {"shop.localhost:4318", true}, {"host.docker.internal:4318", true},
		{"plait.example", true}, {"plait.example:80", true}, {"a.shop.example", true},
		{"evil.example", false}, {"evil.example:4318", false}, {"127.0.0.1.evil.example", false}, {"localhost.evil.example", false},
		{"notlocalhost", false}, {"shop.example", false}, {"192.168.0.1", false}, {"0.0.0.0", false}, {"plait.example.evil", false},
	} {
		a := local.browser(t, http.MethodPost, "/v1/traces", "{}", "Host: "+c.host, "Content-Type: application/json")
		if want := map[bool]int{true: 200, false: 403}[c.ok]; a.code != want || !c.ok && !strings.Contains(a.body, "--allowed-hosts") {
			t.Errorf("host %q: answer %d %q, want %d", c.host, a.code, a.body, want)
		}
	}
	if a := wide.browser(t, http.MethodPost, "/v1/traces", "{}", "Host: plait:4318", "Content-Type: application/json"); a.code != http.StatusOK {
		t.Errorf("where others may connect: answer %d %q", a.code, a.body)
	}
}

func TestOriginsThatNoBrowserHasAreNoSetting(t *testing.T) {
	for _, origin := range []string{"shop.example", "https://shop.example/", "https://shop.example/path", "https://*.*.example", "", "https://", "https://u@shop.example"} {
		if err := checkOrigins([]string{origin}); err == nil {
			t.Errorf("%q is taken for an origin", origin)
		}
	}
}
