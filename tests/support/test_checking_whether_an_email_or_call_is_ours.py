import pytest
from django.test import Client

from notifications.codes import CODE_ALPHABET
from notifications.models import Message
from orders.models import Order
from support.models import PhoneNumber
from support.views.genuine import CLIENT_RATE
from tests.factories import make_order
from tests.pages import marks, result, text

pytestmark = pytest.mark.django_db


def make_sent_message(order: Order | None = None, **fields: object) -> Message:
    order = order or make_order(number="TE-20426")
    defaults = {"kind": "order_confirmation", "object_id": order.pk, "order_id": order.pk, "recipient": order.email}
    return Message.objects.create(**defaults | {"status": Message.Status.SENT} | fields)


def check(**fields: str):
    return Client().post("/genuine/", fields)


def test_a_valid_code_shows_kind_day_masked_address_and_order_number_ending() -> None:
    message = make_sent_message()
    answer = check(code=message.grouped_code)
    assert result(answer) == "ours"
    content = text(answer)
    assert "Order confirmation" in content
    assert "b…@e….com" in content
    assert "ends in 26" in content
    for secret in (message.recipient, "TE-20426"):
        assert secret not in answer.content.decode()


@pytest.mark.parametrize(
    "change", [str.lower, lambda code: code.replace("-", " "), lambda code: code.replace("-", "–")]
)
def test_a_code_is_accepted_in_any_notation(change) -> None:
    assert result(check(code=change(make_sent_message().grouped_code))) == "ours"


def test_a_code_with_one_changed_character_is_not_confirmed() -> None:
    message = make_sent_message()
    for position in range(0, len(message.code), 3):
        other = next(letter for letter in CODE_ALPHABET if letter != message.code[position])
        changed = message.code[:position] + other + message.code[position + 1 :]
        assert result(check(code=changed)) == "cannot-confirm"


@pytest.mark.parametrize("status", ["waiting", "failed", "cancelled"])
def test_an_email_that_was_not_sent_is_not_confirmed(status: str) -> None:
    assert result(check(code=make_sent_message(status=status).code)) == "cannot-confirm"


@pytest.mark.parametrize(
    "typed",
    ["+353-61-230-424", "0035361230424", "353 61 230 424", "0221/8282-9110", "(0221) 82829110"],
)
def test_our_phone_number_is_never_shown_as_safe(typed: str) -> None:
    PhoneNumber.objects.create(number="0221-8282-9110", international_number="+353-61-230-424", countries=["DE"])
    answer = check(phone=typed)
    assert result(answer) == "our-number"
    assert "one of our numbers, but callers can fake it" in text(answer)
    assert "call 0221-8282-9110 yourself" in text(answer)
    assert "notice-warn" in answer.content.decode()
    assert "notice-good" not in answer.content.decode()


@pytest.mark.parametrize("typed", ["+1 221 8282 9110", "0221-8282-9111", "82829110", "1", "call me"])
def test_a_phone_number_with_the_same_ending_is_not_confirmed(typed: str) -> None:
    PhoneNumber.objects.create(number="0221-8282-9110", international_number="+353-61-230-424", countries=["DE"])
    assert result(check(phone=typed)) == "cannot-confirm"


def test_code_and_phone_number_together_must_both_be_ours() -> None:
    PhoneNumber.objects.create(number="0221-8282-9110", countries=["DE"])
    code = make_sent_message().code
    assert marks(check(code=code, phone="0221-8282-9110"), "data-result") == ["ours", "our-number"]
    assert result(check(code=code, phone="0221-8282-9111")) == "cannot-confirm"


@pytest.mark.parametrize("typed", ["A" * 10_000, "4111 1111 1111 1111", "", "\x00\x00"])
def test_invalid_input_is_refused(typed: str) -> None:
    answer = check(code=typed)
    assert answer.status_code == 422
    assert marks(answer, "data-result") == ["invalid"]
    assert "4111 1111" not in answer.content.decode()


def test_a_form_sent_empty_says_what_is_missing_in_the_summary_and_at_the_field() -> None:
    page = check(code="").content.decode()
    assert 'href="#id_genuine_code"' in page
    assert page.count("Enter the code from the email") == 2
    assert 'class="alert' not in page
    assert marks(check(code=""), "aria-invalid") == ["true"]


def test_unsent_and_unknown_codes_get_the_same_page() -> None:
    waiting = make_sent_message(status="waiting")
    known, unknown = check(code=waiting.code), check(code="ABCDEFGHJKLM")
    assert text(known).replace(waiting.code, "") == text(unknown).replace("ABCDEFGHJKLM", "")


def test_codes_cannot_be_enumerated() -> None:
    message = make_sent_message()
    answers = [result(check(code="ABCDEFGHJKLM")) for _try in range(CLIENT_RATE.short)]
    assert set(answers) == {"cannot-confirm"}
    blocked = check(code=message.code)
    assert blocked.status_code == 429
    assert result(blocked) == "too-many"
    assert "Order confirmation" not in text(blocked)


def test_the_page_opens_with_a_field_for_the_code() -> None:
    page = Client().get("/genuine/")
    assert page.status_code == 200
    assert 'name="code"' in page.content.decode()
