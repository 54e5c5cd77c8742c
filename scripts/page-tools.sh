#!/usr/bin/env bash
# Makes sure that what checks and tests the page is here: the packages of web/package.json, among them a
# Node for Linux, and a Chromium. --no-browser leaves the Chromium out.
set -euo pipefail
cd "$(dirname "$0")/.."

sudo=''
[ "$(id -u)" = 0 ] || sudo=sudo

# install PACKAGE… by apt-get, or say what is missing.
install() {
  if ! command -v apt-get >/dev/null; then
    echo "$missing" >&2
    exit 1
  fi
  echo "Installing $* with apt-get."
  local get="$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq"
  { $get update && $get install -y --no-install-recommends "$@"; } || {
    echo "$missing" >&2
    exit 1
  }
}

# npm keeps a copy of the lock file beside what it installed.
if [ ! web/node_modules/.package-lock.json -nt web/package-lock.json ]; then
  missing='npm is needed to check and test the page: install Node.js 22 or newer, with npm.'
  command -v npm >/dev/null || install npm
  echo 'Getting the packages of web/package.json with npm.'
  # Of an older Node npm warns. What it gets has its own, which runs all the rest.
  (cd web && npm ci --no-audit --no-fund --loglevel=error) || {
    echo 'npm could not get the packages of web/package.json, which check and test the page.' >&2
    exit 1
  }
  touch web/node_modules/.package-lock.json
fi

[ "${1:-}" = --no-browser ] && exit 0

# The places are those where the tests look (web/test/browser/browser.mjs).
for browser in "${PLAIT_TEST_CHROMIUM:-}" /usr/bin/chromium /usr/bin/chromium-browser /usr/bin/google-chrome \
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome' /Applications/Chromium.app/Contents/MacOS/Chromium; do
  [ -x "$browser" ] && exit 0
done
missing='A Chromium is needed to test the page: install chromium or Google Chrome, or name its program in PLAIT_TEST_CHROMIUM.'
install chromium
[ -x /usr/bin/chromium ] || {
  echo "$missing" >&2
  exit 1
}
