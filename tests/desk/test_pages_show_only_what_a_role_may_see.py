"""A page shows serial numbers, emails, attempts, cases and threads only to staff who may see these."""

import pytest
from django.test import Client
from django.utils import timezone

from cases.services import cancel
from desk.order_tabs import TABS
from desk.roles import AGENT, AUDITOR, FINANCE, SUPERVISOR
from orders.access import find_by_card
from orders.models import Order
from orders.services.confirmations import resend_confirmation
from refunds.models import CashbackClaim, Return
from refunds.payout_details import PayoutDetails
from refunds.services import cashback
from refunds.services.returns import RequestedLine, request_return
from tests.desk.staff import staff_with_role
from tests.factories import make_agent, make_order, make_reason
from tests.refunds.cashback import make_claim, make_promotion, make_purchased_license
from tests.support.submissions import make_claim as make_charge_claim
from tests.visitors import visit

pytestmark = pytest.mark.django_db

SERIAL = "XAAB-1234-5678-9012-3456"
ACCOUNT = "DE89370400440532013000"


@pytest.fixture
def order() -> Order:
    order = make_order(number="A-1001", placed_at=timezone.now(), store_email="bea@example.com")
    license = make_purchased_license(order=order, serial=SERIAL)
    make_promotion(license.product)
    make_claim(license, details=PayoutDetails("Bea Buyer", ACCOUNT))
    request_return(order, [RequestedLine(license.licensed_lines.get().line_id, 1)], make_reason())
    charge_claim = make_charge_claim("bea@example.com")
    charge_claim.thread.order = order
    charge_claim.thread.save()
    resend_confirmation(order)
    find_by_card(visit("203.0.113.5"), "bea@example.com", "0000")
    return order


def read(browser: Client, url: str) -> str:
    answer = browser.get(url)
    assert answer.status_code == 200, url
    return answer.content.decode()


def all_tabs(browser: Client, order: Order) -> str:
    """The page of the order on each tab; a tab that the user may not see is the first one instead."""
    page = f"/admin/orders/order/{order.pk}/change/"
    return "".join(read(browser, f"{page}?tab={tab.name}") for tab in TABS)


def test_finance_sees_the_order_and_its_requests_without_serial_numbers_threads_emails_and_attempts(
    order: Order,
) -> None:
    page = all_tabs(staff_with_role(FINANCE), order)
    assert Return.objects.get().reference in page
    for hidden in (SERIAL, order.threads.get().reference, "203.0.113.5", "/admin/desk/email/", "/admin/support/"):
        assert hidden not in page, hidden


def test_an_agent_sees_all_of_it(order: Order) -> None:
    page = all_tabs(staff_with_role(AGENT), order)
    thread = order.threads.get()
    for shown in (Return.objects.get().reference, SERIAL, thread.reference, "203.0.113.5", "/admin/desk/email/"):
        assert shown in page, shown


@pytest.mark.parametrize("role", [AGENT, FINANCE])
def test_pages_of_requests_show_serial_numbers_to_those_who_may_see_licenses(order: Order, role: str) -> None:
    browser = staff_with_role(role)
    for model, case in (("return", Return.objects.get()), ("cashbackclaim", CashbackClaim.objects.get())):
        page = read(browser, f"/admin/refunds/{model}/{case.pk}/change/")
        assert (SERIAL in page) == (role == AGENT)
        assert ("/admin/notifications/" in page) == (role == AGENT)


@pytest.mark.parametrize("role", [AGENT, FINANCE])
def test_a_search_for_a_serial_number_finds_nothing_for_those_who_may_not_see_it(order: Order, role: str) -> None:
    browser = staff_with_role(role)
    for url, found in (
        ("/admin/orders/order/", "A-1001"),
        ("/admin/refunds/return/", Return.objects.get().reference),
        ("/admin/refunds/cashbackclaim/", CashbackClaim.objects.get().reference),
    ):
        assert (found in browser.get(url, {"q": SERIAL}).content.decode()) == (role == AGENT), url


@pytest.mark.parametrize("role", [AGENT, SUPERVISOR, AUDITOR])
def test_bank_details_are_shown_to_finance_only(order: Order, role: str) -> None:
    claim = CashbackClaim.objects.get()
    decide = f"/admin/refunds/cashbackclaim/{claim.pk}/decide/"
    answer = staff_with_role(role).post(decide, {"action": "look"})
    assert answer.status_code == 403
    assert claim.events.count() == 1
    assert ACCOUNT in staff_with_role(FINANCE).post(decide, {"action": "look"}).content.decode()
    assert claim.events.count() == 2  # on record


def test_finance_records_payouts_and_decides_nothing(order: Order) -> None:
    claim, browser = CashbackClaim.objects.get(), staff_with_role(FINANCE)
    decide = f"/admin/refunds/cashbackclaim/{claim.pk}/decide/"
    assert browser.post(decide, {"action": "approve"}).status_code == 403
    cancel(Return.objects.get())  # cashback is only paid for what is kept
    cashback.approve(claim, make_agent())
    answer = browser.post(decide, {"action": "pay", "pay-reference": "PAY-7"})
    assert answer.status_code == 302
    claim.refresh_from_db()
    assert (claim.status, claim.payout_reference) == (CashbackClaim.Status.PAID, "PAY-7")
