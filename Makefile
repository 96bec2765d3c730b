# Two commands do everything on a fresh machine: `make demo` and `make test`.
# `make check` is what CI runs: lint, types, import contracts, tests.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# pip links each file of a strict editable install, so a new file needs a new install: the folders'
# own times tell.
FOLDERS := $(shell find src pipelines transforms -type d -not -name __pycache__)
STAMP := $(VENV)/.installed
# The same with what tests and lint need; torch is the largest part of it.
DEV := $(VENV)/.installed-dev
INSTALL = $(BIN)/python -m pip install --quiet --constraint constraints.txt --config-settings editable_mode=strict

.PHONY: install demo demo-stream test test-unit soak mutants lint types format check clean

install: $(STAMP)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"

$(STAMP): $(VENV)/bin/python pyproject.toml setup.py constraints.txt $(FOLDERS)
	@echo "Installing ..."
	$(INSTALL) --editable .
	@touch $@

$(DEV): $(VENV)/bin/python pyproject.toml setup.py constraints.txt $(FOLDERS)
	@echo "Installing (a few minutes the first time: torch is large) ..."
	$(INSTALL) --group dev --editable '.[google,msk,protobuf,torch]'
	@touch $@ $(STAMP)

demo: $(STAMP)
	@rm -rf demo-output  # a demo starts anew; a real job would go on where it stopped
	$(BIN)/skillstream tag samples/postings.jsonl samples/schema_org.jsonl --output demo-output --show 3

# A real Kafka (from Maven Central: needs Java and Maven), samples at a steady rate, Parquet, a query.
demo-stream: $(DEV)
	$(BIN)/python scripts/demo_stream.py

test: $(DEV)
	$(BIN)/python -m pytest --numprocesses 3

# While working: no server, nothing that takes seconds; about two minutes on two cores (226 s of processor time).
test-unit: $(DEV)
	$(BIN)/python -m pytest --numprocesses 2 tests/unit tests/pipeline -m "not slow"

# The fault tests, long: hundreds of kills, a thousand flipped bits.
soak: $(DEV)
	SKILLSTREAM_KILLS=$${SKILLSTREAM_KILLS:-200} SKILLSTREAM_FLIPS=1000 SKILLSTREAM_RESTARTS=20 \
	SKILLSTREAM_NETWORK_FAULTS=100 SKILLSTREAM_FUZZ=100000 SKILLSTREAM_REFRESHES=20 SKILLSTREAM_RACES=500 \
		$(BIN)/python -m pytest tests/faults tests/object_store --timeout 14400

# Small changes to the code of the chain, the reader and the choice of tags: the unit tests must notice each.
# What is left is listed by `mutmut results` and shown by `mutmut show NAME`; MUTANTS='skillstream.output.chain.*' takes a part.
MUTANTS ?=
mutants: $(DEV)
	nice -n 15 $(BIN)/mutmut run $(MUTANTS)
	$(BIN)/mutmut results

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(DEV)
	$(BIN)/mypy

format: $(DEV)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

check: lint types test

clean:
	rm -rf $(VENV) build dist mutants demo-output demo-stream-output .mypy_cache .ruff_cache .pytest_cache
