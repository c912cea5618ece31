# make run    sets everything up and opens the window
# make test   sets everything up, checks and tests
# make help   lists the rest

PYTHON ?= python3
VENV := .venv
CORE := .venv-core
CONSTRAINTS := packaging/constraints.txt
INPUTS := pyproject.toml $(CONSTRAINTS)
QUIET := QT_QPA_PLATFORM=offscreen OMP_NUM_THREADS=1

.PHONY: help run test lint test-core test-gui bench screenshots clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 14

run: $(VENV)/.gui  ## set up and open the window
	@sh packaging/system-libraries.sh window
	$(VENV)/bin/gmstudio $(ARGS)

test: lint test-core test-gui  ## set up, check and test everything

lint: $(VENV)/.test  ## style, types and walls
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

test-core: $(CORE)/.test  ## the core, in an environment without Qt, with its coverage
	$(QUIET) $(CORE)/bin/pytest tests --ignore=tests/gui -n 2 --cov --cov-report=term:skip-covered --cov-fail-under=90

test-gui: $(VENV)/.test  ## the window
	@sh packaging/system-libraries.sh offscreen
	$(QUIET) $(VENV)/bin/pytest tests/gui

screenshots: $(VENV)/.test  ## make the user guide's pictures anew
	$(QUIET) GMSTUDIO_SCREENSHOTS=resources/guide/images $(VENV)/bin/pytest tests/gui/test_guide_screenshots.py

bench: $(VENV)/.test  ## measure this machine
	$(VENV)/bin/gmstudio bench all --json build/bench.json

clean:  ## remove the environments and caches
	rm -rf $(VENV) $(CORE) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .coverage

$(VENV)/.gui: $(INPUTS)
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install -q --disable-pip-version-check -c $(CONSTRAINTS) -e ".[gui]"
	@touch $@

$(VENV)/.test: $(INPUTS)
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install -q --disable-pip-version-check -c $(CONSTRAINTS) -e ".[gui,test,test-gui]"
	@touch $@ $(VENV)/.gui

$(CORE)/.test: $(INPUTS)
	$(PYTHON) -m venv $(CORE)
	$(CORE)/bin/pip install -q --disable-pip-version-check -c $(CONSTRAINTS) -e ".[test]"
	@touch $@
