# Needs Python >= 3.11 with its venv module, and make. Everything else goes into .venv/.
PYTHON ?= python3
CONTAINER ?= docker
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

SEEDS ?= 20
FIRST ?= 0
MODE ?= both
JOBS ?= 4

.PHONY: help demo test search chaos planted bench performance image image-test lint format diagrams golden lock clean

help:  ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

$(STAMP): requirements/dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "okdrop needs Python 3.11 or newer; name one: make PYTHON=python3.12")'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP)  ## the whole road, from a folder to published videos, on this machine alone
	$(BIN)/okdrop demo

test: $(STAMP)  ## every test
	$(BIN)/python -m pytest -n 4 --dist worksteal $(ARGS)

search: $(STAMP)  ## look for counter-examples to the laws, with new examples and many more
	HYPOTHESIS_PROFILE=search $(BIN)/python -m pytest -n 4 --timeout 0 $$(grep -rl --include='test_*.py' '^from hypothesis' tests) $(ARGS)

chaos: $(STAMP)  ## storms: faults, kills, full disks, files that change; SEEDS=n, SEED=k for one, MODE, JOBS
	PYTHONPATH=tests $(BIN)/python -m chaos --mode $(MODE) --jobs $(JOBS) --first $(FIRST) --seeds $(SEEDS) $(if $(SEED),--seed $(SEED)) $(ARGS)

planted: $(STAMP)  ## break one thought after the other in a copy, and see what notices; takes long
	PYTHONPATH=tests $(BIN)/python -m chaos.planted $(ARGS)

bench: $(STAMP)  ## okdrop beside curl and beside its aims: SIZE=64MiB FILES=1000 PAIRS=3 ROWS=tls,small JSON=FILE
	$(BIN)/python -m bench $(if $(SIZE),--size $(SIZE)) $(if $(FILES),--files $(FILES)) $(if $(PAIRS),--pairs $(PAIRS)) $(if $(ROWS),--rows $(ROWS)) $(if $(JSON),--json $(JSON)) $(ARGS)

performance: $(STAMP)  ## draw docs/performance.md from docs/performance.json
	$(BIN)/python -m bench.document

image:  ## the container image, by docker or by what CONTAINER names
	$(CONTAINER) build $(ARGS) --tag okdrop .

image-test: $(STAMP)  ## build the image without a registry and let it publish a file; root, buildah, debootstrap
	tests/image/try

lint: $(STAMP)  ## style, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)  ## put the code in shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

diagrams: $(STAMP)  ## draw what the documents show of the code
	$(BIN)/python docs/diagrams.py

golden: $(STAMP)  ## write down anew what explain says of the trees in tests/golden
	PYTHONPATH=tests $(BIN)/python -m golden.trees

lock: $(STAMP)  ## renew requirements/*.txt (names, versions and hashes only); needs uv
	uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 -o requirements/run.txt
	uv pip compile pyproject.toml --extra notify -c requirements/run.txt --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 -o requirements/notify.txt
	uv pip compile pyproject.toml --group dev -c requirements/notify.txt --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 -o requirements/dev.txt
	uv pip compile --group build -c requirements/dev.txt --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 -o requirements/build.txt

clean:  ## forget what was installed and built
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .hypothesis .import_linter_cache
