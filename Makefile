# Everything a contributor runs. `make` lists the targets.
#
# Only Go, git and make are needed for `make test`; the race detector wants a
# C compiler too. Programs that the targets need besides are built once into
# bin/ from modules pinned under hack/.

GO        ?= go
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT    ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
LDFLAGS   := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)
IMAGE     ?= ghcr.io/shockwave-ingress/shockwave:dev
# docker, podman or buildah; IMAGE_ARGS are more arguments for it.
CONTAINER_TOOL ?= docker
IMAGE_ARGS ?=
# How long each fuzz test runs.
FUZZTIME  ?= 20s
# How long the mixed load of test-pooldebug lasts.
MIXEDTIME ?= 60s
# How long endpoints come and go in test-chaos.
CHAOSTIME ?= 60s
# What `make bench-go` runs, a pattern for go test -bench.
BENCH     ?= .
BENCHTIME ?= 1s
HELM      ?= $(shell command -v helm 2>/dev/null || echo $(CURDIR)/bin/helm)

.DEFAULT_GOAL := help
.PHONY: help build test test-unit race test-pooldebug test-chaos test-builds test-apiserver vet lint generate crd verify-generated \
	chart-check check e2e bench bench-micro bench-proxy bench-alloc bench-go pgo fuzz image clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build bin/shockwave
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/shockwave ./cmd/controller

## Tests

test: test-unit race test-pooldebug test-chaos test-apiserver ## All tests that need no cluster: unit, fuzz seeds, race detector, watched memory, chaos, real API server

test-unit: ## Unit tests, golden files, wire tests and the seeds of fuzz tests
	@echo '== unit tests and fuzz seeds'
	$(GO) test -timeout 10m ./...

race: ## The same under the race detector (skipped without a C compiler)
	@if command -v "$$($(GO) env CC)" >/dev/null 2>&1; then \
		echo '== tests under the race detector'; \
		CGO_ENABLED=1 $(GO) test -race -timeout 15m ./...; \
	else \
		echo '== race detector left out: it needs a C compiler, and there is none'; \
	fi

test-pooldebug: ## The same with memory that is poisoned and watched, and a minute of mixed load
	@echo '== tests with the tag pooldebug'
	$(GO) test -tags pooldebug -timeout 15m ./pkg/... ./internal/... ./cmd/... ./test/...
	@echo '== a minute of mixed load with the tag pooldebug'
	$(GO) test -tags pooldebug -count 1 -run '^TestMixedLoad$$' ./test/mixedload -duration $(MIXEDTIME)

test-chaos: ## A minute in which endpoints are killed, stalled, added and removed under load
	@echo '== a minute of chaos'
	$(GO) test -count 1 ./test/chaos -duration $(CHAOSTIME)

test-builds: ## Unit tests of the other builds: tags arenas, greenteagc, and both
	@echo '== tests of the build with the tag greenteagc'
	$(GO) test -tags greenteagc -timeout 10m ./...
	@echo '== tests of the build with the tag arenas (everything is compiled anew: a few minutes the first time)'
	GOEXPERIMENT=arenas $(GO) test -tags arenas -timeout 10m ./...
	@echo '== tests of the build with both tags'
	GOEXPERIMENT=arenas $(GO) test -tags arenas,greenteagc -timeout 10m ./...

test-apiserver: ## Tests against a real etcd and kube-apiserver (KUBEBUILDER_ASSETS, or built once into bin/)
	@if [ -z "$$KUBEBUILDER_ASSETS" ]; then \
		echo '== etcd and kube-apiserver for the tests (about ten minutes the first time)'; \
		hack/apiserver/build.sh; \
	fi
	@echo '== tests against a real API server'
	$(GO) test -tags apiserver -timeout 15m ./...

fuzz: ## Run every fuzz test for FUZZTIME (20s)
	@for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			echo "== $$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
		done; \
	done

