# The same targets at home and in CI; `make` lists them.

SHELL := bash
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := help

VERSION    ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
MQTT_PORT  ?= 1883
SN_PORT    ?= 1884
FUZZTIME   ?= 60s
FUZZBUDGET ?= 90
SEEDS      ?= 1000
ROUNDS     ?= 3

# A test that hangs fails within its budget.
TEST := go test -timeout 3m
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

# Bugs, needless code and dead code; no matters of taste.
CHECKS := SA*,S1*,U1000

# Every fuzz target, as "folder name".
FUZZERS = grep -rnoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sed -E 's|^(.*)/[^/]*:[0-9]+:func |\1 |' | sort

# timed runs a command; its name and seconds go to the file PHASES, if that is set.
timed = @start=$$(date +%s); $(2) || exit; echo "$(1) $$(( $$(date +%s) - start ))" >> $(or $(PHASES),/dev/null)

.PHONY: help build run deps test test-units test-store test-clients test-worlds world planted race fuzz fuzz-ci corpus microbench bench-deps bench lint e2e conformance crosscheck nightly

help: ## this list
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 14

build: ## bin/dormouse
	go build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/dormouse ./cmd/dormouse

run: build ## serve, with a demo node whose readings are shown; Ctrl-C ends both
	@go build -trimpath -o bin/demo ./testbeds/demo
	@bin/dormouse serve --listen mqtt://127.0.0.1:$(MQTT_PORT) --listen mqttsn://127.0.0.1:$(SN_PORT) & \
	bin/demo --gateway 127.0.0.1:$(SN_PORT) & \
	trap 'kill $$(jobs -p) 2>/dev/null; wait' EXIT; \
	trap 'exit 0' INT TERM; \
	wait -n

deps: # what the tests need besides Go
	@command -v mosquitto_pub >/dev/null && command -v socat >/dev/null && exit; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && apt-get install -qq -y --no-install-recommends mosquitto-clients socat >/dev/null; \
	else \
		echo 'the tests need mosquitto_pub, mosquitto_sub and socat: install the packages mosquitto-clients and socat' >&2; exit 1; \
	fi

test: deps test-units test-store test-clients test-worlds ## all tests: with the race detector, and what it would falsify without

test-units:
	$(call timed,tests,go list ./... | awk '!/\/broker\/store/ && (!/\/testbeds\// || /\/arch$$/)' | xargs $(TEST) -race)

test-store:
	$(call timed,store,$(TEST) -race ./broker/store/...)

test-clients:
	$(call timed,clients,go list ./... | awk '/\/testbeds\// && !/\/(arch|world)$$/' | xargs -r $(TEST) -race && SHARDS=4 $(TEST) ./testbeds/interop)

# Allocations cannot be counted under the race detector, latencies not measured, and worlds are too slow there.
test-worlds:
	$(call timed,worlds,$(TEST) -run 'Alloc|World|Latency' ./... && go list ./... | awk '/\/testbeds\/world$$/' | xargs -r $(TEST))

world: ## SEEDS (1000) random worlds whose history is checked; last printed: the hash of all they did
	go test -c -o bin/worlds ./testbeds/world
	cd testbeds/world && ../../bin/worlds -test.run '^TestWorlds$$' -seeds $(SEEDS)

planted: ## faults planted on purpose: each must be found by the random worlds
	go run ./testbeds/planted

race: ## everything under the race detector, not from the cache
	go test -race -count=1 ./...

fuzz: ## each fuzz target for FUZZTIME (60s)
	@$(FUZZERS) | while read -r folder name; do \
		echo "$$folder $$name"; \
		go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$folder" </dev/null || exit; \
	done

# Seeds run as ordinary tests too. A turn that ends while an input is being tried is reported as a failure by
# go test, without an input: that is none.
fuzz-ci: ## the fuzz targets take turns within FUZZBUDGET (90) seconds, builds included
	@mapfile -t targets < <($(FUZZERS)); left=$${#targets[@]}; \
	for target in "$${targets[@]}"; do \
		read -r folder name <<< "$$target"; \
		turn=$$(( ($(FUZZBUDGET) - SECONDS) / left )); left=$$((left - 1)); \
		echo "$$folder $$name: $$(( turn > 0 ? turn : 1 )) s"; \
		out=$$(go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $$(( turn > 0 ? turn : 1 ))s "$$folder" 2>&1) && continue; \
		if grep -q 'context deadline exceeded' <<< "$$out" && ! grep -q 'Failing input' <<< "$$out"; then continue; fi; \
		echo "$$out"; exit 1; \
	done

# Inputs that fuzzing found of interest, from the cache of the go command; they run as tests from then on.
corpus: ## keep what fuzzing of the codecs and the index found beside the seeds, at most 4 KiB each
	@$(FUZZERS) | grep -E '/(mqtt|mqttsn|topic|slip) ' | while read -r folder name; do \
		found=$$(go env GOCACHE)/fuzz/$$(go list "$$folder")/$$name; kept=$$folder/testdata/fuzz/$$name; \
		[ -d "$$found" ] || continue; \
		mkdir -p "$$kept" && find "$$found" -type f -size -9 -exec cp -n {} "$$kept" \;; \
		echo "$$kept: $$(ls "$$kept" | wc -l)"; \
	done

microbench: ## all benchmarks of Go
	go test -bench . -benchmem -run '^$$' ./...

bench-deps: # what bench compares with besides what Go can fetch
	@PATH=$$PATH:/usr/sbin; command -v mosquitto >/dev/null && command -v strace >/dev/null && exit; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && apt-get install -qq -y --no-install-recommends mosquitto strace >/dev/null; \
	else \
		echo 'bench needs mosquitto, to compare with, and strace: install the packages of these names' >&2; exit 1; \
	fi

# For example: make bench ROUNDS=1 BENCH='-scenarios each,win20 -servers dormouse,floor'
bench: bench-deps ## Dormouse beside a broker that does nothing, mosquitto and mochi; best of ROUNDS (3); BENCH: more flags
	go run ./testbeds/bench -rounds $(ROUNDS) $(BENCH)

lint: ## gofmt, go vet, staticcheck
	@unformatted=$$(gofmt -l .) || exit; \
	[ -z "$$unformatted" ] || { echo "not formatted: $$unformatted"; exit 1; }
	go vet ./...
	go run $(STATICCHECK) -checks '$(CHECKS)' ./...

e2e: deps ## real clients against the real program
	go test -count=1 ./testbeds/...

conformance: ## docs/conformance.md, from a run of the vectors
	go run ./testbeds/conformance

crosscheck: ## MQTT vectors through npm's mqtt-packet (needs node); keeps the result
	cd testbeds/crosscheck/npm && npm ci --ignore-scripts --no-audit --no-fund && node check.mjs

nightly: race fuzz e2e crosscheck microbench planted ## what takes longer
	$(MAKE) world SEEDS=10000
