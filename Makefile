# Needs GNU make and Python 3.11 or newer; everything else comes from the locked requirements, checked by hash.
# PYTHON=/path/to/python chooses the interpreter, ISTHMUS_TEST_DATA the folder of outside test data.

SHELL := /bin/sh
.DEFAULT_GOAL := help

PYTHON ?=
CANDIDATES := $(if $(PYTHON),$(PYTHON),python3.13 python3.12 python3.11 python3)
export ISTHMUS_TEST_DATA ?= ../shared/data
# Tests start Python many times; where it may not keep what it compiled, each start compiles everything again.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
READY := .venv/.ready
PYTEST := $(BIN)/python -m pytest
# Of what is marked so, only the files that hold some are loaded, and each stays with one worker, which prepares it once.
MARKED = $$(grep -rl --include='test_*.py' 'mark\.$(1)\b' tests) -m $(1)
BY_FILE := -n 2 --dist loadfile
# pytest leaves with 5 when it found nothing to run: that is said, but it is no failure.
OR_NONE = || { code=$$?; [ $$code -eq 5 ] && echo "nothing to run here yet" || exit $$code; }
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)

.PHONY: help demo env test acceptance services-test prove bench pictures check lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: env ## simulated hospitals, a published edition, and a page that explains it
	$(BIN)/isthmus demo

env: $(READY) ## make .venv from the locked requirements

test: env ## run the test suite on the embedded defaults
	@$(PYTEST) -n 2 --dist worksteal -m "not acceptance and not services and not prove" $(OR_NONE)

acceptance: env ## compare with published answers on outside data (ISTHMUS_TEST_DATA)
	@$(PYTEST) $(BY_FILE) $(call MARKED,acceptance) $(OR_NONE)

services-test: env ## run the tests that need PostgreSQL, MariaDB or Chromium, where they are
	@$(PYTEST) $(BY_FILE) $(call MARKED,services) $(OR_NONE)

prove: env ## run the slow proofs: hundreds of kills, large sizes (hours)
	@$(PYTEST) -s $(call MARKED,prove) $(OR_NONE)

bench: env ## measure every speed and memory claim beside a peer, in one table
	$(BIN)/python -m benchmarks

pictures: env ## take the pictures of the README (needs Chromium)
	PYTHONPATH=tests $(BIN)/python -m lib.pictures

check: env ## lint, formatting, types, import contracts; all are run, failures are counted
	@failed=0; \
	for part in "ruff check ." "ruff format --check ." "mypy" "lint-imports"; do \
	    echo "== $$part"; $(BIN)/$$part || failed=$$((failed + 1)); \
	done; \
	if [ $$failed -gt 0 ]; then echo "check: $$failed of 4 parts failed"; exit 1; fi; \
	echo "check: all 4 parts passed"

lock: env ## remake requirements/*.txt from pyproject.toml (UPGRADE=1 takes newer versions)
	@$(COMPILE) --group installer -o requirements/uv.txt
	@$(COMPILE) pyproject.toml -o requirements/run.txt
	@$(COMPILE) pyproject.toml --extra service --group dev \
	    -c requirements/uv.txt -c requirements/run.txt -o requirements/dev.txt

clean: ## remove what these targets made: .venv, caches, builds, the demo
	rm -rf .venv build dist demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The virtual environment is made by Python itself; pip then brings uv, and uv the rest. `--no-build` keeps every
# package a locked wheel: building one would fetch build tools that no hash covers.
$(READY): pyproject.toml requirements/uv.txt requirements/dev.txt
	@test="import sys, venv; raise SystemExit(sys.version_info < (3, 11))"; found=; \
	if ! $(BIN)/python -c "$$test" 2>/dev/null; then \
	    for python in $(CANDIDATES); do \
	        if $$python -c "$$test" 2>/dev/null; then found=$$python; break; fi; \
	    done; \
	    if [ -z "$$found" ]; then \
	        echo "No Python 3.11 or newer among: $(CANDIDATES). Install one, with its venv module" >&2; \
	        echo "(Debian, Ubuntu: apt install python3-venv), or name it: make PYTHON=/path/to/python3.12" >&2; \
	        exit 1; \
	    fi; \
	    echo "making .venv with $$found"; \
	    $$found -m venv --clear .venv || { \
	        echo "$$found cannot make a virtual environment. Install its venv module (Debian, Ubuntu:" >&2; \
	        echo "apt install python3-venv) or name another: make PYTHON=/path/to/python3.12" >&2; \
	        rm -rf .venv; exit 1; \
	    }; \
	fi
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
	    -r requirements/uv.txt
	@$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes --no-build requirements/dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@
