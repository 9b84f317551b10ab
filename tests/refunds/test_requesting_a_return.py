"""Asking for a return: choose, check, send; and what the page says."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from notifications.models import Message
from orders.models import Order, OrderLine
from refunds.models import Return, ReturnReason
from tests.factories import make_line, make_order, make_reason
from tests.pages import inside, marks, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def order() -> Order:
    return make_order(placed_at=timezone.now(), total=Decimal("159.90"))


@pytest.fixture
def line(order: Order) -> OrderLine:
    return make_line(order)


@pytest.fixture
def reason() -> ReturnReason:
    return make_reason(translations={"de": "Falsches Produkt gekauft"})


def page_of(order: Order) -> str:
    return f"/orders/{order.public_id}/return/"


def filled(line: OrderLine, reason: ReturnReason, **fields: Any) -> dict[str, Any]:
    return {f"line-{line.pk}-quantity": "1", "reason": reason.pk, "comment": ""} | fields


def test_from_the_form_to_the_reference(order: Order, line: OrderLine, reason: ReturnReason) -> None:
    make_line(order, name="Extended Download Service")
    browser = inside(order)
    asked = browser.get(page_of(order))
    assert asked.status_code == 200
    assert marks(asked, "data-days-left") == ["30"]
    assert "Visa ending in 4242" in text(asked)
    checked = browser.post(page_of(order), filled(line, reason, comment="Sorry"))
    assert checked.status_code == 200
    assert marks(checked, "data-step") == ["confirm", "change"]
    assert marks(checked, "data-amount") == ["79.95"]
    assert not Return.objects.exists()
    sent = browser.post(page_of(order), filled(line, reason, comment="Sorry", confirm="1"))
    case = Return.objects.get()
    assert sent.status_code == 302
    assert sent["Location"] == f"/returns/{case.reference}/"
    status = browser.get(sent["Location"])
    assert marks(status, "data-status") == ["received"]
    assert marks(status, "data-reference") == [case.reference]
    assert marks(status, "data-amount") == ["79.95"]
    assert Message.objects.filter(kind="return_received").count() == 1
    assert Client().get(sent["Location"])["Location"] == f"/orders/find/?next=%2Freturns%2F{case.reference}%2F"
