# make demo   two virtual pods run round a virtual track, through virtual radio and the whole gateway; SECONDS=n stops it
# make test   everything that CI runs      make check   format, lint, types, directions, sizes
# make bench  figures as ratios            make clean   remove what was made
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.PHONY: demo test check bench clean accuracy lock setup setup-test

BIN := .venv/bin

demo: setup
	$(BIN)/evenstride demo $(if $(SECONDS),--seconds $(SECONDS)) $(if $(RECORDING),--recording "$(RECORDING)") $(ARGS)

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

test: setup-test check
	$(BIN)/python -m pytest -n 2 --dist worksteal

bench: setup-test
	$(BIN)/python -m tests.benchmarks $(ARGS)

accuracy: setup
	$(BIN)/evenstride accuracy --out docs/accuracy.md

# No index address may enter the lock file.
lock: setup
	uv pip compile pyproject.toml --all-extras --group dev --universal --generate-hashes \
	  --no-emit-index-url --no-header --quiet -o requirements.lock

clean:
	rm -rf .venv build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache demo-data
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
