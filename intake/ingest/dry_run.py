"""What a dry run would have written, in temporary tables, so that later items see it and memory use is constant.

A dry run only reads the other tables, without locks, so it blocks no one.
"""

import pickle
from collections.abc import Collection, Iterable
from typing import Any, Self

from intake.ingest.loading import existing_store_ids
from intake.ingest.state import Batch, OrderState
from intake.process_locks import open_transaction

OrderKey = tuple[int, str]  # store id, number key

ROWS_PER_STATEMENT = 200

# In a transaction of its own connection: behind a pooler, a temporary table would otherwise stay in another session.
_TABLES = """
CREATE TEMPORARY TABLE dry_run_order (
    id bigint PRIMARY KEY, store_id bigint, number_key text, email_key text, total numeric, currency text,
    is_test boolean, placed_at timestamptz, state bytea, UNIQUE (number_key, store_id)
) ON COMMIT DROP;
CREATE INDEX dry_run_order_by_email ON dry_run_order (email_key);
CREATE TEMPORARY TABLE dry_run_reference (
    reference text, order_id bigint, UNIQUE (reference, order_id)
) ON COMMIT DROP;
"""


class DryRun:
    """The orders that a dry run created or changed in all its files. New orders have negative ids.

    A context manager: its end forgets them.
    """

    def __init__(self) -> None:
        self._stores: dict[str, int] = {}  # stores that would be created
        self._last_id = 0
        self._connection = open_transaction()

    def __enter__(self) -> Self:
        with self._connection.cursor() as cursor:
            cursor.execute(_TABLES)
        return self

    def __exit__(self, *_error: object) -> None:
        self._connection.close()

    def store_ids(self, slugs: Iterable[str]) -> dict[str, int]:
        """Return the ids of these stores, by slug. Unknown stores get temporary ids."""
        wanted = set(slugs)
        known = existing_store_ids(wanted)
        for slug in sorted(wanted - known.keys()):
            known[slug] = self._stores.setdefault(slug, -1 - len(self._stores))
        return known

    def new_ids(self, count: int) -> list[int]:
        """Return ids for orders that would be created."""
        self._last_id -= count
        return [self._last_id + number for number in range(count)]

    def load(self, keys: Collection[OrderKey]) -> dict[OrderKey, OrderState]:
        """Load the orders with these keys that the dry run changed before."""
        if not keys:
            return {}
        wanted = set(keys)
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SELECT store_id, number_key, state FROM dry_run_order WHERE number_key = ANY(%s)",
                [[number for _store, number in wanted]],
            )
            return {
                (store_id, number): pickle.loads(state)  # noqa: S301 (written by this process)
                for store_id, number, state in cursor.fetchall()
                if (store_id, number) in wanted
            }

    def find(self, condition: str, values: list[Any]) -> list[tuple[Any, ...]]:
        """Return rows that match an SQL condition: id, store_id, number_key, email_key, total, currency, is_test,
        placed_at.
        """
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, store_id, number_key, email_key, total, currency, is_test, placed_at"  # noqa: S608
                f" FROM dry_run_order WHERE {condition}",
                values,
            )
            return cursor.fetchall()

    def find_references(self, references: Collection[str]) -> list[tuple[str, int]]:
        """Return the references that the dry run would have saved, with the ids of their orders."""
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SELECT reference, order_id FROM dry_run_reference WHERE reference = ANY(%s)", [list(references)]
            )
            return cursor.fetchall()

    def keep(self, batch: Batch, references: Collection[tuple[str, int]]) -> None:
        """Keep the changes of a batch."""
        changed = [order for order in batch.orders.values() if order.is_new or order.changed or order.sources_changed]
        with self._connection.cursor() as cursor:
            cursor.execute("DELETE FROM dry_run_order WHERE id = ANY(%s)", [[order.id for order in changed]])
            for start in range(0, len(changed), ROWS_PER_STATEMENT):
                part = changed[start : start + ROWS_PER_STATEMENT]
                row = "(%s,%s,%s,%s,%s,%s,%s,%s,%s)"
                rows = ",".join(cursor.mogrify(row, _row(order)).decode() for order in part)
                cursor.execute(f"INSERT INTO dry_run_order VALUES {rows}")  # noqa: S608 (quoted by mogrify)
            if references:
                rows = ",".join(cursor.mogrify("(%s,%s)", reference).decode() for reference in references)
                cursor.execute(f"INSERT INTO dry_run_reference VALUES {rows} ON CONFLICT DO NOTHING")  # noqa: S608


def _row(order: OrderState) -> tuple[Any, ...]:
    columns = order.columns
    order.changed = order.sources_changed = False
    return (
        order.id,
        order.store_id,
        columns["number_key"],
        columns["email_key"],
        columns["total"],
        columns["currency"],
        columns["is_test"],
        columns["placed_at"],
        pickle.dumps(order, pickle.HIGHEST_PROTOCOL),
    )
