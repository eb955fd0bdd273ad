# The two commands of a newcomer: `make demo` and `make test`. Each sets up all it needs in .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test faults check bench format clean

demo: $(READY)
	$(BIN)/hotstream demo

# Three at a time: most tests wait for a server, not for a processor.
test: $(READY)
	$(BIN)/python -m pytest -q -n 3 --dist loadfile -m "not slow" --ignore=tests/faults $(ARGS)

# Killed workers, stopped servers, blocked loops, hundreds of pages: minutes of waiting.
faults: $(READY)
	$(BIN)/python -m pytest -q tests/faults tests/fetch/test_fetch_browser_endurance.py \
	  tests/fetch/test_fetch_browser_faults.py $(ARGS)

bench: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/python -m benchmarks $(ARGS)

# Everything that is checked without running the product.
check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "HotStream needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[embedded,dev]'
	@touch $@
