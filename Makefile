# `make demo` and `make test` set up all they need in .venv; both are quick the second time.
PYTHON ?= python3
BIN := .venv/bin
QUESTION ?= 求解方程 x^2 - 5x + 6 = 0
# As it was written: make would read `$25` as `$2` and `5`, and the shell would too.
override QUESTION := $(value QUESTION)
export QUESTION
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test check serve bench clean

demo: .venv/.installed
	$(BIN)/concertino solve -- "$$QUESTION"

test: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy src
	$(BIN)/pytest -m "not embedded" --numprocesses auto --maxprocesses 4 --dist worksteal
	$(BIN)/pytest -m embedded

# What a change touches: the tests of the files that differ from main (or BASE=…).
check: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy src
	BASE=$(or $(BASE),main) $(BIN)/python -m tests.touched

serve: .venv/.installed
	$(BIN)/concertino serve

bench: .venv/.installed-dev
	@test -n "$(DATA)" || { echo 'usage: make bench DATA=problems.jsonl'; exit 2; }
	$(BIN)/python -m bench.start_up
	$(BIN)/python -m bench.sandbox_latency
	$(BIN)/python -m bench.graph_overhead
	$(BIN)/python -m bench.accuracy $(DATA)

clean:
	rm -rf .venv build *.egg-info .mypy_cache .pytest_cache .ruff_cache .langgraph_api

.venv/bin/python:
	@$(PYTHON) -c 'import sys; assert (3, 11) <= sys.version_info < (3, 14)' 2>/dev/null \
		|| { echo "$(PYTHON) is not Python 3.11 to 3.13: use make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml | .venv/bin/python
	$(BIN)/pip install --quiet -e '.[act,kb,service,web]'
	@touch $@

.venv/.installed-dev: pyproject.toml | .venv/bin/python
	$(BIN)/pip install --quiet -e '.[dev]'
	@touch $@ .venv/.installed
