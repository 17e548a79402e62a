#!/usr/bin/env bash
# Builds the image of the Dockerfile on a machine without a container engine
# and without a registry, and tries it: Debian's buildah, with the base of the
# build stage made of this machine's Go and module cache. Needs root on Debian,
# and some 3 GB in TMPDIR for the while.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { printf 'image-test: %s\n' "$*" >&2; exit 1; }
step() { printf '== %s\n' "$*"; }

[ "$(id -u)" = 0 ] || fail "needs root"
if ! command -v buildah >/dev/null || ! command -v busybox >/dev/null; then
	command -v apt-get >/dev/null || fail "needs buildah and a static busybox"
	step "install buildah and busybox-static"
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o DPkg::Lock::Timeout=300 --no-install-recommends \
		buildah busybox-static </dev/null >/dev/null
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/kabarchy-image.XXXXXX")
server=
cleanup() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	buildah "${storage[@]}" rm --all >/dev/null 2>&1 || true
	rm -rf "$work"
}
trap cleanup EXIT
storage=(--root "$work/root" --runroot "$work/run" --storage-driver vfs)

step "the base: this machine's $(go env GOVERSION) and its module cache"
go mod download
base=$(buildah "${storage[@]}" from scratch)
mnt=$(buildah "${storage[@]}" mount "$base")
mkdir -p "$mnt"/{bin,etc,tmp,root,src,modules,usr/local/go}
cp "$(command -v busybox)" "$mnt/bin/busybox"
for applet in sh mkdir chmod; do ln -s busybox "$mnt/bin/$applet"; done
goroot=$(go env GOROOT)
cp -a "$goroot"/{VERSION,go.env,bin,lib,pkg,src} "$mnt/usr/local/go/"
cp -a "$(go env GOMODCACHE)/cache/download/." "$mnt/modules/"
buildah "${storage[@]}" config --env PATH=/usr/local/go/bin:/bin --env GOROOT=/usr/local/go --env HOME=/root \
	--env GOPROXY=file:///modules --env GOSUMDB=off --env GOTOOLCHAIN=local "$base"
buildah "${storage[@]}" umount "$base" >/dev/null
buildah "${storage[@]}" commit --quiet "$base" kabarchy-go-base >/dev/null
buildah "${storage[@]}" rm "$base" >/dev/null

step "the image"
buildah "${storage[@]}" build --isolation chroot --format docker --pull-never -t kabarchy-image-test \
	--build-arg GO_IMAGE=localhost/kabarchy-go-base --build-arg VERSION=image-test .

step "what it says of itself"
image=$(buildah "${storage[@]}" inspect --type image kabarchy-image-test)
for want in '"/kabarchy"' '"healthcheck"' '"10001:10001"' '"/data": {}' 'KABARCHY_DATABASE_URL=sqlite:/data/kabarchy.db'; do
	grep -qF -- "$want" <<<"$image" || fail "the image's configuration lacks $want"
done

container=$(buildah "${storage[@]}" from --pull-never kabarchy-image-test)
mnt=$(buildah "${storage[@]}" mount "$container")
step "what is in it"
(cd "$mnt" && find . -xdev -type f -printf '%m %U:%G %s %p\n' && find . -xdev -type d -path './[dt]*' -printf '%m %U:%G %p\n')
files=$(cd "$mnt" && find . -xdev -type f | sort | tr '\n' ' ')
[ "$files" = "./kabarchy " ] || fail "the image holds more than the binary: $files"
[ "$(stat -c '%u %a' "$mnt/data")" = "10001 700" ] || fail "/data is not its user's alone: $(stat -c '%u %a' "$mnt/data")"

run() { buildah "${storage[@]}" run --isolation chroot "$container" -- "$@"; }
# Other ports than the usual ones: chroot shares this machine's network.
settings=(--env KABARCHY_LISTEN=127.0.0.1:18980 --env KABARCHY_ADMIN_LISTEN=127.0.0.1:18981)
buildah "${storage[@]}" config "${settings[@]}" "$container"

step "the commands"
[ "$(run /kabarchy version)" = "kabarchy image-test" ] || fail "version: $(run /kabarchy version)"
run /kabarchy migrate
if run /kabarchy healthcheck; then fail "healthy though nothing runs"; fi

step "the service, as a user who is not root"
run /kabarchy serve >"$work/log" 2>&1 &
server=$!
healthy=
for _ in $(seq 100); do
	if run /kabarchy healthcheck 2>/dev/null; then healthy=yes; break; fi
	kill -0 "$server" 2>/dev/null || break
done
[ -n "$healthy" ] || { cat "$work/log" >&2; fail "the service did not become healthy"; }
# Of the processes below the one started here, the innermost is the service.
pid=$server
while child=$(pgrep -P "$pid" | head -n 1) && [ -n "$child" ]; do pid=$child; done
[ "$(tr '\0' ' ' <"/proc/$pid/cmdline")" = "/kabarchy serve " ] || pid=
[ -n "$pid" ] || fail "the service's process is not found"
[ "$(stat -c %u "/proc/$pid")" = 10001 ] || fail "it runs as user $(stat -c %u "/proc/$pid")"
# Its own view: the engine keeps volumes beside the container's files.
for f in kabarchy.db kabarchy.db.keys; do
	mode=$(stat -c '%u %a' "/proc/$pid/root/data/$f")
	[ "$mode" = "10001 600" ] || fail "/data/$f is not its user's alone: $mode"
done
kill -TERM "$pid"
wait "$server" || { cat "$work/log" >&2; fail "it did not stop cleanly"; }
server=
echo "image-test: ok"
