"""A lookup by card that looks like guessing opens only with an emailed code on top."""

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
    code_address,
    enter_code,
    find_by_card,
    find_by_number,
    send_code_again,
)
from orders.lookup_codes import LIFETIME, TRIES, digits_of
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


def found_by_card():  # type: ignore[no-untyped-def]
    request = visit()
    assert find_by_card(request, "buyer@example.com", "4242").outcome == Outcome.FOUND
    return again(request)


def mailed_digits() -> str:
    return digits_of(LookupCode.objects.latest("pk"))


def wrong(digits: str) -> str:
    return f"{(int(digits) + 1) % 10**6:06}"


def fail(times: int) -> None:
    for index in range(times):
        find_by_card(visit(f"192.0.2.{index}"), "buyer@example.com", "0000")


def test_by_default_a_lookup_that_nobody_tampered_with_opens_at_once() -> None:
    order = make_order()
    assert not code_address(found_by_card(), order)
    assert not LookupCode.objects.exists()


def test_a_store_can_always_ask() -> None:
    order = order_in(ALWAYS)
    request = found_by_card()
    assert code_address(request, order) == "buyer@example.com"
    assert Message.objects.get(kind="lookup_code").recipient == "buyer@example.com"
    assert enter_code(request, order, mailed_digits()).outcome == Outcome.FOUND
    assert not code_address(again(request), order)


def test_failed_tries_on_the_address_make_it_suspicious() -> None:
    order = make_order()
    fail(SUSPICIOUS_FAILURES)
    assert code_address(found_by_card(), order)


def test_failed_passwords_on_the_order_make_it_suspicious() -> None:
    order = make_order()
    for _index in range(SUSPICIOUS_FAILURES):
        find_by_number(visit(), order.number, "guess")
    assert code_address(found_by_card(), order)


def test_one_mistyped_digit_does_not() -> None:
    order = make_order()
    fail(1)
    assert not code_address(found_by_card(), order)


def test_a_store_can_never_ask() -> None:
    order = order_in(NEVER)
    fail(SUSPICIOUS_FAILURES)
    assert not code_address(found_by_card(), order)


def test_the_password_needs_no_code_and_a_later_lookup_by_card_takes_nothing_away() -> None:
    order = order_in(ALWAYS)
    request = visit()
    find_by_number(request, order.number, portal_password(order) or "")
    request = again(request)
    assert not code_address(request, order)
    find_by_card(request, "buyer@example.com", "4242")
    assert not code_address(again(request), order)


def test_only_the_orders_of_the_store_that_asks_wait_for_the_code() -> None:
    asks, trusts = order_in(ALWAYS), order_in(NEVER)
    request = found_by_card()
    assert code_address(request, asks)
    assert not code_address(request, trusts)


@pytest.mark.parametrize(
    "retype", [lambda d: f" {d[:3]} {d[3:]} ", lambda d: d.translate({48 + i: 0xFF10 + i for i in range(10)})]
)
def test_the_code_is_taken_however_it_is_typed(retype) -> None:  # type: ignore[no-untyped-def]
    order = order_in(ALWAYS)
    assert enter_code(found_by_card(), order, retype(mailed_digits())).outcome == Outcome.FOUND


@pytest.mark.parametrize("typed", ["", "12345", "abcdef", "\x00", "🔢", "1" * 10_000])
def test_rubbish_is_refused(typed: str) -> None:
    order = order_in(ALWAYS)
    assert enter_code(found_by_card(), order, typed).outcome == Outcome.REFUSED


def test_after_five_wrong_codes_the_right_one_is_refused_and_a_fresh_one_works() -> None:
    order = order_in(ALWAYS)
    request = found_by_card()
    for _try in range(TRIES):
        assert enter_code(request, order, wrong(mailed_digits())).outcome == Outcome.REFUSED
    assert enter_code(request, order, mailed_digits()).outcome == Outcome.REFUSED
    assert send_code_again(request, order)
    assert enter_code(request, order, mailed_digits()).outcome == Outcome.FOUND


