"""The suppression list: which orders are imported without the person, because their data was erased.

The list contains no addresses, only their HMAC with a key derived from SECRET_KEY. Entries that were made with a key
in SECRET_KEY_FALLBACKS are found, too. The digest of an address without its key says nothing about it.
"""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.utils.crypto import salted_hmac

from orders.models import SuppressedAddress

_PURPOSE = "orders.suppression"


def _digest(email_key: str, secret: str | bytes) -> str:
    return salted_hmac(_PURPOSE, email_key, secret=secret, algorithm="sha256").hexdigest()


def _key_id(secret: str | bytes) -> str:
    return salted_hmac(f"{_PURPOSE}.key", "", secret=secret, algorithm="sha256").hexdigest()[:16]


def suppress(email_key: str, now: datetime) -> None:
    """Add an address to the list, or renew its entry: orders until now are then imported without the person."""
    SuppressedAddress.objects.update_or_create(
        digest=_digest(email_key, settings.SECRET_KEY),
        defaults={"erased_at": now, "key_id": _key_id(settings.SECRET_KEY)},
    )


def is_list_empty() -> bool:
    return not SuppressedAddress.objects.exists()


def has_unreadable_entries() -> bool:
    """Whether a key of entries is missing in the settings, so that imports would bring these persons back."""
    known = [_key_id(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    return SuppressedAddress.objects.exclude(key_id__in=["", *known]).exists()


def erasure_times(email_keys: Iterable[str]) -> dict[str, datetime]:
    """Return when each of these addresses was erased, by its key; without those that never were. One query."""
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    keys = {_digest(key, secret): key for key in set(email_keys) - {""} for secret in secrets}
    times: dict[str, datetime] = {}
    for digest, erased_at in SuppressedAddress.objects.filter(digest__in=keys).values_list("digest", "erased_at"):
        times[keys[digest]] = max(erased_at, times.get(keys[digest], erased_at))
    return times
