# Plait: targets with a ## comment are listed by a bare `make`.
SHELL := /bin/bash
GO ?= go
BIN := bin/plait
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
GOLANGCI_VERSION := v2.15.0
STATICCHECK_VERSION := v0.8.2
TOOLS := $(CURDIR)/bin/tools

.PHONY: help run build page page-tools page-browser test test-postgres-versions lint bench tools postgres

help: ## show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-23s %s\n", $$1, $$2}'

run: postgres build ## build, then run the gateway with the demo shop
	./$(BIN) demo

build: ## build bin/plait
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/plait

page: page-tools ## check the page's source and build it anew
	cd web && npm run check && npm run types && npm run build

test: postgres page-browser ## run all tests, against a real Postgres and in a browser, with the race detector
	cd web && npm run test
	$(GO) test -race -count=1 -timeout 20m ./... # not from the cache: test/kill builds the program by itself
	cd test/lokiclient && $(GO) test -count=1 ./... # a module of its own: its client needs an old Prometheus

test-postgres-versions: ## run the tests of storage on Postgres 16, 17 and 18, which npm gets
	GO=$(GO) ./scripts/postgres-versions.sh

lint: tools page-tools ## gofmt, go vet, staticcheck, golangci-lint; tsc and eslint
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo 'gofmt would change:'; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(TOOLS)/staticcheck ./...
	$(TOOLS)/golangci-lint run ./...
	cd test/lokiclient && $(GO) vet ./...
	cd web && npm run lint

bench: postgres build ## measure ingest cost and query times (docs/performance.md)
	$(GO) run ./bench -plait ./$(BIN)

tools: $(TOOLS)/golangci-lint $(TOOLS)/staticcheck

$(TOOLS)/golangci-lint:
	GOBIN=$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)

$(TOOLS)/staticcheck:
	GOBIN=$(TOOLS) $(GO) install honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK_VERSION)

postgres: # the Postgres programs, which Plait runs privately and the tests need
	@./scripts/postgres.sh

page-tools: # npm's packages, and a Node, which check and build the page
	@./scripts/page-tools.sh --no-browser

page-browser: # those, and the Chromium in which it is tested
	@./scripts/page-tools.sh
