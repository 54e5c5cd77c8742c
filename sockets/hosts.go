package sockets

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/plaithq/plait"
)

// A browser on this machine can reach what listens on loopback, and a page that it has loaded from
// anywhere can let its own name resolve to 127.0.0.1 (DNS rebinding): to the browser the gateway is
// then a part of that page's site. The Host header still has the page's name. So over loopback only
// requests for names that no page can have are answered.

// loopbackNames are names of this machine that nobody else can register.
var loopbackNames = []string{
	"localhost",
	"host.docker.internal", "gateway.docker.internal", "host.containers.internal", // from containers to their host
}

// checkHost refuses requests for a host that is none of the gateway's names.
func checkHost(next http.Handler, bound net.Addr, allowed []string) http.Handler {
	boundHost := host(bound.String())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name := hostName(r.Host); !isOwnName(name, boundHost, allowed) {
			w.Header().Set("Connection", "close") // the body is not read
			http.Error(w, fmt.Sprintf("the gateway listens on loopback and does not answer to the host %.100q: "+
				"use localhost, or name the host with --allowed-hosts", name), http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostName is the name in a Host header, in lower case, without the port.
func hostName(header string) string {
	name := header
	if h, _, err := net.SplitHostPort(header); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	return strings.ToLower(strings.TrimSuffix(name, "."))
}

func isOwnName(name, bound string, allowed []string) bool {
	if name == "" || name == bound { // HTTP/1.0 may leave it out; browsers never do
		return true
	}
	if ip := net.ParseIP(name); ip != nil && ip.IsLoopback() {
		return true
	}
	if slices.Contains(loopbackNames, name) || strings.HasSuffix(name, ".localhost") {
		return true
	}
	return slices.ContainsFunc(allowed, func(pattern string) bool {
		pattern = strings.ToLower(pattern)
		if below, ok := strings.CutPrefix(pattern, "*."); ok {
			return strings.HasSuffix(name, "."+below)
		}
		return pattern == "*" || pattern == name
	})
}

// CheckHostNames says which entry of Config.AllowedHosts cannot be one, wrapping plait.ErrInvalid.
func CheckHostNames(names []string) error {
	for _, name := range names {
		plain := strings.TrimPrefix(name, "*.")
		if name == "*" || net.ParseIP(plain) != nil {
			continue
		}
		if plain == "" || strings.ContainsAny(plain, "*/:@[] ") {
			return plait.Errorf(plait.ErrInvalid, "%q is not a host name such as plait.example or *.example (without scheme and port)", name)
		}
	}
	return nil
}

// isLoopback says whether only this machine can reach an address.
func isLoopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
