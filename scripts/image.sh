#!/usr/bin/env bash
# Builds the container image NAME at VERSION with the first engine that works.
# Further arguments go to the engine, such as --build-arg GO_IMAGE=….
set -euo pipefail
cd "$(dirname "$0")/.."
name=${1:?usage: image.sh NAME VERSION [ARGUMENT…]}
version=${2:?usage: image.sh NAME VERSION [ARGUMENT…]}
shift 2

if docker info >/dev/null 2>&1; then
	engine=(docker build)
elif command -v podman >/dev/null; then
	engine=(podman build --format docker)
elif command -v buildah >/dev/null; then
	engine=(buildah build --format docker)
else
	echo "image: no engine: start docker, or install podman or buildah" >&2
	exit 1
fi
set -x
"${engine[@]}" -t "$name:$version" -t "$name:latest" --build-arg "VERSION=$version" "$@" .
