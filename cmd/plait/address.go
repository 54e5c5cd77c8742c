package main

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// baseURL is where a gateway answers: a URL without a slash at its end, or host:port alone,
// which means http.
type baseURL string

// UnmarshalText reads an address that a request can be sent to.
func (b *baseURL) UnmarshalText(text []byte) error {
	address := strings.TrimSpace(string(text))
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery+u.Fragment != "" || u.Port() != "" && !isPort(u.Port()) {
		return fmt.Errorf("%q is not an address such as 127.0.0.1:4318 or https://plait.example", text)
	}
	*b = baseURL(strings.TrimRight(u.String(), "/"))
	return nil
}

// isPort says whether s is the number of a TCP port; 0 stands for any that is free.
func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}
