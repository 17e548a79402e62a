#!/usr/bin/env bash
# Sees to it that what the tests need is there: on Debian, as root, it installs
# what is missing; elsewhere it says what that is, and fails.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { printf 'test-tools: %s\n' "$*" >&2; exit 1; }

want=$(awk '$1 == "go" { print $2; exit }' go.mod)
command -v go >/dev/null || fail "Go is missing; install Go $want or newer from https://go.dev/dl/"
have=$(go env GOVERSION)
have=${have#go}
oldest=$(printf '%s\n%s\n' "$want" "${have%%[ -]*}" | sort -V | head -n 1)
[ "$oldest" = "$want" ] || [ "$(go env GOTOOLCHAIN)" != local ] || fail "Go $have is too old; install Go $want or newer from https://go.dev/dl/"

# name | probe | why: a probe may hold bars of its own.
missing() {
	grep -v -e '^#' -e '^[[:space:]]*$' scripts/packages.txt | while IFS= read -r line; do
		name=${line%%|*}
		probe=${line#*|}
		probe=${probe%|*}
		bash -c "$probe" </dev/null >/dev/null 2>&1 || printf '%s\n' "${name// /}"
	done
}

# What the browser tests load comes from npm, at the version and with the
# checksum that the lock file names.
modules() {
	local have want
	want=$(sha256sum <test/browser/package-lock.json)
	have=$(cat test/browser/node_modules/.installed 2>/dev/null || true)
	[ "$have" != "$want" ] || return 0
	echo "test-tools: installing the npm packages of test/browser"
	npm ci --prefix test/browser --ignore-scripts --no-audit --no-fund </dev/null >/dev/null
	printf '%s\n' "$want" >test/browser/node_modules/.installed
}

mapfile -t packages < <(missing)
if [ "${#packages[@]}" -eq 0 ]; then
	modules
	exit 0
fi

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	echo "test-tools: installing ${packages[*]}"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq -o DPkg::Lock::Timeout=300 </dev/null
	apt-get install -y -qq -o DPkg::Lock::Timeout=300 --no-install-recommends "${packages[@]}" </dev/null >/dev/null
	mapfile -t packages < <(missing)
	[ "${#packages[@]}" -eq 0 ] || fail "still missing after installing them: ${packages[*]}"
	modules
	exit 0
fi
fail "missing: ${packages[*]}. Install them (the names are Debian's; as root on Debian this script does it), or run 'make test RACE=' where only the compiler is missing."
