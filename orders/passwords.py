"""Order passwords: made by the portal, or brought by a store.

What stands in `Order.password_hash`:
- nothing: the portal makes the password, by HMAC of the order, and it is stored nowhere;
- `keyed$…`: a store's plain password under a fast keyed hash, because an import of a million rows
  must not take hours; re-hashed with Argon2 at first use;
- a Django password hash: that, or one that a store brought.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher, identify_hasher

from orders.models import OWN_ARGON2_PREFIX, Order

PORTAL_PASSWORD_BYTES = 15  # 120 bits, 24 letters
MAX_TYPED_LENGTH = 256  # characters; more is no password but a load on the hasher
_KEYED = "keyed"


class OrderPasswordHasher(Argon2PasswordHasher):
    """Argon2id as OWASP's password storage cheat sheet asks at least: 19 MiB, 2 rounds, 1 lane.

    Django's own costs take 100 MiB for each try, and tries come from strangers.
    """

    memory_cost = 19 * 1024  # KiB
    time_cost = 2
    parallelism = 1


_hasher = OrderPasswordHasher()
_dummy = _hasher.encode("no order has this password", _hasher.salt())
if not _dummy.startswith(OWN_ARGON2_PREFIX):
    raise RuntimeError("OWN_ARGON2_PREFIX no longer names the hashes that this module makes.")


def portal_password(order: Order) -> str | None:
    """The password that the portal makes for this order; None where the store gave its own."""
    if order.password_hash:
        return None
    material = f"{order.public_id}:{order.password_generation}".encode()
    digest = hmac.digest(settings.ORDER_PASSWORD_KEY.encode(), material, hashlib.sha256)
    letters = base64.b32encode(digest[:PORTAL_PASSWORD_BYTES]).decode()
    return "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))


def store_imported(password: str) -> str:
    """What to keep of a password that a store sent: its Django hash, or a keyed hash of the plain text."""
    if is_django_hash(password):
        return password
    salt = secrets.token_hex(8)
    return f"{_KEYED}${salt}${_keyed_hash(salt, password)}"


def is_django_hash(text: str) -> bool:
    """Whether this is a password hash in Django's format, of an algorithm that this site knows."""
    try:
        identify_hasher(text).decode(text)
    except (ValueError, AssertionError, IndexError, TypeError):
        return False
    return True


def with_password(orders: Sequence[Order], typed: str) -> list[Order]:
    """Those of the orders that this password opens.

    Costs one Argon2 run, and one of a hash that a store brought where there are any, whether there
    are orders or not: how long it takes tells nothing.
    """
    typed = typed[:MAX_TYPED_LENGTH]
    opened = [order for order in orders if _fits_fast(order, typed)]
    for kind_of_hash, stand_in in ((_is_own_argon2, _dummy), (_is_foreign, Order.objects.any_foreign_password_hash())):
        slow = [order for order in orders if kind_of_hash(order.password_hash)]
        opened += [order for order in slow if _fits_slow(order.password_hash, typed)]
        if not slow and stand_in:
            _fits_slow(stand_in, typed)
    for order in opened:
        if order.password_hash and not _is_own_argon2(order.password_hash):
            _keep_as_argon2(order, typed)
    return opened


def _fits_fast(order: Order, typed: str) -> bool:
    stored = order.password_hash
    if not stored:
        return hmac.compare_digest(_portal_form(portal_password(order) or "").encode(), _portal_form(typed).encode())
    if stored.startswith(f"{_KEYED}$"):
        _name, salt, digest = stored.split("$")
        return hmac.compare_digest(digest, _keyed_hash(salt, typed))
    return False


def _portal_form(typed: str) -> str:
    """Portal-made passwords forgive case, spaces, dashes, and digits typed for the letters they look like."""
    letters = "".join(character for character in typed if character.isalnum()).upper()
    return letters.translate(str.maketrans("018", "OIB"))


def _keyed_hash(salt: str, password: str) -> str:
    key = hmac.digest(settings.ORDER_PASSWORD_KEY.encode(), b"imported passwords", hashlib.sha256)
    return hmac.digest(key, f"{salt}${password}".encode(), hashlib.sha256).hex()


def _is_own_argon2(stored: str) -> bool:
    return stored.startswith(OWN_ARGON2_PREFIX)


def _is_foreign(stored: str) -> bool:
    return bool(stored) and not _is_own_argon2(stored) and not stored.startswith(f"{_KEYED}$")


def _fits_slow(stored: str, typed: str) -> bool:
    return identify_hasher(stored).verify(typed, stored)


def _keep_as_argon2(order: Order, typed: str) -> None:
    # Only if nobody changed it meanwhile: an import may have brought a new one.
    Order.objects.filter(pk=order.pk, password_hash=order.password_hash).update(
        password_hash=_hasher.encode(typed, _hasher.salt())
    )
