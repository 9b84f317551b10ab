"""Order passwords: made by the portal, or imported from a store.

`Order.password_hash` contains one of these:
- an empty string: the portal derives the password from the order by HMAC, and does not store it;
- `keyed$…`: a fast keyed hash of a plain password from a store, because an import of a million rows must not take
  hours; it is replaced by an Argon2 hash when the password is used for the first time;
- a hash in Django's format: such an Argon2 hash, or one that a store sent.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher, identify_hasher

from orders.models import OWN_ARGON2_PREFIX, Order

PORTAL_PASSWORD_BYTES = 15  # 120 bits, 24 characters in base32
MAX_TYPED_LENGTH = 256  # characters; longer input would only load the hasher
_KEYED_ALGORITHM = "keyed"


class OrderPasswordHasher(Argon2PasswordHasher):
    """Argon2id with the minimum of OWASP's password storage cheat sheet: 19 MiB, 2 iterations, parallelism 1.

    Django's default takes 100 MiB for each attempt, and anybody can make attempts.
    """

    memory_cost = 19 * 1024  # KiB
    time_cost = 2
    parallelism = 1


_hasher = OrderPasswordHasher()
_dummy_hash = _hasher.encode("no order has this password", _hasher.salt())
if not _dummy_hash.startswith(OWN_ARGON2_PREFIX):
    raise RuntimeError("OWN_ARGON2_PREFIX no longer names the hashes that this module makes.")


def portal_password(order: Order) -> str | None:
    """Return the password that the portal made for this order; None if the store set one."""
    if order.password_hash:
        return None
    material = f"{order.public_id}:{order.password_generation}".encode()
    digest = hmac.digest(settings.ORDER_PASSWORD_KEY.encode(), material, hashlib.sha256)
    letters = base64.b32encode(digest[:PORTAL_PASSWORD_BYTES]).decode()
    return "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))


def hash_imported_password(password: str) -> str:
    """Return what to store of a password that a store sent: its Django hash, or a keyed hash of the plain text."""
    if is_django_hash(password):
        return password
    salt = secrets.token_hex(8)
    return f"{_KEYED_ALGORITHM}${salt}${_keyed_hash(salt, password)}"


def is_django_hash(text: str) -> bool:
    """Whether this is a password hash in Django's format, of an algorithm in settings.PASSWORD_HASHERS."""
    try:
        identify_hasher(text).decode(text)
    except (ValueError, AssertionError, IndexError, TypeError):
        return False
    return True


def matching_orders(orders: Sequence[Order], typed: str) -> list[Order]:
    """Return those of the orders that this password opens.

    To reveal nothing by its duration, it always executes at least one Argon2 run and, if any store sent slow hashes,
    at least one run of such a hash, even without orders.
    """
    typed = typed[:MAX_TYPED_LENGTH]
    matching = [order for order in orders if _matches_fast_hash(order, typed)]
    any_store_hash = Order.objects.any_foreign_password_hash()
    for has_slow_hash, dummy_hash in ((_is_own_argon2, _dummy_hash), (_is_store_hash, any_store_hash)):
        candidates = [order for order in orders if has_slow_hash(order.password_hash)]
        matching += [order for order in candidates if _matches_slow_hash(order.password_hash, typed)]
        if not candidates and dummy_hash:
            _matches_slow_hash(dummy_hash, typed)
    for order in matching:
        if order.password_hash and not _is_own_argon2(order.password_hash):
            _upgrade_hash(order, typed)
    return matching


def _matches_fast_hash(order: Order, typed: str) -> bool:
    stored = order.password_hash
    if not stored:
        expected = _normalize_portal_password(portal_password(order) or "")
        return hmac.compare_digest(expected.encode(), _normalize_portal_password(typed).encode())
    if stored.startswith(f"{_KEYED_ALGORITHM}$"):
        _algorithm, salt, digest = stored.split("$")
        return hmac.compare_digest(digest, _keyed_hash(salt, typed))
    return False


def _normalize_portal_password(typed: str) -> str:
    """Drop case, spaces and dashes, and replace digits by the base32 letters they are mistaken for."""
    letters = "".join(character for character in typed if character.isalnum()).upper()
    return letters.translate(str.maketrans("018", "OIB"))


def _keyed_hash(salt: str, password: str) -> str:
    key = hmac.digest(settings.ORDER_PASSWORD_KEY.encode(), b"imported passwords", hashlib.sha256)
    return hmac.digest(key, f"{salt}${password}".encode(), hashlib.sha256).hex()


def _is_own_argon2(stored: str) -> bool:
    return stored.startswith(OWN_ARGON2_PREFIX)


def _is_store_hash(stored: str) -> bool:
    return bool(stored) and not _is_own_argon2(stored) and not stored.startswith(f"{_KEYED_ALGORITHM}$")


def _matches_slow_hash(stored: str, typed: str) -> bool:
    return identify_hasher(stored).verify(typed, stored)


def _upgrade_hash(order: Order, typed: str) -> None:
    # Only if the hash is unchanged: an import may have set a new password meanwhile.
    Order.objects.filter(pk=order.pk, password_hash=order.password_hash).update(
        password_hash=_hasher.encode(typed, _hasher.salt())
    )
