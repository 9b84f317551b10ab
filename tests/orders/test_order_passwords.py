"""Order passwords made by the portal are not stored; imported ones are stored as hashes."""

import re
from unittest import mock

import pytest
from django.contrib.auth.hashers import make_password
from pytest_django.fixtures import Settings

from notifications.codes import encode_code
from orders import passwords
from orders.models import Order
from orders.passwords import OWN_ARGON2_PREFIX, hash_imported_password, matching_orders, portal_password
from tests.factories import make_order

pytestmark = pytest.mark.django_db


def opens(order: Order, typed: str) -> bool:
    return bool(matching_orders([Order.objects.get(pk=order.pk)], typed))


def test_a_portal_made_password_opens_its_order_and_no_other() -> None:
    order, other = make_order(), make_order()
    password = portal_password(order)
    assert password
    assert opens(order, password)
    assert not opens(other, password)
    assert order.password_hash == ""


def test_a_portal_made_password_has_60_bits_in_three_groups_and_is_stable() -> None:
    order = make_order()
    password = portal_password(order)
    assert password == portal_password(Order.objects.get(pk=order.pk))
    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){2}[0-9A-HJKMNP-TV-Z]{4}", password or "")


def test_every_bit_of_the_hash_counts() -> None:
    ones = encode_code(bytes([255] * 8))
    assert ones == "Z" * 12
    for bit in range(60):
        changed = (2**64 - 1) ^ (1 << (63 - bit))
        assert encode_code(changed.to_bytes(8)) != ones


@pytest.mark.parametrize(
    "retype",
    [
        str.lower,
        lambda text: text.replace("-", ""),
        lambda text: f" {text.replace('-', ' ')} ",
        lambda text: text.replace("-", "–"),
        lambda text: text.replace("-", "\n"),
        lambda text: text.replace("0", "O").replace("1", "I"),
        lambda text: text.replace("0", "o").replace("1", "l"),
        lambda text: text.replace("V", "U"),
        lambda text: text.translate({ord("0") + digit: ord("０") + digit for digit in range(10)}),
    ],
)
def test_a_portal_made_password_is_accepted_in_any_notation(retype) -> None:
    for _order in range(8):  # so that their passwords contain every look-alike
        order = make_order()
        assert opens(order, retype(portal_password(order) or ""))


def test_another_generation_has_another_password() -> None:
    order = make_order()
    before = portal_password(order) or ""
    Order.objects.update(password_generation=1)
    assert not opens(order, before)


def test_an_imported_password_is_stored_as_keyed_hash_and_after_first_use_as_argon2() -> None:
    order = make_order(password_hash=hash_imported_password("correct horse"))
    assert "correct" not in order.password_hash
    assert portal_password(order) is None
    assert not opens(order, "correct hors")
    assert opens(order, "correct horse")
    order.refresh_from_db()
    assert order.password_hash.startswith(OWN_ARGON2_PREFIX)
    assert opens(order, "correct horse")
    assert not opens(order, "Correct horse")


@pytest.mark.parametrize("algorithm", ["pbkdf2_sha256", "argon2", "scrypt"])
def test_an_imported_hash_is_accepted_and_upgraded(algorithm: str) -> None:
    brought = make_password("correct horse", hasher=algorithm)
    order = make_order(password_hash=hash_imported_password(brought))
    assert order.password_hash == brought
    assert not opens(order, "wrong")
    assert opens(order, "correct horse")
    order.refresh_from_db()
    assert order.password_hash.startswith(OWN_ARGON2_PREFIX)
    assert opens(order, "correct horse")


@pytest.mark.parametrize("text", ["", "keyed$", "pbkdf2_sha256$x", "argon2$", "md5$a$b", "$", "\x00", "🔑" * 300])
def test_text_that_only_resembles_a_hash_is_a_plain_password(text: str) -> None:
    order = make_order(password_hash=hash_imported_password(text))
    assert order.password_hash.startswith("keyed$")
    assert not opens(order, "something else")


@pytest.mark.parametrize("typed", ["", "\x00", "é", "x" * 100_000, "🔑", "keyed$a$b"])
def test_other_input_does_not_match(typed: str) -> None:
    for stored in ("", hash_imported_password("secret"), make_password("secret", hasher="argon2")):
        assert not opens(make_order(password_hash=stored), typed)


def test_every_attempt_runs_argon2_once_with_or_without_an_order() -> None:
    portal_made, keyed = make_order(), make_order(password_hash=hash_imported_password("secret"))
    own = make_order(password_hash=hash_imported_password("secret"))
    assert opens(own, "secret")  # now under Argon2
    own.refresh_from_db()
    for orders in ([], [portal_made], [keyed], [own]):
        with mock.patch.object(passwords, "_matches_slow_hash", wraps=passwords._matches_slow_hash) as run:
            matching_orders(orders, "wrong")
        assert run.call_count == 1


def test_every_attempt_also_runs_one_imported_slow_hash_if_there_are_any() -> None:
    make_order(password_hash=make_password("secret", hasher="pbkdf2_sha256"))
    with mock.patch.object(passwords, "_matches_slow_hash", wraps=passwords._matches_slow_hash) as run:
        matching_orders([], "wrong")
    assert run.call_count == 2


def test_as_many_keyed_hashes_are_made_for_an_unknown_order_as_for_a_known_one(settings: Settings) -> None:
    settings.ORDER_PASSWORD_KEY_FALLBACKS = ["earlier-" * 6, "first-" * 9]
    counts = set()
    for orders in ([], [make_order()]):
        with mock.patch.object(passwords, "_derived_password", wraps=passwords._derived_password) as derive:
            matching_orders(orders, "wrong")
        counts.add(derive.call_count)
    assert counts == {3}
