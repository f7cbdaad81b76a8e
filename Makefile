# Two commands matter on the first day: `make run` starts a gateway, `make test` proves it.
# The system's own build where it will do: distributions optimise theirs, version managers seldom,
# and it is worth a tenth of the whole path. A python3 without ensurepip cannot make a venv.
PYTHON ?= $(or $(shell for each in /usr/bin/python3 python3; do \
	$$each -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$each && break; done),python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SOURCES := app config tests tools

.PHONY: setup run test check check-code demo bench fuzz clean

setup: $(READY)

$(READY): constraints.txt setup.cfg
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Sealmon needs Python 3.11 or later; try: make setup PYTHON=python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "python3 -m venv failed; on Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Installing what constraints.txt lists into $(VENV) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

run: setup
	@$(BIN)/sealmon run

demo: setup
	@$(BIN)/python -m tools.demo

# Lint, types and the unit tests: offline, a minute and a half on two cores.
check: setup check-code
	@$(BIN)/python -m pytest -n auto --hypothesis-profile quick -m 'not interop and not slow' tests

# Everything. Installs the programs that the tests talk to where it may; says what it skips.
test: setup check-code
	@tools/programs
	@$(BIN)/python -m pytest -n auto tests

check-code:
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check --quiet $(SOURCES)
	@$(BIN)/mypy

bench: setup
	@tools/programs
	@$(BIN)/python -m tools.bench

# Needs Python 3.11, for which the fuzzer has a wheel. SECONDS is the time for each target.
fuzz: setup
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[fuzz]'
	@$(BIN)/python -m tools.fuzz --seconds $(or $(SECONDS),120)

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
