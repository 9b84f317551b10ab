from pathlib import Path

import pytest

from notifications.models import Message
from orders.models import Order
from support.models import Thread
from tests.browser.conftest import Open
from tests.factories import make_agent
from tests.files.factories import jpeg
from tests.support.submissions import link_in_latest_email, logged_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_claim_is_submitted_matched_and_its_order_opened(open_page: Open, order: Order, tmp_path: Path) -> None:
    receipt = tmp_path / "receipt.jpg"
    receipt.write_bytes(jpeg())
    page = open_page("/help/charged/", java_script_enabled=False)
    page.get_by_role("button", name="Send charge claim").click()
    page.get_by_role("link", name="Enter the email address for our reply").click()
    page.locator("#id_charged_email").fill("buyer@example.com")
    page.get_by_label("Amount").fill("79,95 €")
    page.get_by_label("Currency").select_option("EUR")
    page.get_by_label("Last 4 digits of the card").fill("4242")
    page.get_by_label("Receipt or bank statement").set_input_files(receipt)
    page.get_by_role("button", name="Send charge claim").click()
    thread = Thread.objects.get()
    assert page.get_by_role("heading", name=f"Charge claim {thread.reference}").is_visible()
    assert page.get_by_text("receipt.jpg").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360

    session_id = logged_in(make_agent()).cookies["sessionid"].value
    admin_page = open_page("/orders/find/", viewport={"width": 1280, "height": 900})
    admin_page.context.add_cookies([{"name": "sessionid", "value": session_id, "domain": "localhost", "path": "/"}])
    admin_page.goto("/admin/support/thread/")
    admin_page.get_by_role("link", name=thread.reference).click()
    admin_page.get_by_role("link", name="receipt.jpg").wait_for()
    admin_page.get_by_role("button", name="Match to A-1001").click()
    admin_page.get_by_text(f"{thread.reference}: saved.").wait_for()

    page.reload()
    assert page.get_by_role("heading", name="We found your order").is_visible()
    assert Message.objects.filter(kind="order_confirmation", recipient="buyer@example.com").exists()
    phone = open_page(link_in_latest_email("claim_matched"), java_script_enabled=False)
    phone.get_by_role("button", name="Open my orders").click()
    assert phone.get_by_text("XAAB-1234-5678-9012-3456").first.is_visible()
