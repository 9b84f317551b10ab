"""Emailed codes that confirm a lookup by card: 6 digits, valid once within 10 minutes, with 5 tries."""

import hmac
import unicodedata
from datetime import datetime, timedelta

from django.db.models import F
from django.utils.crypto import salted_hmac

from notifications.hidden_secrets import unless_hidden
from orders.models import LookupCode

DIGITS = 6
LIFETIME = timedelta(minutes=10)
MAX_TRIES = 5


def code_digits(code: LookupCode) -> str:
    """Return the digits for the email. They are derived from the row and not stored."""
    digest = salted_hmac("orders.lookup_codes", str(code.pk), algorithm="sha256").digest()
    return unless_hidden(f"{int.from_bytes(digest, 'big') % 10**DIGITS:0{DIGITS}}")


def is_valid(code: LookupCode, now: datetime) -> bool:
    return code.used_at is None and code.tries < MAX_TRIES and now < code.created_at + LIFETIME


def verify_code(code_id: int, typed: str, now: datetime) -> bool:
    """Use up the code and return True, if it is correct, unexpired, and has tries left. Counts the try first."""
    unexpired = LookupCode.objects.filter(pk=code_id, used_at=None, created_at__gt=now - LIFETIME)
    if not unexpired.filter(tries__lt=MAX_TRIES).update(tries=F("tries") + 1):
        return False
    normalized = "".join(unicodedata.normalize("NFKC", typed).split())
    if not hmac.compare_digest(normalized.encode(), code_digits(LookupCode(pk=code_id)).encode()):
        return False
    return bool(unexpired.update(used_at=now))  # only one of two simultaneous requests updates the row
