"""Store events sent by stores, and the secrets that sign them. A worker imports the events.

Web processes use this module, so it imports no feeds; see intake/services/event_processing.py.
"""

import json
import logging
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.refusals import Refusal
from intake.models import MAX_SECRETS, StoreEvent, WebhookSecret
from intake.webhooks.providers import Provider, ReceivedEvent
from orders import encryption
from orders.card_numbers import mask_all_strings, mask_card_numbers
from orders.models import Store
from orders.rate_limits import Rate, RateLimit, allows, consume, count_attempts

logger = logging.getLogger(__name__)

TEST_MODE = "test_mode"  # the code of ignored events
# Refused requests are counted per store up to this number, and never stored.
MAX_COUNTED_REFUSALS = Rate(short=500, long=1000)

_FORM = re.compile(r"[\w\[\]%.-]+=", re.ASCII)
_SLUG = re.compile(r"[-\w]{1,64}", re.ASCII)
_SECRET_PURPOSE = "intake.webhook_secret"  # noqa: S105 (a purpose, not a secret)
_BODY_PURPOSE = "intake.store_event"


# --- Secrets -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Endpoint:
    """Where a store sends events of one format. `store_id` is None if there is no such store with a secret."""

    store_id: int | None = None
    secrets: list[str] = field(default_factory=list)


def find_endpoint(store: str, format_name: str) -> Endpoint:
    """Return the secrets of a store, by its short name. Makes one query."""
    if not _SLUG.fullmatch(store):
        return Endpoint()
    rows = WebhookSecret.objects.filter(store__slug=store, format=format_name).values_list("store_id", "content")
    secrets: list[str] = []
    store_id = None
    for store_id, content in rows:  # noqa: B007 (the same in all rows)
        try:
            secrets.append(encryption.decrypt(_SECRET_PURPOSE, content).decode())
        except encryption.Undecryptable:
            logger.warning("A webhook secret of %s can't be read any more, because SECRET_KEY has changed.", store)
    return Endpoint(store_id, secrets) if secrets else Endpoint()


def add_secret(store: Store, provider: Provider, secret: str = "") -> tuple[WebhookSecret, str]:
    """Add a secret to a store, and return it with its text. Without `secret`, one is generated if the provider allows
    it.

    Raises Refusal if the secret is missing or unusable, or if the store already has two for this format.
    """
    secret = secret.strip()
    if not secret and provider.make_secret is None:
        raise Refusal(_("Paste the secret that the provider shows for this webhook."))
    secret = secret or (provider.make_secret() if provider.make_secret else "")
    if not provider.is_usable_secret(secret):
        raise Refusal(_("This secret is too short or not complete."))
    with transaction.atomic():
        Store.objects.select_for_update(of=("self",)).get(pk=store.pk)  # two users may add one at the same time
        taken = set(
            WebhookSecret.objects.filter(store=store, format=provider.format).values_list("position", flat=True)
        )
        free = [position for position in range(1, MAX_SECRETS + 1) if position not in taken]
        if not free:
            raise Refusal(_("This store has two secrets for this format already. Delete the old one first."))
        content = encryption.encrypt(_SECRET_PURPOSE, secret.encode())
        row = WebhookSecret.objects.create(store=store, format=provider.format, position=free[0], content=content)
    return row, secret


def can_read_secret(row: WebhookSecret) -> bool:
    """Whether the secret can still be decrypted."""
    try:
        encryption.decrypt(_SECRET_PURPOSE, row.content)
    except encryption.Undecryptable:
        return False
    return True


# --- Events --------------------------------------------------------------------------------------------


def store_events(store_id: int, format_name: str, events: Iterable[ReceivedEvent], now: datetime) -> None:
    """Store events that were not stored before. Test events are ignored."""
    ignored = {
        "verdict": StoreEvent.Verdict.IGNORED,
        "code": TEST_MODE,
        "reason": _("This event was made in test mode."),
        "finished_at": now,
        "next_try_at": None,
    }
    due = {"next_try_at": now}
    StoreEvent.objects.bulk_create(
        [
            StoreEvent(
                store_id=store_id,
                format=format_name,
                event_id=event.event_id,
                kind=event.kind,
                received_at=now,
                retried_since=now,
                body=encrypt_body(event.body),
                **(ignored if event.is_test else due),
            )
            for event in events
        ],
        ignore_conflicts=True,
    )


def encrypt_body(body: bytes) -> bytes:
    return encryption.encrypt(_BODY_PURPOSE, zlib.compress(body))


def decrypt_body(event: StoreEvent) -> bytes:
    """Return the body of an event. Raises `encryption.Undecryptable`, also if it was deleted."""
    if event.body is None:
        raise encryption.Undecryptable
    return zlib.decompress(encryption.decrypt(_BODY_PURPOSE, event.body))


def masked_text(body: bytes) -> str:
    """Return a body for staff, without card numbers: JSON is indented, and forms have one field per line."""
    text = body.decode(errors="replace")
    try:
        text = "\n".join(_indented(json.loads(line)) for line in text.splitlines() if line.strip())
    except (ValueError, RecursionError):
        try:
            text = _indented(json.loads(text))
        except (ValueError, RecursionError):
            fields = parse_qsl(text, keep_blank_values=True, errors="replace") if _FORM.match(text) else []
            text = "\n".join(f"{name} = {value}" for name, value in fields) or text
    return mask_card_numbers(text)


def _indented(value: Any) -> str:
    return json.dumps(mask_all_strings(_without_passwords(value)), indent=2, ensure_ascii=False)


def _without_passwords(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: "…" if name == "password" else _without_passwords(each) for name, each in value.items()}
    return [_without_passwords(each) for each in value] if isinstance(value, list) else value


def retry_events(events: QuerySet[StoreEvent]) -> int:
    """Retry those of these events that were not taken, immediately. Returns how many."""
    now = timezone.now()
    retried = StoreEvent.objects.filter(pk__in=events.values("pk")).can_be_retried()
    return retried.update(verdict=StoreEvent.Verdict.WAITING, next_try_at=now, retried_since=now, finished_at=None)


# --- Refused requests ----------------------------------------------------------------------------------


def _refusals(store_id: int | None, format_name: str) -> RateLimit:
    """Return the counter of a store's refused requests. Unknown stores share one, so that the table stays small."""
    return RateLimit("webhook-refused", f"{store_id}:{format_name}" if store_id else "", MAX_COUNTED_REFUSALS)


def count_refusal(store_id: int | None, format_name: str, now: datetime) -> None:
    """Count a refused request for staff. Nothing else of it is stored, and valid requests are not affected."""
    limit = _refusals(store_id, format_name)
    if allows(limit, now):
        consume([limit], now)


def count_refusals(store_id: int, format_name: str, now: datetime) -> int:
    """Return how many requests were refused in the last 24 hours, up to MAX_COUNTED_REFUSALS."""
    return count_attempts([_refusals(store_id, format_name)], now).long
