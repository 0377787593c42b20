# Two commands matter: `make demo` runs a sample pipeline and shows it live, `make test` runs all tests.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Some hosts switch bytecode off; start-up takes four times as long without it.
export PYTHONDONTWRITEBYTECODE :=
export PIP_DISABLE_PIP_VERSION_CHECK := 1
DEMO_HOME ?= $(CURDIR)/.demo
WORKERS ?= $(shell nproc 2>/dev/null || echo 2)
PIP := $(BIN)/python -m pip install --quiet --compile -c constraints.txt

.PHONY: demo test check test-all test-environments test-container test-pythons soak bench docs clean

demo: $(VENV)/installed ## run the full sample and watch it live; without a terminal, one line a transition
	@if [ -t 0 ] && [ -t 1 ]; then \
	  $(BIN)/pipetui --home $(DEMO_HOME) run sample_pipelines/breast_cancer/pipeline.json --watch; \
	else \
	  $(BIN)/pipetui --home $(DEMO_HOME) run sample_pipelines/breast_cancer/pipeline.json --headless --auto-approve; \
	fi

test: $(VENV)/installed-dev ## the whole suite, in parallel
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal -m "not container and not pythons and not environments"

test-environments: $(VENV)/installed-dev ## what needs real Python environments: builds them first, minutes
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal -m environments

check: $(VENV)/installed-dev ## format, lint and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test-container: $(VENV)/installed-dev ## jobs in podman; needs root and Debian's podman and runc
	$(BIN)/python -m pytest -q -m container

test-pythons: $(VENV)/installed-dev ## install and run a sample on every Python >= 3.11 of this host
	$(BIN)/python -m pytest -q -m pythons

soak: $(VENV)/installed-dev ## 500 kills of a runner at random times; about 5 minutes
	PIPETUI_CRASH_SEEDS=500 $(BIN)/python -m pytest -q -n $(WORKERS) -k random tests/engine/test_recovery.py

test-all: check test test-environments test-container test-pythons

bench: $(VENV)/installed-dev ## measure; see benchmarks/README.md
	$(BIN)/python benchmarks/engine_overhead.py
	$(BIN)/python benchmarks/startup.py

docs: $(VENV)/installed-dev ## regenerate what is generated: keys, command line, configuration, screenshots
	PYTHONPATH=. $(BIN)/python docs/generate.py

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable .
	$(BIN)/python -m compileall -q engine pipetui
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(PIP) --editable '.[preview,tuning,dev]'
	@touch $@

clean:
	rm -rf $(VENV) .demo .pytest_cache .mypy_cache .ruff_cache
