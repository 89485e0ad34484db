# Hariu. `make run` is all it takes; `make help` lists the rest.

UV = .venv/bin/uv pip
INSTALLED = .venv/run.stamp
DEVELOPED = .venv/dev.stamp
PY = .venv/bin/python

.PHONY: help run test check bench faults lock clean
.DELETE_ON_ERROR:

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' Makefile

run: $(INSTALLED) ## start everything and print where to click (options: make run ARGS=--verbose)
	@exec .venv/bin/hariu up $(ARGS)

test: $(DEVELOPED) ## run every test (some: make test ARGS="tests/store -k spool")
	@echo "== tests"
	@$(PY) -m pytest -n 2 $(ARGS)

check: $(DEVELOPED) ## lint, format, types, layers, catalogues of texts
	@echo "== lint" && .venv/bin/ruff check .
	@echo "== format" && .venv/bin/ruff format --check .
	@echo "== types" && .venv/bin/mypy
	@echo "== layers" && .venv/bin/lint-imports
	@echo "== catalogues" && $(PY) -m pytest -q tests/config/test_i18n.py tests/config/test_catalogue.py

bench: $(DEVELOPED) ## measure; one JSON object a line
	@$(PY) -m tests.bench

faults: $(DEVELOPED) ## kill, starve and confuse it; nothing may be lost or done twice
	@$(PY) -m tests.faults

# The run lock takes the versions of the development lock, so that one environment serves both;
# hatchling and editables build our own package without fetching anything unhashed.
COMPILE = echo hatchling editables uv | tr ' ' '\n' | $(UV) compile -q --universal --python-version 3.11 \
	--generate-hashes --no-header --no-emit-index-url --no-annotate

lock: $(DEVELOPED) ## take the current release of every dependency into both locks
	$(COMPILE) --upgrade --extra dev pyproject.toml - -o requirements-dev.lock
	$(COMPILE) --upgrade -c requirements-dev.lock pyproject.toml - -o requirements.lock

clean: ## remove the environment and caches, never the instance
	rm -rf .venv .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): .venv/made.stamp requirements.lock pyproject.toml
	@$(call install,requirements.lock)

$(DEVELOPED): .venv/made.stamp requirements-dev.lock pyproject.toml
	@$(call install,requirements-dev.lock)

# uv is ten times faster; where it cannot reach what pip reaches, pip does the same work.
define install
echo "Installing $(1) into .venv (only when it has changed)"; \
on() { $(UV) "$$@" --python $(PY) -q 2>.venv/uv.log || $(PY) -m pip "$$@" -q; }; \
on install --require-hashes -r $(1) && \
on install --no-deps --no-build-isolation -e . && \
touch $@
endef

# The stanza of uv in the lock names its version and hashes.
.venv/made.stamp:
	@for python in $(or $(PYTHON),python3.11 python3.12 python3.13 python3.14 python3); do \
	  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
	  python=; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "Hariu needs Python 3.11 or newer: install it, or name it: make run PYTHON=/path/to/python3" >&2; exit 1; \
	fi; \
	echo "Making .venv with $$("$$python" --version)"; \
	"$$python" -m venv .venv || { \
	  echo "Python's venv module is not complete here (on Debian: apt install python3-venv)" >&2; exit 1; }; \
	sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > .venv/uv.txt; \
	$(PY) -m pip install -q --require-hashes -r .venv/uv.txt || echo "Without uv: pip will take a minute"; \
	touch $@
