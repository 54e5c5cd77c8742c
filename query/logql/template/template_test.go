package template_test

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/plaithq/plait/query/logql/template"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func run(text string, e *template.Entry) (string, error) {
	t, err := template.Parse(text)
	if err != nil {
		return "", err
	}
	return t.Run(e)
}

var entry = template.Entry{Line: `user bob {"a":[1,2]}`, Time: time.Unix(1_700_000_100, 0), Labels: map[string]string{"app": "cart", "n": "19", "path": "/api/cart", "json": `{"items":[{"sku":"a","n":1},{"sku":"b","n":2}]}`, "lines": "a\nb"}}

func TestTemplatesMakeTexts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`plain`:               "plain",
		`{{.app}}{{.absent}}`: "cart",
		`{{ contains "bob" __line__ }} {{ __line__ | trunc 4 }} {{ trunc -1 "xyz" }}`:                                                                       "true user z",
		`{{ if eq .app "cart" }}1{{ else }}2{{ end }}{{ len .app }}`:                                                                                        "14",
		`{{ .path | replace "/api" "" | trimPrefix "/" | default "root" }} {{ .absent | default "root" }}`:                                                  "cart root",
		`{{ regexReplaceAll "(\\d+)" .n "<$1>" }} {{ regexReplaceAllLiteral "(\\d)" .n "$1" }}`:                                                             "<19> $1$1",
		`{{ substr 0 4 .path }}|{{ substr -1 2 .path }}|{{ substr 3 -1 .app }}|{{ substr 9 2 .app }}`:                                                       "/api|/a|t|",
		`{{ addf (float64 .n) 0.5 }} {{ addf 0.1 0.2 }} {{ divf (float64 .n) 4 }} {{ subf 1.5 (float64 .n) }} {{ maxf 7.5 (float64 .n) }} {{ minf 1 0.5 }}`: "19.5 0.3 4.75 -17.5 19 0.5",
		`{{ add 1 .n 3 }} {{ sub 5 2 }} {{ mul 2 3 4 }} {{ div 7 2 }} {{ mod 7 2 }} {{ max 1 3 }} {{ min 1 3 }} {{ int "7" }}`:                              "23 3 24 3 1 3 1 7",
		`{{ floor 2.7 }} {{ ceil 2.1 }} {{ round 2.5678 2 }} {{ round 2.5 0 }}`:                                                                             "2 3 2.57 3",
		`{{ with fromJson .json }}{{ range .items }}{{ .sku }}={{ .n }};{{ end }}{{ end }}`:                                                                 "a=1;b=2;",
		`{{ alignLeft 6 .app }}|{{ alignRight 6 .app }}|{{ alignLeft 2 "éèà" }}|{{ alignRight 2 .app }}`:                                                    "cart  |  cart|éè|rt",
		`{{ repeat 2 .app }}|{{ indent 2 .lines }}|{{ .app | nindent 1 }}`:                                                                                  "cartcart|  a\n  b|\n cart",
		`{{ unixToTime "1700000100" | date "2006-01-02T15:04:05Z" }} {{ toDate "2006-01-02" "2023-11-14" | unixEpoch }}`:                                    "2023-11-14T22:15:00Z 1699920000",
		`{{ toDateInZone "2006-01-02" "UTC" "2023-11-14" | unixEpochNanos }} {{ __timestamp__ | unixEpochMillis }}`:                                         "1699920000000000000 1700000100000",
		`{{ count "b" __line__ }} {{ urlencode "a b" }} {{ urldecode "a+b" }} {{ b64enc "x" }} {{ b64dec "eA==" }} {{ bytes "2KB" }} {{ duration "90s" }}`:  "2 a+b a b eA== x 2000 90",
		`{{ printf "%-5s|%03d" .app 7 }} {{ title "a bc" }} {{ Replace "aaa" "a" "b" 2 }} {{ hasSuffix "rt" .app }}`:                                        "cart |007 A Bc bba true",
		`{{ range 3 }}x{{ end }}`: "xxx",
	} {
		if got, err := run(text, &entry); err != nil || got != want {
			t.Errorf("%s: %q %v, want %q", text, got, err, want)
		}
	}
}

func TestWhatIsNoTemplateIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{{ nosuchfunction .a }}`, `{{`, `{{ if }}`, `{{define "a"}}{{template "a"}}{{end}}`, `{{template "a"}}`, `{{block "a" .}}{{end}}`, `{{ env "HOME" }}`} {
		if _, err := template.Parse(text); err == nil {
			t.Errorf("%s is a template", text)
		}
	}
}

func TestTemplatesThatFailSayWhy(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 600_000)
	for text, says := range map[string]string{
		`{{ range 9000000000000000000 }}{{ end }}`:                                       "too long",
		`{{ range 90000 }}{{ range 90000 }}{{ range 90000 }}{{ end }}{{ end }}{{ end }}`: "too long",
		`{{ range 9000000 }}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{{ end }}`:                     "the template",
		`{{ repeat 1000000000 "x" }}`:                                                    "1 MiB",
		`{{ indent 1000000000 "x" }}`:                                                    "1 MiB",
		`{{ alignLeft 1000000000 "x" }}`:                                                 "1 MiB",
		`{{ printf "%900000d%900000d" 1 1 }}`:                                            "1 MiB",
		`{{ printf "%*d" 1000000 1 }}`:                                                   "width",
		`{{ printf "%[1]s%[1]s%[1]s" .long }}`:                                           "1 MiB",
		`{{ replace "x" .long .long }}`:                                                  "1 MiB",
		`{{ replace "" .long .long }}`:                                                   "1 MiB",
		`{{ regexReplaceAll "x" .long .long }}`:                                          "1 MiB",
		`{{ .long }}{{ .long }}`:                                                         "1 MiB",
		`{{ $x := .long }}{{ $x = print $x $x }}{{ }}`:                                   "missing value",
		`{{ print .long .long }}`:                                                        "1 MiB",
		`{{ .app | div }}`:                                                               "wrong number of args",
		`{{ div 1 0 }}`:                                                                  "division by zero",
		`{{ divf 1 0 }}`:                                                                 "division by zero",
		`{{ regexReplaceAll "(" "a" "b" }}`:                                              "missing closing",
		`{{ toDateInZone "2006" "../../etc" "2023" }}`:                                   "no such time zone",
		`{{ unixToTime "12" }}`:                                                          "digits",
		`{{ index .app 9 }}`:                                                             "out of range",
	} {
		_, err := run(text, &template.Entry{Labels: map[string]string{"app": "cart", "long": long}})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
}
