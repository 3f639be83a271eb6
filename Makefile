# Two commands: `make run` and `make test`. Both make their own environment from the lock files.
.DEFAULT_GOAL := help
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --no-deps
# Tests wait for processes, disks and databases: a third worker has the cores meanwhile. What is slow starts first.
# A worker that dies ends the run, and names its test: with another in its place pytest-xdist 3.8 may wait for ever.
PYTEST := $(BIN)/pytest -n 3 --dist loadgroup --no-loadscope-reorder --max-worker-restart=0
UV := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

# Where the environment forbids it, hundreds of processes would compile each source anew.
unexport PYTHONDONTWRITEBYTECODE

# $(call step,what is done,command,what to do where it fails): one line a step. What the command says is shown, in full,
# where it fails.
define step
@echo "$(1)"
@said=$$(mktemp); $(2) >"$$said" 2>&1 || { cat "$$said"; rm -f "$$said"; printf '\n%s\n' "$(3)"; exit 1; }; rm -f "$$said"
endef
NO_VENV = Python's words are above. Mend what they say, or name another Python: make PYTHON=/path/to/python3.12
NO_PIP = pip's words are above. Look at the network, or at the mirror that pip is set to ($(BIN)/python -m pip \
	config list); then run make again: what is there already is not fetched twice.

.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help run demo test test-rest test-all bench bench-peers lint format docs lock clean
.PHONY: dist test-dist image

help: ## Show what there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/.run ## Set up everything and start the service
	@$(BIN)/regard weights pull
	@$(BIN)/regard serve

run-shared: $(VENV)/.dev ## Start two services on one PostgreSQL of their own, to try with
	$(BIN)/regard weights pull
	$(BIN)/python examples/shared.py

demo: $(VENV)/.run ## Compare two faces through boto3, on a picture that ships with a package
	@$(BIN)/regard weights pull
	@$(BIN)/regard demo

test: $(VENV)/.dev ## Run the tests, with a tenth of the long counts
	$(BIN)/regard weights pull
	$(PYTEST) -m "not long"

test-rest: $(VENV)/.dev ## After `make test`: what it left out or counted a tenth of, with its full count
	$(BIN)/regard weights pull
	TEST_ALL=1 $(PYTEST) -m "long or scaled"

test-all: $(VENV)/.dev ## Run every test once, each with its full count
	$(BIN)/regard weights pull
	TEST_ALL=1 $(PYTEST)

bench: $(VENV)/.bench ## Measure speed, as ratios in one run
	$(BIN)/regard weights pull
	$(BIN)/python -m benchmarks

bench-peers: $(VENV)/.bench ## Measure accuracy and speed beside dlib and OpenCV, each in its own environment
	$(BIN)/regard weights pull
	$(BIN)/python -m benchmarks peers --write

lint: $(VENV)/.dev ## Check style and types, and that documents can be followed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/regard weights pull
	$(BIN)/pytest -q tests/check_docs.py

dist: $(VENV)/.run ## Build the wheel and the source distribution
	rm -rf dist
	$(BIN)/hatchling build -d dist

test-dist: dist ## Install the wheel into an empty environment and run the demo there
	PYTHON=$(PYTHON) .ci/test-dist

image: ## Build the image, or where no builder works run its steps
	PYTHON=$(PYTHON) .ci/test-image

format: $(VENV)/.dev ## Put the sources in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.run ## Write the pages that are made from the code
	$(BIN)/regard coverage --write docs/coverage.md
	$(BIN)/regard settings --write docs/settings.md

lock: $(VENV)/.dev ## Choose the newest versions that pyproject.toml allows
	$(PIP) install --quiet uv
	$(UV) --extra demo --extra build -o requirements.lock pyproject.toml
	$(UV) --extra demo --extra build --extra dev --extra onnxruntime -c requirements.lock -o requirements-dev.lock pyproject.toml
	$(UV) --extra demo --extra build --extra bench -c requirements-dev.lock -o requirements-bench.lock pyproject.toml

clean: ## Remove the environment; data and weights stay
	rm -rf $(VENV)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "regard needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3.11"; exit 1; }
	$(call step,Making an environment in $(VENV).,$(PYTHON) -m venv $(VENV),$(NO_VENV))

# The lock is whole: what it leaves out (pyproject.toml says why) pip is not to look for.
$(VENV)/.run: requirements.lock pyproject.toml | $(BIN)/python
	$(call step,Installing what requirements.lock names: about a minute.,$(INSTALL) --require-hashes -r $<,$(NO_PIP))
	$(call step,Installing regard.,$(INSTALL) --no-build-isolation -e .,$(NO_PIP))
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(BIN)/python
	$(call step,Installing what requirements-dev.lock names: about a minute.,$(INSTALL) --require-hashes -r $<,$(NO_PIP))
	$(call step,Installing regard.,$(INSTALL) --no-build-isolation -e .,$(NO_PIP))
	@touch $@ $(VENV)/.run

$(VENV)/.bench: requirements-bench.lock $(VENV)/.dev
	$(call step,Installing what requirements-bench.lock names: about a minute.,$(INSTALL) --require-hashes -r $<,$(NO_PIP))
	@touch $@
