# Every target is listed by `make help`. What is downloaded is pinned and kept in the cache folder below.
SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CACHE   := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/daybook
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS := -s -w -X main.version=$(VERSION)

GOLANGCI_VERSION := v2.15.0
GOLANGCI         := $(CACHE)/bin/golangci-lint-$(GOLANGCI_VERSION)

GO_FILES = git ls-files -co --exclude-standard '*.go'

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: run
run: build engine ## everything on one machine, with demo events: http://127.0.0.1:8080
	@DAYBOOK_LOG_FORMAT=$${DAYBOOK_LOG_FORMAT:-console} DAYBOOK_LOG_LEVEL=$${DAYBOOK_LOG_LEVEL:-warn} exec bin/daybook serve --demo

.PHONY: build
build: need-go ui ## bin/daybook, with the page in it
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/daybook ./cmd/daybook

.PHONY: test
test: need-go engine kafka debian streamclients s3gateway archiveclients ## every test, on a real ClickHouse, real brokers and in a real browser
	scripts/in-memory.sh go test -tags $(TAGS) -timeout 30m ./...
	$(MAKE) --no-print-directory race
	$(MAKE) --no-print-directory test-ui

# The fault suite needs fault points, which no other build has.
TAGS := faultpoints

# The packages whose goroutines share state. The race detector needs cgo, and a C compiler.
RACE := ./cmd/... ./ingest ./pkg/auth/... ./pkg/httpserver/... ./query/stream/...

.PHONY: race
race: need-go engine kafka debian streamclients s3gateway archiveclients ## the tests of what is concurrent, under the race detector
	@if [ "$$(go env CGO_ENABLED)" = 1 ] && command -v "$$(go env CC)" >/dev/null; then \
		echo 'go test -race $(RACE)'; KAFKATEST_ONLY=embedded SOAK_DURATION=20s scripts/in-memory.sh go test -race -tags $(TAGS) -timeout 20m $(RACE); \
	else \
		echo 'SKIP race: the race detector needs a C compiler (Debian: apt-get install gcc)'; [ "$${CI:-}" != true ]; \
	fi

# How long make soak goes on, on each broker, and make fuzz-api; FAULTS_SEED repeats a course.
DURATION ?= 10m

.PHONY: soak
soak: need-go engine kafka ## nodes under load with a random fault every 10 to 60 s: make soak DURATION=10m
	SOAK_DURATION=$(DURATION) scripts/in-memory.sh go test -tags $(TAGS) -count=1 -v -timeout 0 -run Fault24_Soak ./ingest/faults

.PHONY: faults
faults: need-go engine kafka ## the fault suite of ingest in its long forms, COUNT times: make faults COUNT=20
	FAULTS_LONG=1 scripts/in-memory.sh go test -tags $(TAGS) -count=$(or $(COUNT),1) -timeout 0 ./ingest/faults

.PHONY: mutants
mutants: need-go engine ## ingest with each mechanism switched off in turn: the fault suite must notice
	go run ./ingest/faults/mutate

.PHONY: bench-guarantee
bench-guarantee: need-go engine ## ingest beside ingest without plan and verification: what exactly once costs
	go run ./ingest/faults/mutate -cost

.PHONY: fuzz-api
fuzz-api: build engine ## the API of a whole node, fuzzed by its own description: make fuzz-api DURATION=10m
	@scripts/fuzz-api.sh $(DURATION)

.PHONY: engine
engine: ## the embedded ClickHouse, fetched into the cache once
	@scripts/engine.sh

.PHONY: kafka
kafka: ## Apache Kafka for the tests, fetched into the cache once
	@if scripts/kafka.sh; then :; \
	elif command -v java >/dev/null && command -v mvn >/dev/null; then exit 1; \
	else echo 'SKIP the tests on Apache Kafka: they need Java and Maven (Debian: apt-get install default-jdk-headless maven)'; [ "$${CI:-}" != true ]; \
	fi

# Only root may install; elsewhere the tests say what is missing.
.PHONY: debian
debian: ## a plain Kafka client and Prometheus' tool for the tests, from Debian's packages
	@if ! { command -v kcat && command -v promtool; } >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends kcat prometheus >/dev/null; \
	fi

