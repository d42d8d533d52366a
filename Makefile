# Everything a newcomer or the CI runs. Each target prepares the machine for itself (etc/setup) and can be repeated.
.DEFAULT_GOAL := help
.PHONY: help setup deb demo docs screenshots test test-full simulate torture fuzz lint format lock bench bench-full bench-page bench-health endurance clean
PYTHON_IN_VENV := .venv/bin/python
PACKAGES := hactl health failover notify

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: ## Prepare this machine and .venv for tests and demo
	@etc/setup test

demo: ## Show a pair of directors with real traffic surviving one failure after another
	@etc/setup base
	@$(PYTHON_IN_VENV) -m hactl lab demo

test: ## Run all tests but the slow ones
	@etc/setup test
	@etc/run-tests

test-full: ## Run all tests
	@etc/setup test
	@etc/run-tests --full

SEEDS ?= 2000
FROM ?= 0
simulate: ## Put 2 to 7 directors through SEEDS schedules of trouble, from seed FROM on (COMPILED=1, JOURNAL=file to go on later)
	@etc/setup test
	@PYTHONPATH=.:tests $(PYTHON_IN_VENV) -m simulation --seeds $(SEEDS) --first $(FROM) \
		$(if $(COMPILED),--compiled) $(if $(JOURNAL),--journal $(JOURNAL))

FAULTS ?=
DURATION ?= $(if $(FAULTS),1d,10m)
TABLE ?= 120
torture: ## Do faults to real daemons for DURATION, or FAULTS of them, and to an IPVS table for TABLE seconds (SEED=n: again)
	@etc/setup test
	@PYTHONPATH=tests $(PYTHON_IN_VENV) -m torture --duration $(DURATION) $(if $(FAULTS),--faults $(FAULTS)) $(if $(SEED),--seed $(SEED))
	@$(PYTHON_IN_VENV) -m hactl.lab.guest --time-limit $$(($(TABLE) + 400)) -- \
		env PYTHONPATH=tests $(PYTHON_IN_VENV) -m torture.table --seconds $(TABLE) $(if $(SEED),--seed $(SEED))

deb: ## Build a Debian package into build/deb
	@etc/setup test
	@etc/make-deb build/deb

# What the pages are built with is no part of the tests' environment; it comes when it is asked for.
docs: ## Build the documentation as pages into build/docs, to be opened from disk
	@etc/setup test
	@$(PYTHON_IN_VENV) -c 'import mkdocs' 2>/dev/null || $(PYTHON_IN_VENV) -I -m pip --disable-pip-version-check --quiet \
		install --require-hashes --no-deps -r requirements-docs.lock
	@NO_MKDOCS_2_WARNING=1 $(PYTHON_IN_VENV) -m mkdocs build --strict --quiet
	@printf 'build/docs/index.html\n'

screenshots: ## Take the documentation's pictures of page, top and report anew, from a cluster with some trouble
	@etc/setup test
	@PYTHONPATH=tests $(PYTHON_IN_VENV) -m screenshots

# The fuzzer comes when it is asked for, as well.
INPUTS ?= 100000
fuzz: ## Give each decoder and receive path INPUTS inputs, guided by the lines they reach (TARGET=name: only that one)
	@etc/setup test
	@$(PYTHON_IN_VENV) -c 'import atheris' 2>/dev/null || $(PYTHON_IN_VENV) -I -m pip --disable-pip-version-check --quiet \
		install --require-hashes --no-deps -r requirements-fuzz.lock
	@PYTHONPATH=tests $(PYTHON_IN_VENV) -m fuzz --inputs $(INPUTS) $(TARGET)

lint: ## Check style, types and import contracts
	@etc/setup test
	$(PYTHON_IN_VENV) -m ruff check .
	$(PYTHON_IN_VENV) -m ruff format --check .
	$(PYTHON_IN_VENV) -m mypy --strict $(PACKAGES) tests
	@$(PYTHON_IN_VENV) -c 'from importlinter.cli import lint_imports_command as lint; lint()'

format: ## Write the code in the house style
	@etc/setup test
	$(PYTHON_IN_VENV) -m ruff check --fix .
	$(PYTHON_IN_VENV) -m ruff format .

# The machine's own pip configuration is set aside: the locks hold the hashes of the public index and name no address.
RESOLVE = env -u PIP_FIND_LINKS -u PIP_EXTRA_INDEX_URL -u PIP_INDEX_URL PIP_CONFIG_FILE=/dev/null \
	$(PYTHON_IN_VENV) -m piptools compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-header \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host
COMPILE = $(RESOLVE) --build-deps-for editable

lock: ## Write the lock files anew, with the newest versions that fit
	@etc/setup test
	$(COMPILE) --output-file requirements.lock pyproject.toml
	$(COMPILE) --extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml
	printf 'atheris\n' | $(RESOLVE) --output-file requirements-fuzz.lock -
	printf 'mkdocs-material\n' | $(RESOLVE) --constraint requirements-dev.lock --output-file requirements-docs.lock -

BENCH ?=
BENCH_WITH ?=
bench: ## Measure beside keepalived in less than half an hour: outages, adverts, routers, dead servers (BENCH=outage: only that)
	@etc/setup test
	@PYTHONPATH=tests $(PYTHON_IN_VENV) -m bench $(BENCH) --with='$(BENCH_WITH)'

bench-full: ## Measure everything, a hundred samples of each outage, in a day
	@etc/setup test
	@PYTHONPATH=tests $(PYTHON_IN_VENV) -m bench $(BENCH) --size full --with='$(BENCH_WITH)'

bench-page: ## Write docs/measurements.md and its charts from what the bench has measured
	@etc/setup test
	@PYTHONPATH=tests $(PYTHON_IN_VENV) -m bench.page

BENCH_HEALTH ?= --seconds 10 --rounds 3
bench-health: ## Measure health checks beside keepalived's, on the same servers: CPU, lateness, memory, reload
	@etc/setup test
	@PYTHONPATH=tests $(PYTHON_IN_VENV) -m bench.health $(BENCH_HEALTH)

endurance: ## Load a pair of daemons, reloaded each second, for DURATION (1h): memory, descriptors, threads, tasks stay flat
	@etc/setup test
	@PYTHONPATH=tests $(PYTHON_IN_VENV) -m endurance --duration $(if $(filter-out file,$(origin DURATION)),$(DURATION),1h) --json build/endurance.json

clean: ## Remove .venv and everything else that was made here
	rm -rf .venv .setup.lock build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .fuzz
	find $(PACKAGES) tests -name __pycache__ -type d -prune -exec rm -rf {} +
