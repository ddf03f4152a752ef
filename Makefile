# Everything you need to know is what `make` prints. The work is done by ops/, which needs Python 3.11+ only.
.DEFAULT_GOAL := help
.NOTPARALLEL:
OPS := @ops/bootstrap.sh
export ARGS

.PHONY: help
help: ## Show the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run reset admin-password
run: ## Install what is missing and start Paiban (PORT, HOST, PAIBAN_DATA_DIR, see .env.example)
	$(OPS) run
reset: ## Empty the data folder (YES=1 asks no question)
	$(OPS) reset
admin-password: ## Give the first administrator a new one-time password
	$(OPS) admin-password

.PHONY: test e2e
test: ## The whole test suite (ARGS="tests/tasks -k claim", DATABASE_URL=mysql://...)
	$(OPS) test
e2e: ## The browser tests, screenshots in var/artifacts/screenshots
	$(OPS) e2e

.PHONY: faults
faults: ## Kill a whole Paiban under load (SEED=7 KILLS=200 RUNS=2000, ARGS="--control" or "--failpoints", DATABASE_URL)
	$(OPS) faults

.PHONY: check lint formatting types imports migrations references audit frontend-check frontend-test
check: ## Every check below, all of them even when one fails
	$(OPS) check
lint: ## ruff
	$(OPS) check lint
formatting: ## ruff format, without changing anything
	$(OPS) check formatting
types: ## mypy, strict
	$(OPS) check types
imports: ## import-linter: apps import downwards only
	$(OPS) check imports
migrations: ## No model without its migration
	$(OPS) check migrations
references: ## docs/openapi.yaml and the generated pages match the code
	$(OPS) check references
audit: ## Known vulnerabilities in the locked packages
	$(OPS) check audit
frontend-check: ## TypeScript and eslint
	$(OPS) check frontend-check
frontend-test: ## The front end's unit tests
	$(OPS) check frontend-test

.PHONY: format snapshots docs lock frontend
format: ## Format and fix what can be fixed without thinking
	$(OPS) format
snapshots: ## Renew the recorded contracts in tests/
	$(OPS) snapshots
docs: ## Renew docs/openapi.yaml and the generated pages
	$(OPS) docs
lock: ## Resolve requirements/*.in again (ARGS="--upgrade" or "--upgrade-package django")
	$(OPS) lock
frontend: ## Build the front end into static/build
	$(OPS) frontend
