"""Erases the data of a person from the import history and from store events.

Contents are encrypted, so each has to be decrypted to find out whether it mentions a person. An item that mentions the
address or the number of an order is one of theirs. The files themselves belong to the store, contain the orders of
others, and are deleted after their import or after UPLOADS_KEPT.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext

from intake.ingest.recording import REJECT_PURPOSE
from intake.models import ImportChange, ImportFile, ImportReject, ImportRun, ImportUpload, StoreEvent
from intake.services.store_events import decrypt_body
from notifications.address_search import AddressSearch, find_addresses
from orders import encryption
from orders.models import Order

# A shorter order number could be any number, such as a quantity.
SHORTEST_NUMBER = 4
BATCH_SIZE = 500
REMOVED = "…"


class Person:
    """Recognizes a person in the data of stores: by their address, or by the number of one of their orders.

    A number counts only in the data of its store, and not beside the address of someone else.
    """

    def __init__(self, email_key: str, orders: Collection[Order] = ()) -> None:
        self._address = AddressSearch(email_key)
        numbers: dict[str, list[str]] = defaultdict(list)
        for order in orders:
            if len(order.number) >= SHORTEST_NUMBER:
                numbers[order.store.slug].append(re.escape(order.number))
        self._numbers = {
            store: re.compile(rf"(?<![\w-])(?:{'|'.join(sorted(found))})(?![\w-])", re.IGNORECASE)
            for store, found in numbers.items()
        }

    def is_addressed_in(self, text: str) -> bool:
        """Whether a text contains the address in any spelling, also with the escapes of JSON, forms or HTML."""
        return self._address.is_in(text)

    def removed_from(self, text: str, replacement: str) -> str:
        """Return the text with the address replaced."""
        return self._address.remove_from(text, replacement)

    def removed_from_name(self, name: str) -> str:
        """Return the name of a file without the address."""
        return self._address.remove_from_name(name, REMOVED)

    def is_mentioned_in(self, text: str, store: str = "") -> bool:
        """Whether a text of this store contains the address, or the number of an order. Without a store, the text has
        to name it.
        """
        if self.is_addressed_in(text):
            return True
        found = any(find_addresses(text))
        stores = [store] if store else [name for name in self._numbers if name in text]
        numbers = [self._numbers[name] for name in stores if name in self._numbers]
        return not found and any(number.search(text) for number in numbers)


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


def find_rejects(person: Person) -> Iterator[ImportReject]:
    """Yield the rejected items that mention a person."""
    rejects = ImportReject.objects.select_related("file").order_by("pk")
    for reject in rejects.iterator(BATCH_SIZE):
        if person.is_mentioned_in("\n".join((reject_text(reject), reject.text, reject.word)), reject.file.store):
            yield reject


def find_events(person: Person) -> Iterator[StoreEvent]:
    """Yield the store events that mention a person in their content or their result."""
    with_text = ~Q(reason="") | Q(body__isnull=False)
    events = StoreEvent.objects.filter(with_text).select_related("store").order_by("pk")
    for event in events.iterator(BATCH_SIZE):
        body = "" if event.body is None else body_text(event)
        if person.is_mentioned_in("\n".join((body, event.reason)), event.store.slug):
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
        "intake.ImportFile": _redact_names(ImportFile, person),
        "intake.ImportRun": _redact(ImportRun, ("reject_counts", "warnings"), person),
        "intake.ImportUpload": _redact(ImportUpload, ("preview", "problem"), person)
        + _redact_names(ImportUpload, person),
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
        after = {name: _without(value, person.is_addressed_in) for name, value in before.items()}
        if before != after:
            changed += model.objects.filter(pk=row.pk).update(**after)
    return changed


def _redact_names(model: Any, person: Person) -> int:
    """Remove the address from the names of files. Returns how many rows changed."""
    changed = 0
    rows = model.objects.filter(name__contains="@").values_list("pk", "name").order_by("pk")
    for pk, name in rows.iterator(BATCH_SIZE):
        if (kept := person.removed_from_name(name)) != name:
            changed += model.objects.filter(pk=pk).update(name=kept)
    return changed


def _without(value: Any, is_mentioned: Callable[[str], bool]) -> Any:
    if isinstance(value, str):
        return "" if is_mentioned(value) else value
    if isinstance(value, dict):
        return {key: _without(each, is_mentioned) for key, each in value.items()}
    return [_without(each, is_mentioned) for each in value] if isinstance(value, list) else value
