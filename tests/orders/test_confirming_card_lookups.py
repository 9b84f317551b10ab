"""A suspicious lookup by card requires an emailed code, if the store requires that, and only for suspicious lookups."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django.fixtures import Settings

from notifications.models import Message
from orders.access import (
    SUSPICIOUS_FAILURES,
    Outcome,
    enter_code,
    find_by_card,
    find_by_number,
    needs_code,
    send_code,
    under_enumeration,
)
from orders.lookup_codes import LIFETIME, MAX_TRIES, code_digits
from orders.models import Attempt, LookupCode, Order, Store
from orders.passwords import portal_password
from tests.factories import make_order, make_store
from tests.visitors import again, visit

pytestmark = pytest.mark.django_db

ALWAYS = Store.ConfirmCardLookup.ALWAYS
WHEN_SUSPICIOUS = Store.ConfirmCardLookup.WHEN_SUSPICIOUS
NEVER = Store.ConfirmCardLookup.NEVER


def order_in(policy: str) -> Order:
    return make_order(store=make_store(confirm_card_lookup=policy))


def find_order_by_card():
    request = visit()
    assert find_by_card(request, "buyer@example.com", "4242").outcome == Outcome.FOUND
    return again(request)


def emailed_digits() -> str:
    return code_digits(LookupCode.objects.latest("pk"))


def wrong_code(digits: str) -> str:
    return f"{(int(digits) + 1) % 10**6:06}"


def fail(times: int) -> None:
    for index in range(times):
        find_by_card(visit(f"192.0.2.{index}"), "buyer@example.com", "0000")


def test_by_default_an_unsuspicious_lookup_needs_no_code() -> None:
    order = make_order()
    assert not needs_code(find_order_by_card(), order)
    assert not LookupCode.objects.exists()


def test_a_store_can_always_require_a_code() -> None:
    order = order_in(ALWAYS)
    request = find_order_by_card()
    assert needs_code(request, order)
    assert Message.objects.get(kind="lookup_code").recipient == "buyer@example.com"
    assert enter_code(request, order, emailed_digits()).outcome == Outcome.FOUND
    assert not needs_code(again(request), order)


def test_failed_attempts_on_the_address_require_a_code() -> None:
    order = make_order()
    fail(SUSPICIOUS_FAILURES)
    assert needs_code(find_order_by_card(), order)


def test_failed_passwords_on_the_order_require_a_code() -> None:
    order = make_order()
    for _index in range(SUSPICIOUS_FAILURES):
        find_by_number(visit(), order.number, "guess")
    assert needs_code(find_order_by_card(), order)


def test_one_failed_attempt_requires_no_code() -> None:
    order = make_order()
    fail(1)
    assert not needs_code(find_order_by_card(), order)


def test_a_store_can_never_require_a_code() -> None:
    order = order_in(NEVER)
    fail(SUSPICIOUS_FAILURES)
    assert not needs_code(find_order_by_card(), order)


@pytest.mark.parametrize("policy", [WHEN_SUSPICIOUS, NEVER])
def test_attempts_on_the_whole_site_require_no_code(policy: str, settings: Settings) -> None:
    settings.SITE_FAILED_CARDS_PER_DAY = 1
    order = order_in(policy)
    for index in range(SUSPICIOUS_FAILURES + 1):
        find_by_card(visit(), f"person{index}@example.com", "4242", work_done=True)
    assert under_enumeration()
    request = visit()
    assert find_by_card(request, "buyer@example.com", "4242", work_done=True).outcome == Outcome.FOUND
    assert not needs_code(again(request), order)


def test_a_lookup_by_card_does_not_restrict_an_order_that_the_password_opened() -> None:
    order = order_in(ALWAYS)
    request = visit()
    find_by_number(request, order.number, portal_password(order) or "")
    request = again(request)
    assert not needs_code(request, order)
    find_by_card(request, "buyer@example.com", "4242")
    assert not needs_code(again(request), order)


def test_only_orders_of_the_store_that_requires_a_code_are_restricted() -> None:
    asks, trusts = order_in(ALWAYS), order_in(NEVER)
    request = find_order_by_card()
    assert needs_code(request, asks)
    assert not needs_code(request, trusts)


@pytest.mark.parametrize(
    "retype", [lambda d: f" {d[:3]} {d[3:]} ", lambda d: d.translate({48 + i: 0xFF10 + i for i in range(10)})]
)
def test_a_code_with_spaces_or_full_width_digits_is_accepted(retype) -> None:
    order = order_in(ALWAYS)
    assert enter_code(find_order_by_card(), order, retype(emailed_digits())).outcome == Outcome.FOUND


@pytest.mark.parametrize("typed", ["", "12345", "abcdef", "\x00", "🔢", "1" * 10_000])
def test_an_invalid_code_is_refused(typed: str) -> None:
    order = order_in(ALWAYS)
    assert enter_code(find_order_by_card(), order, typed).outcome == Outcome.REFUSED


def test_after_five_wrong_codes_only_a_new_code_is_accepted() -> None:
    order = order_in(ALWAYS)
    request = find_order_by_card()
    for _try in range(MAX_TRIES):
        assert enter_code(request, order, wrong_code(emailed_digits())).outcome == Outcome.REFUSED
    assert enter_code(request, order, emailed_digits()).outcome == Outcome.REFUSED
    assert send_code(request, order).outcome == Outcome.FOUND
    assert enter_code(request, order, emailed_digits()).outcome == Outcome.FOUND


def test_a_code_expires_after_ten_minutes() -> None:
    order = order_in(ALWAYS)
    request = find_order_by_card()
    with time_machine.travel(timezone.now() + LIFETIME + timedelta(seconds=1)):
        assert enter_code(request, order, emailed_digits()).outcome == Outcome.REFUSED


def test_a_code_works_once() -> None:
    order = order_in(ALWAYS)
    request = find_order_by_card()
    digits = emailed_digits()
    enter_code(request, order, digits)
    other = find_order_by_card()
    other.session["code"] = {"id": LookupCode.objects.earliest("pk").pk, "email_key": order.email_key}
    assert enter_code(other, order, digits).outcome == Outcome.REFUSED


def test_a_code_for_another_address_is_refused() -> None:
    order = order_in(ALWAYS)
    strangers_request = visit("198.51.100.1")
    make_order(store=order.store, store_email="stranger@example.com", card_last4="1111")
    find_by_card(strangers_request, "stranger@example.com", "1111")
    strangers_digits = emailed_digits()
    request = find_order_by_card()
    if emailed_digits() != strangers_digits:
        assert enter_code(request, order, strangers_digits).outcome == Outcome.REFUSED


def test_the_number_of_codes_per_address_is_limited() -> None:
    order_in(ALWAYS)
    for _visit in range(12):
        find_order_by_card()
    assert Message.objects.filter(kind="lookup_code").count() == 5


def test_the_digits_of_a_code_are_not_stored() -> None:
    order = order_in(ALWAYS)
    request = find_order_by_card()
    digits = emailed_digits()
    enter_code(request, order, digits)
    rows = [*Message.objects.values_list(), *LookupCode.objects.values_list(), *Attempt.objects.values_list()]
    assert not any(digits == str(value) for row in rows for value in row)
    assert Attempt.objects.filter(method="code", outcome="found").exists()
