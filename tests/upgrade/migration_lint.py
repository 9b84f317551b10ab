"""Judges migrations with Squawk: what locks a large table, and what breaks the code of the last release.

Squawk reads the SQL of `sqlmigrate`. A migration that may break a rule says so in a comment, with the reason:

    # squawk-ignore-file ban-drop-column: nothing reads it since 0.3.0
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.apps import apps
from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations import RunPython
from django.db.migrations.state import ProjectState

from tests.upgrade.released_versions import ROOT, load_versions

SQUAWK = Path(sys.executable).with_name("squawk")
OLDEST_POSTGRESQL = "14"

# Reading or writing waits while PostgreSQL reads or rewrites the whole table. Small tables may break these.
LOCKS = {
    "adding-field-with-default",
    "adding-foreign-key-constraint",
    "adding-not-nullable-field",
    "constraint-missing-not-valid",
    "disallowed-unique-constraint",
    "require-concurrent-index-creation",
    "require-concurrent-index-deletion",
    "require-concurrent-reindex",
}
# The web server, worker and beat of the last release still run. These apply to small tables, too.
BREAKS = {
    "adding-required-field",
    "ban-drop-column",
    "ban-drop-default",
    "ban-drop-not-null",
    "ban-drop-table",
    "changing-column-type",
    "renaming-column",
    "renaming-table",
}
# The migration fails, or fails when it runs again after an interruption.
FAILS = {"ban-concurrent-index-creation-in-transaction", "prefer-robust-stmts", "syntax-error"}
DATA_IN_TRANSACTION = "data-in-a-schema-transaction"  # not of Squawk, which doesn't see Python

# Written before there was this check, and frozen since. They build indexes in a transaction, and writing waits
# meanwhile; docs/operate.md says so.
FROZEN = {
    "licenses/migrations/0004_release_drafts.py",
    "notifications/migrations/0002_delivery_by_day.py",
    "orders/migrations/0004_orders_by_card_and_name.py",
    "orders/migrations/0005_search_by_staff.py",
    "refunds/migrations/0003_requests_by_day.py",
    "refunds/migrations/0004_assigned_and_snoozed_cases.py",
    "refunds/migrations/0005_approval_limits.py",
    "support/migrations/0003_threads_by_day.py",
    "support/migrations/0006_merged_threads_and_tags.py",
}
# Tables that stay small however many orders there are.
SMALL_TABLES = {
    "auth_": "staff",
    "django_content_type": "the models",
    "licenses_installguide": "written by staff",
    "licenses_product": "set up by staff",
    "licenses_release": "uploaded by staff",
    "licenses_sku": "the store's catalog",
    "orders_store": "set up by staff",
    "refunds_returnpolicy": "set up by staff",
    "support_answertemplate": "written by staff",
    "support_article": "written by staff, with its versions",
}
LARGE_AFTER_ALL = {"support_articlevote"}  # of visitors

# A new column without a value in any row: PostgreSQL checks no row.
_NEW_EMPTY_FOREIGN_KEY = re.compile(r'^ALTER TABLE "\w+" ADD COLUMN "\w+" \w+ NULL CONSTRAINT "\w+" REFERENCES ')
_TABLE = re.compile(r'\b(?:ALTER TABLE|CREATE TABLE|DROP TABLE|ON)(?: IF EXISTS)? "(\w+)"')
_DROPPED_INDEX = re.compile(r'^DROP INDEX (?:CONCURRENTLY )?(?:IF EXISTS )?"(\w+)"')
_IGNORED = re.compile(r"^# squawk-ignore-file ([\w-]+): \S", re.MULTILINE)


@dataclass(frozen=True)
class Problem:
    migration: str
    rule: str
    statement: str

    def __str__(self) -> str:
        return f"{self.migration}: {self.rule}: {self.statement}"


def lint_unreleased() -> tuple[int, list[Problem]]:
    """Return how many migrations were judged, and their problems. Needs a connection, and changes nothing."""
    executor = MigrationExecutor(connection)
    judged_no_more = FROZEN | {path for version in load_versions() for path in version.migrations}
    ours = {app.label for app in apps.get_app_configs() if Path(app.path).parent == ROOT}
    state, count, problems = ProjectState(), 0, []
    for migration, _backwards in executor.migration_plan(executor.loader.graph.leaf_nodes(), clean_start=True):
        path = f"{migration.app_label}/migrations/{migration.name}.py"
        if migration.app_label in ours and path not in judged_no_more:
            problems += lint(migration, state, (ROOT / path).read_text())
            count += 1
        state = migration.mutate_state(state, preserve=False)
    return count, problems


def lint(migration: Migration, state: ProjectState, source: str = "") -> list[Problem]:
    """Return the problems of a migration that is applied to tables of this state."""
    with connection.schema_editor(collect_sql=True, atomic=migration.atomic) as editor:
        migration.apply(state.clone(), editor, collect_sql=True)
    lines = [line for statement in editor.collected_sql for line in statement.splitlines()]
    ignored = set(_IGNORED.findall(source))
    tables = {model.options.get("db_table") or f"{app}_{name}" for (app, name), model in state.models.items()}
    found = [*_squawk(lines, migration.atomic), *_data_in_transaction(migration, lines, tables)]
    indexes = _tables_of_indexes(state)
    return [
        Problem(f"{migration.app_label}.{migration.name}", rule, statement)
        for rule, statement in found
        if rule not in ignored and not _is_acceptable(rule, statement, indexes)
    ]


def _squawk(lines: list[str], atomic: bool) -> Iterator[tuple[str, str]]:
    """Yield the rules that statements break."""
    command = [str(SQUAWK), "--reporter=json", f"--pg-version={OLDEST_POSTGRESQL}", "--stdin-filepath=migration.sql"]
    command += ["--assume-in-transaction"] * atomic
    sql = "\n".join(lines) + "\n"
    completed = subprocess.run(command, input=sql, capture_output=True, text=True, check=False)
    if completed.returncode not in (0, 1):
        raise RuntimeError(completed.stderr)
    for each in json.loads(completed.stdout):
        if each["rule_name"] in LOCKS | BREAKS | FAILS:
            yield each["rule_name"], lines[each["line"]]


def _data_in_transaction(migration: Migration, lines: list[str], tables: set[str]) -> Iterator[tuple[str, str]]:
    """Yield the statements whose lock lasts until data was changed in the same transaction."""
    if migration.atomic and any(isinstance(operation, RunPython) for operation in migration.operations):
        for line in lines:
            if line.startswith("ALTER TABLE") and _table(line, {}) in tables:
                yield DATA_IN_TRANSACTION, line


def _is_acceptable(rule: str, statement: str, indexes: dict[str, str]) -> bool:
    if rule == "adding-foreign-key-constraint" and _NEW_EMPTY_FOREIGN_KEY.match(statement):
        return True
    table = _table(statement, indexes)
    is_small = table.startswith(tuple(SMALL_TABLES)) and table not in LARGE_AFTER_ALL
    return is_small and rule in LOCKS | {DATA_IN_TRANSACTION}


def _table(statement: str, indexes: dict[str, str]) -> str:
    if dropped := _DROPPED_INDEX.match(statement):
        return indexes.get(dropped[1], "")
    found = _TABLE.search(statement)
    return found[1] if found else ""


def _tables_of_indexes(state: ProjectState) -> dict[str, str]:
    """The table of each named index and constraint."""
    return {
        each.name: model.options.get("db_table") or f"{app}_{name}"
        for (app, name), model in state.models.items()
        for each in (*model.options["indexes"], *model.options["constraints"])
    }
