"""An order without items, or with shipping alone: no return is offered, and no return period is shown as ended."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from orders.models import Order, OrderLine
from refunds.eligibility import ITEMS_UNKNOWN, check_eligibility
from tests.factories import make_line, make_order
from tests.pages import inside, text

pytestmark = pytest.mark.django_db

UNKNOWN = "We don’t have this order’s items yet"


@pytest.fixture(params=["no lines", "shipping"])
def order(request: pytest.FixtureRequest) -> Order:
    order = make_order(placed_at=timezone.now() - timedelta(days=2))
    if request.param == "shipping":
        make_line(
            order, name="Shipping", sku="", kind=OrderLine.Kind.OTHER, total=Decimal(5), return_until=timezone.now()
        )
    return order


def test_the_order_page_says_that_items_are_unknown(order: Order) -> None:
    page = text(inside(order).get(f"/orders/{order.public_id}/"))
    assert UNKNOWN in page
    assert "Contact support" in page
    assert "period ended" not in page
    assert "Request a return" not in page


def test_the_return_page_says_the_same(order: Order) -> None:
    page = text(inside(order).get(f"/orders/{order.public_id}/return/"))
    assert UNKNOWN in page
    assert "period ended" not in page
    assert check_eligibility(order, timezone.now()).refusal == ITEMS_UNKNOWN
