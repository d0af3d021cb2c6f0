# Everything here needs Python >= 3.11 (with venv), make and git; the rest is installed into .venv.
#
#   make demo    play the acceptance story on the real daemon, on this machine alone
#   make run     the demo's configuration as a daemon that stays up
#   make test    all tests but the soak (PostgreSQL comes with pip; Dovecot, Postfix, clamd, faketime are Debian packages)
#   make test-clocks   the tests that need no real server at other times: the night of a change, a leap day, years ahead
#   make soak    the long ones: kills, mutations, readers fuzzed along their branches (MAILD_FUZZ_SECONDS=60 for each),
#                and test-clocks
#   make bench   measure
#   make lint    ruff and mypy
#   make lock    resolve requirements/*.txt anew from pyproject.toml (make lock UPGRADE=--upgrade takes new versions)
#   make clean   remove what the other targets made

PYTHON ?= python3
WORKERS ?= 2
PYTEST_ARGS ?=
# Tests start hundreds of processes: what was compiled for one serves the next.
unexport PYTHONDONTWRITEBYTECODE
# When, and in which time zone a machine lives then. In Berlin the clocks change half an hour after the second of these.
CLOCKS ?= 2027-03-28T01:30@UTC 2027-03-28T01:30@Europe/Berlin 2028-02-29T12:00@UTC 2031-01-01T00:00@UTC
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
FRAME := pyproject.toml

# Stamps: an environment is made anew only when what it is made from has changed.
MADE := $(VENV)/.made
RUNTIME := $(VENV)/.runtime
TESTING := $(VENV)/.testing
SOAKING := $(VENV)/.soaking

# A measurement is a script of its own; modules that they share begin with an underscore.
BENCHES := $(sort $(filter-out bench/_%,$(wildcard bench/*.py)))

.PHONY: help demo run test test-clocks soak bench lint lock clean
.DELETE_ON_ERROR:

help:
	@sed -n '/^#   /s/^#   //p' Makefile

$(MADE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "maild needs Python 3.11 or newer; this is " + sys.version.split()[0] + " (remedy: make PYTHON=python3.12)")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(RUNTIME): $(FRAME) requirements/runtime.txt | $(MADE)
	$(PIP) install --quiet --require-hashes -r requirements/runtime.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# The tests' requirements contain the runtime's.
$(TESTING): $(FRAME) requirements/test.txt | $(MADE)
	$(PIP) install --quiet --require-hashes -r requirements/test.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $(RUNTIME) $@

# The soak's requirements contain the tests'.
$(SOAKING): $(FRAME) requirements/soak.txt | $(MADE)
	$(PIP) install --quiet --require-hashes -r requirements/soak.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $(RUNTIME) $(TESTING) $@

demo: $(RUNTIME)
	$(BIN)/maild demo

run: $(RUNTIME)
	$(BIN)/maild demo --stay

test: $(TESTING)
	sh tests/rig/packages.sh
	$(BIN)/python -m pytest -m "not soak" -n $(WORKERS) --dist loadgroup \
		--cov=maild --cov-report=term:skip-covered --cov-fail-under=95 $(PYTEST_ARGS)

test-clocks: $(TESTING)
	sh tests/rig/packages.sh
	@set -e; for clock in $(CLOCKS); do \
		echo "== $$clock"; \
		sh tests/rig/clocks/run.sh "$${clock%@*}" "$${clock#*@}" \
			$(BIN)/python -m pytest -m "not soak and not door" -n $(WORKERS) --dist loadgroup $(PYTEST_ARGS); \
	done

soak: $(SOAKING) test-clocks
	sh tests/rig/packages.sh
	$(BIN)/python -m pytest -m soak --timeout=0 -s $(PYTEST_ARGS)

bench: $(TESTING)
	@test -n "$(BENCHES)" || { echo "bench/ has no measurement" >&2; exit 1; }
	@set -e; for script in $(BENCHES); do echo "== $$script"; $(BIN)/python $$script; done

lint: $(TESTING)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy maild

lock: $(MADE)
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip --disable-pip-version-check install --quiet uv==0.13.8
	build/lock/bin/uv --no-config --quiet pip compile --universal --python-version 3.11 --generate-hashes --no-strip-extras $(UPGRADE) \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
		pyproject.toml requirements/build.in --output-file requirements/runtime.txt
	build/lock/bin/uv --no-config --quiet pip compile --universal --python-version 3.11 --generate-hashes --no-strip-extras $(UPGRADE) \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
		pyproject.toml requirements/build.in --extra test --constraint requirements/runtime.txt \
		--output-file requirements/test.txt
	build/lock/bin/uv --no-config --quiet pip compile --universal --python-version 3.11 --generate-hashes --no-strip-extras $(UPGRADE) \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
		pyproject.toml requirements/build.in --extra test --extra soak --constraint requirements/test.txt \
		--output-file requirements/soak.txt

clean:
	rm -rf $(VENV) build dist htmlcov .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find maild tests bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
