# One command each: run, test, check, fix, bench, fuzz, docs, lock, clean. The work is in scripts/.
# Stamp files in .venv make repeats fast; they are newer than what they were made from.

VENV := .venv
BIN := $(VENV)/bin
WEB := src/gamecast/web/vendor/manifest.json
HOUSE := pyproject.toml requirements-build.lock scripts/bootstrap
ARGS ?=
NAME ?=

.DEFAULT_GOAL := help
.PHONY: help run test check fix bench fuzz docs lock clean

help: ## list these commands
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 16

run: $(VENV)/.run $(WEB) ## start the server with a demo stream: make run ARGS="--http-port 9090"
	@exec $(BIN)/gamecast serve --demo $(ARGS)

test: check ## check, then the whole test suite: make test ARGS="-k rtmp"
	@scripts/test-needs
	@exec $(BIN)/pytest -n auto --no-loadscope-reorder $(ARGS)

check: $(VENV)/.dev $(WEB) ## style, types and layers: ruff, mypy --strict, import-linter
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

fix: $(VENV)/.dev ## let ruff mend style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/.dev $(WEB) ## measure us and other servers: make bench NAME="whep tcp" ARGS=--quick
	@scripts/bench-needs
	@$(BIN)/python -m benchmarks $(NAME) $(ARGS)

fuzz: $(VENV)/.dev ## look for inputs that break a parser: make fuzz ARGS="sdp --seconds 600"
	@$(BIN)/python -m fuzz $(ARGS)

docs: $(VENV)/.dev ## check that every link in the documentation leads somewhere
	@$(BIN)/python scripts/check_links.py

lock: $(VENV)/.dev ## pin dependencies anew: make lock ARGS=--upgrade
	@scripts/lock $(ARGS)

clean: ## remove everything that these commands made
	rm -rf $(VENV) build dist src/gamecast/web/vendor .pytest_cache .mypy_cache .ruff_cache \
	  .hypothesis .import_linter_cache
	find src tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.run: requirements.lock $(HOUSE)
	@scripts/bootstrap requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock requirements.lock $(HOUSE)
	@scripts/bootstrap requirements-dev.lock
	@touch $@ $(VENV)/.run

$(WEB): package-lock.json src/gamecast/web/vendor.json hatch_build.py | $(VENV)/.run
	@$(BIN)/python hatch_build.py
	@touch $@
