from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from orders.invoice import build_invoice
from orders.models import Order, Refund
from tests.factories import make_line, make_order, make_store
from tests.pages import inside, text

pytestmark = pytest.mark.django_db


def invoice_text(order: Order) -> str:
    return text(inside(order).get(f"/orders/{order.public_id}/invoice/"))


def test_without_an_invoice_number_it_is_an_order_statement() -> None:
    order = make_order(store=make_store(seller="Acme Reselling Ltd\nDublin\nVAT IE1234567X"))
    make_line(order)
    page_text = invoice_text(order)
    assert "Order statement" in page_text
    assert "not a tax invoice" in page_text
    assert "Acme Reselling Ltd Dublin VAT IE1234567X" in page_text


def test_an_invoice_has_number_date_and_seller() -> None:
    order = make_order(
        invoice_number="2026-77",
        invoice_issued_on=date(2026, 11, 1),
        invoice_seller="Acme Reselling Ltd, Dublin",
        billing_company="Beispiel GmbH",
        billing_address="Beispielweg 1\nHinterhaus",
        billing_postcode="50667",
        billing_city="Köln",
        billing_vat_id="DE123456789",
    )
    make_line(order)
    page_text = invoice_text(order)
    for fact in ("Invoice 2026-77", "Invoice date 1 November 2026", "Acme Reselling Ltd, Dublin", "50667 Köln"):
        assert fact in page_text
    assert "Beispiel GmbH Bea Buyer Beispielweg 1 Hinterhaus 50667 Köln Germany VAT ID: DE123456789" in page_text
    assert "not a tax invoice" not in page_text


def test_the_store_is_the_seller_if_none_is_set() -> None:
    assert "Acme EU" in invoice_text(make_order(store=make_store(name="Acme EU")))


def test_tax_is_shown_per_rate_if_it_adds_up() -> None:
    order = make_order(tax=Decimal("13.46"))
    make_line(order, tax=Decimal("12.76"), tax_rate=Decimal(19))
    make_line(order, tax=Decimal("0.70"), tax_rate=Decimal("7.25"))
    totals = build_invoice(order, list(order.lines.order_by("position")), []).totals
    assert totals[1:] == [("Tax 19%", "€12.76"), ("Tax 7.25%", "€0.70")]


def test_tax_that_does_not_add_up_is_shown_as_one_amount() -> None:
    order = make_order(tax=Decimal("99.00"))
    make_line(order)
    assert build_invoice(order, list(order.lines.all()), []).totals[1:] == [("Tax", "€99.00")]


def test_refunds_and_discounts_are_shown() -> None:
    order = make_order(discount=Decimal(5), status="partially_refunded")
    make_line(order, discount=Decimal(5))
    at = datetime(2026, 11, 5, tzinfo=UTC)
    Refund.objects.create(order=order, store_refund_id="R-1", amount=Decimal("9.99"), refunded_at=at)
    page_text = invoice_text(order)
    assert "Discount -€5.00" in page_text
    assert "Refunded on 5 November 2026: €9.99" in page_text


def test_a_refund_without_a_date_is_shown_before_the_day_we_learned_of_it() -> None:
    order = make_order(status="partially_refunded")
    at = datetime(2026, 11, 5, tzinfo=UTC)
    Refund.objects.create(order=order, store_refund_id="R-1", amount=Decimal("9.99"), recorded_at=at)
    assert "Refunded before 5 November 2026: €9.99" in invoice_text(order)


def test_building_an_invoice_needs_no_query(django_assert_num_queries) -> None:
    order = Order.objects.select_related("store").get(pk=make_order().pk)
    lines = [make_line(order) for _line in range(3)]
    with django_assert_num_queries(0):
        assert len(build_invoice(order, lines, []).rows) == 3
