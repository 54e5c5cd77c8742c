package main

import (
	"strings"
	"testing"
)

func TestNoSecretOfAConnectionStringIsShown(t *testing.T) {
	for _, c := range []struct{ dsn, want string }{
		{"postgres://me@db/plait", "postgres://me@db/plait"},
		{"postgres://me:hush@db:5432/plait", "postgres://me:xxxxx@db:5432/plait"},
		{"postgres://me:hu@sh:hush@db/plait", "postgres://me:xxxxx@db/plait"},
		{"postgres://me:@db/plait", "postgres://me:xxxxx@db/plait"},
		{"postgres://me:hush@a:1,b:2/plait?sslmode=require", "postgres://me:xxxxx@a:1,b:2/plait?sslmode=require"},
		{"postgres:///plait?host=db&user=me&password=hush", "postgres:///plait?host=db&user=me&password=xxxxx"},
		{"postgres://db/plait?PASSWORD=hush&sslpassword=hush&passfile=/hush", "postgres://db/plait?PASSWORD=xxxxx&sslpassword=xxxxx&passfile=xxxxx"},
		{"postgres://db/plait?pass%77ord=hush", "postgres://db/plait?pass%77ord=xxxxx"},
		{"postgresql://db/plait?sslkey=/hush.pem&application_name=x", "postgresql://db/plait?sslkey=xxxxx&application_name=x"},
		{"host=db user=me password=hush dbname=plait", "host=db user=me password=xxxxx dbname=plait"},
		{"host=db password = 'hush hush \\' hush' dbname=plait", "host=db password = xxxxx dbname=plait"},
		{`host=db password=hush\ hush dbname=plait`, "host=db password=xxxxx dbname=plait"},
		{"password='hush", "password=xxxxx"},
		{"sslpassword=hush passfile=hush host=db", "sslpassword=xxxxx passfile=xxxxx host=db"},
	} {
		got := maskSecrets(c.dsn)
		if got != c.want || strings.Contains(got, "hush") {
			t.Errorf("%s is shown as %s, want %s", c.dsn, got, c.want)
		}
	}
}
