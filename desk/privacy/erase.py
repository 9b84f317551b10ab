"""Erases everything that is held about the person behind an email address, except what law requires to keep.

Each app erases its own rows. The whole erasure is one transaction that holds the lock of imports and the locks of the
orders, by id, as imports and undos take them. It can be repeated: what is gone stays gone.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from desk.models import Erasure
from desk.privacy import records
from desk.privacy.notices import address_of
from desk.privacy.results import ErasureRefused, ErasureResult
from intake.ingest.locks import lock_imports
from intake.services import erasure as imports
from licenses.services.erasure import devices_of, erase_licenses
from notifications.erasure import erase_emails
from orders.access.sessions import end_sessions
from orders.models import Order
from orders.services import erasure as orders
from orders.suppression import suppress
from refunds.services import erasure as cases
from support.services import erasure as threads

SHORTEST_NAME = 3  # characters of a name that is looked for in texts


def erase(email_key: str, made_by_name: str, *, dry_run: bool = False) -> ErasureResult:
    """Erase the person behind the key of an address. Raises ErasureRefused.

    A dry run does the same in a transaction that is rolled back, without stopping imports, and lists obstacles instead.
    """
    if not email_key:
        raise ErasureRefused([gettext("This isn’t an email address that orders can be found by.")])
    now = timezone.now()
    with transaction.atomic():
        if not dry_run:
            lock_imports()
        owned = orders.lock_orders(email_key)
        address = address_of(email_key)
        obstacles = list(_find_obstacles(email_key, owned, now))
        if obstacles and not dry_run:
            raise ErasureRefused(obstacles)
        counts = {label: count for label, count in sorted(_erase_rows(email_key, owned, now).items()) if count}
        receipt = None
        if dry_run:
            transaction.set_rollback(True)
        elif counts:
            suppress(email_key, now)
            receipt = Erasure.objects.create(made_at=now, made_by_name=made_by_name[:150], counts=counts)
            records.settle_requests(email_key, address or "", receipt, now)
    return ErasureResult(counts, obstacles, receipt)


def _find_obstacles(key: str, owned: Collection[Order], now: datetime) -> Iterator[str]:
    ids = [order.pk for order in owned]
    yield from cases.find_obstacles(ids, key)
    yield from threads.find_obstacles(key)
    yield from orders.find_obstacles(ids, key, now)
    yield from imports.find_obstacles(imports.Person(key, owned))


def _erase_rows(key: str, owned: Collection[Order], now: datetime) -> Counter[str]:
    ids = [order.pk for order in owned]
    counts: Counter[str] = Counter()
    # What names the person outside of their own rows comes first, because it is found by these.
    rows = records.OwnRows.of(key, owned)
    counts.update(records.erase_records(key, rows, _names(owned, ids)))
    counts["sessions.Session"] = end_sessions(ids, rows.resources, settings.STAFF_SESSION_KEYS)
    counts.update(imports.erase_history(imports.Person(key, owned), ids))
    counts["files.Upload"] = cases.uploads_of(ids).count()
    counts.update(threads.erase_threads(key))
    counts.update(cases.erase_cases(ids, key))
    counts.update(erase_emails(key, ids))
    counts.update(orders.erase_orders(owned, key, now))
    counts.update(erase_licenses(ids))
    return counts


def _names(owned: Collection[Order], ids: Collection[int]) -> set[str]:
    """Return the names of the person and of their devices, as they may be repeated in the log of staff's actions."""
    names = {name for order in owned for name in (order.billing_name, order.billing_company)}
    names |= set(devices_of(ids).values_list("name", flat=True))
    return {name for name in names if len(name) >= SHORTEST_NAME}
