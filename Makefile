# Each target installs what it needs into .venv first, from a hash-locked file.
# `make help` prints the comment behind `##`.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo demo-ui ui test test-fast test-every-change lake lake-venv test-lake test-focus bench lint venvs lock clean

# Compiled modules are kept: importing Dagster without them takes twice as long.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
LAKE := .venv-lake
FOCUS := .venv-focus
FOCUS_PYTHON ?= python3.12
UI_OPTIONS = $(if $(PORT),--port $(PORT))

help:  ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

demo: $(VENV)/run.stamp  ## load three months from a sandbox API on loopback; needs no credentials
	$(BIN)/billing-pipeline demo

demo-ui: $(VENV)/run.stamp  ## the same, then Dagster's UI with the sandbox still running
	$(BIN)/billing-pipeline demo --ui $(UI_OPTIONS)

ui: $(VENV)/run.stamp  ## open Dagster's UI on http://127.0.0.1:3000 (PORT=… for another port)
	$(BIN)/billing-pipeline ui $(UI_OPTIONS)

test: $(VENV)/test.stamp  ## run all tests that need no other environment
	$(BIN)/python -m pytest -n 4 --dist worksteal

test-fast: $(VENV)/test.stamp  ## run the quick tests: no browser, no killed process, no loaded month
	$(BIN)/python -m pytest -n 4 --dist worksteal -m "not (browser or kill or slow or every_change or focus)"

test-every-change: $(VENV)/test.stamp  ## fail each change of a file in a run, one by one; takes an hour
	$(BIN)/python -m pytest -n 4 --dist worksteal -m every_change

# The lake's environment is separate, because its extensions need another version of DuckDB.
lake:  ## install the lake's dependencies into .venv-lake
	@$(MAKE) --no-print-directory VENV=$(LAKE) $(LAKE)/lake.stamp

# Runs the lake's tests and those marked `duckdb` on that version. Needs PostgreSQL's server programs.
test-lake: $(VENV)/test.stamp lake-venv  ## run the tests that depend on the lake's version of DuckDB
	$(LAKE)/bin/python -m pytest -n 4 --dist loadfile -m duckdb

# The validator of the FinOps foundation pins other packages, and needs Python 3.12.
test-focus: $(VENV)/test.stamp $(FOCUS)/focus.stamp  ## validate a FOCUS file with the foundation's validator
	$(BIN)/python -m pytest -n 2 -m focus billing_pipeline_tests/charges

bench: $(VENV)/bench.stamp  ## compare load times with plain DuckDB, pandas, Polars and dlt
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.whole_run
	$(BIN)/python -m benchmarks.charges
	$(BIN)/python -m benchmarks.backfill

lint: $(VENV)/test.stamp  ## check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

venvs: $(VENV)/test.stamp $(FOCUS)/focus.stamp lake-venv  ## install the environments of all tests (-j3: at once)

lake-venv:
	@$(MAKE) --no-print-directory VENV=$(LAKE) $(LAKE)/test-lake.stamp

# Updates the lock files within the ranges of pyproject.toml. Each adds only its own packages to the ones before it.
COMPILE = $(VENV)/uv/bin/uv pip compile pyproject.toml --universal --python-version 3.11 --upgrade \
	--generate-hashes --no-header --no-annotate --quiet --extra build
# A package that is locked for some platforms only may be needed on others later.
LOCKED = sed -n 's/^\([a-z0-9.-]*\)==[^ ;]* \\$$/--no-emit-package \1/p'
lock:  ## update the lock files within the ranges of pyproject.toml
	$(PYTHON) -m venv $(VENV)/uv && $(VENV)/uv/bin/pip install --quiet uv
	$(COMPILE) --output-file locks/run.lock
	set -e; before=locks/run.lock; extras=; for layer in deploy test bench; do extras="$$extras --extra $$layer"; \
	  $(COMPILE) $$extras $$(printf -- '--constraint %s ' $$before) $$(cat $$before | $(LOCKED)) \
	    --output-file locks/$$layer.lock; before="$$before locks/$$layer.lock"; done
	# The lake's version of DuckDB replaces the default one.
	sed -n 's/^\([a-z].*\) \\$$/\1/p' locks/run.lock locks/deploy.lock | grep -v '^duckdb==' > $(VENV)/without-duckdb.txt
	$(COMPILE) --extra lake --constraint $(VENV)/without-duckdb.txt \
	  $$($(LOCKED) locks/run.lock | grep -v 'package duckdb$$') --output-file locks/lake.lock
	$(VENV)/uv/bin/uv pip compile locks/focus.in --universal --python-version 3.12 --upgrade --generate-hashes \
	  --no-header --no-annotate --quiet --output-file locks/focus.lock

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and was not found" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: locks/run.lock
$(VENV)/test.stamp: locks/run.lock locks/deploy.lock locks/test.lock
$(VENV)/bench.stamp: locks/run.lock locks/deploy.lock locks/test.lock locks/bench.lock
$(VENV)/lake.stamp: locks/run.lock locks/lake.lock
$(VENV)/test-lake.stamp: locks/run.lock locks/deploy.lock locks/test.lock locks/lake.lock
# Not compiled, which takes as long as the rest: Python compiles what it imports.
$(VENV)/%.stamp: pyproject.toml | $(VENV)/bin/python
	set -e; for lock in $(filter %.lock,$^); do $(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --no-compile --require-hashes --no-deps --only-binary :all: -r $$lock; done
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# pyenv's python3.12 runs only if that version is selected.
$(FOCUS)/focus.stamp: export PYENV_VERSION := 3.12
$(FOCUS)/focus.stamp: locks/focus.lock
	@$(FOCUS_PYTHON) -c '' 2>/dev/null || { echo "Python 3.12 is needed as $(FOCUS_PYTHON), and was not found" >&2; exit 1; }
	$(FOCUS_PYTHON) -m venv $(FOCUS)
	$(FOCUS)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes --no-deps -r locks/focus.lock
	@touch $@

clean:  ## remove environments and caches, but not data/
	rm -rf $(VENV) $(LAKE) $(FOCUS) .mypy_cache .pytest_cache .ruff_cache .hypothesis
