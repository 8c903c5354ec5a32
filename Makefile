# Every target sets itself up from a bare Python 3.11: uv, .venv, and on Debian as root the system libraries.
# Models are kept outside the clone, in ~/.cache/assistant/models or $ASSISTANT_MODELS.

PYTHON ?= python3
BIN := .venv/bin
SYNCED := .venv/.synced
# Three collections, twelve words at most: what is said to an assistant.
UTTERANCES := $(addsuffix .wav,$(addprefix tests/speech/,rhasspy3_turn_on_the_lamp rhasspy3_whats_the_date_today \
    sb_spk1_snt1 pico_0075d273 pico_6440344c))
OWN_UV := .cache/uv/bin/uv
# A pyenv shim of uv can be on PATH and still not run.
UV := $(shell uv --version >/dev/null 2>&1 && command -v uv || echo $(OWN_UV))

export VIRTUAL_ENV := $(CURDIR)/.venv

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test bench lint setup models lock system

help: ## show these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

demo: models ## play a recorded dialogue to the real models; writes a WAV, a picture and the JSON under demo/
	$(BIN)/assistant demo

test: lint ## run every check: lint, types, then all tests on the small models (ARGS=... goes to pytest)
	$(BIN)/assistant models pull --profile small
	$(BIN)/assistant models pull smart-turn-v3
	$(BIN)/pytest $(ARGS)

bench: models ## measure how soon it answers, beside mlx-audio's pipeline: docs/latency.svg, bench.md, bench.json (15 minutes)
	$(BIN)/assistant bench $(UTTERANCES) --config bench/latency.toml --peer mlx-audio \
	    --picture docs/latency.svg --markdown bench.md --json bench.json $(ARGS)

lint: setup ## ruff and mypy
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

setup: $(SYNCED) ## make .venv as requirements.lock says

models: setup ## pull the models of this machine's profile
	$(BIN)/assistant models pull

lock: | system $(UV) ## write requirements.lock anew from pyproject.toml
	$(UV) pip compile pyproject.toml --quiet --group dev --all-extras --universal --python-version 3.11 \
	    --generate-hashes --no-emit-index-url --excludes requirements.excludes \
	    --custom-compile-command "make lock" --output-file requirements.lock

$(SYNCED): requirements.lock pyproject.toml | system $(UV)
	test -x $(BIN)/python || $(UV) venv --quiet .venv
	$(UV) pip sync --require-hashes requirements.lock
	$(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(OWN_UV): | system
	$(PYTHON) -m venv .cache/uv
	.cache/uv/bin/pip install --quiet --disable-pip-version-check 'uv>=0.9.8'

system:
	@PYTHON=$(PYTHON) scripts/system-packages
