.PHONY: test install-check release-check quick lint zookeeper demo fuzz torture build bench-contention

# Everything that must hold: real servers, the race detector, the linters. What speaks
# to ZooKeeper is tested on Debian's and on 3.9; ZKSTATE_ZOOKEEPER=3.9 tests all on 3.9.
# Tests wait for servers most of the time, so several run at once. Those of the smaller
# modules read files of the main one, which go's cache of results does not notice.
# The race detector makes what one goroutine computes ten times as long, and finds nothing
# there: the longest of these tests are built without it only.
TESTFLAGS = -parallel 4 -timeout 15m
test: zookeeper lint
	ZKSTATE_REQUIRE_ZOOKEEPER=1 scripts/race-test ./... $(TESTFLAGS)
	go test ./diff ./history && go test -run TestReduceOnAllHistories .
	for module in bench examples tools metrics/prom metrics/otel server/apitest; do (cd $$module && ZKSTATE_REQUIRE_ZOOKEEPER=1 $(CURDIR)/scripts/race-test ./... -count=1 $(TESTFLAGS)) || exit; done
	ZKSTATE_REQUIRE_ZOOKEEPER=1 scripts/zookeeper-3.9 go test $(TESTFLAGS) ./internal/zk/... ./store/zkstore/... ./store/storeurl/...
	for module in metrics/prom metrics/otel; do ZKSTATE_REQUIRE_ZOOKEEPER=1 scripts/zookeeper-3.9 go -C $$module test -count=1 ./... || exit; done
	ZKSTATE_REQUIRE_ZOOKEEPER=1 scripts/zookeeper-3.9 go test -count=1 -run 'Doctor|OperatingPage|SecuringPage' ./cmd/zkstate
	$(MAKE) test-page

# The page in a real browser. The pictures of each view, in light and dark, wide and
# narrow, are kept in SCREENSHOTS, for people to look at.
SCREENSHOTS ?= $(CURDIR)/dist/screenshots
.PHONY: test-page
test-page:
	scripts/browser
	ZKSTATE_REQUIRE_BROWSER=1 ZKSTATE_SCREENSHOTS=$(SCREENSHOTS) go -C server/pagetest test -v -count=1 -timeout 10m ./...

# What users do with a release: the module is packed and installed, what
# .goreleaser.yaml lists is built, 32 bits are tested.
install-check:
	go -C tools run ./installcheck

# What goreleaser itself says, and all of a release that needs neither network nor
# docker, in dist/. Goreleaser is built for it, which takes minutes.
GORELEASER = go run github.com/goreleaser/goreleaser/v2@v2.15.1
release-check:
	$(GORELEASER) check
	$(GORELEASER) release --snapshot --clean --skip=sbom,docker

lint:
	scripts/lint

# What needs no ZooKeeper, and a list of what was not run for want of one.
quick:
	scripts/quick

# A real ZooKeeper for the tests, and a client in another language: existing
# installs, or Debian's. And what tests the HTTP server and the documented commands.
zookeeper:
	scripts/zookeeper
	scripts/kazoo
	scripts/schemathesis
	scripts/programs

# The alert rules and their tests by Prometheus's own tool, which takes minutes to be
# built. make test holds the rules to the same tests without it.
PROMTOOL = go run github.com/prometheus/prometheus/cmd/promtool@v0.315.1
.PHONY: alerts
alerts:
	cd metrics/prom && $(PROMTOOL) check rules alerts.yml && $(PROMTOOL) test rules alerts_test.yml

demo:
	go run ./cmd/zkstate demo

build:
	go build -trimpath -o dist/ ./cmd/zkstate
	go -C examples build -trimpath -o ../dist/ ./procwatch

# Counting through cut connections, lost replies and killed sessions, for TORTURE, and
# HISTORIES histories on each store, from HISTORYSEED on.
TORTURE ?= 30m
HISTORIES ?= 1000
HISTORYSEED ?= 1
torture: zookeeper
	ZKSTATE_REQUIRE_ZOOKEEPER=1 go test -race -v -timeout 24h -run TestTorture . -torture $(TORTURE)
	ZKSTATE_REQUIRE_ZOOKEEPER=1 go test -timeout 24h -run TestHistories . -histories $(HISTORIES) -history-seed $(HISTORYSEED)

# Each fuzz target for FUZZTIME, one after another.
FUZZTIME ?= 1m
fuzz:
	scripts/fuzz $(FUZZTIME)

# A counter that many want to increment: zkstate, a bare client, Curator, kazoo, in
# turns on one ZooKeeper. About three minutes; see bench/README.md.
BENCHFLAGS ?= -duration 5s -rounds 3
bench-contention:
	scripts/zookeeper
	scripts/peers
	cd bench && go run ./contention $(BENCHFLAGS)

# zkstate's ZooKeeper client beside go-zookeeper, in turns on one server. About two
# minutes; see bench/README.md.
CLIENTFLAGS ?= -duration 2s -rounds 5
.PHONY: bench-client
bench-client:
	scripts/zookeeper
	cd bench && go run ./client $(CLIENTFLAGS)

# What an Update costs by the size of its document, and how soon a change is seen. About
# two minutes each; see bench/README.md.
UPDATEFLAGS ?=
FOLLOWFLAGS ?=
.PHONY: bench-update bench-follow
bench-update:
	scripts/zookeeper
	cd bench && go run ./update $(UPDATEFLAGS)
bench-follow:
	scripts/zookeeper
	cd bench && go run ./follow $(FOLLOWFLAGS)

# What many documents on a handle and many instances of a document cost. About ten
# minutes; see bench/README.md.
SCALEFLAGS ?=
.PHONY: bench-scale
bench-scale:
	scripts/zookeeper
	cd bench && go run ./scale $(SCALEFLAGS)

# The HTTP server's event streams beside a bare fan-out. About three minutes.
SERVEFLAGS ?=
.PHONY: bench-serve
bench-serve:
	cd bench && go run ./serve $(SERVEFLAGS)

# The diff beside others, on the same documents, in one run.
.PHONY: bench-diff
bench-diff:
	cd bench && go run ./diff
