"""Staff assign a serial number to a line: imports keep it, and the buyer is notified."""

import threading
from datetime import date, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from licenses.models import License, LicensedLine, SerialPrefix, Sku
from licenses.services.assigning import NotAssignable, assign_and_notify, unassign
from notifications import kinds
from notifications.models import Message
from orders.models import Order, OrderLine
from tests.factories import make_license, make_line, make_order, make_product

pytestmark = pytest.mark.django_db

Kind = OrderLine.Kind


@pytest.fixture
def line() -> OrderLine:
    return make_line(make_order(language="de"))


def mails() -> list[Message]:
    return list(Message.objects.filter(kind="serial_arrived").order_by("pk"))


def test_the_license_is_made_with_what_is_known_of_it(line: OrderLine) -> None:
    product = make_product()
    SerialPrefix.objects.create(product=make_product(), prefix="X")
    SerialPrefix.objects.create(product=product, prefix="XA")
    link = assign_and_notify(line, " xaab–0001 ", devices=5, expires_on=date(2027, 11, 1))
    assert link.origin == LicensedLine.Origin.STAFF
    license = License.objects.get()
    assert (license.serial_key, license.product, license.devices, license.expires_on) == (
        "XAAB0001",
        product,
        5,
        date(2027, 11, 1),
    )


def test_the_sku_takes_precedence_over_the_prefix(line: OrderLine) -> None:
    SerialPrefix.objects.create(product=make_product(), prefix="X")
    sold = make_product()
    Sku.objects.create(store=line.order.store, code=line.sku, product=sold)
    assert assign_and_notify(line, "XAAB-0001").license.product == sold


def test_the_buyer_gets_one_email_in_the_orders_language(line: OrderLine) -> None:
    assign_and_notify(line, "XAAB-0001")
    (message,) = mails()
    assert (message.recipient, message.language, message.order_id) == ("buyer@example.com", "de", line.order_id)
    with pytest.raises(NotAssignable):
        assign_and_notify(line, "XAAB-0001")
    assert len(mails()) == 1


def test_a_license_that_is_there_without_an_order_is_linked(line: OrderLine) -> None:
    license = License.objects.create(serial="XAAB-0001", devices=3)
    assert assign_and_notify(line, "xaab0001", devices=5).license == license
    license.refresh_from_db()
    assert (license.serial, license.devices) == ("XAAB-0001", 3)


@pytest.mark.parametrize("serial", ["", " ", "---", "X" * 101, "\u200b", "X\x07\ud800"])
def test_an_invalid_serial_number_is_refused(line: OrderLine, serial: str) -> None:
    with pytest.raises(NotAssignable):
        assign_and_notify(line, serial)
    assert not License.objects.exists()


@pytest.mark.parametrize("serial", ["4242 4242 4242 4242", "visa 4242.4242.4242.4242"])
def test_a_card_number_is_refused_unless_the_product_has_such_serial_numbers(line: OrderLine, serial: str) -> None:
    with pytest.raises(NotAssignable, match="looks like a card number"):
        assign_and_notify(line, serial)
    make_product(serial_pattern="0000-0000-0000-0000")
    assert assign_and_notify(line, "5555-5555-5555-4444").license.serial == "5555-5555-5555-4444"


def test_a_revoked_one_is_refused(line: OrderLine) -> None:
    License.objects.create(serial="XAAB-0001", revoked_at=timezone.now())
    with pytest.raises(NotAssignable, match="revoked"):
        assign_and_notify(line, "XAAB-0001")


def test_another_buyers_is_refused_and_so_is_ones_own_where_nothing_is_renewed(line: OrderLine) -> None:
    make_license(make_line(make_order(store_email="other@example.com")), "XAAB-0001")
    make_license(make_line(make_order()), "XAAB-0002")
    for serial in ("XAAB-0001", "XAAB-0002"):
        with pytest.raises(NotAssignable, match="another order"):
            assign_and_notify(line, serial)
    assert not mails()


@pytest.mark.parametrize("status", ["cancelled", "refunded", "charged_back"])
def test_an_order_that_fell_gets_none(line: OrderLine, status: str) -> None:
    Order.objects.update(status=status)
    with pytest.raises(NotAssignable, match="This item was canceled or returned, so it can’t get a serial number"):
        assign_and_notify(line, "XAAB-0001")


def test_a_returned_line_or_one_without_serial_numbers_gets_none() -> None:
    order = make_order()
    with pytest.raises(NotAssignable, match="canceled or returned"):
        assign_and_notify(make_line(order, quantity_returned=1), "XAAB-0001")
    with pytest.raises(NotAssignable, match="This item doesn’t include a serial number"):
        assign_and_notify(make_line(order, kind=Kind.EXTENDED_DOWNLOAD), "XAAB-0001")


