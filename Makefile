# Everything is set up from python3 (3.11 or newer, with its venv module) alone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test lint check soak bench lock clean
help:            ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

# To run the hub: what it needs and nothing more. Compiled, because a start that compiles takes seconds.
$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "tellback needs Python 3.11 or newer; run: make PYTHON=python3.12 ...")'
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "tellback needs Python's venv module; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setting up $(VENV) (once) ..."
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --require-hashes -r requirements-build.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q $(VENV)/lib src
	@touch $@

# To work on it.
$(VENV)/.ready-dev: $(VENV)/.ready requirements-dev.lock requirements-bucket.lock
	@echo "setting up what the tests need (once) ..."
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(PIP) install --upgrade --target $(VENV)/bucket --require-hashes -r requirements-bucket.lock
	@$(BIN)/python -m compileall -q $(VENV)/lib
	@touch $@

demo: $(VENV)/.ready   ## a running hub with a small workspace and real-looking feedback
	@exec $(BIN)/tellback demo

test: $(VENV)/.ready-dev   ## every test
	@$(BIN)/python -m tests.support.browser
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

lint: $(VENV)/.ready-dev   ## ruff and mypy --strict
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

check: lint test       ## lint and test

soak: $(VENV)/.ready-dev   ## the long runs: hundreds of kill rounds
	@$(BIN)/python -m pytest -m soak --timeout 7200

bench: $(VENV)/.ready-dev  ## measure, side by side in one run; writes bench/results.md
	@$(BIN)/python -m bench

lock: $(VENV)/.ready-dev   ## pin the dependencies again
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml --group dev -o requirements-dev.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --group pyproject.toml:build -o requirements-build.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --group pyproject.toml:bucket -o requirements-bucket.lock

clean:           ## remove what was set up
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
