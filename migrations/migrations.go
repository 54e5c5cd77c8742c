// Package migrations holds the database schema as numbered golang-migrate files. The schemas
// plait_store (tables, Plait's own business) and plait (views, a public interface) exist
// before the first file runs; package store makes them.
//
// A file of several statements is one DO block: done whole or not at all, however it is sent.
package migrations

import "embed"

// FS holds the .up.sql and .down.sql files. A released file is never edited.
//
//go:embed *.sql
var FS embed.FS