def test_a_code_lives_ten_minutes() -> None:
    order = order_in(ALWAYS)
    request = found_by_card()
    with time_machine.travel(timezone.now() + LIFETIME + timedelta(seconds=1)):
        assert enter_code(request, order, mailed_digits()).outcome == Outcome.REFUSED


def test_a_code_works_once() -> None:
    order = order_in(ALWAYS)
    request = found_by_card()
    digits = mailed_digits()
    enter_code(request, order, digits)
    other = found_by_card()
    other.session["code"] = {"id": LookupCode.objects.earliest("pk").pk, "address": "buyer@example.com"}
    assert enter_code(other, order, digits).outcome == Outcome.REFUSED


def test_somebody_elses_code_opens_nothing() -> None:
    order = order_in(ALWAYS)
    strangers_request = visit("198.51.100.1")
    make_order(store=order.store, store_email="stranger@example.com", card_last4="1111")
    find_by_card(strangers_request, "stranger@example.com", "1111")
    strangers_digits = mailed_digits()
    request = found_by_card()
    if mailed_digits() != strangers_digits:
        assert enter_code(request, order, strangers_digits).outcome == Outcome.REFUSED


def test_the_mailbox_is_not_flooded_with_codes() -> None:
    order_in(ALWAYS)
    for _visit in range(12):
        found_by_card()
    assert Message.objects.filter(kind="lookup_code").count() == 5


def test_the_digits_stand_in_no_row() -> None:
    order = order_in(ALWAYS)
    request = found_by_card()
    digits = mailed_digits()
    enter_code(request, order, digits)
    rows = [*Message.objects.values_list(), *LookupCode.objects.values_list(), *Attempt.objects.values_list()]
    assert not any(digits == str(value) for row in rows for value in row)
    assert Attempt.objects.filter(way="code", outcome="found").exists()


# --- The proof of work --------------------------------------------------------------------------------


def walk_the_site() -> None:
    for index in range(SITE_CARD_LIMIT.rate.short):
        find_by_card(visit(f"10.0.{index // 200}.{index % 200}"), f"person{index}@example.com", "4242")


def solve() -> str:
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


def test_while_the_site_is_being_enumerated_no_card_is_judged_without_work() -> None:
    make_order()
    walk_the_site()
    assert find_by_card(visit(), "buyer@example.com", "4242").outcome == Outcome.RATE_LIMITED


def test_with_work_the_owner_gets_in_and_then_needs_the_code() -> None:
    order = make_order()
    walk_the_site()
    request = visit()
    assert find_by_card(request, "buyer@example.com", "4242", work_done=True).outcome == Outcome.FOUND
    assert code_address(again(request), order)


def test_work_does_not_widen_the_limit_of_an_address() -> None:
    make_order()
    for index in range(6):
        find_by_card(visit(f"192.0.2.{index}"), "buyer@example.com", "0000", work_done=True)
    assert find_by_card(visit(), "buyer@example.com", "4242", work_done=True).outcome == Outcome.RATE_LIMITED


def test_a_solution_is_taken_once_however_it_is_written() -> None:
    solution = solve()
    field = ProofOfWorkField()
    field.clean(solution)
    rewritten = base64.b64encode(json.dumps(json.loads(base64.b64decode(solution)), indent=2).encode()).decode()
    for again_sent in (solution, rewritten):
        with pytest.raises(forms.ValidationError):
            field.clean(again_sent)


@pytest.mark.parametrize("payload", ["", "x", "e30=", "W10=", "bnVsbA==", "\x00", "A" * 10_000])
def test_what_is_no_solution_is_refused_with_a_sentence(payload: str) -> None:
    with pytest.raises(forms.ValidationError, match="again"):
        ProofOfWorkField().clean(payload)


def test_an_expired_solution_is_refused() -> None:
    solution = solve()
    with time_machine.travel(timezone.now() + timedelta(hours=1)), pytest.raises(forms.ValidationError):
        ProofOfWorkField().clean(solution)
