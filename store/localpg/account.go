package localpg

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is whom the server's programs run as.
type account struct {
	uid, gid uint32
	// change is false when they run as Plait itself does.
	change bool
	// search lets them through directories that the account may not enter, such as a
	// home of mode 0700 above the data directory.
	search bool
}

// unprivileged are the accounts that root hands its server to, by preference. Debian and RPM
// packages of Postgres make the first, macOS comes with the second.
var unprivileged = []string{"postgres", "_postgres", "nobody"}

// chooseAccount returns whom the server of the cluster in pgDir runs as.
func chooseAccount(pgDir string) (account, error) {
	if os.Geteuid() != 0 {
		return account{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}, nil
	}
	acct, err := accountForRoot(pgDir)
	if err != nil {
		return account{}, err
	}
	acct.change = true
	if blocked := firstClosed(filepath.Dir(pgDir), acct); blocked != "" {
		if !maySearch() {
			return account{}, fmt.Errorf("the account that runs Postgres (uid %d) may not enter %s: "+
				"give a --data-dir elsewhere, such as /var/lib/plait, or let others pass with chmod o+x", acct.uid, blocked)
		}
		acct.search = true
	}
	return acct, nil
}

func accountForRoot(pgDir string) (account, error) {
	if info, err := os.Stat(pgDir); err == nil {
		uid, gid := ownerOf(info)
		if uid == 0 {
			return account{}, fmt.Errorf("%s belongs to root, whom Postgres refuses to serve: give it to another account with chown -R", pgDir)
		}
		return account{uid: uid, gid: gid}, nil
	}
	for _, name := range unprivileged {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return account{}, fmt.Errorf("read account %s: %w", name, err)
		}
		return account{uid: uint32(uid), gid: uint32(gid)}, nil
	}
	return account{}, fmt.Errorf("none of the accounts %v exists, and Postgres refuses to run as root: "+
		"make one with useradd --system postgres, or start Plait as another user", unprivileged)
}

// attributes returns how a program is started as this account.
func (a account) attributes() *syscall.SysProcAttr {
	// Its own process group keeps a terminal's Ctrl-C away: Plait stops it in order.
	attr := &syscall.SysProcAttr{Setpgid: true}
	if a.change {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	if a.search {
		allowSearch(attr)
	}
	return attr
}

// own gives what Plait has just made to the account.
func (a account) own(path string) error {
	if !a.change {
		return nil
	}
	return os.Chown(path, int(a.uid), int(a.gid))
}

// mkdir makes a directory that only the account and root may enter. One that exists is left
// as it is if it is such a directory, and refused if it is not.
func (a account) mkdir(path string) error {
	err := os.Mkdir(path, 0o700)
	if err == nil {
		return a.own(path)
	}
	if !errors.Is(err, os.ErrExist) {
		return err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if uid, _ := ownerOf(info); !info.IsDir() || uid != a.uid || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s is not a directory of mode 0700 that belongs to uid %d", path, a.uid)
	}
	return nil
}

// firstClosed returns the directory nearest to the root, among dir and those above it, that
// the account may not enter, or "". It reads the permission bits only.
func firstClosed(dir string, a account) string {
	if parent := filepath.Dir(dir); parent != dir {
		if closed := firstClosed(parent, a); closed != "" {
			return closed
		}
	}
	info, err := os.Stat(dir)
	if err != nil {
		return dir
	}
	uid, gid := ownerOf(info)
	enter := info.Mode().Perm() & 0o001
	switch {
	case uid == a.uid:
		enter = info.Mode().Perm() & 0o100
	case gid == a.gid:
		enter = info.Mode().Perm() & 0o010
	}
	if enter == 0 {
		return dir
	}
	return ""
}

func ownerOf(info os.FileInfo) (uid, gid uint32) {
	stat := info.Sys().(*syscall.Stat_t)
	return stat.Uid, stat.Gid
}
