"""Order passwords: made by the portal, or imported from a store.

`Order.password_hash` contains one of these:
- an empty string: the portal derives the password from the order by HMAC, and does not store it;
- `keyed$FINGERPRINT$SALT$…`: a fast keyed hash of a plain password from a store, because an import of a million rows
  must not take hours; it is replaced by an Argon2 hash when the password is used for the first time;
- a hash in Django's format: such an Argon2 hash, or one that a store sent.

The first two need ORDER_PASSWORD_KEY. While an earlier key is in ORDER_PASSWORD_KEY_FALLBACKS, the passwords that it
made open their orders, too; new ones are made with ORDER_PASSWORD_KEY only.
"""

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Sequence
from functools import cache

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher, identify_hasher

from notifications.codes import encode_code, grouped, read_code
from orders.models import KEYED_HASH_PREFIX, OWN_ARGON2_PREFIX, Order

MAX_TYPED_LENGTH = 256  # characters; longer input would only load the hasher
FINGERPRINT_LENGTH = 16  # hexadecimal digits


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
_NO_ORDER = Order(public_id=uuid.UUID(int=0))  # compared with where no order was found


@cache
def key_fingerprint(key: str) -> str:
    """Return a name for a key by which it can be told from others, and which does not reveal it."""
    return hmac.digest(key.encode(), b"fingerprint of the key", hashlib.sha256).hex()[:FINGERPRINT_LENGTH]


def portal_password(order: Order) -> str | None:
    """Return the password that the portal made for this order, with the current key; None if the store set one."""
    if order.password_hash:
        return None
    return grouped(_derived_password(order, settings.ORDER_PASSWORD_KEY))


def replace_password(order: Order) -> None:
    """Give the order a new password that the portal makes, without saving it. No import sets another one later."""
    order.password_hash = ""
    order.password_generation += 1


def hash_imported_password(password: str) -> str:
    """Return what to store of a password that a store sent: its Django hash, or a keyed hash of the plain text."""
    if is_django_hash(password):
        return password
    key, salt = settings.ORDER_PASSWORD_KEY, secrets.token_hex(8)
    return f"{keyed_hash_prefix(key)}{salt}${_keyed_hash(key, salt, password)}"


def keyed_hash_prefix(key: str) -> str:
    """Return what the keyed hashes of imported passwords begin with that were made with this key."""
    return f"{KEYED_HASH_PREFIX}{key_fingerprint(key)}$"


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
    at least one run of such a hash, even without orders. Every order is compared with a password of every key.
    """
    typed = typed[:MAX_TYPED_LENGTH]
    matching = [order for order in orders or [_NO_ORDER] if _matches_fast_hash(order, typed) and order is not _NO_ORDER]
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
    matches = [_matches_with_key(order, typed, key) for key in _keys()]  # with all keys, whichever matches
    return any(matches)


def _keys() -> list[str]:
    """Return the current key and, after it, the earlier ones that still count."""
    return [settings.ORDER_PASSWORD_KEY, *settings.ORDER_PASSWORD_KEY_FALLBACKS]


def _matches_with_key(order: Order, typed: str, key: str) -> bool:
    stored = order.password_hash
    if not stored:
        return hmac.compare_digest(_derived_password(order, key).encode(), read_code(typed).encode())
    if stored.startswith(keyed_hash_prefix(key)):
        _algorithm, _fingerprint, salt, digest = stored.split("$")
        return hmac.compare_digest(digest, _keyed_hash(key, salt, typed))
    return False


def _derived_password(order: Order, key: str) -> str:
    """Return the password that this key makes for the order: HMAC of order and generation, cut to 60 bits."""
    material = f"{order.public_id}:{order.password_generation}".encode()
    return encode_code(hmac.digest(key.encode(), material, hashlib.sha256))


def _keyed_hash(key: str, salt: str, password: str) -> str:
    derived = hmac.digest(key.encode(), b"imported passwords", hashlib.sha256)
    return hmac.digest(derived, f"{salt}${password}".encode(), hashlib.sha256).hex()


def _is_own_argon2(stored: str) -> bool:
    return stored.startswith(OWN_ARGON2_PREFIX)


def _is_store_hash(stored: str) -> bool:
    return bool(stored) and not _is_own_argon2(stored) and not stored.startswith(KEYED_HASH_PREFIX)


def _matches_slow_hash(stored: str, typed: str) -> bool:
    return identify_hasher(stored).verify(typed, stored)


def _upgrade_hash(order: Order, typed: str) -> None:
    # Only if the hash is unchanged: an import may have set a new password meanwhile.
    Order.objects.filter(pk=order.pk, password_hash=order.password_hash).update(
        password_hash=_hasher.encode(typed, _hasher.salt())
    )
