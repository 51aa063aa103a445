# Each target installs what it needs into .venv first, from a hash-locked file.
# `make help` prints the comment behind `##`.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo ui test test-fast lake test-lake bench lint lock clean

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
LAKE := .venv-lake

help:  ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

demo: $(VENV)/run.stamp  ## load three months from a sandbox API on loopback; needs no credentials
	$(BIN)/python -m billing_pipeline.demo

ui: $(VENV)/run.stamp  ## open Dagster's UI on http://127.0.0.1:3000, with persistent state
	$(BIN)/python -m billing_pipeline.ui

test: $(VENV)/test.stamp  ## run all tests
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-fast: $(VENV)/test.stamp  ## run the tests that need no browser, no killed process and no minutes
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not (browser or kill or slow)"

# What a shared warehouse needs, in an environment of its own: its extensions fit another version of DuckDB.
lake:  ## install what a shared warehouse needs into .venv-lake
	@$(MAKE) --no-print-directory VENV=$(LAKE) $(LAKE)/lake.stamp

# On that version: what is there for a lake only, and again what a version of DuckDB could change.
# Needs the programs of a PostgreSQL server.
test-lake: $(VENV)/test.stamp lake  ## run the tests that depend on the lake's version of DuckDB
	$(LAKE)/bin/python -m pytest -n 2 --dist worksteal \
	  $(addprefix billing_pipeline_tests/,lake deployment normalize warehouse cli test_questions.py)

bench: $(VENV)/bench.stamp  ## measure against the engine's limit, pandas, Polars and dlt
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.backfill

lint: $(VENV)/test.stamp  ## check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lock:  ## renew the lock files within the ranges of pyproject.toml
	$(PYTHON) -m venv $(VENV)/uv && $(VENV)/uv/bin/pip install --quiet uv
	set -e; for extras in run "test test" "bench test bench"; do set -- $$extras; file=$$1; shift; \
	  $(VENV)/uv/bin/uv pip compile pyproject.toml --universal --python-version 3.11 --upgrade \
	    --generate-hashes --no-header --no-annotate --quiet --extra build \
	    $$(for extra in "$$@"; do echo --extra $$extra; done) \
	    $$([ $$file = run ] || echo --constraint locks/run.lock) --output-file locks/$$file.lock; done
	# The same for a lake, alone and in the deployment's image, but for the version of DuckDB.
	sed -n 's/^\([a-z].*\) \\$$/\1/p' locks/test.lock | grep -v '^duckdb==' > $(VENV)/without-duckdb.txt
	set -e; for extras in "lake lake lake-test test" "deploy lake deploy"; do set -- $$extras; file=$$1; shift; \
	  $(VENV)/uv/bin/uv pip compile pyproject.toml --universal --python-version 3.11 --upgrade \
	    --generate-hashes --no-header --no-annotate --quiet --extra build \
	    $$(for extra in "$$@"; do echo --extra $$extra; done) \
	    --constraint $(VENV)/without-duckdb.txt --output-file locks/$$file.lock; done

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and was not found" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/%.stamp: locks/%.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r $<
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

clean:  ## remove environments and caches; data/ stays
	rm -rf $(VENV) $(LAKE) .mypy_cache .pytest_cache .ruff_cache .hypothesis
