#!/bin/sh
# Builds the controller and the load run, and compares proxies on this machine.
# Arguments are those of the load run; `bench/run.sh -help` lists them.
#
# Nothing else should run meanwhile: it takes two cores, and figures made beside
# a build or a test mean nothing.
set -eu
cd "$(dirname "$0")/.."
dir=$(mktemp -d "${TMPDIR:-/tmp}/shockwave-bench.XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
CGO_ENABLED=0 go build -trimpath -o "$dir/shockwave" ./cmd/controller
CGO_ENABLED=0 go build -trimpath -o "$dir/bench" ./bench/proxy
"$dir/bench" -shockwave "$dir/shockwave" "$@"
