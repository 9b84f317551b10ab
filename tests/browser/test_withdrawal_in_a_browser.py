import pytest

from refunds.models import Withdrawal
from tests.browser.conftest import Open

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_withdrawing_without_an_open_order(open_page: Open) -> None:
    page = open_page("/orders/find/", java_script_enabled=False)
    page.get_by_role("link", name="Withdraw from contract here").click()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("link", name="Enter your name.").click()
    page.get_by_label("Your name").fill("Bea Buyer")
    page.get_by_label("Order number").fill("A-1001")
    page.get_by_label("Email address").fill("buyer@exmaple.com")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("link", name="Change your statement").click()
    page.get_by_label("Email address").fill("buyer@example.com")
    page.get_by_role("button", name="Continue").click()
    assert not Withdrawal.objects.exists()
    page.get_by_role("button", name="Confirm withdrawal").click()
    withdrawal = Withdrawal.objects.get()
    assert withdrawal.email == "buyer@example.com"
    assert page.get_by_role("heading", name=f"Your withdrawal {withdrawal.reference}").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
