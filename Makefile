# Every command of the project; CI and pre-commit call only these. `make help` lists them.
SHELL := bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python
PROTOS = $(shell cd protos && find . -name '*.proto' | sort)

.DEFAULT_GOAL := help

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

setup: $(VENV)/.ready ## everything the other commands need, into .venv

# Hashes are of the lock alone: a build of one machine is the build of all.
$(VENV)/.ready: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	touch $@

lock: setup ## the lock anew from pyproject.toml
	$(RUN) -m pip install --quiet uv
	$(RUN) -m uv pip compile pyproject.toml --extra local --extra dev --generate-hashes --no-emit-index-url \
	  --python-version 3.11 --universal --custom-compile-command 'make lock' -o requirements.lock

gen: setup ## stubs from protos/ into gen/, and docs/telemetry.md from its list
	scripts/gen $(RUN) gen
	$(RUN) scripts/telemetry.py > docs/telemetry.md

fmt: setup ## format all code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/buf format -w protos

lint: setup ## ruff, import contracts, buf
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	cd protos && ../$(BIN)/buf lint && ../$(BIN)/buf format -d --exit-code

type: setup ## mypy, strict
	$(BIN)/mypy

drift: setup ## fails when gen/ is not what protos/ says
	scripts/drift $(RUN)

check: lint type drift test-unit ## all that must be green on every commit

test: setup ## every test, against real servers that it starts itself
	scripts/test $(RUN)

test-unit: setup ## the tests that need nothing but Python
	$(RUN) -m pytest tests/unit

test-e2e: setup ## the whole mesh on real clips
	$(RUN) -m pytest tests/e2e

test-faults: setup ## kill, freeze, wipe and fill, and see that nothing is lost
	$(RUN) -m pytest tests/faults

demo: setup ## one video all the way (VIDEO=path for your own, KEEP=1 to leave the mesh up)
	@$(RUN) -m local.demo $(if $(VIDEO),--video '$(VIDEO)') $(if $(KEEP),--keep)

bench: setup ## measure: make bench NAME=transcode (ONLY=part,part ROUNDS=5)
	@$(RUN) -m bench $(NAME) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(ONLY),--only $(ONLY))

loadtest: setup ## load on a mesh of its own: make loadtest NAME=web or NAME=workers
	@$(RUN) -m loadtests $(NAME)

up: setup ## the mesh in the foreground
	@$(BIN)/reelmesh up

images: ## reelmesh/app and reelmesh/worker, by Docker
	for target in app worker; do docker build --target $$target --tag reelmesh/$$target:0.1.0 . || exit 1; done

.PHONY: images help setup lock gen fmt lint type drift check test test-unit test-e2e test-faults demo bench loadtest up
