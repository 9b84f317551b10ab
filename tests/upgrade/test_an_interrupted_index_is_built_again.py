"""A migration that builds indexes concurrently can be interrupted, and runs again. Meanwhile, orders can be written."""

import functools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg2
import pytest
from django.db import OperationalError, connection, migrations, models
from django.db.migrations.executor import MigrationExecutor
from pytest_django.plugin import DjangoDbBlocker

from online_migrations.operations import BuildIndex, ReplaceIndex
from tests.upgrade.released_versions import load_versions, restored
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("upgrade")

LOCK_TIMEOUT = "300ms"
BEFORE = ("orders", "0004_orders_by_card_and_name")
NEXT = ("orders", "0099_next")
CHANGE = "UPDATE orders_order SET billing_city = billing_city WHERE id = (SELECT {}(id) FROM orders_order)"
# Valid indexes that begin with this column. The second condition is for unique ones.
FIND_INDEXES = """
SELECT count(*) FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
WHERE indrelid = 'orders_order'::regclass AND attname = %s AND indisvalid AND (indisunique OR NOT %s)
"""


BUILD_THAT_WAITS = """
SELECT 1 FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'CREATE INDEX CONCURRENTLY%'
"""


class Interrupted(Exception):
    """Raised in a migration, as if its process had been killed."""


class NextMigration(migrations.Migration):
    """Builds an index, and replaces an index and a constraint of the table."""

    atomic = False
    operations = [
        BuildIndex("order", models.Index(fields=["billing_city"], name="order_by_city")),
        ReplaceIndex(
            "order",
            models.Index(
                fields=["email_key", "-placed_at"],
                name="order_by_email",
                opclasses=["varchar_pattern_ops", "timestamptz_ops"],
            ),
        ),
        ReplaceIndex(
            "order",
            models.UniqueConstraint(
                fields=["number_key", "store"],
                name="order_number_once_per_store",
                opclasses=["varchar_pattern_ops", "int8_ops"],
            ),
        ),
    ]


def migrate() -> None:
    executor = MigrationExecutor(connection)
    executor.apply_migration(executor.loader.project_state(BEFORE), NextMigration("0099_next", "orders"))


@pytest.fixture
def older(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The database of 0.1.0, with migrations until the indexes that the next one replaces."""
    released = next(each for each in load_versions() if each.version == "0.1.0")
    with restored(released, django_db_blocker), django_db_blocker.unblock():
        MigrationExecutor(connection).migrate([BEFORE])
        yield


@contextmanager
def other_session() -> Iterator[Any]:
    """The cursor of another connection to the same database, in a transaction."""
    parameters = connection.get_connection_params()
    session = psycopg2.connect(**{key: value for key, value in parameters.items() if key != "cursor_factory"})
    try:
        with session.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
            yield cursor
    finally:
        session.close()


def fetch(statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def index_validity(name: str) -> list[tuple[bool]]:
    return fetch("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", name)


def write_while_the_build_waits() -> list[tuple[Any, ...]]:
    with other_session() as session:
        session.connection.rollback()
        session.connection.autocommit = True  # in a transaction, the activity stays as it was first seen
        waiting = functools.partial(session.execute, BUILD_THAT_WAITS)
        wait_until(lambda: waiting() or session.fetchone() is not None, "the build of an index", 10)
        session.execute(CHANGE.format("max") + " RETURNING id")
        rows: list[tuple[Any, ...]] = session.fetchall()
        return rows


def test_an_invalid_index_is_built_again_and_orders_are_written_meanwhile(older: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '1s'")
    with other_session() as earlier, ThreadPoolExecutor(1) as thread:
        earlier.execute(CHANGE.format("min"))  # the build waits for the end of this transaction
        written = thread.submit(write_while_the_build_waits)
        with pytest.raises(OperationalError, match="lock timeout"):
            migrate()
        assert len(written.result()) == 1
    connection.close()  # and with it the timeout
    assert index_validity("order_by_city") == [(False,)]
    migrate()
    assert index_validity("order_by_city") == [(True,)]
    assert fetch("SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid") == []


def test_it_may_be_interrupted_after_any_statement(older: None) -> None:
    """Each run gets one statement further than the one before. Lookups always have an index, and numbers are unique."""
    for further in range(1, 100):
        left = further

        def count(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
            nonlocal left
            result = execute(sql, *rest)
            if sql.startswith(("CREATE", "DROP", "ALTER")):
                left -= 1
                if not left:
                    raise Interrupted
            return result

        try:
            with connection.execute_wrapper(count):
                migrate()
        except Interrupted:
            assert fetch(FIND_INDEXES, "email_key", False) != [(0,)]
            assert fetch(FIND_INDEXES, "number_key", True) != [(0,)]
        else:
            break
    assert further > 5
    assert fetch("SELECT relname FROM pg_class WHERE relname LIKE %s", r"order\_%\_new") == []
    assert fetch("SELECT count(*) FROM django_migrations WHERE (app, name) = (%s, %s)", *NEXT) == [(1,)]
