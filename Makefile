# The only door: everything that can be done with this repository is a target
# here. "make" alone lists them.

MODULE  := github.com/lormas/lormas
MODULES := shared broker migrations frontend controller agent deploy
NODES   ?= 3
PROFILE ?= standard

# The scanner of make vuln: no module of ours needs it.
GOVULNCHECK := v1.9.0

# How long and by what seed chaos reigns (0: another one each time), for how
# long of that within make test, and how often make bench-failover measures.
DURATION ?= 5m
SEED     ?= 0
CHAOS    ?= 5m
ROUNDS   ?= 5

# For how long make fuzz looks for what breaks each of its targets.
FUZZ     ?=
FUZZTIME ?= 30s

# What make sim plays.
SEEDS     ?= 500
SEED_BASE ?= 1

# One set of flags for builds and tests: others would compile everything
# twice. Without cgo the binaries are static and need no C compiler.
export CGO_ENABLED := 0
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
STAMP    = -X $(MODULE)/controller/internal/cli.version=$(VERSION) -X main.version=$(VERSION)
GOBUILD  = go build -buildvcs=false -ldflags '-s -w $(STAMP)'

# Everything but the lab, whose tests have the machine to themselves.
UNIT = $$(go list work | grep -v /deploy/e2e)

# The dashboard is built anew when a source is newer than what was built, and
# its packages are installed anew when their list is.
FRONTEND := $(shell find frontend -mindepth 1 -type d \( -name node_modules -o -name dist -o -name '.*' \) -prune -o -type f ! -name '*.go' ! -name go.mod ! -name '*.tsbuildinfo' -print)
PACKAGES := frontend/node_modules/.package-lock.json

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help deps deps-test toolchain build dashboard binaries run dev test test-dashboard test-race fuzz e2e sim chaos bench bench-failover lint vuln fmt generate verify lab clean root

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

deps: ## Install what make run needs (Debian; as root, else it prints the command)
	@deploy/install-deps.sh run

deps-test:
	@deploy/install-deps.sh test

toolchain:
	@deploy/check-toolchain.sh go

build: toolchain dashboard binaries ## Build the dashboard and the programs into bin/

binaries: toolchain
	@mkdir -p bin
	$(GOBUILD) -o bin/lormas ./controller/cmd/lormas
	$(GOBUILD) -o bin/lormas-agent ./agent/cmd/lormas-agent
	$(GOBUILD) -o bin/lormas-guard ./agent/cmd/lormas-guard
	$(GOBUILD) -o bin/lormas-demo ./deploy/demo
	$(GOBUILD) -o bin/lormas-witness ./deploy/cmd/witness

run: deps build ## Start everything on this machine with a demo container
	@exec bin/lormas dev

dev: run ## The same as run

test: root toolchain deps-test build test-dashboard vuln ## Run every test: unit, real parts, the dashboard, the lab
	go test -count=1 -timeout 15m $(UNIT)
	go test -run '^$$' -fuzz '^FuzzImport$$' -fuzztime 30s ./shared/egg
	$(MAKE) --no-print-directory e2e
	$(MAKE) --no-print-directory chaos DURATION=$(CHAOS)

e2e: root toolchain deps-test build ## Run the end-to-end tests in the lab
	LORMAS_BIN=$(CURDIR)/bin go test -count=1 -p 1 -timeout 40m ./deploy/e2e/...

test-race: root toolchain deps-test ## Run the tests but the lab's under the race detector (needs gcc)
	CGO_ENABLED=1 go test -race -timeout 30m $(UNIT)

fuzz: toolchain ## Run every fuzz target, or those that match FUZZ, for FUZZTIME each (make fuzz FUZZ=configfile)
	@grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9]*' $(MODULES) | grep '$(FUZZ)' | while IFS=: read -r file name; do \
		echo "$$(dirname $$file) $${name#func }"; \
		go test "./$$(dirname $$file)" -run '^$$' -fuzz "^$${name#func }$$" -fuzztime $(FUZZTIME) || exit 1; \
	done

