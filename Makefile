# The two commands of a newcomer: `make demo` and `make test`. Each sets up all it needs in .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test faults slow faults-all storm soak check docs audit bench format clean

demo: $(READY)
	$(BIN)/hotstream demo

# Three at a time: most tests wait for a server, not for a processor.
test: $(READY)
	$(BIN)/python -m pytest -q -n 3 --dist loadfile -m "not slow" --ignore=tests/faults $(ARGS)

# Killed workers, stopped servers, blocked loops: the faults that are over within eight minutes.
faults: $(READY)
	$(BIN)/python -m pytest -q -n 2 --dist loadfile tests/faults -m "not slow" $(ARGS)

# Hundreds of pages, killed browsers, a fleet of sixteen: slow, and nothing else may run beside them.
slow: $(READY)
	$(BIN)/python -m pytest -q tests/fetch tests/engine -m slow $(ARGS)

# Every row of the table in docs/reliability.md: partitions, clocks, browsers, hundreds of pages. What
# mostly waits goes side by side; what measures latencies or fills the machine goes alone.
FAULTS := build/faults
faults-all: $(READY)
	rm -rf $(FAULTS) && mkdir -p $(FAULTS)
	$(BIN)/python -m pytest -q -n 3 --dist loadfile tests --ignore=tests/faults -m "fault and not slow" \
	  --fault-report $(FAULTS)/1.json $(ARGS)
	$(BIN)/python -m pytest -q -n 3 --dist loadfile tests/faults --fault-report $(FAULTS)/2.json $(ARGS)
	$(BIN)/python -m pytest -q tests --ignore=tests/faults -m "fault and slow" \
	  --fault-report $(FAULTS)/3.json $(ARGS)

# For releases: half an hour of killed workers, and two hours of small faults under load. Shorter or
# longer by STORM_S, STORM_TASKS, STORM_KILLS; SOAK_S, SOAK_RATE.
storm: $(READY)
	$(BIN)/python tests/faults/storm.py storm.json

soak: $(READY)
	$(BIN)/python tests/faults/soak.py soak.json

# Known holes in what is installed; asks the advisory databases on the internet.
audit: $(READY)
	$(PYTHON) -m venv build/audit
	build/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	build/audit/bin/pip-audit --progress-spinner off --skip-editable $(ARGS) \
	  --path "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"

bench: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/python -m benchmarks $(ARGS)

# The documentation as a site in build/site; a link that leads nowhere is an error.
docs: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict $(ARGS)

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
