"""The rows whose period has ended, where deleting them takes more than a DELETE."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from files.models import Upload
from files.purging import purge
from intake.ingest.locks import lock_imports
from intake.services.erasure import find_changes
from licenses.models import Device, LicensedLine
from licenses.services.erasure import erase_licenses
from notifications.erasure import erase_emails
from orders.models import Order
from orders.services import erasure as orders
from refunds.models import RefundTransaction
from refunds.services import erasure as cases
from support.models import Thread, ThreadMessage
from support.services import erasure as threads

BATCH_SIZE = 200
RUN_FOR = timedelta(seconds=30)  # of one batch of what other apps delete until a time


# --- Orders -----------------------------------------------------------------------------------------------------------


def expired_orders(before: datetime) -> QuerySet[Order]:
    """Return the orders placed before this time, without those that someone still needs: with a license that is valid,
    or became invalid since, or with an open case.
    """
    lines = LicensedLine.objects.filter(order=OuterRef("pk"))
    found = Order.objects.filter(
        ~Exists(
            lines.filter(Q(license__expires_on__gte=before.date()) | Q(license__staff_expires_on__gte=before.date()))
        ),
        ~Exists(RefundTransaction.objects.open().filter(order=OuterRef("pk"))),
        placed_at__lt=before,
        erased_at=None,
    )
    for kind in cases.KINDS:
        found = found.filter(~Exists(kind._default_manager.open().filter(order=OuterRef("pk"))))
    return found


def count_orders(before: datetime) -> int:
    return expired_orders(before).count()


@transaction.atomic
def erase_orders(before: datetime) -> int:
    """Erase the person from some of these orders. Their address isn't suppressed: later orders stay as they are."""
    lock_imports()
    ids = list(expired_orders(before).order_by("pk").values_list("pk", flat=True)[:BATCH_SIZE])
    owned = list(Order.objects.filter(pk__in=ids).order_by("pk").select_for_update(of=("self",)))
    if owned:
        find_changes(ids).delete()
        cases.erase_cases(ids, "")
        erase_emails("", ids)
        orders.erase_orders(owned, "", timezone.now())
        erase_licenses(ids)
    return len(owned)


# --- Cases and threads ------------------------------------------------------------------------------------------------


def count_cases(before: datetime) -> int:
    return sum(cases.old_cases(kind, before).count() for kind in cases.KINDS)


def erase_cases(before: datetime) -> int:
    return cases.erase_old_cases(before, BATCH_SIZE)


def expired_threads(before: datetime) -> QuerySet[Thread]:
    """Return the threads without a newer message that don't wait for support."""
    newer = ThreadMessage.objects.filter(case=OuterRef("pk"), at__gte=before)
    return Thread.objects.filter(~Exists(newer), created_at__lt=before).exclude(status__in=Thread.UNDECIDED)


def count_threads(before: datetime) -> int:
    return expired_threads(before).count()


@transaction.atomic
def delete_threads(before: datetime) -> int:
    ids = list(expired_threads(before).order_by("pk").values_list("pk", flat=True)[:BATCH_SIZE])
    threads.delete_threads(Thread.objects.filter(pk__in=ids))
    return len(ids)


# --- Devices and files ------------------------------------------------------------------------------------------------


def _expired_devices(before: datetime) -> QuerySet[Device]:
    return Device.objects.filter(deactivated_at__lt=before).exclude(name="", platform="")


def count_devices(before: datetime) -> int:
    return _expired_devices(before).count()


@transaction.atomic
def erase_devices(before: datetime) -> int:
    ids = list(_expired_devices(before).order_by("pk").values_list("pk", flat=True)[:BATCH_SIZE])
    return Device.objects.filter(pk__in=ids).update(name="", platform="")


def count_uploads(before: datetime) -> int:
    """Each file has its own time, because cases may keep one for longer or shorter than the default."""
    return Upload.objects.expired(timezone.now()).count()


def delete_uploads(before: datetime) -> int:
    return purge(timezone.now(), max_seconds=RUN_FOR.total_seconds()).uploads
