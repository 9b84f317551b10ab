# Every command of this project. `make help` lists them.

PYTHON ?= python3
PORT ?= 8000
VAR ?= var
BIN := .venv/bin
INSTALLED := .venv/installed

# Production settings for `check --deploy`. None of these values is a secret.
PRODUCTION := SECRET_KEY=only-for-the-check-0123456789-abcdefghijklmnopqrstuvwxyz \
	ORDER_PASSWORD_KEY=only-for-the-check-0123456789-abcdefghijklmnopqrstuvwxyz \
	SITE_URL=https://orders.example.com DATABASE_URL=postgres://portal@localhost/portal \
	BROKER_URL=redis://localhost/0 EMAIL_URL=smtp://localhost:25 DEMO=false VAR=$(CURDIR)/.check

.PHONY: help demo test production upgrade-dump release screens stress coverage check format messages lock bench clean
.DELETE_ON_ERROR:

help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

demo: $(INSTALLED) ## try the portal (PORT=8000, VAR=var); Ctrl-C stops everything
	@VAR="$(VAR)" exec $(BIN)/python manage.py demo --port "$(PORT)"

test: $(INSTALLED) ## run all quick tests, on real PostgreSQL and Valkey, in parallel
	@$(BIN)/python -m pytest -n auto --dist loadgroup

stress: $(INSTALLED) ## run the slow tests: guessing attacks, killed workers, stalled servers
	@echo "The log is written to $(VAR)/stress.log."
	@mkdir -p "$(VAR)"
	@$(BIN)/python -m pytest -m stress -vv --show-capture=no --log-file="$(VAR)/stress.log" --log-file-level=INFO

production: $(INSTALLED) ## install the portal as docs/install.md says, test it through HTTPS, take it all down (Debian)
	@VAR="$(VAR)" exec $(BIN)/python -m tests.production.installing

coverage: $(INSTALLED) ## run the quick tests and report uncovered lines, also as HTML pages in htmlcov/
	@$(BIN)/python -m pytest -n auto --dist loadgroup --cov --cov-report=term:skip-covered --cov-report=html

check: $(INSTALLED) ## check style, imports between apps, types, templates, migrations, production settings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(PRODUCTION) $(BIN)/mypy
	$(BIN)/djlint --lint --quiet templates
	$(PRODUCTION) $(BIN)/python -W ignore manage.py makemigrations --check --dry-run --skip-checks
	$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING

# Doesn't use djlint --reformat, which adds visible spaces, between words and before a period after a link.
format: $(INSTALLED) ## fix the style and layout of the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

messages: $(INSTALLED) ## update the catalogs in locale/, and list the longest texts of buttons (needs GNU gettext)
	@command -v msgattrib >/dev/null || { \
		echo "make messages needs GNU gettext: apt-get install gettext, or brew install gettext." >&2; exit 1; }
	$(PRODUCTION) $(BIN)/python manage.py makemessages --all --no-location --no-obsolete --no-wrap $(UNTRANSLATED:%=--ignore '%')
	$(BIN)/pybabel compile --domain django --directory locale --statistics
	@$(PRODUCTION) $(BIN)/python manage.py list_longest_buttons
UNTRANSLATED := tests bench var var-*

lock: $(INSTALLED) ## update both lock files from pyproject.toml, with hashes
	$(BIN)/uv pip compile $(COMPILE) pyproject.toml -o $(LOCK_FOLDER)/requirements.lock
	$(BIN)/uv pip compile $(COMPILE) --extra trial --extra dev pyproject.toml -o $(LOCK_FOLDER)/requirements-dev.lock
LOCK_FOLDER := .
COMPILE := --quiet --universal --fork-strategy fewest --generate-hashes --python-version 3.11 --no-annotate --custom-compile-command "make lock"

upgrade-dump: $(INSTALLED) ## dump a filled database of this version, for the upgrade tests
	@$(BIN)/python -m tests.upgrade.make_dump

release: $(INSTALLED) ## make a release: make release VERSION=0.2.0 (DRY_RUN=1 shows what would change)
	@[ -n "$(VERSION)" ] || { echo "Name the version: make release VERSION=0.2.0" >&2; exit 2; }
	@$(BIN)/python -m release "$(VERSION)" $(if $(DRY_RUN),--dry-run) $(if $(SKIP_LOCKS),--skip-locks)

screens: $(INSTALLED) ## take pictures of the main pages and emails, for docs/screens.md (needs Chromium)
	@$(BIN)/python -m tests.screens

bench: $(INSTALLED) ## run the benchmarks and print tables
	@for script in $$(grep -l __main__ bench/*.py); do $(BIN)/python -m "bench.$$(basename "$$script" .py)" || exit 1; done

clean: ## delete generated files: .venv, the demo's data, caches
	@# For root, PostgreSQL's data is elsewhere; VAR has a link to it.
	@if [ -L "$(VAR)/engines/postgres" ]; then rm -rf "$$(readlink -f "$(VAR)/engines/postgres")"; fi
	rm -rf .venv .check .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage htmlcov "$(VAR)"
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# If Python has no ensurepip (Debian without python3-venv), its own pip installs into the new environment.
$(INSTALLED): requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it: make PYTHON=python3.12 …")'
	@echo "Preparing .venv (once; a minute or two) …"
	@$(PYTHON) -m venv .venv 2>/dev/null || $(PYTHON) -m venv --clear --without-pip .venv
	@if [ -x $(BIN)/pip ]; then pip="$(BIN)/python -m pip"; else pip="$(PYTHON) -m pip --python $(BIN)/python"; fi; \
		$$pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
