# Every target does the whole set-up by itself: Python 3.11 or newer, git and make are enough.
UV := tools/uv
RUN := $(UV) run --locked --quiet
PYTEST := $(RUN) pytest -q
SOURCES := src tests capabilities evals tools

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all check lint types contracts docs docs-check lock-check figures format build clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name what; do \
		printf '  make %-11s %s\n' "$$name" "$$what"; done

setup: ## install everything into .venv, from the lock file
	@$(UV) sync --locked --quiet

demo: setup ## see the whole loop on real code: no key, no network, under a minute
	@$(RUN) autoclave demo

test: setup ## the fast tests, under a minute
	@$(PYTEST) -n 2 -m "not slow and not chaos"

test-all: setup ## every test, also the slow ones and those that kill processes
	@$(PYTEST) -n 2

check: setup lint types contracts docs-check lock-check test ## everything that has to be green

lint:
	@$(RUN) ruff format --check $(SOURCES)
	@$(RUN) ruff check $(SOURCES)

types:
	@$(RUN) mypy

contracts: # imports point down, areas never import one another
	@$(RUN) lint-imports

docs: setup ## write the generated pages and dashboards again
	@$(RUN) python tools/docs.py
	@$(RUN) python tools/dashboards.py

docs-check:
	@$(RUN) python tools/docs.py --check
	@$(RUN) python tools/dashboards.py --check

lock-check: # only public hosts in the lock file
	@$(RUN) python tools/lock_check.py

figures: setup ## measure what docs/figures.md records (takes many minutes)
	@for folder in evals/*/; do \
		name=$$(basename "$$folder"); echo "== $$name" >&2; \
		if [ -f "$$folder/__main__.py" ]; then $(RUN) python -m "evals.$$name" || exit 1; \
		elif [ -f "$$folder/run.py" ]; then $(RUN) python "$$folder/run.py" || exit 1; fi; \
	done

format: setup ## put the code into its one form
	@$(RUN) ruff format $(SOURCES)
	@$(RUN) ruff check --fix $(SOURCES)

build: ## a wheel and a source archive in dist/
	@$(UV) build --quiet

clean: ## remove what was made by the targets above
	rm -rf .venv .uv dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
