"""What no return is accepted for, and the sentence that says why."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from notifications.models import Message
from orders.models import Order, OrderLine, Refund
from refunds.models import Return, ReturnReason, SwapOffer
from refunds.services import swaps
from refunds.services.returns import Wanted, request_return
from tests.factories import make_license, make_line, make_order, make_product, make_reason, make_store
from tests.pages import inside, marks, result, text

pytestmark = pytest.mark.django_db

Form = dict[str, Any]
Refused = Callable[..., HttpResponse]


@pytest.fixture
def order() -> Order:
    return make_order(placed_at=timezone.now(), total=Decimal("239.85"))


@pytest.fixture
def line(order: Order) -> OrderLine:
    return make_line(order)


@pytest.fixture
def reason() -> ReturnReason:
    return make_reason()


def page_of(order: Order) -> str:
    return f"/orders/{order.public_id}/return/"


def form(line: OrderLine, reason: ReturnReason, quantity: Any = 1, **fields: Any) -> Form:
    return {f"line-{line.pk}-quantity": quantity, "reason": reason.pk, "comment": "", "confirm": "1"} | fields


@pytest.fixture
def refused(order: Order) -> Refused:
    """Sends a form that must not be accepted; gives the page that says so."""

    def sent(data: Form) -> HttpResponse:
        before = Return.objects.count()
        answer = inside(order).post(page_of(order), data)
        assert Return.objects.count() == before
        assert marks(answer, "data-step") == []
        return answer

    return sent


def test_a_stranger_gets_the_answer_of_an_order_that_is_none(line: OrderLine, reason: ReturnReason) -> None:
    none = "11111111-1111-4111-8111-111111111111"
    for browser in (Client(), inside(make_order(store_email="stranger@example.com"))):
        for method in ("get", "post"):
            ours, nobodys = (
                getattr(browser, method)(f"/orders/{which}/return/", form(line, reason) if method == "post" else {})
                for which in (line.order.public_id, none)
            )
            assert ours.status_code == nobodys.status_code == 302
            assert ours["Location"].replace(str(line.order.public_id), none) == nobodys["Location"]
    assert not Return.objects.exists()


def test_an_expired_session(line: OrderLine, reason: ReturnReason) -> None:
    browser = inside(line.order)
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        answer = browser.post(page_of(line.order), form(line, reason))
    assert answer["Location"].startswith("/orders/find/?next=")
    assert not Return.objects.exists()


def test_while_an_emailed_code_is_awaited(reason: ReturnReason) -> None:
    order = make_order(store=make_store(confirm_card_lookup="always"), placed_at=timezone.now())
    line, browser = make_line(order), Client()
    browser.post("/orders/find/card/", {"email": "buyer@example.com", "card_last4": "4242"})
    for answer in (browser.get(page_of(order)), browser.post(page_of(order), form(line, reason))):
        assert answer["Location"] == f"/orders/{order.public_id}/code/"
    assert not Return.objects.exists()


def test_an_item_of_another_order(refused: Refused, line: OrderLine, reason: ReturnReason) -> None:
    foreign = make_line(make_order(placed_at=timezone.now()))
    for data in (
        form(foreign, reason),
        form(line, reason) | form(foreign, reason),
        form(line, reason) | {"line-0-quantity": 1},
    ):
        answer = refused(data)
        assert answer.status_code == 422
        assert "This item is not part of the order." in text(answer)


@pytest.mark.parametrize(
    ("quantity", "sentence"),
    [
        ("-1", "Maximum Security: a quantity cannot be less than zero."),
        ("0", "Please choose at least one item to return."),
        ("", "Please choose at least one item to return."),
        ("2", "Maximum Security: at most 1 can be returned."),
        ("9" * 30, "Maximum Security: at most 1 can be returned."),
        ("9" * 5000, "Maximum Security: please enter a whole number."),
        ("one", "Maximum Security: please enter a whole number."),
        ("0.5", "Maximum Security: please enter a whole number."),
        ("1e3", "Maximum Security: please enter a whole number."),
    ],
)
def test_a_quantity_that_cannot_be(
    refused: Refused, line: OrderLine, reason: ReturnReason, quantity: str, sentence: str
) -> None:
    answer = refused(form(line, reason, quantity, comment="What I typed"))
    assert answer.status_code == 422
    assert result(answer) == "invalid"
    assert sentence in text(answer)
    assert f'href="#id_return_line-{line.pk}-quantity"' in answer.content.decode()
    assert "What I typed" in text(answer)  # nothing is to be typed again


def test_names_with_percent_signs_are_told_as_they_are(refused: Refused, order: Order, reason: ReturnReason) -> None:
    line = make_line(order, name="50 %s off <b>%(item)s")
    for quantity in ("2", "-1", "x"):
        assert "50 %s off <b>%(item)s: " in text(refused(form(line, reason, quantity)))


def test_full_width_digits_are_digits(line: OrderLine, reason: ReturnReason) -> None:
    answer = inside(line.order).post(page_of(line.order), form(line, reason, "１"))
    assert answer.status_code == 302


def test_without_a_reason_or_with_one_that_is_not_offered(
    refused: Refused, line: OrderLine, reason: ReturnReason
) -> None:
    old = make_reason(name="Not offered any more", is_active=False)
    assert "Please choose a reason." in text(refused(form(line, reason) | {"reason": ""}))
    for wrong in (old.pk, "0", "x", "\x00"):
        assert "Please choose one of the reasons in the list." in text(refused(form(line, reason) | {"reason": wrong}))


@pytest.mark.parametrize(
    ("comment", "sentence"),
    [
        ("My card is 4242 4242 4242 4242 12/28", "This looks like a whole card number."),
        ("x" * 2001, "This is too long."),
        ("a\x00b", "This has a character that cannot be typed."),
    ],
)
def test_a_comment_that_is_not_taken(
    refused: Refused, line: OrderLine, reason: ReturnReason, comment: str, sentence: str
) -> None:
    answer = refused(form(line, reason, comment=comment))
    assert answer.status_code == 422
    assert sentence in text(answer)
    assert "4242 4242 4242 4242" not in answer.content.decode()


def test_an_item_that_went_back_already(refused: Refused, order: Order, line: OrderLine, reason: ReturnReason) -> None:
    gone = make_line(order, name="Gone", quantity_returned=1)
    assert "Gone: This item went back already." in text(refused(form(gone, reason)))
    assert "Gone: This item went back already." in text(refused(form(line, reason) | form(gone, reason)))


def test_an_item_that_is_asked_for_already(
    refused: Refused, order: Order, line: OrderLine, reason: ReturnReason
) -> None:
    other = make_line(order, name="Other")
    request_return(order, [Wanted(line.pk, 1)], reason)
    answer = refused(form(line, reason) | form(other, reason))
    assert "A return of this item is under way already." in text(answer)


def test_an_item_that_is_to_be_swapped(order: Order, line: OrderLine, reason: ReturnReason) -> None:
    make_line(order)
    offer = SwapOffer.objects.create(
        store=order.store, product=make_product(), name="Other", currency="EUR", price=Decimal("9.99")
    )
    swaps.request_swap(order, swaps.Wish(line.pk, offer))
    answer = inside(order).post(page_of(order), form(line, reason))
    assert "A swap of this item is under way." in text(answer)
    assert not Return.objects.exists()


def test_more_than_is_left_of_the_money(refused: Refused, order: Order, line: OrderLine, reason: ReturnReason) -> None:
    Refund.objects.create(order=order, store_refund_id="X", amount=Decimal("200.00"), refunded_at=timezone.now())
    answer = refused(form(line, reason))
    assert answer.status_code == 422
    assert "these items cannot be returned together" in text(answer)
    assert "At most €39.85 can still come back." in text(answer)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"is_test": True}, "This is a test order"),
        ({"total": Decimal(0)}, "Nothing was paid for this order"),
        (
            {"is_test": True, "placed_at": datetime(2020, 1, 1, tzinfo=UTC)},
            "so there is nothing to give back. What you",
        ),
        ({"status": Order.Status.PENDING}, "The payment of this order is not confirmed yet."),
        ({"status": Order.Status.CANCELLED}, "This order was canceled"),
        ({"status": Order.Status.REFUNDED}, "The money for this order went back already."),
        ({"status": Order.Status.CHARGED_BACK}, "Your bank took the payment of this order back"),
    ],
)
def test_an_order_that_cannot_be_returned(fields: Form, sentence: str, reason: ReturnReason) -> None:
    order = make_order(**{"placed_at": timezone.now()} | fields)
    line, browser = make_line(order), inside(order)
    for answer in (browser.get(page_of(order)), browser.post(page_of(order), form(line, reason))):
        assert answer.status_code == 200
        assert sentence in text(answer)
        assert "form_return" not in answer.content.decode()
    assert not Return.objects.exists()
    assert not Message.objects.exists()


def test_an_order_without_items(reason: ReturnReason) -> None:
    order = make_order(placed_at=timezone.now())
    answer = inside(order).get(page_of(order))
    assert answer.status_code == 200
    assert "form_return" not in answer.content.decode()


class TestSerialNumbers:
    """Where each unit has its own, the buyer says which go back."""

    @pytest.fixture
    def three(self, order: Order) -> OrderLine:
        line = make_line(order, quantity=3, total=Decimal("100.00"))
        for _unit in range(3):
            make_license(line)
        return line

    def test_as_many_as_items(self, three: OrderLine, reason: ReturnReason, refused: Refused) -> None:
        serials = [each.license_id for each in three.licensed_lines.all()]
        name = f"line-{three.pk}-serials"
        for chosen in ([], serials[:1], serials):
            answer = refused(form(three, reason, 2, **{name: chosen}))
            assert "please choose the serial numbers that go back, as many as items." in text(answer)
            assert answer.content.decode().count("checked") == len(chosen)
            assert f'href="#id_return_{name}_0"' in answer.content.decode()
            assert f'id="id_return_{name}_0"' in answer.content.decode()

    def test_of_this_item_only(self, three: OrderLine, reason: ReturnReason, refused: Refused) -> None:
        foreign = make_license(make_line(make_order())).pk
        for wrong in (foreign, "x", "\x00", 10**30):
            answer = refused(form(three, reason, 1, **{f"line-{three.pk}-serials": [wrong]}))
            assert "Please choose among the serial numbers that are shown." in text(answer)

    def test_they_stand_on_the_check_page_and_in_the_return(self, three: OrderLine, reason: ReturnReason) -> None:
        licenses = [each.license for each in three.licensed_lines.all()]
        data = form(three, reason, 2, **{f"line-{three.pk}-serials": [licenses[0].pk, licenses[2].pk]})
        browser = inside(three.order)
        checked = browser.post(page_of(three.order), data | {"confirm": ""})
        assert licenses[0].serial in text(checked)
        assert licenses[1].serial not in text(checked)
        browser.post(page_of(three.order), data)
        assert set(Return.objects.get().lines.get().licenses.all()) == {licenses[0], licenses[2]}

    def test_all_go_back_without_a_choice(self, three: OrderLine, reason: ReturnReason) -> None:
        inside(three.order).post(page_of(three.order), form(three, reason, 3))
        assert Return.objects.get().lines.get().licenses.count() == 3
