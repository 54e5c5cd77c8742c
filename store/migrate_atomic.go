package store

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/golang-migrate/migrate/v4/database"
)

// atomicMigrations makes a migration and the record of its number one transaction.
// golang-migrate itself records a number as dirty, runs the migration and records it as clean,
// each on its own: a gateway killed in between leaves a database that a person has to mend.
type atomicMigrations struct {
	database.Driver
	target   int  // what the next Run arrives at
	recorded bool // Run recorded target already
}

// SetVersion is called before a migration with dirty set, and after it without.
func (a *atomicMigrations) SetVersion(version int, dirty bool) error {
	if dirty {
		a.target, a.recorded = version, false
		return nil
	}
	if a.recorded {
		return nil
	}
	return a.Driver.SetVersion(version, false)
}

// Run runs a migration. Statements that are sent together are one transaction.
func (a *atomicMigrations) Run(migration io.Reader) error {
	statements, err := io.ReadAll(migration)
	if err != nil {
		return fmt.Errorf("read migration: %w", err)
	}
	record := "\n;\nTRUNCATE plait_store.schema_migrations;\n"
	if a.target != database.NilVersion {
		record += "INSERT INTO plait_store.schema_migrations (version, dirty) VALUES (" + strconv.Itoa(a.target) + ", false);\n"
	}
	if err := a.Driver.Run(strings.NewReader(string(statements) + record)); err != nil {
		return err
	}
	a.recorded = true
	return nil
}
