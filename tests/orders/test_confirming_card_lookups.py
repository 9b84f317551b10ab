"""A suspicious lookup by card requires an emailed code, and a proof of work while addresses are enumerated."""

import base64
import json
from datetime import timedelta

import altcha
import pytest
import time_machine
from django import forms
from django.utils import timezone
from django_altcha import get_altcha_challenge

from notifications.models import Message
from orders.access import (
    SITE_CARD_LIMIT,
    SUSPICIOUS_FAILURES,
    Outcome,
    enter_code,
    find_by_card,
    find_by_number,
    pending_code_address,
    resend_code,
)
from orders.lookup_codes import LIFETIME, MAX_TRIES, code_digits
from orders.models import Attempt, LookupCode, Order, Store
from orders.passwords import portal_password
from orders.proof_of_work import ProofOfWorkField
from tests.factories import make_order, make_store
from tests.visitors import again, visit

pytestmark = pytest.mark.django_db

ALWAYS = Store.ConfirmCardLookup.ALWAYS
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
    assert not pending_code_address(find_order_by_card(), order)
    assert not LookupCode.objects.exists()


def test_a_store_can_always_require_a_code() -> None:
    order = order_in(ALWAYS)
    request = find_order_by_card()
    assert pending_code_address(request, order) == "buyer@example.com"
    assert Message.objects.get(kind="lookup_code").recipient == "buyer@example.com"
    assert enter_code(request, order, emailed_digits()).outcome == Outcome.FOUND
    assert not pending_code_address(again(request), order)


def test_failed_attempts_on_the_address_require_a_code() -> None:
    order = make_order()
    fail(SUSPICIOUS_FAILURES)
    assert pending_code_address(find_order_by_card(), order)


def test_failed_passwords_on_the_order_require_a_code() -> None:
    order = make_order()
    for _index in range(SUSPICIOUS_FAILURES):
        find_by_number(visit(), order.number, "guess")
    assert pending_code_address(find_order_by_card(), order)


def test_one_failed_attempt_requires_no_code() -> None:
    order = make_order()
    fail(1)
    assert not pending_code_address(find_order_by_card(), order)


def test_a_store_can_never_require_a_code() -> None:
    order = order_in(NEVER)
    fail(SUSPICIOUS_FAILURES)
    assert not pending_code_address(find_order_by_card(), order)


def test_a_lookup_by_card_does_not_restrict_an_order_that_the_password_opened() -> None:
    order = order_in(ALWAYS)
    request = visit()
    find_by_number(request, order.number, portal_password(order) or "")
    request = again(request)
    assert not pending_code_address(request, order)
    find_by_card(request, "buyer@example.com", "4242")
    assert not pending_code_address(again(request), order)


def test_only_orders_of_the_store_that_requires_a_code_are_restricted() -> None:
    asks, trusts = order_in(ALWAYS), order_in(NEVER)
    request = find_order_by_card()
    assert pending_code_address(request, asks)
    assert not pending_code_address(request, trusts)


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
    assert resend_code(request, order)
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
    other.session["code"] = {"id": LookupCode.objects.earliest("pk").pk, "address": "buyer@example.com"}
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


# --- The proof of work --------------------------------------------------------------------------------


def enumerate_addresses() -> None:
    for index in range(SITE_CARD_LIMIT.rate.short):
        find_by_card(visit(f"10.0.{index // 200}.{index % 200}"), f"person{index}@example.com", "4242")


def solve_challenge() -> str:
    challenge = get_altcha_challenge(max_number=1000)
    solution = altcha.solve_challenge(challenge.challenge, challenge.salt, "SHA-256", 1000)
    assert solution is not None
    payload = {
        "algorithm": challenge.algorithm,
        "challenge": challenge.challenge,
        "number": solution.number,
        "salt": challenge.salt,
        "signature": challenge.signature,
    }
    return base64.b64encode(json.dumps(payload).encode()).decode()


def test_under_enumeration_no_card_is_evaluated_without_proof_of_work() -> None:
    make_order()
    enumerate_addresses()
    assert find_by_card(visit(), "buyer@example.com", "4242").outcome == Outcome.RATE_LIMITED


def test_under_enumeration_the_owner_needs_proof_of_work_and_a_code() -> None:
    order = make_order()
    enumerate_addresses()
    request = visit()
    assert find_by_card(request, "buyer@example.com", "4242", work_done=True).outcome == Outcome.FOUND
    assert pending_code_address(again(request), order)


def test_proof_of_work_does_not_raise_the_limit_of_an_address() -> None:
    make_order()
    for index in range(6):
        find_by_card(visit(f"192.0.2.{index}"), "buyer@example.com", "0000", work_done=True)
    assert find_by_card(visit(), "buyer@example.com", "4242", work_done=True).outcome == Outcome.RATE_LIMITED


def test_a_solution_is_accepted_once_in_any_encoding() -> None:
    solution = solve_challenge()
    field = ProofOfWorkField()
    field.clean(solution)
    rewritten = base64.b64encode(json.dumps(json.loads(base64.b64decode(solution)), indent=2).encode()).decode()
    for again_sent in (solution, rewritten):
        with pytest.raises(forms.ValidationError):
            field.clean(again_sent)


@pytest.mark.parametrize("payload", ["", "x", "e30=", "W10=", "bnVsbA==", "\x00", "A" * 10_000])
def test_an_invalid_solution_is_refused_with_a_message(payload: str) -> None:
    with pytest.raises(forms.ValidationError, match="again"):
        ProofOfWorkField().clean(payload)


def test_an_expired_solution_is_refused() -> None:
    solution = solve_challenge()
    with time_machine.travel(timezone.now() + timedelta(hours=1)), pytest.raises(forms.ValidationError):
        ProofOfWorkField().clean(solution)
