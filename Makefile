# Every target sets itself up from nothing: it makes .venv first if that is missing or out of date.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
ARGS ?=
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help test lint leaderboard peers clean

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# A worker more than cores, since some wait for what they have started, but not as many as a large
# machine has cores: each holds torch. One thread each is enough, and threads that wait sleep, or they
# would keep the others' from their work. A file stays with one worker, which makes its fixtures
# once; see tests/conftest.py for the order.
test: export OMP_NUM_THREADS = 1
test: export OMP_WAIT_POLICY = PASSIVE
test: .venv/.installed ## Run all tests, on all cores
	@$(BIN)/pytest -n $$(($$(getconf _NPROCESSORS_ONLN) + 1)) --maxprocesses 8 --dist loadfile --no-loadscope-reorder

lint: .venv/.installed ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# A run in which something failed still writes its table, which says what.
leaderboard: .venv/.installed ## Train and compare everything; ARGS="--preset quick" for a first look
	@$(BIN)/zoo run --all --out zoo-results $(ARGS); status=$$?; \
	if [ -f zoo-results/leaderboard.csv ]; then cp zoo-results/leaderboard.csv .; fi; exit $$status

peers: .venv-peers/.installed ## Train other libraries' models and samplers beside ours: one board
	@.venv-peers/bin/python -m benchmarks.peers.board $(ARGS)

clean: ## Remove the environments and all caches; results stay
	rm -rf .venv .venv-peers .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is written last, so that an installation that was interrupted starts again.
.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	@echo 'Installing into .venv; torch is large, so this may take minutes.' >&2
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt -e '.[dev]'
	@touch $@

.venv-peers/.installed: pyproject.toml constraints.txt $(shell find benchmarks/peers -name '*.toml' -o -name '*.txt' -o -name '*.sh' -o -name '*.py')
	PYTHON=$(PYTHON) benchmarks/peers/install.sh .venv-peers
	@touch $@
