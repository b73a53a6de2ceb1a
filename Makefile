# Everything a newcomer or CI runs. `make help` lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := build/stamps
C_SOURCES := $(wildcard server/media/core/*.[ch] server/media/core/*.def server/media/py/*.[ch])
PYTHON_FOLDERS := $(wildcard server tools tests examples bench sdk/python)
PYTEST_ARGS ?=
FUZZ_SECONDS ?= 600
PIP_COMPILE = CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile -q --strip-extras --allow-unsafe \
	--generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help

##@ Help

help: ## show this list
	@awk -F ':.*## ' '/^##@ / { print substr($$0, 5) ":" } \
		/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

##@ Use

build: $(STAMPS)/extension ## install what is missing, create .venv, build the C extension

run: build ## start the server with the demo application; Ctrl-C stops it
	@$(BIN)/python tools/run.py

call: build ## dial the demo with a scripted phone; leaves var/call.wav
	@$(BIN)/python tools/call.py $(CALL_ARGS)

##@ Prove

test: $(STAMPS)/test-packages $(STAMPS)/dev build test-c ## run every test: C, Python, real peers
	$(BIN)/pytest $(PYTEST_ARGS)

test-c: $(STAMPS)/system-packages ## run the C tests of the media core
	@$(MAKE) --no-print-directory -C tests/media/c test

test-asan: $(STAMPS)/test-packages $(STAMPS)/system-packages ## ... under AddressSanitizer and UBSan
	@$(MAKE) --no-print-directory -C tests/media/c test-asan

test-tsan: $(STAMPS)/test-packages $(STAMPS)/system-packages ## ... under ThreadSanitizer
	@$(MAKE) --no-print-directory -C tests/media/c test-tsan

interop: $(STAMPS)/test-packages $(STAMPS)/dev build ## only the tests against SIPp, baresip and node
	$(BIN)/pytest -m interop $(PYTEST_ARGS)

fuzz: $(STAMPS)/test-packages $(STAMPS)/dev build ## fuzz the parsers for FUZZ_SECONDS (600)
	@FUZZ_SECONDS=$(FUZZ_SECONDS) PATH="$(CURDIR)/$(BIN):$$PATH" tools/fuzz.sh

bench: $(STAMPS)/test-packages build ## measure the server against a bare C forwarder
	@$(BIN)/python bench/run.py $(BENCH_ARGS)

check: $(STAMPS)/dev ## format, lint, types, import layers, generated files
	@PATH="$(CURDIR)/$(BIN):$$PATH" tools/check.sh $(PYTHON_FOLDERS)

##@ Maintain

format: $(STAMPS)/dev ## format Python and C
	$(BIN)/ruff format $(PYTHON_FOLDERS)
	$(BIN)/ruff check --fix $(PYTHON_FOLDERS)
	$(BIN)/clang-format -i $$(git ls-files '*.c' '*.h')

generate: $(STAMPS)/dev ## derive the files that come from api-spec/
	$(BIN)/python tools/generate.py

lock: $(STAMPS)/dev ## renew the pinned dependencies from pyproject.toml
	$(PIP_COMPILE) --extra build -o requirements.lock pyproject.toml
	$(PIP_COMPILE) --extra build --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml

clean: ## remove what was built; var/ (configuration, recordings) stays
	rm -rf build dist .venv *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -f server/media/*.so

# Each stamp is renewed only when what it depends on changed, so a second run costs nothing.

$(STAMPS)/system-packages: tools/packages/build.txt
	@tools/system_packages.sh $<
	@mkdir -p $(@D) && touch $@

$(STAMPS)/test-packages: tools/packages/test.txt
	@tools/system_packages.sh $<
	@mkdir -p $(@D) && touch $@

$(BIN)/python: | $(STAMPS)/system-packages
	$(PYTHON) -m venv $(VENV)

$(STAMPS)/runtime: requirements.lock $(BIN)/python
	$(BIN)/pip install -q --require-hashes -r $<
	@mkdir -p $(@D) && touch $@

$(STAMPS)/dev: requirements-dev.lock $(STAMPS)/runtime
	$(BIN)/pip install -q --require-hashes -r $<
	@touch $@

$(STAMPS)/extension: $(STAMPS)/system-packages $(STAMPS)/runtime pyproject.toml $(wildcard setup.py) $(C_SOURCES)
	$(BIN)/pip install -q --no-build-isolation --no-deps --editable .
	@touch $@

.PHONY: help build run call test test-c test-asan test-tsan interop fuzz bench check format \
	generate lock clean
