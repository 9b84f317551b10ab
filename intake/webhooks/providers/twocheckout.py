"""2Checkout's instant payment notifications (IPN).

The signature is HMAC over the values of the form, each after its length in bytes, without their names. The response
has to contain a signature, too; otherwise 2Checkout repeats the notification.

- https://verifone.cloud/docs/2checkout/API-Integration/Webhooks/06Instant_Payment_Notification_(IPN)
"""

import hashlib
import hmac
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from intake.webhooks.providers.base import (
    FORM_TYPE,
    Delivery,
    Provider,
    ReceivedEvent,
    digest_id,
    is_same,
    kind_of_event,
)

MAX_FIELDS = 5_000
# By the field that contains the signature. HASH is MD5, which is insecure.
ALGORITHMS = {"SIGNATURE_SHA3_256": ("sha3-256", hashlib.sha3_256), "SIGNATURE_SHA2_256": ("sha256", hashlib.sha256)}
UNSIGNED = frozenset({"HASH", *ALGORITHMS})


def _fields(body: bytes) -> list[tuple[str, str]]:
    """Return the form's fields in sequence. Latin-1 keeps each byte as one character. Raises ValueError."""
    return parse_qsl(body.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_FIELDS, encoding="latin-1")


def with_lengths(values: Iterable[str]) -> bytes:
    """Return the values, each prefixed with its length: "abc" as "3abc", an empty one as "0"."""
    return "".join(f"{len(value)}{value}" for value in values).encode("latin-1")


def _signatures(fields: list[tuple[str, str]]) -> dict[str, str]:
    """Return the signatures by field name. A field must not be repeated."""
    given = [(name, value) for name, value in fields if name in ALGORITHMS and value]
    return dict(given) if len({name for name, _value in given}) == len(given) else {}


def verify(delivery: Delivery, secret: str) -> bool:
    try:
        fields = _fields(delivery.body)
    except ValueError:
        return False
    message = with_lengths(value for name, value in fields if name not in UNSIGNED)
    checks = [
        is_same(hmac.new(secret.encode(), message, ALGORITHMS[name][1]).hexdigest(), signature.lower())
        for name, signature in _signatures(fields).items()
    ]
    return bool(checks) and all(checks)


def answer(delivery: Delivery, secret: str) -> str:
    """The read receipt, signed with the algorithm of the notification."""
    fields = _fields(delivery.body)
    name, algorithm = ALGORITHMS[next(each for each in ALGORITHMS if each in _signatures(fields))]
    now = datetime.fromtimestamp(delivery.now, UTC).strftime("%Y%m%d%H%M%S")
    message = with_lengths([_first(fields, "IPN_PID["), _first(fields, "IPN_PNAME["), _first(fields, "IPN_DATE"), now])
    digest = hmac.new(secret.encode(), message, algorithm).hexdigest()
    return f'<sig algo="{name}" date="{now}">{digest}</sig>'


def _first(fields: list[tuple[str, str]], start: str) -> str:
    return next((value for name, value in fields if name.startswith(start)), "")


def read_event(delivery: Delivery) -> list[ReceivedEvent]:
    """Return the notification. A repeated one may have a different signature, so the signed values identify it."""
    signed = [(name, value) for name, value in _fields(delivery.body) if name not in UNSIGNED]
    content = with_lengths(part for field in signed for part in field)
    kind = kind_of_event(_first(signed, "MESSAGE_TYPE") or _first(signed, "ORDERSTATUS"))
    return [ReceivedEvent(digest_id(content), kind, delivery.body)]


TWOCHECKOUT = Provider(
    format="2checkout",
    verify=verify,
    read_events=read_event,
    content_type=FORM_TYPE,
    answer=answer,
    answers_get=True,
)