.PHONY: streamclients
streamclients: ## browsers' and others' clients of the live stream, for the tests, fetched into the cache once
	@if scripts/streamclients.sh; then :; \
	elif command -v node >/dev/null && command -v npm >/dev/null && command -v python3 >/dev/null; then exit 1; \
	else echo 'SKIP the tests with other clients: they need Node.js, npm and Python (Debian: apt-get install npm python3-pip)'; [ "$${CI:-}" != true ]; \
	fi

VERSITYGW_VERSION := v1.8.0
VERSITYGW         := $(CACHE)/bin/versitygw-$(VERSITYGW_VERSION)

.PHONY: s3gateway
s3gateway: need-go $(VERSITYGW) ## S3-compatible storage for the tests of the archive, built into the cache once

$(VERSITYGW):
	@mkdir -p $(@D)
	@echo 'building versitygw $(VERSITYGW_VERSION), once'
	@temp=$$(mktemp -d) && trap 'rm -rf "$$temp"' EXIT && \
		GOBIN="$$temp" go install github.com/versity/versitygw/cmd/versitygw@$(VERSITYGW_VERSION) && mv "$$temp/versitygw" $@

.PHONY: archiveclients
archiveclients: ## pyarrow and DuckDB, which read the archive in a test, fetched into the cache once
	@scripts/archiveclients.sh || { echo 'SKIP the test with pyarrow and DuckDB: they need Python 3.11 on x86-64'; [ "$${CI:-}" != true ]; }

# The page: TypeScript in query/ui/web, built into query/ui/dist, which the program embeds.
WEB := query/ui/web

.PHONY: ui
ui: ## the page that the program serves
	@scripts/ui.sh

# npm writes this file when it has installed what package-lock.json lists.
$(WEB)/node_modules/.package-lock.json: $(WEB)/package-lock.json
	npm ci --prefix $(WEB) --ignore-scripts --no-audit --no-fund --silent
	@touch $@

.PHONY: test-ui
test-ui: build engine debian streamclients ## the page's tests, in Chromium against a whole node
	cd $(WEB) && npm test
	cd $(WEB) && $(CURDIR)/scripts/in-memory.sh npm run --silent e2e

.PHONY: check-ui
check-ui: $(WEB)/node_modules/.package-lock.json ## the page's types, formatting and lint
	cd $(WEB) && npm run --silent check

.PHONY: check
check: need-go fmt-check vet tidy-check lint generated-check check-ui ## formatting, vet, lint, tidiness: what CI runs besides tests

.PHONY: fmt
fmt: need-go ## format the Go files
	$(GO_FILES) | xargs gofmt -w

.PHONY: fmt-check
fmt-check:
	@files=$$($(GO_FILES) | xargs gofmt -l); [ -z "$$files" ] || { echo "not formatted, run make fmt: $$files"; exit 1; }

.PHONY: vet
vet:
	go vet ./...
	go vet -tags $(TAGS) ./ingest/... ./cmd/...

.PHONY: tidy-check
tidy-check:
	go mod tidy -diff

.PHONY: lint
lint: $(GOLANGCI)
	$(GOLANGCI) run ./...

$(GOLANGCI):
	@mkdir -p $(@D)
	GOBIN=$(@D) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv $(@D)/golangci-lint $@

# What go generate makes must be what is committed.
.PHONY: generated-check
generated-check:
	@before=$$(git diff | cksum); go generate ./...; [ "$$before" = "$$(git diff | cksum)" ] || \
		{ echo 'generated files are not up to date: commit what go generate ./... makes'; exit 1; }

.PHONY: bench
bench: build engine ## the benchmark suite, with baselines from the same run
	bin/daybook bench ingest
	bin/daybook bench query
	bin/daybook bench stream

.PHONY: clean
clean: ## remove what was built; the data folder and the cache stay
	rm -rf bin dist

.PHONY: need-go
need-go:
	@command -v go >/dev/null || { echo 'Go is missing: install Go 1.26 or newer from https://go.dev/dl/'; exit 1; }
