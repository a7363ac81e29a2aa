# SPDX-License-Identifier: GPL-3.0-or-later
SHELL := bash
.DEFAULT_GOAL := help
COLLECTION := collections/ansible_collections/relmgmt/release
# What mypy and its like look at; tests are run, not typed.
TYPED := $(COLLECTION)/plugins runner/relmgmt_runner sandbox/relmgmt_sandbox tools bench examples/build.py
READY := .venv/ready
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PYTHONPATH := $(CURDIR)/sandbox
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg

.PHONY: help
help: ## List the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

.PHONY: setup
setup: $(READY) ## Create .venv with everything that is needed

$(READY): pyproject.toml constraints.txt tools/setup
	@tools/setup
	@touch $@

.PHONY: demo
demo: $(READY) ## Bring the sandbox up and carry a release out on it
	@.venv/bin/python -m relmgmt_sandbox.demo

.PHONY: demo-test-mode
demo-test-mode: $(READY) ## Show a release in test mode, and what the external systems got meanwhile (root)
	@.venv/bin/python -m relmgmt_sandbox.demo_test_mode

.PHONY: demo-down
demo-down: $(READY) ## Stop the sandbox and remove it
	@.venv/bin/python -m relmgmt_sandbox down

.PHONY: test
test: $(READY) ## Set up, then lint and every test but the lanes and containers
	@tools/stages lint-style+lint-types+lint-layers+lint-playbooks+lint-changelog+lint-scripts+sanity test-unit test-integration test-e2e

.PHONY: test-unit
test-unit: $(READY) ## Test the pure core, the controller's plugins and the runner
	pytest -q -n 2 $(COLLECTION)/tests/unit runner/tests

.PHONY: test-integration
test-integration: $(READY) ## Test modules and sandbox on a real engine and real servers
	pytest -q -n 2 --dist loadfile tests --ignore=tests/e2e

.PHONY: test-e2e
test-e2e: $(READY) ## Carry whole change cycles out, with every way they can go wrong
	pytest -q -n 2 --dist loadfile -m "not rotating" tests/e2e

TURN ?= all
.PHONY: test-rotating
test-rotating: $(READY) ## Carry out the change cycles that make test leaves out; TURN=NUMBER a third of them
	pytest -q -n 2 --dist loadfile -m rotating --turn $(TURN) tests/e2e

.PHONY: faults
faults: $(READY) ## Kill, cut the power, fill and tear disks: every fault of backup, restore and load (root)
	pytest -q tests/faults --all-faults

.PHONY: lint
lint: lint-style lint-types lint-layers lint-playbooks lint-changelog lint-scripts sanity ## Check style, types, layers, playbooks, documentation

.PHONY: lint-style lint-types lint-layers lint-playbooks lint-changelog lint-scripts
lint-style: $(READY)
	ruff check
lint-types: $(READY)
	MYPYPATH=sandbox:tools mypy $(TYPED)
lint-layers: $(READY)
	PYTHONPATH=collections:runner lint-imports --no-logo
lint-playbooks: $(READY)
	ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED=false ansible-lint -q
lint-changelog: $(READY)
	cd $(COLLECTION) && antsibull-changelog lint
lint-scripts:
	@if command -v shellcheck > /dev/null; then shellcheck .ci/run tools/setup tools/stages tools/molecule; \
	else echo "scripts are unchecked: there is no shellcheck here"; fi

.PHONY: sanity
sanity: $(READY) ## Run ansible-test sanity on the collection
	python tools/sanity.py

.PHONY: molecule
molecule: $(READY) ## Carry a release out on hosts in containers (root; podman over SSH)
	tools/molecule

.PHONY: test-all
test-all: test test-rotating ## Test every engine that is emulated, every ansible-core and Python found here, then in containers
	RELMGMT_ENGINES=all pytest -q -n 2 --dist loadfile tests/integration -k iris
	RELMGMT_LIBERTY=all pytest -q -n 2 --dist loadfile tests/integration -k "websphere and ibm"
	RELMGMT_JYTHON=all pytest -q tests/integration/test_was_jython.py
	python tools/lanes.py
	tools/molecule

.PHONY: bench
bench: $(READY) ## Measure against peers: an hour, root; BENCH='--rows TEXT' or BENCH=--quick for a part
	PYTHONPATH=collections:sandbox python -m bench $(BENCH)

.PHONY: clean
clean: ## Remove what was built and cached; the sandbox is removed by demo-down
	rm -rf .venv .cache build dist relmgmt.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .ansible
	find . -name __pycache__ -type d -not -path './.sandbox/*' -prune -exec rm -rf {} +