sim: toolchain ## Play SEEDS histories of node loss from SEED_BASE on (make sim SEEDS=500 SEED_BASE=1)
	@$(GOBUILD) -o bin/lormas-sim ./controller/cmd/lormas-sim
	@bin/lormas-sim -seeds $(SEEDS) -base $(SEED_BASE) $(if $(TRACE),-trace) $(if $(SCENE),-scene '$(SCENE)') $(if $(MUTATION),-mutation '$(MUTATION)')

chaos: root toolchain deps-test binaries ## Hurt a lab at random and judge what came of it (make chaos DURATION=1h SEED=7)
	$(GOBUILD) -o bin/chaos ./deploy/cmd/chaos
	@exec bin/chaos --bin bin --duration $(DURATION) --seed $(SEED)

bench-failover: root toolchain deps-test binaries ## Measure failovers against Docker Swarm's, for most of an hour (make bench-failover ROUNDS=5)
	$(GOBUILD) -o bin/bench-failover ./deploy/cmd/bench-failover
	@exec bin/bench-failover --bin bin --rounds $(ROUNDS) $(if $(ONLY),--only '$(ONLY)')

bench: root toolchain deps-test binaries ## Print the figures
	go test -run '^$$' -bench . -p 1 -timeout 30m $(UNIT)
	LORMAS_BIN=$(CURDIR)/bin go test -run '^$$' -bench . -benchtime 200x -timeout 30m ./deploy/e2e

lint: toolchain ## Look for mistakes that the compiler allows
	@unformatted=$$(gofmt -l $(MODULES)); [ -z "$$unformatted" ] || { echo "not formatted (make fmt):"; echo "$$unformatted"; exit 1; }
	go vet work

vuln: bin/govulncheck-$(GOVULNCHECK) $(PACKAGES) ## Look for known vulnerabilities (says so where the databases cannot be asked)
	@deploy/check-vulns.sh $(CURDIR)/$< $(MODULES)

bin/govulncheck-$(GOVULNCHECK):
	@mkdir -p bin
	GOBIN=$(CURDIR)/bin go install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK)
	@mv bin/govulncheck $@

fmt: ## Format the Go sources
	gofmt -w $(MODULES)

generate: toolchain $(PACKAGES) ## Make generated files anew
	go generate work
	cd frontend && npm run generate

verify: lint ## Check that generated files, go.mod files and lone modules are in order
	@before=$$(git diff | sha256sum); $(MAKE) --no-print-directory generate && after=$$(git diff | sha256sum) && \
	[ "$$before" = "$$after" ] || { echo "generated files are stale: run make generate and commit"; exit 1; }
	@for module in $(MODULES); do \
		echo "verify $$module"; \
		(cd $$module && GOWORK=off go mod tidy -diff && GOWORK=off go build ./...) || exit 1; \
	done

lab: root toolchain deps-test binaries ## Start a lab of NODES machines to play with (make lab NODES=3 PROFILE=fast)
	$(GOBUILD) -o bin/lab ./deploy/cmd/lab
	@exec bin/lab --nodes $(NODES) --profile $(PROFILE) --bin bin

clean: ## Remove what was built; the data of make run stays
	rm -rf bin artifacts frontend/node_modules
	find frontend/dist -mindepth 1 ! -name .keep -delete

root:
	@[ "$$(id -u)" = 0 ] || { echo "This needs root, for network namespaces and private Docker engines: sudo make $(MAKECMDGOALS)"; exit 1; }

dashboard: frontend/dist/index.html

frontend/dist/index.html: $(PACKAGES) $(FRONTEND)
	cd frontend && npm run build
	@touch frontend/dist/.keep $@

$(PACKAGES): frontend/package-lock.json
	@deploy/check-toolchain.sh node
	cd frontend && npm ci --no-audit --no-fund
	@touch $@

test-dashboard: $(PACKAGES)
	cd frontend && npm test
