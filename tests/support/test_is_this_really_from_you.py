"""An email's code or a phone number: ours, and what the email was, or cannot confirm; never more than that."""

import pytest
from django.test import Client

from notifications.models import CODE_ALPHABET, Message
from orders.models import Order
from support.models import PhoneNumber
from support.views.genuine import ASK_RATE
from tests.factories import make_order
from tests.pages import marks, result, text

pytestmark = pytest.mark.django_db


def make_mail(order: Order | None = None, **fields: object) -> Message:
    order = order or make_order(number="TE-20426")
    told = {"kind": "order_confirmation", "object_id": order.pk, "order_id": order.pk, "recipient": order.email}
    return Message.objects.create(**told | {"status": Message.Status.SENT} | fields)


def ask(**typed: str):
    return Client().post("/genuine/", typed)


def test_a_code_of_ours_tells_kind_day_masked_address_and_the_end_of_the_order_number() -> None:
    mail = make_mail()
    answer = ask(code=mail.grouped_code)
    assert result(answer) == "ours"
    said = text(answer)
    assert "Order confirmation" in said
    assert "b…@e….com" in said
    assert "ends in 26" in said
    for secret in (mail.recipient, "TE-20426"):
        assert secret not in answer.content.decode()


@pytest.mark.parametrize(
    "change", [str.lower, lambda code: code.replace("-", " "), lambda code: code.replace("-", "–")]
)
def test_it_is_typed_in_many_ways(change) -> None:
    assert result(ask(code=change(make_mail().grouped_code))) == "ours"


def test_one_changed_character_cannot_be_confirmed() -> None:
    mail = make_mail()
    for position in range(0, len(mail.code), 3):
        other = next(letter for letter in CODE_ALPHABET if letter != mail.code[position])
        changed = mail.code[:position] + other + mail.code[position + 1 :]
        assert result(ask(code=changed)) == "cannot-confirm"


@pytest.mark.parametrize("status", ["waiting", "failed", "cancelled"])
def test_a_mail_that_never_left_is_not_confirmed(status: str) -> None:
    assert result(ask(code=make_mail(status=status).code)) == "cannot-confirm"


@pytest.mark.parametrize(
    "typed",
    ["+353-61-230-424", "0035361230424", "353 61 230 424", "0221/8282-9110", "(0221) 82829110"],
)
def test_a_number_of_ours_is_confirmed_with_a_warning(typed: str) -> None:
    PhoneNumber.objects.create(number="0221-8282-9110", international_number="+353-61-230-424", countries=["DE"])
    answer = ask(phone=typed)
    assert result(answer) == "ours"
    assert "callers can make a phone show any number" in text(answer)


@pytest.mark.parametrize("typed", ["+1 221 8282 9110", "0221-8282-9111", "82829110", "1", "call me"])
def test_a_number_that_only_ends_alike_is_not_ours(typed: str) -> None:
    PhoneNumber.objects.create(number="0221-8282-9110", international_number="+353-61-230-424", countries=["DE"])
    assert result(ask(phone=typed)) == "cannot-confirm"


def test_where_both_are_asked_both_must_be_ours() -> None:
    PhoneNumber.objects.create(number="0221-8282-9110", countries=["DE"])
    code = make_mail().code
    assert result(ask(code=code, phone="0221-8282-9110")) == "ours"
    assert result(ask(code=code, phone="0221-8282-9111")) == "cannot-confirm"


@pytest.mark.parametrize("typed", ["A" * 10_000, "4111 1111 1111 1111", "", "\x00\x00"])
def test_bad_input_gets_a_sentence(typed: str) -> None:
    answer = ask(code=typed)
    assert answer.status_code == 422
    assert marks(answer, "data-result") == ["invalid"]
    assert "4111 1111" not in answer.content.decode()


def test_what_is_not_ours_gets_one_and_the_same_page() -> None:
    waiting = make_mail(status="waiting")
    known, unknown = ask(code=waiting.code), ask(code="ABCDEFGHJKLM")
    assert text(known).replace(waiting.code, "") == text(unknown).replace("ABCDEFGHJKLM", "")


def test_codes_cannot_be_enumerated() -> None:
    mail = make_mail()
    answers = [result(ask(code="ABCDEFGHJKLM")) for _try in range(ASK_RATE.short)]
    assert set(answers) == {"cannot-confirm"}
    blocked = ask(code=mail.code)
    assert blocked.status_code == 429
    assert result(blocked) == "too-many"
    assert "Order confirmation" not in text(blocked)


def test_the_end_of_each_mail_leads_here() -> None:
    page = Client().get("/genuine/")
    assert page.status_code == 200
    assert 'name="code"' in page.content.decode()
