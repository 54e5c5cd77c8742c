package api

import (
	"net/http"
	"strings"
	"testing"
)

func TestLinksAreAbsoluteWhereABaseIsSet(t *testing.T) {
	t.Parallel()
	l := newLinks("https://plait.example.com/")
	if got := l.trace(knownTrace).Logs; got != "https://plait.example.com/api/v1/pivot/trace/"+knownTrace.String()+"/logs" {
		t.Errorf("link is %s", got)
	}
}

func TestLinksBeginWithThePrefixThatAProxyTookOff(t *testing.T) {
	t.Parallel()
	path := "/api/v1/pivot/trace/" + knownTrace.String()
	for _, c := range []struct{ base, header, want string }{
		{"", "", path},
		{"", "/plait", "/plait" + path},
		{"", "/obs/plait/", "/obs/plait" + path},
		{"", "/plait, /inner", "/plait" + path},
		{"", "plait", path},
		{"", "//evil.example.com", path},
		{"", "/a?b", path},
		{"", "/a\"b", path},
		{"", "/" + strings.Repeat("a", 300), path},
		{"/fixed", "/plait", "/fixed" + path},
		{"https://plait.example.com/fixed/", "/plait", "https://plait.example.com/fixed" + path},
	} {
		s := &Server{links: newLinks(c.base)}
		ctx := withPrefix(t.Context(), http.Header{forwardedPrefix: {c.header}})
		if got := s.linksFor(ctx).trace(knownTrace).Trace; got != c.want {
			t.Errorf("base %q and prefix %q make %s, want %s", c.base, c.header, got, c.want)
		}
	}
	for base, ok := range map[string]bool{
		"": true, "/plait": true, "https://h": true, "http://h/p": true, "plait": false, "ftp://h": false, "//h": false, "/p?x=1": false, "https://h#x": false,
	} {
		if isBaseURL(base) != ok {
			t.Errorf("links may begin with %q: %v", base, !ok)
		}
	}
}
