#!/usr/bin/env bash
# Makes sure that the programs of Postgres 15 or newer are installed, so that Plait can run
# a private server. It starts nothing and touches no existing cluster. The places are those
# where Plait itself looks (store/localpg/programs.go).
set -euo pipefail
shopt -s nullglob

minimum=15

found() {
  local dirs dir version
  IFS=: read -ra dirs <<<"$PATH"
  for dir in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin \
    /usr/local/opt/postgresql*/bin /home/linuxbrew/.linuxbrew/opt/postgresql*/bin \
    /usr/libexec/postgresql* /usr/bin /usr/local/bin "${dirs[@]}"; do
    [ -x "$dir/postgres" ] && [ -x "$dir/initdb" ] || continue
    version=$("$dir/postgres" --version 2>/dev/null | sed -nE 's/^postgres \(PostgreSQL\) ([0-9]+).*/\1/p')
    [ "${version:-0}" -ge "$minimum" ] && return
  done
  return 1
}

install_apt() {
  # Without this file Debian's package would create and start a cluster of its own.
  if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    $sudo mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' | $sudo tee /etc/postgresql-common/createcluster.conf >/dev/null
  fi
  local get="$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq"
  local candidate
  $get update
  candidate=$(apt-cache depends postgresql | sed -nE 's/.*Depends: postgresql-([0-9]+)$/\1/p' | head -n 1)
  if [ "${candidate:-0}" -ge "$minimum" ]; then
    $get install -y --no-install-recommends postgresql
    return
  fi
  # An older release: the Postgres project's own packages, by the script that the
  # distribution ships for it.
  $get install -y --no-install-recommends postgresql-common ca-certificates
  $sudo /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y
  $get install -y --no-install-recommends postgresql-17
}

install_dnf() {
  # RHEL 8 and 9 have newer versions than the default as modules.
  if $sudo dnf -q module list postgresql:16 >/dev/null 2>&1; then
    $sudo dnf -q -y module enable postgresql:16
  fi
  $sudo dnf -q -y install postgresql-server
}

found && exit 0

sudo=''
[ "$(id -u)" = 0 ] || sudo=sudo

if command -v apt-get >/dev/null; then
  echo 'Installing the Postgres programs with apt-get (no server is started).'
  install_apt
elif command -v dnf >/dev/null; then
  echo 'Installing the Postgres programs with dnf (no server is started).'
  install_dnf
elif command -v brew >/dev/null; then
  echo 'Installing the Postgres programs with Homebrew (no server is started).'
  brew install postgresql@17
else
  echo "Postgres $minimum or newer is needed, and this system has neither apt-get, dnf nor brew." >&2
  echo 'Install its server programs, or give Plait a database with --database-url.' >&2
  exit 1
fi

found || {
  echo "The programs of Postgres $minimum or newer are still not to be found." >&2
  exit 1
}
