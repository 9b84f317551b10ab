"""Migrations that no release has yet lock no large table, and the code of the last release works after them."""

from collections.abc import Iterator, Sequence

import pytest
from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
    ValidateConstraint,
)
from django.db import connection, migrations, models
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from pytest_django.plugin import DjangoDbBlocker

from online_migrations.operations import BuildIndex, IndexForeignKey, ReplaceIndex
from tests.upgrade.migration_lint import DATA_IN_TRANSACTION, FROZEN, lint, lint_unreleased
from tests.upgrade.released_versions import load_versions, migration_digests

pytestmark = pytest.mark.xdist_group("upgrade")

BY_CITY = models.Index(fields=["billing_city"], name="order_by_city")
POSITIVE = models.CheckConstraint(condition=models.Q(total__gte=0), name="order_total_positive")
ONCE = models.UniqueConstraint(fields=["email_key"], name="order_email_once")
ONCE_AS_INDEX = models.UniqueConstraint(
    fields=["number_key"], name="order_number_once_per_store", opclasses=["varchar_pattern_ops"]
)
REQUIRED = models.IntegerField()
WITH_DEFAULT = models.IntegerField(default=0)
NULLABLE = models.IntegerField(null=True)
STAFF = models.ForeignKey("auth.User", models.SET_NULL, null=True, related_name="+")
STAFF_WITHOUT_INDEX = models.ForeignKey("auth.User", models.SET_NULL, null=True, related_name="+", db_index=False)


@pytest.fixture(scope="module", autouse=True)
def connected(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Without a transaction, because concurrent operations refuse one. The checks change nothing."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture(scope="module")
def state(connected: None) -> ProjectState:
    """Today's tables."""
    return MigrationExecutor(connection).loader.project_state()


def judge(state: ProjectState, *operations: Operation, atomic: bool = True, source: str = "") -> list[str]:
    """Return the rules that a migration with these operations breaks."""
    migration = migrations.Migration("0099_next", "orders")
    migration.operations = list(operations)
    migration.atomic = atomic
    return sorted({problem.rule for problem in lint(migration, state, source)})


def do_nothing(apps: object, schema_editor: object) -> None:
    pass


def test_every_unreleased_migration_passes() -> None:
    count, problems = lint_unreleased()
    released = {path for version in load_versions() for path in version.migrations}
    assert count == len(migration_digests().keys() - released - FROZEN)
    assert [str(problem) for problem in problems] == []


@pytest.mark.parametrize(
    ("operations", "rule"),
    [
        ([migrations.AddIndex("order", BY_CITY)], "require-concurrent-index-creation"),
        ([migrations.RemoveIndex("order", "order_by_email")], "require-concurrent-index-deletion"),
        ([migrations.AddField("order", "extra", REQUIRED)], "adding-required-field"),
        ([migrations.AddField("order", "extra", WITH_DEFAULT)], "ban-drop-default"),
        ([migrations.AddField("order", "extra", STAFF)], "require-concurrent-index-creation"),
        ([migrations.RemoveField("order", "billing_city")], "ban-drop-column"),
        ([migrations.RenameField("order", "billing_city", "billing_town")], "renaming-column"),
        ([migrations.AlterField("order", "billing_city", models.TextField())], "changing-column-type"),
        ([migrations.AlterField("order", "erased_at", models.DateTimeField())], "adding-not-nullable-field"),
        ([migrations.AddConstraint("order", POSITIVE)], "constraint-missing-not-valid"),
        (
            [AddConstraintNotValid("order", POSITIVE), ValidateConstraint("order", POSITIVE.name)],
            "constraint-missing-not-valid",
        ),
        ([migrations.AddConstraint("order", ONCE)], "disallowed-unique-constraint"),
        ([migrations.DeleteModel("AccessLink")], "ban-drop-table"),
        ([migrations.RenameModel("AccessLink", "Link")], "renaming-table"),
        ([migrations.AddField("order", "extra", NULLABLE), migrations.RunPython(do_nothing)], DATA_IN_TRANSACTION),
    ],
)
def test_a_migration_that_would_stop_the_portal_is_named(
    state: ProjectState, operations: Sequence[Operation], rule: str
) -> None:
    assert rule in judge(state, *operations)


def test_a_small_table_may_be_locked_but_must_fit_the_old_code(state: ProjectState) -> None:
    assert judge(state, migrations.AddIndex("store", models.Index(fields=["name"], name="store_by_name"))) == []
    assert judge(state, migrations.RemoveField("store", "time_zone")) == ["ban-drop-column"]


def test_a_migration_that_cannot_run_again_is_named(state: ProjectState) -> None:
    """Django's own operation fails at an index that exists."""
    assert judge(state, AddIndexConcurrently("order", BY_CITY), atomic=False) == ["prefer-robust-stmts"]
    assert judge(state, migrations.AddField("order", "extra", NULLABLE), atomic=False) == ["prefer-robust-stmts"]


@pytest.mark.parametrize(
    "operations",
    [
        [BuildIndex("order", BY_CITY)],
        [ReplaceIndex("order", models.Index(fields=["email_key"], name="order_by_email"))],
        [RemoveIndexConcurrently("order", "order_by_email")],
        [ReplaceIndex("order", ONCE_AS_INDEX)],
    ],
)
def test_concurrent_operations_pass(state: ProjectState, operations: Sequence[Operation]) -> None:
    assert judge(state, *operations, atomic=False) == []


@pytest.mark.parametrize(
    "operations",
    [
        [migrations.AddField("order", "extra", NULLABLE)],
        [migrations.AddField("order", "extra", models.IntegerField(db_default=0))],
        [migrations.AddField("order", "extra", STAFF_WITHOUT_INDEX)],
        [AddConstraintNotValid("order", POSITIVE)],
        [ValidateConstraint("order", "order_total_positive")],
        [migrations.CreateModel("Extra", [("id", models.BigAutoField(primary_key=True)), ("staff", STAFF)])],
        [migrations.RunPython(do_nothing)],
    ],
)
def test_quick_operations_pass(state: ProjectState, operations: Sequence[Operation]) -> None:
    assert judge(state, *operations) == []


def test_the_index_of_a_new_foreign_key_is_built_in_a_migration_of_its_own(state: ProjectState) -> None:
    after = state.clone()
    migrations.AddField("order", "extra", STAFF_WITHOUT_INDEX).state_forwards("orders", after)
    assert judge(after, IndexForeignKey("order", "extra"), atomic=False) == []


def test_an_exception_needs_a_reason(state: ProjectState) -> None:
    removal = migrations.RemoveField("order", "billing_city")
    assert judge(state, removal, source="# squawk-ignore-file ban-drop-column: unread since 0.2.0") == []
    assert judge(state, removal, source="# squawk-ignore-file ban-drop-column:") == ["ban-drop-column"]
