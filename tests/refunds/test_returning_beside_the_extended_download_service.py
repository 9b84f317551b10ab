"""Buyers who return a product are informed about the Extended Download Service, and can return both."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.http import HttpResponse
from django.utils import timezone

from orders.models import Order, OrderLine
from refunds.models import Return
from tests.factories import make_line, make_order, make_reason
from tests.pages import inside, marks, text

pytestmark = pytest.mark.django_db
Check = Callable[..., HttpResponse]


@pytest.fixture
def order() -> Order:
    return make_order(placed_at=timezone.now() - timedelta(days=2), total=Decimal("89.94"))


@pytest.fixture
def product(order: Order) -> OrderLine:
    return make_line(order)


@pytest.fixture
def service(order: Order) -> OrderLine:
    price = {"unit_price": Decimal("8.39"), "tax": Decimal("1.60"), "total": Decimal("9.99")}
    return make_line(order, kind="extended_download", name="Extended Download Service", sku="EDS", **price)


@pytest.fixture
def check(order: Order) -> Check:
    """Send the form with these quantities."""
    browser, reason = inside(order), make_reason()

    def send(quantities: dict[OrderLine, int], **fields: str) -> HttpResponse:
        typed = {f"line-{line.pk}-quantity": str(quantity) for line, quantity in quantities.items()}
        page = f"/orders/{order.public_id}/return/"
        return browser.post(page, typed | {"reason": str(reason.pk), "comment": ""} | fields)

    return send


def test_the_form_says_what_the_service_is_for(order: Order, product: OrderLine, service: OrderLine) -> None:
    assert "there’s nothing left to download with it" in text(inside(order).get(f"/orders/{order.public_id}/return/"))


def test_a_product_alone_leaves_a_service_without_downloads_and_both_are_offered(
    product: OrderLine, service: OrderLine, check: Check
) -> None:
    page = check({product: 1})
    assert marks(page, "data-service") == ["kept"]
    assert "nothing left that you can download with it" in text(page)
    assert "Return the service, too (refund: €9.99)" in text(page)
    assert f'name="line-{service.pk}-quantity" value="1"' in page.content.decode()
    both = check({product: 1, service: 1})
    assert marks(both, "data-service") == ["returned"]
    assert "this order has no downloads" in text(both)
    check({product: 1, service: 1}, confirm="1")
    assert Return.objects.get().amount == Decimal("89.94")


def test_the_service_stays_valid_for_the_items_that_are_kept(
    order: Order, product: OrderLine, service: OrderLine, check: Check
) -> None:
    Order.objects.update(total=Decimal("169.89"))
    make_line(order, name="Another product")
    assert "stays valid for the items that you keep" in text(check({product: 1}))
    assert "only for the store’s normal period" in text(check({product: 1, service: 1}))


def test_without_the_service_or_with_it_alone_nothing_is_said(product: OrderLine, check: Check) -> None:
    assert marks(check({product: 1}), "data-service") == []


def test_returning_the_service_alone_says_nothing_of_products(
    product: OrderLine, service: OrderLine, check: Check
) -> None:
    assert marks(check({service: 1}), "data-service") == []
