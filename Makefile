# Every target sets up what it needs: the virtual environment in .venv, and servers where there are none.
PYTHON ?= python3
BIN := .venv/bin
PROJECTS := $(wildcard libs/*/pyproject.toml services/*/pyproject.toml) contracts/pyproject.toml
MADE_FROM := requirements.lock $(PROJECTS) $(wildcard libs/devstack/*.txt) libs/devstack/bootstrap.py
LOCAL_PACKAGES := studyteddy-chassis studyteddy-mesh studyteddy-contracts
TYPED := $(wildcard libs/*/*/__init__.py services/*/*/__init__.py) contracts/ tests/demo/
# Each folder of tests by itself: they share names such as conftest.
TESTS := $(wildcard libs/*/tests services/*/tests) tests/contract tests/convergence tests/provider tests/e2e tests/faults tests/bench tests/quality
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup run demo mesh test faults lint format bench quality contracts lock stop clean

help: ## list the targets
	@echo "Study Teddy. The first two to try: make run, and in another terminal make demo."
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/complete ## install everything into .venv (the other targets do it by themselves)
	@:

.venv/complete: $(MADE_FROM)
	@$(PYTHON) libs/devstack/bootstrap.py

run: setup ## start the mesh at http://localhost:8080 (GATEWAY_PORT=… for another port); Ctrl-C stops it
	@exec $(BIN)/python -m devstack run

demo: setup ## play the main job against the running mesh (FILE=course.pdf QUESTION="…" for your own)
	@$(BIN)/python tests/demo $(if $(FILE),--file "$(FILE)") $(if $(QUESTION),--question "$(QUESTION)") $(if $(GATEWAY_PORT),--url http://localhost:$(GATEWAY_PORT))

mesh: setup ## look after the running mesh (ARGS="dead list"; ARGS=--help says what there is)
	@test -f .local/mesh.env || { echo "The mesh does not run here: make run"; exit 1; }
	@. ./.local/mesh.env && exec $(BIN)/python -m mesh $(ARGS)

test: setup ## run every test on servers of their own, with coverage (ARGS="-k name" for some, without)
	@$(BIN)/python -m devstack install --npm --chromium --promtool # for the official AsyncAPI parser, a TypeScript client, pages in a browser, alert rules
ifdef ARGS
	@$(BIN)/pytest -n $(WORKERS) --dist loadgroup $(ARGS)
else
	@$(BIN)/pytest -n $(WORKERS) --dist loadgroup --cov --cov-report=term --cov-fail-under=90
endif

faults: setup ## break everything, one thing after the other, under load: ten to fifteen minutes (FAULTS_SEED=… replays, ARGS="-k broker" for some)
	@$(BIN)/python -m devstack install
	@FAULTS=long $(BIN)/pytest tests/faults $(ARGS)

lint: setup ## check format, lint, types, the architecture and the generated contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy $(dir $(TYPED))
	@for folder in $(TESTS); do $(BIN)/mypy $$folder || exit 1; done
	@$(BIN)/lint-imports
	@$(BIN)/python -m contract_documents --check

format: setup ## put the code into shape
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: setup ## print figures beside their baselines, from the same run
	@$(BIN)/python -m devstack install
	@$(BIN)/python tests/bench

quality: setup ## score search and judgements on our texts, and search on a corpus with questions (CORPUS=path)
	@$(BIN)/python -m devstack install
	@$(BIN)/python tests/quality/teach_back.py
	@$(BIN)/python tests/quality/recall.py
	@$(BIN)/python -m tests.quality

contracts: setup ## write AsyncAPI, OpenAPI and JSON Schema from the code
	@$(BIN)/python -m contract_documents

COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header \
	$(addprefix --no-emit-package ,$(LOCAL_PACKAGES))

lock: setup ## resolve packages anew, with hashes: requirements.lock for developers, docker/requirements.lock for images (ARGS=--upgrade)
	@$(COMPILE) $(ARGS) --group pyproject.toml:dev $(PROJECTS) --output-file requirements.lock
	@$(COMPILE) --constraint requirements.lock $(filter-out libs/devstack/%,$(PROJECTS)) --output-file docker/requirements.lock

stop: ## stop the mesh of this checkout, from another terminal
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m devstack stop; fi

clean: ## stop the mesh of this checkout and remove its data and everything else that was made here, but .venv
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m devstack clean; fi
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache htmlcov .coverage .coverage.*
