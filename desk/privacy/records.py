"""What the desk's own records say about a person: looks and actions of staff, requests, password resets.

Records of staff stay, because they show what staff did. Only what names the person goes.
"""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q, QuerySet

from desk.models import Erasure, LookRecord, PasswordReset, PersonRequest
from desk.privacy.notices import notify_erased
from intake.services.erasure import Person
from licenses.models import Device
from licenses.services.erasure import devices_of, licenses_of
from orders.models import Order
from refunds.services.erasure import KINDS, cases_of
from support.models import Thread
from support.services.erasure import threads_of

BATCH_SIZE = 500
REMOVED = "…"


@dataclass(frozen=True)
class OwnRows:
    """The ids of the rows of a person that staff work with, by model."""

    ids: dict[type[Any], list[int]]

    @classmethod
    def of(cls, key: str, orders: Collection[Order]) -> "OwnRows":
        order_ids = [order.pk for order in orders]
        found: dict[type[Any], QuerySet[Any]] = {
            Thread: threads_of(key),
            Device: devices_of(order_ids),
            **{kind: cases_of(kind, order_ids, key) for kind in KINDS},
        }
        ids: dict[type[Any], list[int]] = {
            model: list(rows.values_list("pk", flat=True)) for model, rows in found.items()
        }
        return cls({Order: order_ids, **ids})

    @property
    def resources(self) -> list[str]:
        """The names under which sessions have access to threads."""
        return [f"thread:{pk}" for pk in self.ids[Thread]]


def looks_of(key: str) -> QuerySet[LookRecord]:
    """Return the records of who opened the page of a person."""
    return LookRecord.objects.filter(kind=LookRecord.Kind.PERSON, object_key=key)


def looks_at_rows(rows: OwnRows, order_ids: Collection[int]) -> QuerySet[LookRecord]:
    """Return the records of who opened an order, case or license of a person."""
    found = Q(pk__in=[])
    for model, ids in rows.ids.items():
        found |= Q(object_model=model._meta.label_lower, object_id__in=ids)
    licenses = list(licenses_of(order_ids).values_list("pk", flat=True))
    return LookRecord.objects.filter(found | Q(object_model="licenses.license", object_id__in=licenses))


def erase_records(key: str, rows: OwnRows, names: Collection[str]) -> dict[str, int]:
    """Remove a person from the records of staff. `names` are names of theirs. Returns how many rows of which model."""
    return {
        "desk.LookRecord": looks_of(key).update(object_key=""),
        "desk.PasswordReset": PasswordReset.objects.filter(email_key=key).delete()[0],
        "admin.LogEntry": _redact_log(key, rows, names),
    }


def _redact_log(key: str, rows: OwnRows, names: Collection[str]) -> int:
    person = Person(key)

    def without_address(text: str) -> str:
        return person.removed_from(text, REMOVED)

    def without_names(text: str) -> str:
        for name in sorted(names, key=len, reverse=True):
            text = text.replace(name, REMOVED)
        return without_address(text)

    with_address = Q(object_repr__contains="@") | Q(change_message__contains="@")
    changed = _rewrite(LogEntry.objects.filter(with_address), without_address)
    for model, ids in rows.ids.items():
        kind = ContentType.objects.get_for_model(model)
        own = LogEntry.objects.filter(content_type=kind, object_id__in=[str(pk) for pk in ids])
        changed += _rewrite(own, without_names)
    return changed


def _rewrite(entries: QuerySet[LogEntry], rewrite: Callable[[str], str]) -> int:
    changed = 0
    for entry in entries.only("pk", "object_repr", "change_message").iterator(BATCH_SIZE):
        message = _rewrite_message(entry.change_message, rewrite)
        texts = {"object_repr": rewrite(entry.object_repr), "change_message": message}
        if texts != {"object_repr": entry.object_repr, "change_message": entry.change_message}:
            changed += LogEntry.objects.filter(pk=entry.pk).update(**texts)
    return changed


def _rewrite_message(message: str, rewrite: Callable[[str], str]) -> str:
    """Rewrite the texts of a message. Django keeps those that it makes itself as JSON, with escapes."""
    try:
        content = json.loads(message) if message.startswith("[") else None
    except ValueError:
        content = None
    if content is None:
        return rewrite(message)
    rewritten = _rewrite_texts(content, rewrite)
    return message if rewritten == content else json.dumps(rewritten)


def _rewrite_texts(value: Any, rewrite: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return rewrite(value)
    if isinstance(value, dict):
        return {name: _rewrite_texts(each, rewrite) for name, each in value.items()}
    return [_rewrite_texts(each, rewrite) for each in value] if isinstance(value, list) else value


def settle_requests(key: str, address: str, receipt: Erasure, now: datetime) -> None:
    """Answer the confirmed requests for an erasure, and forget all requests of the address.

    The answer is the last email to `address`; its row is deleted when it was sent.
    """
    waiting = PersonRequest.objects.waiting().filter(email_key=key, kind=PersonRequest.Kind.ERASURE)
    for request in waiting.order_by("pk")[:1]:
        notify_erased(receipt, address, request.language)
    waiting.update(
        email_key="", outcome=PersonRequest.Outcome.DONE, settled_at=now, settled_by_name=receipt.made_by_name
    )
    PersonRequest.objects.filter(email_key=key).delete()
