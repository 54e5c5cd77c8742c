package main

import "testing"

func TestBaseURL(t *testing.T) {
	for text, want := range map[string]baseURL{
		"127.0.0.1:4318": "http://127.0.0.1:4318", "localhost:4318/": "http://localhost:4318", "[::1]:4318": "http://[::1]:4318",
		"plait.example": "http://plait.example", "https://plait.example/prefix/": "https://plait.example/prefix", ":4318": "http://:4318",
	} {
		var got baseURL
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q is %q and %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"", "http://", "ftp://host", "host:port", "host:99999", "http://host?x=1", "a b"} {
		var got baseURL
		if got.UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q is %q, want an error", text, got)
		}
	}
}
