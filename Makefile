# MedConsult: `make help` lists what there is.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
SETUP := $(VENV)/.setup-done
SOURCES := fhir_server smart_auth billing ui medconsult

.PHONY: help setup run test browser screens words check format bench bench-search bench-pages definitions migrate lock clean

help: ## show this list
	@echo "make TARGET, with TARGET one of:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "First time here? \`make run\` is all it takes; settings are in docs/settings.md."

setup: $(SETUP) ## make .venv with .venv/bin/medconsult from the hash-pinned lock

# The stamp is newer than the lock: nothing is installed again until the lock changes.
$(SETUP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or later is needed; say which with: make setup PYTHON=python3.12"; exit 1; }
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV) \
	  || { echo "python's venv module is missing: apt-get install python3-venv"; exit 1; }
	@echo "Installing the pinned packages into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  --only-binary :all: -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  --no-build-isolation --editable .
	@touch $@

run: setup ## serve http://127.0.0.1:8000 (make run PORT=8010), embedded PostgreSQL under ./var
	@exec $(BIN)/medconsult serve --host $(HOST) --port $(PORT) $(ARGS)

test: setup ## the whole test suite on a real PostgreSQL (make test ARGS="-n 2 -k settings")
	@$(BIN)/python -m pytest $(ARGS)

browser: ## install what the browser tests need: Chromium (apt-get) and a SMART library (npm)
	@tests/browser/install.sh

screens: setup ## draw every page of the portal into docs/screens (needs: make browser)
	@mkdir -p docs/screens
	@MEDCONSULT_SCREENS=$(CURDIR)/docs/screens $(BIN)/python -m pytest tests/browser/test_pages.py -q

words: setup ## bring what people read into the catalogues of smart_auth/locale
	@mkdir -p var
	@$(BIN)/pybabel -q extract -F babel.ini -k say -k later -k say_many:1,2 --no-location --sort-output \
	  -o var/words.pot ui smart_auth
	@for each in smart_auth/locale/*.po; do \
	  $(BIN)/pybabel -q update --no-fuzzy-matching --ignore-obsolete --omit-header --width 100 \
	    -i var/words.pot -l "$$(basename $$each .po)" -o "$$each"; done

check: setup ## format, lint, types, layers and house rules, as in CI
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/python -m pytest tests/rules -q

format: setup ## let ruff format and fix what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## measure speed and memory against the floor, see docs/performance.md
	@$(BIN)/python -m bench $(ARGS)

bench-pages: setup ## how long each page of the portal takes, on the demo's data
	@$(BIN)/python -m bench.pages

bench-search: setup ## measure 32 shapes of search over a million resources, see docs/performance.md
	@$(BIN)/python -m bench.search $(ARGS)

definitions: setup ## derive profiles/r4 from HL7's package (make definitions ARGS=path/to/package.tgz)
	@$(BIN)/python -m fhir_server.definitions.derive $(ARGS)

migrate: setup ## bring the database to the newest schema
	@$(BIN)/medconsult migrate

lock: ## pin every dependency anew into requirements.lock (the only target that asks for newer versions)
	@$(PYTHON) -m venv $(VENV)-lock
	@$(VENV)-lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	@$(VENV)-lock/bin/uv pip compile pyproject.toml --quiet --extra dev --universal \
	  --python-version 3.11 --generate-hashes --no-header --no-annotate --upgrade \
	  --output-file requirements.lock
	@rm -rf $(VENV)-lock

clean: ## remove .venv and caches (never ./var: it holds records)
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
