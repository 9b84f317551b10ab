"""Emailed codes on top of a lookup by card: 6 digits, 10 minutes, 5 tries, once."""

import hmac
import unicodedata
from datetime import datetime, timedelta

from django.db.models import F
from django.utils.crypto import salted_hmac

from orders.models import LookupCode

DIGITS = 6
LIFETIME = timedelta(minutes=10)
TRIES = 5


def digits_of(code: LookupCode) -> str:
    """The code to put into the mail. Called at the moment of sending; stored nowhere."""
    digest = salted_hmac("orders.lookup_codes", str(code.pk), algorithm="sha256").digest()
    return f"{int.from_bytes(digest, 'big') % 10**DIGITS:0{DIGITS}}"


def is_live(code: LookupCode, now: datetime) -> bool:
    return code.used_at is None and code.tries < TRIES and now < code.created_at + LIFETIME


def enter(code_id: int, typed: str, now: datetime) -> bool:
    """Whether this is the code, in time and not tried too often. Counts the try before it is judged."""
    live = LookupCode.objects.filter(pk=code_id, used_at=None, created_at__gt=now - LIFETIME)
    if not live.filter(tries__lt=TRIES).update(tries=F("tries") + 1):
        return False
    plain = "".join(unicodedata.normalize("NFKC", typed).split())
    if not hmac.compare_digest(plain.encode(), digits_of(LookupCode(pk=code_id)).encode()):
        return False
    return bool(live.update(used_at=now))  # once, also when two tabs send it at once
