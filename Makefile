# make demo   two virtual pods run round a virtual track, through virtual radio and the whole gateway; SECONDS=n stops it
# make test   everything that CI runs      make check   format, lint, types, directions, sizes
# make bench  figures as ratios            make bench-peers   gaitmap beside it      make clean   remove what was made
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.PHONY: fuzz host-pod test-qemu xiao check-dashboards stack stack-demo stack-down stack-secrets demo test check bench bench-peers clean accuracy lock setup setup-test

BIN := .venv/bin

# POD=firmware: the pods' own application as two processes; needs Rust's cargo
HOST_POD := $(if $(filter firmware,$(POD)),firmware/target/debug/evenstride-host-pod)

demo: setup $(if $(HOST_POD),host-pod)
	$(BIN)/evenstride demo $(if $(SECONDS),--seconds $(SECONDS)) $(if $(RECORDING),--recording "$(RECORDING)") \
	  $(if $(HOST_POD),--pod $(HOST_POD)) $(ARGS)

host-pod:
	cd firmware && cargo build --locked --package evenstride-host-pod

# The pod's application as ARM code
test-qemu: setup-test
	@bash tools/firmware_board.sh qemu
	$(BIN)/python -m pytest tests/firmware/test_qemu.py

# Images for a Seeed XIAO nRF52840 Sense: out/never-run-on-hardware-xiao*.uf2. Installs what it needs, with rustup or, when root, from Debian
xiao:
	@bash tools/firmware_board.sh xiao

# The firmware's decoders, tables and whole pod under libFuzzer; SECONDS for each of them
fuzz:
	@bash tools/fuzz.sh $(or $(SECONDS),60)

setup:
	@bash tools/bootstrap.sh

setup-test:
	@bash tools/bootstrap.sh test

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/check_sizes.py
	@bash tools/check_firmware.sh

test: setup-test check
	@bash tools/check_firmware.sh build
	@bash tools/firmware_board.sh --lint qemu xiao
	@bash tools/firmware_board.sh qemu xiao
	$(BIN)/python -m pytest -n 3 --dist worksteal

bench: setup-test
	$(BIN)/python -m tests.benchmarks $(ARGS)

# Beside gaitmap, which gets an environment of its own under .peers; for the whole page: make bench ARGS="--peers --out docs/benchmarks.md"
bench-peers: setup-test
	$(BIN)/python -m tests.benchmarks peers $(ARGS)

accuracy: setup
	$(BIN)/evenstride accuracy --out docs/accuracy.md

# What Grafana's own data library makes of the dashboards; needs Node.
check-dashboards:
	cd tools/grafana && npm install --no-audit --no-fund --no-package-lock --ignore-scripts --silent && node check.cjs

stack-secrets:
	@bash tools/stack_secrets.sh

# The gateway with real pods, or with virtual ones; both with InfluxDB, Grafana and Mosquitto.
stack: stack-secrets
	docker compose --profile pods up --build --detach

stack-demo: stack-secrets
	docker compose --profile demo up --build --detach

stack-down:
	docker compose --profile pods --profile demo down

# No index address may enter the lock files. The second one is what the gateway's image installs.
lock: setup
	uv pip compile pyproject.toml --all-extras --group dev --universal --generate-hashes \
	  --no-emit-index-url --no-header --quiet -o requirements.lock
	uv pip compile pyproject.toml --extra virtual --extra report --extra influx --extra mqtt --group build \
	  --universal --generate-hashes --no-emit-index-url --no-header --quiet -o gateway/requirements.lock

clean:
	rm -rf .venv .peers build dist out tools/grafana/node_modules .pytest_cache .ruff_cache .hypothesis .import_linter_cache demo-data
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
