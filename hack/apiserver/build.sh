#!/usr/bin/env bash
# build.sh [DIR]: builds the etcd and kube-apiserver that the tests with the tag
# "apiserver" run against, from their Go modules, into DIR (bin/kubebuilder).
#
# The versions are those that hack/apiserver/*/go.mod pin, each a module of its
# own so that nothing of it enters ours. Only the Go toolchain is needed. What is
# there already in these versions stays. The first time takes about ten minutes
# and 3 GB of build cache on two cores, most of it for the API server.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "${1:-$here/../../bin/kubebuilder}"
out=$(cd "${1:-$here/../../bin/kubebuilder}" && pwd)
export GOWORK=off GOFLAGS=-buildvcs=false

pinned() { # MODULE PATH: the version that MODULE's go.mod asks for
	(cd "$here/$1" && go list -m -f '{{.Version}}' "$2")
}

current() { # FILE PATH VERSION: FILE was built from that version of the module
	[[ -x $1 ]] && go version -m "$1" 2>/dev/null |
		awk -v path="$2" -v version="$3" '$2 == path && $3 == version { found = 1 } END { exit !found }'
}

build() { # FILE MODULE PATH PACKAGE LDFLAGS EXPECTATION
	local file=$out/$1 version start=$SECONDS
	version=$(pinned "$2" "$3")
	if current "$file" "$3" "$version"; then
		echo "$1 $version: up to date"
		return
	fi
	echo "$1 $version: building ($6) ..."
	# into a file beside it, so that an interrupted build leaves nothing half done
	(cd "$here/$2" && go build -ldflags "-s -w $5" -o "$file.new" "$4")
	mv "$file.new" "$file"
	echo "$1 $version: built in $((SECONDS - start)) s"
}

build etcd etcd go.etcd.io/etcd/server/v3 go.etcd.io/etcd/server/v3 '' 'half a minute with a cold cache'

# A kube-apiserver that was not told its version claims v0.0.0 and refuses to start.
kube=$(pinned kubernetes k8s.io/kubernetes)
minor=${kube#v1.}
minor=${minor%%.*}
x=k8s.io/component-base/version
build kube-apiserver kubernetes k8s.io/kubernetes k8s.io/kubernetes/cmd/kube-apiserver \
	"-X $x.gitVersion=$kube -X $x.gitMajor=1 -X $x.gitMinor=$minor" 'about eight minutes on two cores with a cold cache'
