# Every command of this project. `make help` lists them.

PYTHON ?= python3
PORT ?= 8000
VAR ?= var
BIN := .venv/bin
INSTALLED := .venv/installed

# Values with which `check --deploy` judges the settings as production has them. None of them is a secret.
PRODUCTION := SECRET_KEY=only-for-the-check-0123456789-abcdefghijklmnopqrstuvwxyz \
	ORDER_PASSWORD_KEY=only-for-the-check-0123456789-abcdefghijklmnopqrstuvwxyz \
	SITE_URL=https://orders.example.com DATABASE_URL=postgres://portal@localhost/portal \
	BROKER_URL=redis://localhost/0 EMAIL_URL=smtp://localhost:25 DEMO=false VAR=$(CURDIR)/.check

.PHONY: help demo test upgrade-dump screens stress coverage check format messages lock bench clean
.DELETE_ON_ERROR:

help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

demo: $(INSTALLED) ## try the portal (PORT=8000, VAR=var): one command starts all, Ctrl-C ends all
	@VAR="$(VAR)" exec $(BIN)/python manage.py demo --port "$(PORT)"

test: $(INSTALLED) ## all quick tests, on real PostgreSQL and Valkey, in parallel
	@$(BIN)/python -m pytest -n auto --dist loadgroup

stress: $(INSTALLED) ## the tests that take long: guessing, kills, stalled servers
	@echo "What is logged goes to $(VAR)/stress.log."
	@mkdir -p "$(VAR)"
	@$(BIN)/python -m pytest -m stress -vv --show-capture=no --log-file="$(VAR)/stress.log" --log-file-level=INFO

coverage: $(INSTALLED) ## the quick tests, and which lines none of them runs; also as pages in htmlcov/
	@$(BIN)/python -m pytest -n auto --dist loadgroup --cov --cov-report=term:skip-covered --cov-report=html

check: $(INSTALLED) ## style, the rooms' imports, types, templates, migrations, production settings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(PRODUCTION) $(BIN)/mypy
	$(BIN)/djlint --lint --quiet templates
	$(PRODUCTION) $(BIN)/python -W ignore manage.py makemigrations --check --dry-run --skip-checks
	$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING

# Not djlint's --reformat: it adds line breaks that show, between words and before the full stop after a link.
format: $(INSTALLED) ## mend style and layout of the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

messages: $(INSTALLED) ## bring the texts of code and templates into every language of locale/ (needs GNU gettext)
	@command -v msgattrib >/dev/null || { \
		echo "make messages needs GNU gettext: apt-get install gettext, or brew install gettext." >&2; exit 1; }
	$(PRODUCTION) $(BIN)/python manage.py makemessages --all --no-location --no-obsolete --no-wrap $(UNTRANSLATED:%=--ignore '%')
	$(BIN)/pybabel compile --domain django --directory locale --statistics
UNTRANSLATED := tests bench var var-*

lock: $(INSTALLED) ## compile both locks from pyproject.toml, with hashes
	$(BIN)/uv pip compile $(COMPILE) pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile $(COMPILE) --extra trial --extra dev pyproject.toml -o requirements-dev.lock
COMPILE := --quiet --universal --fork-strategy fewest --generate-hashes --python-version 3.11 --no-annotate --custom-compile-command "make lock"

upgrade-dump: $(INSTALLED) ## a filled database of this version, for the tests of upgrades
	@$(BIN)/python -m tests.upgrade.make_dump

screens: $(INSTALLED) ## take pictures of the main pages and emails, for docs/screens.md (needs Chromium)
	@$(BIN)/python -m tests.screens

bench: $(INSTALLED) ## measure what must be fast; prints tables
	@for script in $$(grep -l __main__ bench/*.py); do $(BIN)/python -m "bench.$$(basename "$$script" .py)" || exit 1; done

clean: ## remove what was made: .venv, the demo's data, caches
	@# Root's PostgreSQL keeps its data elsewhere; a link in VAR leads there.
	@if [ -L "$(VAR)/engines/postgres" ]; then rm -rf "$$(readlink -f "$(VAR)/engines/postgres")"; fi
	rm -rf .venv .check .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage htmlcov "$(VAR)"
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Where Python has no ensurepip (Debian without python3-venv), its own pip installs into the new environment.
$(INSTALLED): requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it: make PYTHON=python3.12 …")'
	@echo "Preparing .venv (once; a minute or two) …"
	@$(PYTHON) -m venv .venv 2>/dev/null || $(PYTHON) -m venv --clear --without-pip .venv
	@if [ -x $(BIN)/pip ]; then pip="$(BIN)/python -m pip"; else pip="$(PYTHON) -m pip --python $(BIN)/python"; fi; \
		$$pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
