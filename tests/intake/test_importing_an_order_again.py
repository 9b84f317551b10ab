"""The merge rules: what an update keeps, clears, overwrites and doesn't touch."""

from datetime import date
from decimal import Decimal

import pytest

from licenses.models import License, LicensedLine
from orders.models import Order, OrderLine, Refund
from tests.factories import make_license
from tests.intake.exports import ABSENT, ORDER, Importer, portal_order, the_order

pytestmark = pytest.mark.django_db

LINE = ORDER["lines"][0]
REFUND = {"id": "R-1", "amount": "9.99", "at": "2026-11-05T09:00:00+01:00", "lines": [{"id": "2", "quantity": 1}]}


def at(day: int) -> str:
    return f"2026-11-{day:02d}T12:00:00Z"


def test_the_same_file_twice_changes_nothing(importer: Importer) -> None:
    orders = [portal_order(number=f"A-{number}", password="secret", refunds=[REFUND]) for number in range(5)]
    assert importer.orders(*orders).tally == (5, 0, 0, 0)
    before = list(Order.objects.order_by("pk").values())
    assert importer.orders(*orders).tally == (0, 0, 5, 0)
    assert list(Order.objects.order_by("pk").values()) == before


def test_the_same_content_written_differently_is_unchanged(importer: Importer) -> None:
    importer.orders(portal_order())
    reordered = dict(reversed(portal_order(placed_at="2026-11-01T09:00:00Z").items()))
    assert importer.orders(reordered).tally == (0, 0, 1, 0)


def test_absent_fields_are_kept_and_null_clears(importer: Importer) -> None:
    importer.orders(portal_order(invoice={"number": "2026-77"}))
    absent = dict.fromkeys(("language", "billing", "invoice", "totals", "status"), ABSENT)
    changed = portal_order(email=None, payment={"brand": None, "last4": "1111"}, **absent)
    assert importer.orders(changed).tally == (0, 1, 0, 0)
    order = the_order()
    assert (order.store_email, order.card_brand, order.card_last4, order.wallet) == ("", "", "1111", "apple_pay")
    assert (order.language, order.billing_name, order.invoice_number) == ("de", "Ann Beispiel", "2026-77")
    assert order.total == Decimal("89.94")
    importer.orders(portal_order(payment=None, billing=None, invoice=None, totals=None, language=None))
    order = the_order()
    assert (order.card_last4, order.billing_name, order.invoice_number, order.language) == ("", "", "", "")
    assert order.total == 0


def test_the_newer_state_wins_in_any_order(importer: Importer) -> None:
    newer = portal_order(updated_at=at(9), email="new@example.com", status="completed")
    older = portal_order(updated_at=at(5), email="old@example.com", status="refunded")
    importer.orders(newer)
    assert importer.orders(older).tally == (0, 0, 1, 0)
    assert (the_order().store_email, the_order().status) == ("new@example.com", "completed")
    importer.orders(portal_order(number="A-2", updated_at=at(5), status="refunded"))
    importer.orders(portal_order(number="A-2", updated_at=at(9), status="completed"))
    assert the_order("A-2").status == "completed"


def test_an_older_version_fills_in_what_no_newer_one_had(importer: Importer) -> None:
    importer.orders(portal_order(updated_at=at(9), billing=ABSENT, payment={"last4": None}))
    assert importer.orders(portal_order(updated_at=at(5))).tally == (0, 1, 0, 0)
    order = the_order()
    assert (order.billing_name, order.card_brand) == ("Ann Beispiel", "visa")
    assert order.card_last4 == ""  # the newer one cleared it


def test_without_a_date_a_status_never_moves_back_but_the_rest_applies(importer: Importer) -> None:
    importer.orders(portal_order(status="refunded"))
    assert importer.orders(portal_order(status="pending", email="x@example.com")).tally == (0, 1, 0, 0)
    assert (the_order().status, the_order().store_email) == ("refunded", "x@example.com")
    assert importer.orders(portal_order(status="charged_back", email="x@example.com")).tally == (0, 1, 0, 0)
    assert the_order().status == "charged_back"


def test_duplicates_in_one_file_are_updates_of_each_other(importer: Importer) -> None:
    orders = [portal_order(email="first@example.com"), portal_order(email="second@example.com"), portal_order()]
    assert importer.orders(*orders).tally == (1, 2, 0, 0)
    assert the_order().store_email == "ann@example.com"
    assert importer.orders(*orders).tally == (0, 0, 3, 0)


def test_rows_out_of_order_end_in_the_newest_state(importer: Importer) -> None:
    orders = [portal_order(updated_at=at(day), email=f"day{day}@example.com") for day in (3, 9, 5)]
    assert importer.orders(*orders).tally == (1, 1, 1, 0)
    assert the_order().store_email == "day9@example.com"


def test_a_corrected_address_is_kept_when_an_import_has_another(importer: Importer) -> None:
    importer.orders(portal_order())
    Order.objects.update(contact_email="right@example.com", email_key="right@example.com")
    importer.orders(portal_order(email="wrong@example.com"))
    order = the_order()
    assert (order.store_email, order.contact_email, order.email_key) == (
        "wrong@example.com",
        "right@example.com",
        "right@example.com",
    )


def test_a_serial_number_that_staff_assigned_is_not_taken_away(importer: Importer) -> None:
    importer.orders(portal_order())
    line = OrderLine.objects.get(store_line_id="2")
    make_license(line, "STAFF-1")
    LicensedLine.objects.filter(line=line).update(origin=LicensedLine.Origin.STAFF)
    importer.orders(portal_order(lines=[LINE | {"licenses": []}]))
    assert [link.license.serial for link in LicensedLine.objects.filter(order=the_order())] == ["STAFF-1"]
    assert the_order().lines.count() == 2  # its line is kept, although the store no longer lists it


