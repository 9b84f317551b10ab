"""An order with an ambiguous address is imported with a warning, and its key stays empty."""

import pytest

from tests.intake.exports import Importer, portal_order, the_order

pytestmark = pytest.mark.django_db


def test_such_an_order_is_taken_with_a_warning(importer: Importer) -> None:
    result = importer.orders(portal_order(email="vİctim@gmail.com"))
    order = the_order()
    assert (order.store_email, order.email_key) == ("vİctim@gmail.com", "")
    assert "is ambiguous" in result.said
    assert "vİctim" not in result.said


def test_an_import_sets_and_changes_the_key(importer: Importer) -> None:
    importer.orders(portal_order(email="Ann@Bücher.example"))
    assert the_order().email_key == "ann@xn--bcher-kva.example"
    importer.orders(portal_order(email="Other@Example.com"))
    assert the_order().email_key == "other@example.com"
