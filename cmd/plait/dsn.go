package main

import (
	"regexp"
	"strings"
)

// masked stands where a secret was.
const masked = "xxxxx"

// secretKeyword matches a parameter of a connection string that is a secret or leads to one, as
// Postgres and its drivers name them.
var secretKeyword = regexp.MustCompile(`(?i)pass|secret|token|key|credential`)

// keywordValue matches a keyword and its value in a connection string that is no URL
// (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-KEYWORD-VALUE).
var keywordValue = regexp.MustCompile(`(?s)([^\s=]+)(\s*=\s*)('(?:[^'\\]|\\.)*'?|(?:[^\s'\\]|\\.)*)`)

// maskSecrets returns a connection string, a URL or keywords and values, without its secrets.
func maskSecrets(dsn string) string {
	scheme, rest, isURL := strings.Cut(dsn, "://")
	if !isURL || strings.ContainsAny(scheme, " =") {
		return keywordValue.ReplaceAllStringFunc(dsn, func(pair string) string {
			parts := keywordValue.FindStringSubmatch(pair)
			if secretKeyword.MatchString(parts[1]) {
				return parts[1] + parts[2] + masked
			}
			return pair
		})
	}
	address, query, hasQuery := strings.Cut(rest, "?")
	if at := strings.LastIndexByte(address, '@'); at >= 0 {
		if user, _, has := strings.Cut(address[:at], ":"); has {
			address = user + ":" + masked + address[at:]
		}
	}
	if !hasQuery {
		return scheme + "://" + address
	}
	parameters := strings.Split(query, "&")
	for i, parameter := range parameters {
		// Escapes could hide a name, so what has any is taken for a secret.
		if name, _, has := strings.Cut(parameter, "="); has && (secretKeyword.MatchString(name) || strings.Contains(name, "%")) {
			parameters[i] = name + "=" + masked
		}
	}
	return scheme + "://" + address + "?" + strings.Join(parameters, "&")
}
