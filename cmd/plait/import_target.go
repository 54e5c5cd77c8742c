package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"github.com/alecthomas/kong"

	"github.com/plaithq/plait/importer"
)

// chooseTarget refuses a gateway and a database that were named in the same way. Otherwise, as
// for every setting, a flag goes before the environment, which goes before a file.
func (c *importCommand) chooseTarget(parsed *kong.Context) error {
	gateway, database := origin(parsed, "gateway"), origin(parsed, "database-url")
	switch {
	case c.DatabaseURL == "" || database > gateway:
		return nil
	case database < gateway:
		c.DatabaseURL = ""
		return nil
	case gateway == fromEnvironment:
		return errors.New("PLAIT_GATEWAY and PLAIT_DATABASE_URL are both set: say with --gateway or --database-url where to send to")
	}
	return errors.New("--gateway and --database-url exclude each other: send to a gateway, or write straight into a database")
}

// Where a setting comes from, in rising order of precedence.
const (
	fromDefault = iota
	fromFile
	fromEnvironment
	fromFlag
)

// origin says where the value of a flag of the command comes from.
func origin(parsed *kong.Context, name string) int {
	for _, p := range parsed.Path {
		if p.Flag == nil || p.Flag.Name != name {
			continue
		}
		if p.Resolved {
			return fromFile
		}
		return fromFlag
	}
	for _, f := range parsed.Selected().Flags {
		if f.Name == name && slices.ContainsFunc(f.Envs, func(env string) bool { return os.Getenv(env) != "" }) {
			return fromEnvironment
		}
	}
	return fromDefault
}

// target returns the base URL to send to, and what ends it. For a database, the gateway's own way in
// runs in this process, so that a direct import is cleaned and committed as any other.
func (c *importCommand) target(ctx context.Context, im *importer.Importer) (gateway string, stop func() error, err error) {
	im.Wait = importer.Wait{Target: string(c.Gateway), Limit: time.Duration(c.GiveUpAfter)}
	if c.DatabaseURL == "" {
		im.Wait.Advice = "is 'plait serve' running? --gateway says where, --give-up-after how long to wait"
		return string(c.Gateway), func() error { return nil }, nil
	}
	im.Wait.Target, im.Wait.Advice = "the database", "--give-up-after says how long to wait"
	return startDirectIngest(ctx, c.DatabaseURL, im.Notes)
}