def test_lines_missing_from_a_newer_list_are_deleted_unless_returned(importer: Importer) -> None:
    importer.orders(portal_order(), portal_order(number="A-2", refunds=[REFUND]))
    importer.orders(portal_order(lines=[LINE]), portal_order(number="A-2", lines=[LINE]))
    assert the_order().lines.count() == 1
    assert the_order("A-2").lines.count() == 2


def test_lines_are_matched_by_their_id(importer: Importer) -> None:
    importer.orders(portal_order())
    before = set(OrderLine.objects.values_list("pk", flat=True))
    first, second = ORDER["lines"]
    importer.orders(portal_order(lines=[second, first | {"name": "Renamed"}]))
    assert set(OrderLine.objects.values_list("pk", flat=True)) == before
    assert list(OrderLine.objects.order_by("position").values_list("name", flat=True)) == [second["name"], "Renamed"]
    assert LicensedLine.objects.count() == 1


def test_a_corrected_serial_number_replaces_the_wrong_one(importer: Importer) -> None:
    importer.orders(portal_order())
    importer.orders(portal_order(lines=[LINE | {"licenses": [{"serial": "XBBB 9999", "devices": 5}]}]))
    assert [link.license.serial_key for link in LicensedLine.objects.all()] == ["XBBB9999"]


def test_refunds_are_matched_by_their_id_and_count_returned_units(importer: Importer) -> None:
    importer.orders(portal_order(refunds=[REFUND]))
    importer.orders(portal_order(refunds=[REFUND | {"amount": "12.00"}]))
    assert sum(refund.amount for refund in Refund.objects.all()) == Decimal("12.00")
    assert OrderLine.objects.get(store_line_id="2").quantity_returned == 1
    importer.orders(portal_order())
    assert not Refund.objects.filter(missing_since__isnull=False).exists()  # absent means kept


@pytest.mark.parametrize("refunds", [None, [], [REFUND | {"amount": "5.00"}]])
def test_a_recorded_refund_stays_and_a_store_that_contradicts_it_is_marked(importer: Importer, refunds: object) -> None:
    importer.orders(portal_order(refunds=[REFUND]))
    importer.orders(portal_order(refunds=refunds))
    refund = Refund.objects.get()
    assert refund.amount == Decimal("9.99")
    assert refund.missing_since is not None
    importer.orders(portal_order(refunds=[REFUND], email="other@example.com"))
    assert Refund.objects.get().missing_since is None


def test_units_that_the_portal_took_back_are_not_forgotten(importer: Importer) -> None:
    importer.orders(portal_order())
    OrderLine.objects.filter(store_line_id="2").update(quantity_returned=1)
    importer.orders(portal_order(refunds=[REFUND]))
    assert OrderLine.objects.get(store_line_id="2").quantity_returned == 1


def test_more_returned_than_bought_is_rejected_whole(importer: Importer) -> None:
    importer.orders(portal_order(lines=[LINE | {"quantity": 3}]))
    OrderLine.objects.update(quantity_returned=3)
    result = importer.orders(
        portal_order(lines=[LINE | {"quantity": 2}], email="x@example.com"), portal_order(number="B")
    )
    assert result.tally == (1, 0, 0, 1)
    assert "More units of a line are returned than were bought." in result.said
    assert the_order().store_email == "ann@example.com"


def renewal(serial: str = "XAAB-1234-5678", **license: object) -> dict[str, object]:
    line = {"id": "1", "sku": "MAX-R", "name": "Renewal", "kind": "renewal", "extends": serial}
    return line | ({"licenses": [{"serial": serial, **license}]} if license else {})


def test_a_renewal_carries_the_serial_number_on(importer: Importer) -> None:
    importer.orders(
        portal_order(),
        portal_order(
            number="A-2", placed_at="2027-10-01T00:00:00Z", lines=[renewal(expires_on="2028-11-01", devices=5)]
        ),
    )
    license = License.objects.get()
    assert (license.devices, license.starts_on, license.expires_on) == (5, date(2026, 11, 1), date(2028, 11, 1))
    assert {link.order.number for link in license.licensed_lines.all()} == {"A-1001", "A-2"}


def test_the_renewed_expiry_is_kept_when_the_first_order_is_imported_later_or_again(importer: Importer) -> None:
    renewed = portal_order(number="A-2", placed_at="2027-10-01T00:00:00Z", lines=[renewal(expires_on="2028-11-01")])
    importer.orders(renewed)
    importer.orders(portal_order())
    license = License.objects.get()
    assert (license.expires_on, license.devices) == (date(2028, 11, 1), 3)
    importer.orders(portal_order(email="other@example.com"))
    assert License.objects.get().expires_on == date(2028, 11, 1)


def test_a_renewal_of_an_unknown_license_makes_it(importer: Importer) -> None:
    importer.orders(portal_order(lines=[renewal("XNEW-1")]))
    assert License.objects.get().serial == "XNEW-1"
    assert LicensedLine.objects.count() == 1


def test_an_order_found_by_another_spelling_of_its_number_is_the_same(importer: Importer) -> None:
    importer.orders(portal_order())
    assert importer.orders(portal_order(number="#a-1001 ")).tally == (0, 1, 0, 0)
    assert Order.objects.count() == 1
