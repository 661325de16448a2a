# Plumbline: `make run` starts it, `make test` proves it.
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
PYTEST := $(BIN)/pytest
# Downloads are tried again before they count as failed.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --retries 10 --timeout 60
APT := DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=5

# Whole installations are killed over and over here, against the clock: nothing else runs beside them.
CRASHES := tests/integration/test_kill_minus_nine.py tests/integration/scaled
# Python keeps what it compiled, whatever the shell says: hundreds of processes start in the tests.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup run test test-fast e2e compiled lint types format bench demo machine chromium servers clean

setup: .venv/.installed frontend ## the virtual environment with the command `plumbline`, and the front end

.venv/.installed: pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "python3 (3.11 or later) is needed and was not found"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; $$($(PYTHON) --version) was found"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the Python packages (once; some minutes) ..."
	@$(PIP) --constraint constraints.txt --editable '.[dev,demo]' \
	  || { echo "the Python packages could not be installed; pip says why above. 'make setup' tries again"; exit 1; }
	@touch $@

.PHONY: frontend
frontend: .venv/.installed
	@$(BIN)/python -m app.frontend || { echo "once more, in case a download failed"; $(BIN)/python -m app.frontend; }

run: setup ## start on http://127.0.0.1:8000 (PORT=... to change)
	@exec $(BIN)/plumbline serve --port $(PORT)

test: setup chromium servers compiled ## everything: both databases, slow tests, a real browser
	$(PYTEST) tests/unit tests/api tests/integration -m "not slow" -n 2 --dist loadfile
	$(PYTEST) tests/unit tests/api tests/integration -m "slow" -n 2 --dist loadfile $(CRASHES:%=--ignore=%)
	$(PYTEST) $(CRASHES) -m "slow" -p no:xdist
	$(MAKE) e2e

test-fast: .venv/.installed ## what one runs often: SQLite only, nothing slow
	$(PYTEST) tests/unit tests/api tests/integration -m "not slow and not postgres" -n 2 --dist loadfile

e2e: setup chromium servers compiled
	$(PYTEST) tests/e2e -n 2 --dist loadfile

compiled: .venv/.installed # numba keeps what it compiled; two processes that need it at once would both compile it
	@$(BIN)/python -m tests.compiling

lint: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(MAKE) types

types: .venv/.installed
	$(BIN)/mypy

format: .venv/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup
	$(BIN)/python -m benchmarks.ingest.throughput

demo: setup ## the 2013 flights from New York, posted to a running server
	$(BIN)/plumbline demo flights

machine: # one after the other: the system installs one package at a time
	@$(MAKE) chromium
	@$(MAKE) servers

chromium: # the shell starts a page in a fraction of the time; where there is none, any Chromium does
	@command -v chromium-headless-shell >/dev/null \
	  || { command -v apt-get >/dev/null && echo "installing Chromium from the system's packages" \
	       && $(APT) update && $(APT) install -y chromium-headless-shell >/dev/null; } \
	  || command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	  || $(APT) install -y chromium >/dev/null

servers:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null \
	  || { echo "installing PostgreSQL from the system's packages"; $(APT) update && $(APT) install -y postgresql >/dev/null; }
	@command -v redis-server >/dev/null \
	  || { echo "installing Redis from the system's packages"; $(APT) update && $(APT) install -y redis-server >/dev/null; } \
	  || echo "there is no Redis: the tests that need it are skipped"

clean:
	rm -rf .venv .tools .web .mypy_cache .ruff_cache .pytest_cache
