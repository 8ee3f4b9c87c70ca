# `make up` runs the lab, `make test` proves it. Only Python ≥ 3.11 (and, where it is there, Docker) is assumed: everything
# else is installed into .venv, pinned by requirements.lock.

PYTHON ?= python3
BIN    := .venv/bin
# In an unpacked bundle pip asks nobody.
PIP    := $(BIN)/pip install --quiet --constraint requirements.lock $(if $(wildcard bundle/wheels),--no-index --find-links bundle/wheels)
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help up down status test check e2e screenshots compile wheel bundle bench fuzz format lock clean

help: ## show what can be made
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: .venv/run ## start the lab and wait until it serves (Docker when an engine answers, else processes)
	@$(BIN)/lab up

down: .venv/run ## stop the lab and remove everything it made
	@$(BIN)/lab down

status: .venv/run ## show the lab, live
	@$(BIN)/lab status

test: .venv/dev ## run all tests; those that need Docker are skipped where no engine answers
	$(BIN)/pytest

check: .venv/dev ## lint and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

e2e: .venv/dev ## run the end-to-end tests only
	$(BIN)/pytest tests/e2e

screenshots: .venv/dev ## make the pictures of the dashboard in docs/images (needs chromium)
	LAB_SCREENSHOTS=docs/images $(BIN)/pytest tests/e2e/test_dashboard.py

compile: .venv/dev ## make build/compiled, where the balancer's data plane is compiled if there is a C compiler
	$(BIN)/python setup.py --quiet compile

# What an earlier build left in build/lib would be packed, too.
wheel: .venv/run ## make the wheel in dist, compiled where there is a C compiler
	rm -rf build/lib* build/bdist*
	PIP_CONSTRAINT=requirements.lock $(BIN)/pip wheel --no-deps --wheel-dir dist .

bundle: .venv/run ## make dist/asg-lab-bundle.tar.gz, with wheels and images: `make up` works from it without network
	@$(BIN)/lab bundle $(BUNDLE_FLAGS)

bench: .venv/bench compile ## measure the balancer against nginx and others in one run, of 25 minutes (needs nginx, wrk and ab)
	$(BIN)/python -m bench.balancer --keep

FUZZ_SECONDS ?= 60
FUZZ = request prefix response chunked values

fuzz: .venv/dev ## fuzz the balancer's parsers, each for FUZZ_SECONDS (60); needs Linux on x86-64
	@for name in $(FUZZ); do \
	  echo "fuzzing $$name for $(FUZZ_SECONDS) s"; $(BIN)/python -m fuzz $$name -max_total_time=$(FUZZ_SECONDS) -verbosity=0 || exit; \
	done
	LAB_HEAVY=1 $(BIN)/pytest tests/lb/hostile/test_large.py

format: .venv/dev ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: .venv/dev ## pin the newest versions that fit pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --upgrade --python-version 3.11 --all-extras pyproject.toml \
	  --no-header --no-annotate --no-emit-index-url --no-emit-find-links -o requirements.lock

clean: ## remove .venv and caches
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .fuzz *.egg-info

# The base install and PostgreSQL for machines without Docker.
.venv/run: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "the lab needs Python 3.11 or newer; set PYTHON=…"; exit 1; }
	@test -x $(BIN)/python || { echo "making .venv"; $(PYTHON) -m venv .venv; }
	@echo "installing the lab into .venv"
	@$(PIP) --editable '.[embedded,h2,isal]'
	@touch $@

.venv/dev: pyproject.toml requirements.lock .venv/run
	@echo "installing the tools for tests into .venv"
	@$(PIP) --editable '.[embedded,h2,isal,dev]'
	@touch $@

.venv/bench: pyproject.toml requirements.lock .venv/dev
	@echo "installing the balancers to compare with into .venv"
	@$(PIP) --editable '.[embedded,h2,isal,dev,bench]'
	@touch $@