def test_nothing_moves_while_a_corrected_address_can_be_undone(line: OrderLine) -> None:
    Order.objects.update(returns_frozen_until=timezone.now() + timedelta(hours=1))
    with pytest.raises(NotAssignable, match="undone"):
        assign_and_notify(line, "XAAB-0001")
    assert not LicensedLine.objects.exists()


def test_as_many_serial_numbers_as_units() -> None:
    line = make_line(make_order(), quantity=2)
    assign_and_notify(line, "XAAB-0001")
    assign_and_notify(line, "XAAB-0002")
    with pytest.raises(NotAssignable, match="already"):
        assign_and_notify(line, "XAAB-0003")


def test_a_license_cannot_end_before_it_starts(line: OrderLine) -> None:
    License.objects.create(serial="XAAB-0001", starts_on=date(2026, 11, 1))
    with pytest.raises(NotAssignable, match="end date is before the start date"):
        assign_and_notify(line, "XAAB-0001", expires_on=date(2026, 10, 1))
    assert not LicensedLine.objects.exists()


# --- Renewals keep an earlier number ------------------------------------------------------------------------


@pytest.fixture
def renewal() -> OrderLine:
    return make_line(make_order(), kind=Kind.RENEWAL)


def earlier(email: str = "buyer@example.com") -> License:
    order = make_order(store_email=email, placed_at=timezone.now() - timedelta(days=700))
    return make_license(make_line(order), "XAAB-0001", starts_on=date(2025, 1, 1), expires_on=date(2026, 1, 1))


def test_a_renewal_carries_the_buyers_own_number_on_with_its_new_end(renewal: OrderLine) -> None:
    license = earlier("BUYER@example.com ")
    sold = make_product()
    Sku.objects.create(store=renewal.order.store, code=renewal.sku, product=sold)
    link = assign_and_notify(renewal, "XAAB-0001", devices=5, expires_on=date(2027, 1, 1))
    license.refresh_from_db()
    assert (license.devices, license.expires_on, license.product) == (5, date(2027, 1, 1), sold)
    assert link.expires_on == date(2027, 1, 1)


def test_a_number_of_another_address_is_carried_on_only_where_staff_say_so(renewal: OrderLine) -> None:
    earlier("old-address@example.com")
    with pytest.raises(NotAssignable, match="another email address"):
        assign_and_notify(renewal, "XAAB-0001")
    assert assign_and_notify(renewal, "XAAB-0001", same_buyer=True).license.licensed_lines.count() == 2


def test_taking_a_renewal_away_gives_its_time_back(renewal: OrderLine) -> None:
    license = earlier()
    unassign(assign_and_notify(renewal, "XAAB-0001", expires_on=date(2027, 1, 1)))
    license.refresh_from_db()
    assert license.expires_on == date(2026, 1, 1)
    assert license.licensed_lines.count() == 1


# --- Unassigning --------------------------------------------------------------------------------------------


def test_after_unassigning_a_wrong_number_the_right_one_is_emailed(line: OrderLine) -> None:
    link = assign_and_notify(line, "XAAB-0001")
    unassign(link)
    unassign(link)
    assert not mails()
    assign_and_notify(line, "XAAB-0002")
    (message,) = mails()
    assert kinds.get(message.kind).still_wanted(message)


def test_an_email_about_one_that_was_taken_away_is_not_sent(line: OrderLine) -> None:
    link = assign_and_notify(line, "XAAB-0001")
    Message.objects.update(leased_until=timezone.now())
    unassign(link)
    (message,) = mails()
    assert not kinds.get(message.kind).still_wanted(message)


def test_one_from_the_store_cannot_be_taken_away(line: OrderLine) -> None:
    link = make_license(line).licensed_lines.get()
    with pytest.raises(NotAssignable, match="from the store"):
        unassign(link)


@pytest.mark.django_db(transaction=True)
def test_of_several_concurrent_assignments_one_succeeds(line: OrderLine) -> None:
    ended: list[str] = []

    def try_it(serial: str) -> None:
        try:
            assign_and_notify(line, serial)
            ended.append("given")
        except NotAssignable:
            ended.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=try_it, args=[f"XAAB-000{number}"]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(ended) == ["given", "refused", "refused", "refused"]
    assert (LicensedLine.objects.count(), License.objects.count(), len(mails())) == (1, 1, 1)
