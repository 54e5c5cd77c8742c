package localpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// minMajor is the oldest Postgres that Plait runs on.
const minMajor = 15

// programDirs are the places where packages put the server's programs: Debian, RPM,
// Homebrew on both kinds of Mac and on Linux, Alpine. PATH is looked at after them.
var programDirs = []string{
	"/usr/lib/postgresql/*/bin",
	"/usr/pgsql-*/bin",
	"/opt/homebrew/opt/postgresql*/bin",
	"/usr/local/opt/postgresql*/bin",
	"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
	"/usr/libexec/postgresql*",
	"/usr/bin",
	"/usr/local/bin",
}

// programs are the server's programs of one version.
type programs struct {
	dir   string
	major int
}

func (p programs) path(name string) string { return filepath.Join(p.dir, name) }

// findPrograms returns the programs to use. A cluster runs only with the major version that
// made it, so that an upgrade of the system does not leave its data behind: wanted is that
// version, or 0 for the newest. binDir, if set, is the only place to look.
func findPrograms(ctx context.Context, binDir string, wanted int) (programs, error) {
	var found []programs
	for _, dir := range candidateDirs(binDir) {
		if major, err := majorOf(ctx, dir); err == nil {
			found = append(found, programs{dir, major})
		}
	}
	best := programs{}
	for _, p := range found {
		if p.major == wanted {
			return p, nil
		}
		if p.major > best.major {
			best = p
		}
	}
	switch {
	case wanted != 0:
		return best, fmt.Errorf("the data was made by Postgres %d, whose programs are not installed (%s); "+
			"install them, or give another --data-dir or a database with --database-url", wanted, describe(found))
	case best.major < minMajor:
		return best, fmt.Errorf("no programs of Postgres %d or newer (%s); install them with: %s; "+
			"or give a database with --database-url", minMajor, describe(found), installCommand())
	}
	return best, nil
}

func candidateDirs(binDir string) []string {
	if binDir != "" {
		return []string{binDir}
	}
	var dirs []string
	for _, pattern := range programDirs {
		// The only error is a bad pattern, and these are constants.
		matches, _ := filepath.Glob(pattern)
		dirs = append(dirs, matches...)
	}
	dirs = append(dirs, filepath.SplitList(os.Getenv("PATH"))...)
	return slices.DeleteFunc(dirs, func(dir string) bool { return !filepath.IsAbs(dir) })
}

var versionOutput = regexp.MustCompile(`^postgres \(PostgreSQL\) (\d+)`)

// majorOf asks the server program in dir for its major version.
func majorOf(ctx context.Context, dir string) (int, error) {
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return 0, err
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return 0, fmt.Errorf("ask %s for its version: %w", dir, err)
	}
	m := versionOutput.FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("%s/postgres says it is %q", dir, out)
	}
	return strconv.Atoi(string(m[1]))
}

// clusterMajor returns the major version that made the cluster, 0 if there is no cluster.
func clusterMajor(pgDir string) (int, error) {
	text, err := os.ReadFile(filepath.Join(pgDir, "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(pgDir); err == nil {
			return 0, fmt.Errorf("%s is not a Postgres cluster: it has no PG_VERSION", pgDir)
		}
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the cluster's version: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("read the cluster's version: %w", err)
	}
	return major, nil
}

func describe(found []programs) string {
	if len(found) == 0 {
		return "none were found"
	}
	var list []string
	for _, p := range found {
		list = append(list, fmt.Sprintf("%d in %s", p.major, p.dir))
	}
	return "found: " + strings.Join(list, ", ")
}

// installCommand returns what a person would type on this system.
func installCommand() string {
	sudo := "sudo "
	if os.Geteuid() == 0 {
		sudo = ""
	}
	for _, manager := range []struct{ program, command string }{
		{"apt-get", sudo + "apt-get install postgresql"},
		{"dnf", sudo + "dnf install postgresql-server"},
		{"brew", "brew install postgresql@17"},
		{"apk", sudo + "apk add postgresql"},
		{"zypper", sudo + "zypper install postgresql-server"},
		{"pacman", sudo + "pacman -S postgresql"},
	} {
		if _, err := exec.LookPath(manager.program); err == nil {
			return manager.command
		}
	}
	return "the system's package manager"
}
