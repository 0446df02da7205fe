# The front door; CMake does the work.  `make help` says what each room is for.
# SPDX-License-Identifier: Apache-2.0
BUILD ?= build
JOBS ?= $(shell nproc)
SECONDS_PER_TARGET ?= 30
PREFIX ?= /usr/local

.PHONY: all help deps demo check quick unit asan sim fuzz fuzz-smoke fmt lint size cross e2e interop vm-check firmware firmware-check bench bench-registry page-shots install uninstall demo-fleet bench-fleet clean

all: ## build the library, culvertd and culvert (needs what `sudo make deps` installs)
	@cmake -S . -B $(BUILD) -DCMAKE_INSTALL_PREFIX=$(PREFIX) -DCULVERT_TESTS=OFF >/dev/null
	@cmake --build $(BUILD) -j$(JOBS)

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' Makefile

deps: ## install what building needs (apt)
	@packaging/deps.sh build

demo: ## the main job: a device behind a NAT publishes to a broker through the tunnel (root)
	@packaging/deps.sh demo
	@$(MAKE) --no-print-directory all
	@examples/demo/demo.sh $(BUILD)

demo-fleet: ## a fleet in five minutes: gateway, bundle, a device behind two NATs (root)
	@packaging/deps.sh demo
	@$(MAKE) --no-print-directory all
	@examples/fleet/demo.sh $(BUILD)

check: ## every test that belongs to a change; ends with a summary (root for the network parts)
	@packaging/deps.sh check
	@tests/check.sh

quick: ## unit, vector, host and simulation tests without sanitizers; under a minute, no root
	@tests/check.sh quick

unit asan: ## unit, vector, host and simulation tests under ASan and UBSan
	@tests/check.sh asan

sim: ## more seeds of the random-schedule test: make sim SEEDS=20000
	@tests/check.sh sim $(SEEDS)

e2e: all ## daemons in network namespaces (root)
	@tests/check.sh e2e

interop: all ## against charon, libreswan and openiked (root)
	@tests/check.sh interop

vm-check: ## ESP and AH against the Linux kernel's, in a VM; some minutes (root)
	@packaging/deps.sh vm
	@$(MAKE) --no-print-directory all
	@BUILD=$(abspath $(BUILD)) tests/vm/check.sh

firmware: ## the reference device for a board: make firmware [BOARD=mps2_an385] [CONFIG=FILE]
	@packaging/deps.sh firmware
	@$(MAKE) --no-print-directory -s -j$(JOBS) -C firmware $(if $(CONFIG),CONFIG=$(abspath $(CONFIG)))

firmware-check: all ## the reference device in QEMU against culvertd and charon (root)
	@packaging/deps.sh check
	@tests/check.sh firmware

fuzz: ## every fuzz target for SECONDS_PER_TARGET seconds
	@tests/check.sh fuzz $(SECONDS_PER_TARGET)

fuzz-smoke: ## every fuzz target for a few seconds
	@tests/check.sh fuzz 4

page-shots: all ## pictures of the fleet's page in build/page-shots, by chromium
	@packaging/deps.sh page
	@cmake -S . -B $(BUILD) -DCULVERT_TESTS=ON >/dev/null
	@cmake --build $(BUILD) -j$(JOBS) --target page_fill culvert-fleetd
	@tests/page/shots.sh $(BUILD)

fmt: ## clang-format the tree
	@clang-format -i $$(git ls-files '*.c' '*.h')

lint: ## the walls of src/rooms.txt, format, warnings of both compilers, gcc -fanalyzer, cppcheck
	@tests/lint.sh

size: ## flash and RAM of the core on a Cortex-M3
	@tests/size.sh

cross: ## unit tests on a big-endian and a 32-bit target under qemu-user
	@tests/cross.sh

bench-registry: ## the registry at a million devices, in a file; REGISTRY=postgresql://... for a server's
	@cmake -S . -B $(BUILD)-bench -DCULVERT_TESTS=ON >/dev/null
	@cmake --build $(BUILD)-bench -j$(JOBS) --target bench_registry >/dev/null
	@$(BUILD)-bench/tests/bench_registry $(or $(REGISTRY),$(BUILD)-bench/fleet.db); rm -f $(BUILD)-bench/fleet.db*
bench: all ## in-memory figures of the data plane beside the bare cipher
	@bench/run.sh $(BUILD)

bench-fleet: all ## how fast a fleet comes in: devices added and joined per second
	@bench/enrol.sh $(BUILD)

install: all ## install library, headers, daemon, command, unit file, manual pages, completion, a sample configuration
	@cmake --install $(BUILD)

uninstall: ## take back what `make install` put
	@packaging/uninstall.sh $(BUILD)

clean: ## remove what was built here
	@rm -rf build build-quick build-asan build-tsan build-fuzz build-cross-* build-size build-firmware
