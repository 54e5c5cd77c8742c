package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/plaithq/plait/store"
)

// readerConfig says which role for readers plait migrate reader-role makes.
type readerConfig struct {
	Role           string `help:"Name of the role for readers." default:"plait_reader" placeholder:"NAME"`
	PasswordFile   string `help:"File with the role's password, - for standard input. Without it, and without --reader-password, a new role gets a password that is printed once, and one that exists keeps its own." placeholder:"FILE"`
	ReaderPassword string `help:"The role's password. Others on this machine can see command lines: set the environment variable, or use --password-file." placeholder:"PASSWORD"`
}

// maxPasswordFile bounds what is read of a password file.
const maxPasswordFile = 4 << 10

func (c *readerConfig) password(stdin io.Reader) (string, error) {
	if c.PasswordFile == "" {
		return c.ReaderPassword, nil
	}
	if c.ReaderPassword != "" {
		return "", errors.New("--password-file and --reader-password both give a password: give one")
	}
	in := stdin
	if c.PasswordFile != "-" {
		f, err := os.Open(c.PasswordFile)
		if err != nil {
			return "", fmt.Errorf("read the role's password: %w", err)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxPasswordFile))
	if err != nil {
		return "", fmt.Errorf("read the role's password: %w", err)
	}
	text = bytes.TrimRight(text, "\r\n")
	if len(text) == 0 {
		return "", fmt.Errorf("read the role's password: %s is empty", c.PasswordFile)
	}
	return string(text), nil
}

// ensure makes the role, after the schema that it reads.
func (c *readerConfig) ensure(ctx context.Context, databaseURL string, private bool, std console) error {
	password, err := c.password(std.in)
	if err != nil {
		return err
	}
	role := store.ReaderRole{Name: c.Role, Password: password, FirstPassword: rand.Text(), Private: private}
	if err := role.Validate(); err != nil {
		return err
	}
	if err := store.Migrate(ctx, databaseURL, store.MigrateUp); err != nil {
		return err
	}
	made, err := store.EnsureReader(ctx, databaseURL, role)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "role %s may read the views of schema plait, on a Citus cluster the tables behind them, and nothing else\n", c.Role)
	switch {
	case made && password == "":
		fmt.Fprintf(std.out, "its password, which is not shown again: %s\n", role.FirstPassword)
	case password == "":
		fmt.Fprintln(std.out, "it keeps its password; --password-file sets another")
	}
	if private {
		fmt.Fprintln(std.out, "it comes in over TCP, to the database plait, where the gateway runs with --postgres-listen 127.0.0.1:5433 or the like")
	}
	return nil
}
