# Everything a developer or a newcomer types. `make` alone lists it.
.DEFAULT_GOAL := help
.NOTPARALLEL:

BIN := .venv/bin
# Least branch coverage, in percent, of probe/mail and probe/core together.
COVERAGE = $(if $(PYTEST),0,100)
# More words for pytest, for example: make test PYTEST="-k lab -x"
PYTEST :=
# More words for the demo, for example: make demo DEMO="--for 2m"
DEMO :=
# How many round trips to measure: make roundtrips NUMBER=200
NUMBER := 1000

.PHONY: help
help: ## List these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1 \2/p' $(MAKEFILE_LIST) | \
	  while read -r name what; do printf 'make %-13s %s\n' "$$name" "$$what"; done

.PHONY: demo
demo: ## Show mailprobe at work on an embedded mail world: no accounts, no root
	@sh tools/venv.sh demo
	@$(BIN)/mailprobe demo $(DEMO)

.PHONY: test
test: venv lab-packages check ## Run all checks and all tests
	@$(BIN)/python -m pytest --cov=probe.mail --cov=probe.core --cov-branch \
	  --cov-report=term:skip-covered --cov-fail-under=$(COVERAGE) $(PYTEST)

.PHONY: check
check: venv ## Check style, types and the import rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: venv
venv: ## Make .venv with all that developing needs
	@sh tools/venv.sh dev

.PHONY: lab-packages
lab-packages: ## Install the Debian packages that the tests use, where this is root
	@sh tools/lab-packages.sh

.PHONY: lab-up
lab-up: venv lab-packages ## Start the mail lab: three providers on loopback
	@$(BIN)/python -m tests.lab up

.PHONY: lab-down
lab-down: venv ## Stop the mail lab
	@$(BIN)/python -m tests.lab down

# Lives of the daemon in the crash campaign, and the seed of its chances.
ROUNDS := 500
SEED := 3

.PHONY: crash
crash: venv lab-packages ## Kill the daemon ROUNDS=500 times on the mail lab; a table of what came of it
	@$(BIN)/python -m tests.crash $(ROUNDS) $(SEED)
	@$(BIN)/python -m pytest tests/crash/checks_*.py

.PHONY: image
image: ## Build the container image, start the demo in it and see its healthcheck pass
	@sh tools/image.sh

.PHONY: roundtrips
roundtrips: venv lab-packages ## Measure 1,000 round trips on the mail lab from outside
	@$(BIN)/python -m tests.e2e.roundtrips $(NUMBER)

.PHONY: clean
clean: ## Remove what these targets made
	rm -rf .venv .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache build dist *.egg-info
	find probe tests -name __pycache__ -type d -prune -exec rm -rf {} +
