"""The first orders of a file as they would be stored: imported in a transaction that is rolled back."""

from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import TypeVar

from django.db import OperationalError, connection, transaction

from intake.feed import FeedContext, RawItem
from intake.format_detection import ImportSource
from intake.ingest.run import Import
from intake.records import OrderRecord, number_key
from orders.models import Order

T = TypeVar("T")

SAMPLE_ORDERS = 10
READ_ITEMS = 50  # rows read to find them, because some may be rejected
LOCK_TIMEOUT = "2s"  # how long a page waits for an import that writes a batch


def show_sample(import_source: ImportSource, show: Callable[[list[Order]], T]) -> T | None:
    """Return the result of `show` for the first orders of a file. The orders don't exist afterwards.

    Returns None if another import holds the lock.
    """
    feed, source = import_source.feed, import_source.source
    found: list[tuple[str, str]] = []

    def parse_item(item: RawItem, context: FeedContext) -> OrderRecord:
        record = feed.parse_item(item, context)
        found.append((record.store, number_key(record.number)))
        return record

    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
        importer = Import(replace(feed, parse_item=parse_item), import_source.context, lambda item, problem: None)
        try:
            with transaction.atomic():
                importer.run(islice(feed.read_items(source, import_source.context), READ_ITEMS))
        except OperationalError:
            transaction.set_rollback(True)
            return None
        finally:
            source.close()
        shown = show(_load(found))
        transaction.set_rollback(True)
    return shown


def _load(keys: list[tuple[str, str]]) -> list[Order]:
    """Load the orders with these keys, in the way pages load them."""
    wanted = [key for key in dict.fromkeys(keys) if key[1]]
    orders = Order.objects.filter(number_key__in=[number for _store, number in wanted]).select_related("store")
    found = {(order.store.slug, order.number_key): order for order in orders}
    return [found[key] for key in wanted if key in found][:SAMPLE_ORDERS]
