"""Erases the data of a person from the import history and from store events.

Contents are encrypted, so each has to be decrypted to find out whether it mentions a person. An item that mentions the
address or the number of an order is one of theirs. The files themselves belong to the store, contain the orders of
others, and are deleted after their import or after UPLOADS_KEPT.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext

from intake.ingest.recording import REJECT_PURPOSE
from intake.models import ImportChange, ImportReject, ImportRun, ImportUpload, StoreEvent
from intake.services.store_events import decrypt_body
from notifications.addresses import email_key
from orders import encryption
from orders.models import Order

_ADDRESS = re.compile(r"[^\s\"'<>()\[\]{},;:|=&\\]+@[^\s\"'<>()\[\]{},;:|=&\\]+")
_PART_OF_NUMBER = r"[\w-]"
# A shorter order number could be any number, such as a quantity.
SHORTEST_NUMBER = 4
BATCH_SIZE = 500


@dataclass(frozen=True)
class Person:
    """What identifies a person in the data of stores: the key of their address, and the numbers of their orders."""

    email_key: str
    numbers: frozenset[str] = frozenset()
    _number: re.Pattern[str] | None = field(init=False, compare=False)

    def __post_init__(self) -> None:
        long = sorted(re.escape(each) for each in self.numbers if len(each) >= SHORTEST_NUMBER)
        pattern = f"(?<!{_PART_OF_NUMBER})(?:{'|'.join(long)})(?!{_PART_OF_NUMBER})"
        object.__setattr__(self, "_number", re.compile(pattern, re.IGNORECASE) if long else None)

    @classmethod
    def of_orders(cls, email_key: str, orders: Collection[Order]) -> "Person":
        return cls(email_key, frozenset(order.number for order in orders))

    def is_addressed_in(self, text: str) -> bool:
        """Whether a text contains the address in any spelling, also percent-encoded as in a form."""
        for readable in (text, text.replace("%40", "@")):
            if any(self._is_key(found) for found in _ADDRESS.findall(readable)):
                return True
        return False

    def is_mentioned_in(self, text: str) -> bool:
        """Whether a text contains the address, or the number of an order."""
        return self.is_addressed_in(text) or (self._number is not None and self._number.search(text) is not None)

    def _is_key(self, found: str) -> bool:
        return self.email_key in (email_key(found), email_key(found.strip(".!?*_`~")))


def reject_text(reject: ImportReject) -> str:
    """Return the content of a rejected item as text; empty if it can't be decrypted anymore."""
    try:
        raw = json.loads(encryption.decrypt(REJECT_PURPOSE, reject.content))
    except encryption.Undecryptable:
        return ""
    return raw if isinstance(raw, str) else "\n".join("\t".join(map(str, row)) for row in raw)


def body_text(event: StoreEvent) -> str:
    """Return the body of an event as text, with its JSON escapes resolved; empty if it can't be decrypted anymore."""
    try:
        text = decrypt_body(event).decode(errors="replace")
    except encryption.Undecryptable:
        return ""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def find_rejects(person: Person, after: int = 0) -> Iterator[ImportReject]:
    """Yield the rejected items that mention a person, of those with a higher id."""
    for reject in ImportReject.objects.filter(pk__gt=after).order_by("pk").iterator(BATCH_SIZE):
        if person.is_mentioned_in("\n".join((reject_text(reject), reject.text, reject.word))):
            yield reject


def find_events(person: Person, after: int = 0) -> Iterator[StoreEvent]:
    """Yield the store events that mention a person in their content or their result, of those with a higher id."""
    with_text = ~Q(reason="") | Q(body__isnull=False)
    for event in StoreEvent.objects.filter(with_text, pk__gt=after).order_by("pk").iterator(BATCH_SIZE):
        body = "" if event.body is None else body_text(event)
        if person.is_mentioned_in("\n".join((body, event.reason))):
            yield event


def find_changes(order_ids: Collection[int]) -> Any:
    """Return the rows for an undo of imports that created or changed these orders."""
    return ImportChange.objects.filter(order_id__in=order_ids)


def find_obstacles(person: Person) -> Iterator[str]:
    """Yield a sentence for each event about a person that isn't imported yet: it would be lost with its content."""
    for event in find_events(person):
        if event.verdict == StoreEvent.Verdict.WAITING:
            text = gettext("Store event %(id)d about this person isn’t imported yet. Wait, or solve it in the list.")
            yield text % {"id": event.pk}


def erase_history(person: Person, order_ids: Collection[int]) -> dict[str, int]:
    """Erase a person from the history of imports. An undo of an import then skips their orders.

    The caller holds the lock of imports and of the orders. Returns how many rows of which model.
    """
    rejects = [reject.pk for reject in find_rejects(person)]
    ImportReject.objects.filter(pk__in=rejects).delete()
    changes = find_changes(order_ids).count()
    find_changes(order_ids).delete()
    return {
        "intake.ImportReject": len(rejects),
        "intake.ImportChange": changes,
        "intake.ImportRun": _redact(ImportRun, ("reject_counts", "warnings"), person),
        "intake.ImportUpload": _redact(ImportUpload, ("preview", "problem"), person),
        "intake.StoreEvent": _erase_events(person),
    }


def _erase_events(person: Person) -> int:
    events = [event.pk for event in find_events(person)]
    StoreEvent.objects.filter(pk__in=events).update(body=None, reason="", word="")
    return len(events)


def _redact(model: Any, names: tuple[str, ...], person: Person) -> int:
    """Remove the texts that mention a person from these columns. Returns how many rows changed."""
    changed = 0
    for row in model.objects.only("pk", *names).order_by("pk").iterator(BATCH_SIZE):
        before = {name: getattr(row, name) for name in names}
        after = {name: _without(value, person.is_mentioned_in) for name, value in before.items()}
        if before != after:
            changed += model.objects.filter(pk=row.pk).update(**after)
    return changed


def _without(value: Any, is_mentioned: Callable[[str], bool]) -> Any:
    if isinstance(value, str):
        return "" if is_mentioned(value) else value
    if isinstance(value, dict):
        return {key: _without(each, is_mentioned) for key, each in value.items()}
    return [_without(each, is_mentioned) for each in value] if isinstance(value, list) else value
