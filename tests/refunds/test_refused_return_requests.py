"""Return requests that are refused, and the message that says why."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from cases.refusals import NotPossible
from licenses.models import LicensedLine
from notifications.models import Message
from orders.models import Order, OrderLine
from refunds.models import Return, ReturnPolicy, ReturnReason, SwapOffer
from refunds.services import swaps
from refunds.services.returns import RequestedLine, request_return
from tests.factories import make_license, make_line, make_order, make_product, make_reason, make_store
from tests.pages import inside, marks, result, text

pytestmark = pytest.mark.django_db

Form = dict[str, Any]
PostRefused = Callable[..., HttpResponse]


@pytest.fixture
def order() -> Order:
    return make_order(placed_at=timezone.now(), total=Decimal("239.85"))


@pytest.fixture
def line(order: Order) -> OrderLine:
    return make_line(order)


@pytest.fixture
def reason() -> ReturnReason:
    return make_reason()


def page_url(order: Order) -> str:
    return f"/orders/{order.public_id}/return/"


def return_form(line: OrderLine, reason: ReturnReason, quantity: Any = 1, **fields: Any) -> Form:
    return {f"line-{line.pk}-quantity": quantity, "reason": reason.pk, "comment": "", "confirm": "1"} | fields


@pytest.fixture
def post_refused(order: Order) -> PostRefused:
    """Return a function that posts a form, checks that no return was created, and returns the response."""

    def post(data: Form) -> HttpResponse:
        before = Return.objects.count()
        response = inside(order).post(page_url(order), data)
        assert Return.objects.count() == before
        assert marks(response, "data-step") == []
        return response

    return post


def test_strangers_get_the_same_response_as_for_a_missing_order(line: OrderLine, reason: ReturnReason) -> None:
    missing_id = "11111111-1111-4111-8111-111111111111"
    for browser in (Client(), inside(make_order(store_email="stranger@example.com"))):
        for method in ("get", "post"):
            existing, missing = (
                getattr(browser, method)(
                    f"/orders/{which}/return/", return_form(line, reason) if method == "post" else {}
                )
                for which in (line.order.public_id, missing_id)
            )
            assert existing.status_code == missing.status_code == 302
            assert existing["Location"].replace(str(line.order.public_id), missing_id) == missing["Location"]
    assert not Return.objects.exists()


def test_after_an_expired_session_the_order_has_to_be_found_again(line: OrderLine, reason: ReturnReason) -> None:
    browser = inside(line.order)
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        response = browser.post(page_url(line.order), return_form(line, reason))
    assert response["Location"].startswith("/orders/find/?next=")
    assert not Return.objects.exists()


def test_an_order_awaiting_its_code_leads_to_the_code_page(reason: ReturnReason) -> None:
    order = make_order(store=make_store(confirm_card_lookup="always"), placed_at=timezone.now())
    line, browser = make_line(order), Client()
    browser.post("/orders/find/card/", {"email": "buyer@example.com", "card_last4": "4242"})
    for response in (browser.get(page_url(order)), browser.post(page_url(order), return_form(line, reason))):
        assert response["Location"] == f"/orders/{order.public_id}/code/"
    assert not Return.objects.exists()


def test_an_item_of_another_order_is_refused(post_refused: PostRefused, line: OrderLine, reason: ReturnReason) -> None:
    foreign = make_line(make_order(placed_at=timezone.now()))
    for data in (
        return_form(foreign, reason),
        return_form(line, reason) | return_form(foreign, reason),
        return_form(line, reason) | {"line-0-quantity": 1},
    ):
        response = post_refused(data)
        assert response.status_code == 422
        assert "This item isn’t part of the order." in text(response)


@pytest.mark.parametrize(
    ("quantity", "sentence"),
    [
        ("-1", "Maximum Security: enter a quantity from 0 to 1."),
        ("0", "Choose at least one item to return."),
        ("", "Choose at least one item to return."),
        ("2", "Maximum Security: you can return at most 1."),
        ("9" * 30, "Maximum Security: you can return at most 1."),
        ("9" * 5000, "Maximum Security: enter a whole number, for example 1."),
        ("one", "Maximum Security: enter a whole number, for example 1."),
        ("0.5", "Maximum Security: enter a whole number, for example 1."),
        ("1e3", "Maximum Security: enter a whole number, for example 1."),
    ],
)
def test_an_invalid_quantity_is_refused(
    post_refused: PostRefused, line: OrderLine, reason: ReturnReason, quantity: str, sentence: str
) -> None:
    response = post_refused(return_form(line, reason, quantity, comment="What I typed"))
    assert response.status_code == 422
    assert result(response) == "invalid"
    assert sentence in text(response)
    assert f'href="#id_return_line-{line.pk}-quantity"' in response.content.decode()
    assert "What I typed" in text(response)  # nothing has to be typed again


def test_item_names_with_percent_signs_are_shown_correctly(
    post_refused: PostRefused, order: Order, reason: ReturnReason
) -> None:
    line = make_line(order, name="50 %s off <b>%(item)s")
    for quantity in ("2", "-1", "x"):
        assert "50 %s off <b>%(item)s: " in text(post_refused(return_form(line, reason, quantity)))


def test_full_width_digits_are_accepted(line: OrderLine, reason: ReturnReason) -> None:
    response = inside(line.order).post(page_url(line.order), return_form(line, reason, "１"))
    assert response.status_code == 302


def test_a_missing_or_inactive_reason_is_refused(
    post_refused: PostRefused, line: OrderLine, reason: ReturnReason
) -> None:
    old = make_reason(name="Not offered any more", is_active=False)
    assert "Select a reason." in text(post_refused(return_form(line, reason) | {"reason": ""}))
    for wrong in (old.pk, "0", "x", "\x00"):
        assert "Select a reason from the list." in text(post_refused(return_form(line, reason) | {"reason": wrong}))


@pytest.mark.parametrize(
    ("comment", "sentence"),
    [
        ("x" * 2001, "This is too long."),
        ("a\x00b", "This contains a character that can’t be typed."),
    ],
)
def test_an_invalid_comment_is_refused(
    post_refused: PostRefused, line: OrderLine, reason: ReturnReason, comment: str, sentence: str
) -> None:
    response = post_refused(return_form(line, reason, comment=comment))
    assert response.status_code == 422
    assert sentence in text(response)


def test_a_returned_item_is_refused(
    post_refused: PostRefused, order: Order, line: OrderLine, reason: ReturnReason
) -> None:
    returned_line = make_line(order, name="Gone", quantity_returned=1)
    assert "Gone: You’ve already returned this item." in text(post_refused(return_form(returned_line, reason)))
    assert "Gone: You’ve already returned this item." in text(
        post_refused(return_form(line, reason) | return_form(returned_line, reason))
    )


def test_an_item_in_an_open_return_is_refused(
    post_refused: PostRefused, order: Order, line: OrderLine, reason: ReturnReason
) -> None:
    other = make_line(order, name="Other")
    request_return(order, [RequestedLine(line.pk, 1)], reason)
    response = post_refused(return_form(line, reason) | return_form(other, reason))
    assert "You’ve already requested a return of this item." in text(response)


def test_an_item_in_an_open_swap_is_refused(order: Order, line: OrderLine, reason: ReturnReason) -> None:
    make_line(order)
    offer = SwapOffer.objects.create(
        store=order.store, product=make_product(), name="Other", currency="EUR", price=Decimal("9.99")
    )
    swaps.request_swap(order, swaps.SwapRequest(line.pk, offer))
    response = inside(order).post(page_url(order), return_form(line, reason))
    assert "You’ve requested a swap for this item." in text(response)
    assert not Return.objects.exists()


def test_an_activated_license_can_be_excluded_but_not_its_renewal(
    order: Order, line: OrderLine, reason: ReturnReason
) -> None:
    ReturnPolicy.objects.create(
        store=order.store, in_force_from=datetime(2026, 1, 1, tzinfo=UTC), activated_may_return=False
    )
    license = make_license(line, activated_at=order.placed_at)
    renewing_order = make_order(store=order.store, placed_at=order.placed_at + timedelta(days=1))
    renewal = make_line(renewing_order, kind="renewal")
    LicensedLine.objects.create(line=renewal, order=renewing_order, license=license)
    with time_machine.travel(renewing_order.placed_at + timedelta(hours=2), tick=False):
        with pytest.raises(NotPossible, match="This license is activated"):
            request_return(order, [RequestedLine(line.pk, 1)], reason)
        request_return(renewing_order, [RequestedLine(renewal.pk, 1)], reason)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"is_test": True}, "This is a test order"),
        ({"total": Decimal(0)}, "Nothing was paid for this order"),
        (
            {"is_test": True, "placed_at": datetime(2020, 1, 1, tzinfo=UTC)},
            "so there’s nothing to refund. What you",
        ),
        ({"status": Order.Status.PENDING}, "Your payment isn’t confirmed yet."),
        ({"status": Order.Status.CANCELLED}, "This order was canceled"),
        ({"status": Order.Status.REFUNDED}, "We’ve already refunded this order."),
        ({"status": Order.Status.CHARGED_BACK}, "Your bank reversed the payment for this order, so there’s nothing to"),
    ],
)
def test_an_order_that_cannot_be_returned_shows_the_reason(fields: Form, sentence: str, reason: ReturnReason) -> None:
    order = make_order(**{"placed_at": timezone.now()} | fields)
    line, browser = make_line(order), inside(order)
    for response in (browser.get(page_url(order)), browser.post(page_url(order), return_form(line, reason))):
        assert response.status_code == 200
        assert sentence in text(response)
        assert "form_return" not in response.content.decode()
    assert not Return.objects.exists()
    assert not Message.objects.exists()


def test_an_order_without_items_cannot_be_returned(reason: ReturnReason) -> None:
    order = make_order(placed_at=timezone.now())
    response = inside(order).get(page_url(order))
    assert response.status_code == 200
    assert "form_return" not in response.content.decode()


class TestSerialNumbers:
    """If each unit has its own license, the buyer chooses which to return."""

    @pytest.fixture
    def three(self, order: Order) -> OrderLine:
        line = make_line(order, quantity=3, total=Decimal("100.00"))
        for _unit in range(3):
            make_license(line)
        return line

    def test_as_many_have_to_be_chosen_as_units(
        self, three: OrderLine, reason: ReturnReason, post_refused: PostRefused
    ) -> None:
        serials = [each.license_id for each in three.licensed_lines.all()]
        name = f"line-{three.pk}-serials"
        for chosen in ([], serials[:1], serials):
            response = post_refused(return_form(three, reason, 2, **{name: chosen}))
            assert "choose as many serial numbers as items you’re returning." in text(response)
            assert response.content.decode().count("checked") == len(chosen)
            assert f'href="#id_return_{name}_0"' in response.content.decode()
            assert f'id="id_return_{name}_0"' in response.content.decode()

    def test_licenses_of_other_items_are_refused(
        self, three: OrderLine, reason: ReturnReason, post_refused: PostRefused
    ) -> None:
        foreign = make_license(make_line(make_order())).pk
        for wrong in (foreign, "x", "\x00", 10**30):
            response = post_refused(return_form(three, reason, 1, **{f"line-{three.pk}-serials": [wrong]}))
            assert "Select serial numbers from the list." in text(response)

    def test_chosen_licenses_are_shown_and_stored(self, three: OrderLine, reason: ReturnReason) -> None:
        licenses = [each.license for each in three.licensed_lines.all()]
        data = return_form(three, reason, 2, **{f"line-{three.pk}-serials": [licenses[0].pk, licenses[2].pk]})
        browser = inside(three.order)
        checked = browser.post(page_url(three.order), data | {"confirm": ""})
        assert licenses[0].serial in text(checked)
        assert licenses[1].serial not in text(checked)
        browser.post(page_url(three.order), data)
        assert set(Return.objects.get().lines.get().licenses.all()) == {licenses[0], licenses[2]}

    def test_all_are_returned_without_a_choice(self, three: OrderLine, reason: ReturnReason) -> None:
        inside(three.order).post(page_url(three.order), return_form(three, reason, 3))
        assert Return.objects.get().lines.get().licenses.count() == 3