e2e: ## End-to-end tests against the cluster of KUBECONFIG, with E2E_IMAGE and E2E_ECHO_IMAGE
	@if [ -z "$$KUBECONFIG" ] || [ -z "$$E2E_IMAGE" ]; then \
		echo 'make e2e needs a cluster that may be played with, and an image that its nodes can run:'; \
		echo '  kind create cluster --kubeconfig kind.config && export KUBECONFIG=$$PWD/kind.config'; \
		echo '  make image IMAGE=localhost/shockwave:dev && docker build -t localhost/echo:dev test/e2e/echo'; \
		echo '  kind load docker-image localhost/shockwave:dev localhost/echo:dev'; \
		echo '  make e2e E2E_IMAGE=localhost/shockwave:dev'; \
		echo 'test/e2e/doc.go describes the other variables.'; \
		exit 1; \
	fi
	@$(MAKE) --no-print-directory $(HELM)
	HELM=$(HELM) $(GO) test -tags e2e -count 1 -timeout 30m -v ./test/e2e/...

bench: bench-micro bench-proxy ## Parser, server and whole proxy beside their peers, as tables of ratios (half an hour)

bench-micro: ## Parser and server beside net/http and fasthttp
	$(GO) run ./bench/micro

bench-proxy: ## The whole proxy beside nginx, haproxy, httputil and fasthttp; makes docs/performance.md (20 minutes, PROXY_ARGS="-rounds 1 -window 300ms" for a try)
	bench/run.sh $(if $(PROXY_ARGS),$(PROXY_ARGS),-page docs/performance.md -save bench/proxy/results.json)

bench-alloc: ## The allocation modes beside net/http and fasthttp; makes docs/allocation-modes.md (20 minutes, ALLOC_ARGS=-short for a try)
	CGO_ENABLED=0 $(GO) run -trimpath ./bench/alloc $(if $(ALLOC_ARGS),$(ALLOC_ARGS),-page docs/allocation-modes.md -save bench/alloc/results.json)

pgo: ## Record the profile that guides the compiler (cmd/controller/default.pgo)
	bench/run.sh -profile $(CURDIR)/cmd/controller/default.pgo -window 30s

bench-go: ## All Go benchmarks (BENCH, BENCHTIME)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -benchmem ./pkg/...

## Checks

vet: ## go vet, with every build tag of the tests
	$(GO) vet ./...
	$(GO) vet -tags apiserver,e2e,pooldebug ./...

lint: bin/golangci-lint ## gofmt and the linters of .golangci.yml
	bin/golangci-lint run ./...

# The chart must stand by itself, so it carries copies of the CRDs.
define copy_crds
rm -f charts/shockwave/files/crds/*.yaml
cp config/crd/shockwave.dev_*.yaml charts/shockwave/files/crds/
endef

generate: ## Make generated files anew
	$(GO) generate ./...
	$(copy_crds)

crd: ## Make only the CRDs anew, in config/crd and in the chart
	$(GO) generate ./api/...
	$(copy_crds)

verify-generated: ## Fail when a generated file is out of date
	hack/verify-generated.sh

chart-check: $(HELM) ## Lint the chart and compare what it renders with test/chart/golden
	HELM=$(HELM) hack/chart-golden.sh

check: vet lint verify-generated chart-check test test-builds ## What CI runs

## Image and clean-up

image: ## Build the image IMAGE with CONTAINER_TOOL (docker, podman, buildah)
	$(CONTAINER_TOOL) build --build-arg VERSION=$(VERSION) --build-arg COMMIT=$(COMMIT) $(IMAGE_ARGS) -t $(IMAGE) .

clean: ## Remove what the targets above built
	rm -rf bin dist

bin/golangci-lint: hack/tools/go.mod
	@echo '== building golangci-lint (a few minutes the first time)'
	cd hack/tools && $(GO) build -trimpath -o $(CURDIR)/$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

$(CURDIR)/bin/helm: hack/helm/go.mod
	@echo '== building helm, as none is in PATH (a few minutes the first time)'
	cd hack/helm && $(GO) build -trimpath -o $@ helm.sh/helm/v3/cmd/helm
