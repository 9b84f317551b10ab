"""The form, the check page and the status page of a product swap."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases import services
from cases.refusals import NotPossible
from licenses.models import Sku
from notifications.models import Message
from orders.models import Order, OrderLine
from refunds.models import Return, Swap, SwapOffer
from refunds.services import returns, swaps
from refunds.services.returns import RequestedLine
from refunds.services.swaps import SwapRequest
from tests.factories import make_agent, make_license, make_line, make_order, make_product, make_reason, make_store
from tests.pages import inside, marks, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def order() -> Order:
    return make_order(placed_at=timezone.now())


@pytest.fixture
def line(order: Order) -> OrderLine:
    return make_line(order)


@pytest.fixture
def offer(order: Order) -> SwapOffer:
    return make_offer(order)


def make_offer(order: Order, **fields: Any) -> SwapOffer:
    defaults = {"name": "Internet Security, 5 devices", "currency": "EUR", "price": Decimal("89.95")}
    product = fields.pop("product", None) or make_product()
    return SwapOffer.objects.create(store=order.store, product=product, **defaults | fields)


def page_url(order: Order) -> str:
    return f"/orders/{order.public_id}/swap/"


def swap_form(line: OrderLine, wanted: Any, **fields: Any) -> dict[str, Any]:
    return {"line": line.pk, "wanted": wanted, "comment": "", "submission_id": "one"} | fields


def test_from_the_form_to_the_reference(order: Order, line: OrderLine, offer: SwapOffer) -> None:
    browser = inside(order)
    asked = browser.get(page_url(order))
    assert asked.status_code == 200
    assert "Internet Security, 5 devices – €10.00 to pay" in text(asked)
    checked = browser.post(page_url(order), swap_form(line, offer.pk, comment="Oops"))
    assert checked.status_code == 200
    assert marks(checked, "data-step") == ["change", "confirm"]
    assert marks(checked, "data-amount") == ["10.00"]
    assert not Swap.objects.exists()
    sent = browser.post(page_url(order), swap_form(line, offer.pk, comment="Oops", confirm="1"))
    swap = Swap.objects.get()
    assert (sent.status_code, sent["Location"]) == (302, f"/swaps/{swap.reference}/")
    assert (swap.wanted, swap.price_difference, swap.comment) == (offer.name, Decimal("10.000"), "Oops")
    status = browser.get(sent["Location"])
    assert marks(status, "data-status") == ["received"]
    assert marks(status, "data-reference") == [swap.reference]
    assert Message.objects.get(kind="swap_received").recipient == "buyer@example.com"


def test_the_input_can_be_changed_from_the_check_page(order: Order, line: OrderLine, offer: SwapOffer) -> None:
    browser = inside(order)
    check = browser.post(page_url(order), swap_form(line, offer.pk, comment="Hello & <b>"))
    page = browser.get(re.findall(r'data-step="change" href="([^"]+)"', check.content.decode())[0])
    assert page.status_code == 200
    assert "Hello &amp; &lt;b&gt;" in page.content.decode()
    assert f'<option value="{offer.pk}" selected>' in page.content.decode()
    assert not Swap.objects.exists()


@pytest.mark.parametrize(
    ("price", "expected", "amount"),
    [
        ("89.95", "€10.00 to pay", "10.00"),
        ("79.95", "no difference in price", "0.00"),
        ("59.95", "€20.00 refund", "-20.00"),
    ],
)
def test_the_price_difference_is_shown(order: Order, line: OrderLine, price: str, expected: str, amount: str) -> None:
    offer = make_offer(order, price=Decimal(price))
    browser = inside(order)
    assert expected in text(browser.get(page_url(order)))
    checked = browser.post(page_url(order), swap_form(line, offer.pk))
    assert expected in text(checked)
    assert marks(checked, "data-amount") == [amount]


def test_the_price_difference_is_shown_per_item_if_items_differ(order: Order, line: OrderLine) -> None:
    order.total = Decimal("139.90")
    order.save()
    other = make_line(order, name="Antivirus", quantity=2, total=Decimal("59.95"), tax=Decimal("9.57"))
    offer = make_offer(order, price=Decimal("39.99"))
    browser = inside(order)
    page = text(browser.get(page_url(order)))
    assert "€39.96 refund" in page  # 79.95 paid
    assert "€10.01 to pay" in page or "€10.02 to pay" in page  # a unit of two for 59.95
    assert "You can swap one at a time" in page
    assert "Select the item" in text(browser.post(page_url(order), swap_form(other, offer.pk) | {"line": ""}))


def test_another_product_needs_a_comment(order: Order, line: OrderLine) -> None:
    browser = inside(order)
    refused = browser.post(page_url(order), swap_form(line, "another", confirm="1"))
    assert refused.status_code == 422
    assert "Enter the product you’d like instead." in text(refused)
    browser.post(page_url(order), swap_form(line, "another", comment="The one for\nMac, please", confirm="1"))
    swap = Swap.objects.get()
    assert (swap.wanted, swap.offer, swap.price_difference) == ("The one for Mac, please", None, None)
    assert "we’ll tell you the price" in text(browser.get(swap.path))


@pytest.mark.parametrize(
    "hidden",
    [{"is_active": False}, {"currency": "USD"}],
    ids=["not offered any more", "another currency"],
)
def test_only_active_offers_of_the_store_in_the_orders_currency_are_listed(
    order: Order, line: OrderLine, hidden: dict[str, Any]
) -> None:
    offer = make_offer(order, name="Hidden", **hidden)
    browser = inside(order)
    assert "Hidden" not in text(browser.get(page_url(order)))
    refused = browser.post(page_url(order), swap_form(line, offer.pk, confirm="1"))
    assert refused.status_code == 422
    assert "Select a product from the list." in text(refused)
    assert not Swap.objects.exists()


def test_an_offer_of_another_store_is_refused(order: Order, line: OrderLine) -> None:
    foreign = make_offer(make_order(store=make_store()))
    assert inside(order).post(page_url(order), swap_form(line, foreign.pk, confirm="1")).status_code == 422
    assert not Swap.objects.exists()


def test_the_same_submission_twice_makes_one_swap_and_one_email(
    order: Order, line: OrderLine, offer: SwapOffer
) -> None:
    browser = inside(order)
    first = browser.post(page_url(order), swap_form(line, offer.pk, confirm="1"))
    second = browser.post(page_url(order), swap_form(line, offer.pk, confirm="1"))
    assert first["Location"] == second["Location"]
    assert Swap.objects.count() == Message.objects.filter(kind="swap_received").count() == 1


def test_the_same_form_after_canceling_makes_a_new_swap(order: Order, line: OrderLine, offer: SwapOffer) -> None:
    browser, form = inside(order), swap_form(line, offer.pk, confirm="1")
    first = browser.post(page_url(order), form)["Location"]
    services.cancel(Swap.objects.get())
    second, third = (browser.post(page_url(order), form)["Location"] for _click in range(2))
    assert first != second == third
    assert Swap.objects.count() == 2


@pytest.mark.parametrize("known_by", ["sku", "license"])
def test_no_product_is_offered_as_a_swap_for_itself(order: Order, line: OrderLine, known_by: str) -> None:
    product = make_product()
    if known_by == "sku":
        Sku.objects.create(store=order.store, code=line.sku, product=product)
    else:
        make_license(line, product=product)
    itself, other = make_offer(order, product=product, name="The same again"), make_offer(order, name="Another one")
    browser = inside(order)
    page = text(browser.get(page_url(order)))
    assert "Another one" in page
    assert "The same again" not in page
    refused = browser.post(page_url(order), swap_form(line, itself.pk, confirm="1"))
    assert refused.status_code == 422
    with pytest.raises(NotPossible, match="this is the product you bought"):
        swaps.request_swap(order, SwapRequest(line.pk, itself))
    assert swaps.request_swap(order, SwapRequest(line.pk, other)).offer == other


def test_an_offer_of_one_items_product_is_for_the_other_items_only(order: Order, line: OrderLine) -> None:
    Order.objects.update(total=Decimal("159.90"))
    product, other_line = make_product(), make_line(order, sku="OTHER", name="Antivirus")
    Sku.objects.create(store=order.store, code=line.sku, product=product)
    offer = make_offer(order, product=product)
    refused = inside(order).post(page_url(order), swap_form(line, offer.pk, confirm="1"))
    assert "this is the product you bought. Choose another one." in text(refused)
    assert swaps.request_swap(order, SwapRequest(other_line.pk, offer)).line == other_line


def test_the_extended_download_service_cannot_be_swapped(order: Order, line: OrderLine, offer: SwapOffer) -> None:
    Order.objects.update(total=Decimal("84.95"))
    service = make_line(order, kind="extended_download", name="Extended Download Service", total=Decimal("5.00"))
    page = inside(order).get(page_url(order))
    assert "You can only swap products. This item is a download service." in text(page)
    with pytest.raises(NotPossible, match="You can only swap products"):
        swaps.request_swap(order, SwapRequest(service.pk, offer))
    returns.request_return(order, [RequestedLine(service.pk, 1)], make_reason())
    line.delete()
    assert "form_swap" not in inside(order).get(page_url(order)).content.decode()


def test_the_same_submission_id_on_another_order_makes_another_swap(order: Order, offer: SwapOffer) -> None:
    for each in (order, make_order(placed_at=timezone.now(), store=order.store)):
        response = inside(each).post(page_url(each), swap_form(make_line(each), offer.pk, confirm="1"))
        assert response.status_code == 302
    assert Swap.objects.count() == 2


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"line": ""}, "Select the item you’d like to swap."),
        ({"line": "999999999"}, "This item isn’t part of the order."),
        ({"line": "x\x00"}, "This item isn’t part of the order."),
        ({"wanted": ""}, "Select a product."),
        ({"comment": "x" * 2001}, "This is too long."),
        ({"comment": "x\x00"}, "a character that can’t be typed"),
        ({"submission_id": "x" * 5000}, "at most 64 characters"),
    ],
)
def test_invalid_input_is_reported_and_nothing_is_stored(
    order: Order, line: OrderLine, offer: SwapOffer, fields: dict[str, Any], sentence: str
) -> None:
    response = inside(order).post(page_url(order), swap_form(line, offer.pk, confirm="1") | fields)
    assert response.status_code == 422
    assert sentence in text(response)
    assert not Swap.objects.exists()


def test_an_item_in_a_return_cannot_be_swapped_and_vice_versa(order: Order, line: OrderLine, offer: SwapOffer) -> None:
    line.quantity = 2
    line.save()
    case = returns.request_return(order, [RequestedLine(line.pk, 1)], make_reason())
    response = inside(order).post(page_url(order), swap_form(line, offer.pk, confirm="1"))
    assert "A return of this item is under way already." in text(response)
    services.cancel(case)
    swap = swaps.request_swap(order, SwapRequest(line.pk, offer))
    with pytest.raises(NotPossible, match="A swap of this item is under way"):
        returns.request_return(order, [RequestedLine(line.pk, 1)], make_reason())
    with pytest.raises(NotPossible, match="A swap of this item is under way"):
        swaps.request_swap(order, SwapRequest(line.pk, offer))
    services.cancel(swap)
    returns.request_return(order, [RequestedLine(line.pk, 1)], make_reason())
    assert (Return.objects.open().count(), Swap.objects.open().count()) == (1, 0)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"is_test": True}, "This is a test order"),
        ({"status": Order.Status.REFUNDED}, "The money for this order went back already."),
        ({"placed_at": timezone.now() - timezone.timedelta(days=32)}, "days in which this could be returned are over"),
    ],
)
def test_an_order_that_cannot_be_returned_cannot_be_swapped(change: dict[str, Any], sentence: str) -> None:
    order = make_order(**{"placed_at": timezone.now()} | change)
    line, browser = make_line(order), inside(order)
    offer = make_offer(order)
    page = browser.get(page_url(order))
    assert sentence in text(page)
    assert "<select" not in page.content.decode()
    assert sentence in text(browser.post(page_url(order), swap_form(line, offer.pk, confirm="1")))
    assert not Swap.objects.exists()


def test_the_item_of_another_order_is_not_swapped(order: Order, line: OrderLine, offer: SwapOffer) -> None:
    foreign = make_line(make_order(placed_at=timezone.now()))
    assert "isn’t part of the order" in text(
        inside(order).post(page_url(order), swap_form(foreign, offer.pk, confirm="1"))
    )
    with pytest.raises(NotPossible, match="isn’t part of the order"):
        swaps.request_swap(order, SwapRequest(foreign.pk, offer))


def test_strangers_can_neither_see_nor_change_a_swap(order: Order, line: OrderLine, offer: SwapOffer) -> None:
    swap = swaps.request_swap(order, SwapRequest(line.pk, offer))
    for stranger in (Client(), inside(make_order(placed_at=timezone.now()))):
        for page, back in [
            (page_url(order), None),
            (f"/swaps/{swap.reference}/", f"%2Fswaps%2F{swap.reference}%2F"),
            ("/swaps/S-00000000/", "%2Fswaps%2FS-00000000%2F"),
        ]:
            response = stranger.get(page)
            assert response.status_code == 302
            assert response["Location"].startswith("/orders/find/?next=")
            assert back is None or response["Location"].endswith(back)
        for action in ("cancel", "answer"):
            assert stranger.post(f"/swaps/{swap.reference}/{action}/", {"answer": "me"})["Location"].startswith(
                "/orders/find/"
            )
    swap.refresh_from_db()
    assert swap.status == "received"


def test_finding_the_order_leads_back_to_the_swap(order: Order, line: OrderLine, offer: SwapOffer) -> None:
    swap = swaps.request_swap(order, SwapRequest(line.pk, offer))
    found = Client().post(
        "/orders/find/card/", {"email": "buyer@example.com", "card_last4": "4242", "next": f"/swaps/{swap.reference}/"}
    )
    assert found["Location"] == f"/swaps/{swap.reference}/"


def test_the_buyer_answers_a_question_and_cancels(order: Order, line: OrderLine, offer: SwapOffer) -> None:
    swap = swaps.request_swap(order, SwapRequest(line.pk, offer))
    browser, agent = inside(order), make_agent()
    services.ask_question(swap, agent, "For how many devices?", note="seems unsure")
    page = browser.get(swap.path)
    assert "For how many devices?" in text(page)
    assert "seems unsure" not in text(page)
    assert browser.post(f"{swap.path}answer/", {"answer": ""}).status_code == 422
    for _click in range(2):
        browser.post(f"{swap.path}answer/", {"answer": "For five"})
    assert swap.events.filter(text="For five").count() == 1
    assert marks(browser.get(swap.path), "data-status") == ["in_review"]
    for _click in range(2):
        browser.post(f"{swap.path}cancel/")
    assert marks(browser.get(swap.path), "data-status") == ["cancelled"]
    assert Message.objects.filter(kind="swap_cancelled").count() == 1


def test_a_decided_swap_cannot_be_canceled(order: Order, line: OrderLine, offer: SwapOffer) -> None:
    swap = swaps.request_swap(order, SwapRequest(line.pk, offer))
    swaps.approve(swap, make_agent())
    response = inside(order).post(f"{swap.path}cancel/", follow=True)
    assert "decided already" in text(response)
    assert marks(response, "data-status") == ["approved"]


def test_the_number_of_queries_does_not_grow_with_items(
    order: Order, line: OrderLine, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    make_offer(order)
    browser, draft = inside(order), f"{page_url(order)}?draft={32 * '0'}"
    with django_assert_max_num_queries(20) as few:
        browser.get(draft)
    for _number in range(10):
        make_line(order)
        make_offer(order)
    with django_assert_num_queries(len(few)):
        browser.get(draft)
