"""After a lookup by card, an emailed code is required to release a device or name a bank account."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from licenses.models import Device, DeviceRelease, License, LicensedLine
from notifications.models import Message
from orders.access import CODE_RATE, GRANT_LIFETIME
from orders.lookup_codes import code_digits
from orders.models import AccessLink, LookupCode, Order, Store
from refunds.models import AutoApprovalLimit, CashbackClaim, RefundTransaction, Return, ReturnPolicy
from tests.factories import make_order, make_reason
from tests.files import factories
from tests.pages import Browser, inside, marks, result, text
from tests.refunds.cashback import make_promotion, make_purchased_license, order_of

pytestmark = pytest.mark.django_db

IBAN = "DE89 3704 0044 0532 0130 00"


@pytest.fixture
def license() -> License:
    license = make_purchased_license()
    assert license.product
    make_promotion(license.product)
    return license


@pytest.fixture
def order(license: License) -> Order:
    return order_of(license)


@pytest.fixture
def device(license: License) -> Device:
    now = timezone.now()
    return Device.objects.create(license=license, vendor_id="1", name="Laptop", activated_at=now, last_seen_at=now)


def by_card(browser: Client | None = None) -> Client:
    browser = browser or Browser()
    answer = browser.post("/orders/find/card/", {"email": "buyer@example.com", "card_last4": "4242"})
    assert answer.status_code == 302
    return browser


def by_link() -> Client:
    browser = Browser()
    browser.post("/orders/find/link/", {"email": "buyer@example.com"})
    browser.post(f"/access/{AccessLink.objects.latest('pk').make_token()}/")
    return browser


def code_page(order: Order) -> str:
    return f"/orders/{order.public_id}/code/"


def latest_digits() -> str:
    return code_digits(LookupCode.objects.latest("pk"))


def confirm(browser: Client, order: Order, next_path: str = "") -> Any:
    browser.post(f"{code_page(order)}again/", {"next": next_path})
    return browser.post(code_page(order), {"code": latest_digits(), "next": next_path})


def release_page(device: Device) -> str:
    return f"/licenses/devices/{device.pk}/release/"


def claim(license: License, **fields: Any) -> dict[str, Any]:
    proof = factories.upload(factories.png(), "receipt.png")
    named = {"payout_method": "bank", "payout_holder": "Bea Buyer", "payout_account": IBAN}
    return {"serial": license.serial, "country": "DE", "proof": proof, "submission_id": "one"} | named | fields


def test_the_code_is_asked_for_before_the_form_and_leads_back_to_it(device: Device, order: Order) -> None:
    browser = by_card()
    asked = browser.get(release_page(device))
    assert asked["Location"] == f"{code_page(order)}?next=%2Flicenses%2Fdevices%2F{device.pk}%2Frelease%2F"
    page = browser.get(asked["Location"])
    assert "Email me a code" in text(page)
    assert not LookupCode.objects.exists()  # nothing is sent before the person requests it
    sent = browser.post(f"{code_page(order)}again/", {"next": release_page(device)})
    page = browser.get(sent["Location"])
    assert f'name="next" value="{release_page(device)}"' in page.content.decode()
    confirmed = browser.post(code_page(order), {"code": latest_digits(), "next": release_page(device)})
    assert confirmed["Location"] == release_page(device)
    browser.post(release_page(device))
    assert DeviceRelease.objects.count() == 1


@pytest.mark.parametrize("policy", Store.ConfirmCardLookup.values)
def test_a_post_without_the_code_changes_nothing_for_any_store_setting(
    device: Device, order: Order, policy: str
) -> None:
    Store.objects.update(confirm_card_lookup=policy)
    browser = by_card()
    for action in ("release", "undo"):
        answer = browser.post(f"/licenses/devices/{device.pk}/{action}/")
        assert answer.status_code == 302
        assert not answer["Location"].startswith("/licenses/")
    assert not DeviceRelease.objects.exists()


def test_a_code_entered_once_is_enough_for_the_session(device: Device, order: Order) -> None:
    browser = by_card()
    confirm(browser, order)
    by_card(browser)  # the same lookup again removes nothing
    assert browser.get(release_page(device)).status_code == 200
    assert by_card().get(release_page(device)).status_code == 302  # another browser


def test_number_and_password_or_a_link_need_no_code(device: Device, order: Order) -> None:
    for browser in (inside(order), by_link(), by_card(inside(order)), by_card(by_link())):
        assert browser.get(release_page(device)).status_code == 200
    assert not LookupCode.objects.exists()


def test_a_later_lookup_by_card_does_not_prolong_what_the_password_confirmed(device: Device, order: Order) -> None:
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        browser = inside(order)
    for minutes in range(25, int(GRANT_LIFETIME.total_seconds() // 60) + 25, 25):
        with time_machine.travel(now + timedelta(minutes=minutes), tick=False):
            by_card(browser)
    with time_machine.travel(now + GRANT_LIFETIME + timedelta(minutes=1), tick=False):
        assert browser.get(f"/orders/{order.public_id}/").status_code == 200
        assert browser.get(release_page(device))["Location"].startswith(code_page(order))


def test_a_restricted_order_is_confirmed_by_the_same_code(device: Device, order: Order) -> None:
    Store.objects.update(confirm_card_lookup="always")
    browser = by_card()
    browser.post(code_page(order), {"code": latest_digits()})
    assert browser.get(release_page(device)).status_code == 200


def test_of_two_orders_with_the_license_the_confirmed_one_counts(license: License, device: Device) -> None:
    first = order_of(license)
    renewal = make_order(store=first.store, placed_at=timezone.now() + timedelta(minutes=1), password_hash="")
    line = first.lines.get()
    line.pk, line.order, line.store_line_id = None, renewal, "renewal"
    line.save()
    LicensedLine.objects.create(line=line, order=renewal, license=license)
    browser = inside(first)
    Order.objects.filter(pk=first.pk).update(card_last4="0000")
    by_card(browser)  # opens the renewal
    assert browser.get(release_page(device)).status_code == 200


def test_a_bank_account_is_offered_only_after_the_code(license: License, order: Order) -> None:
    browser = by_card()
    page = browser.get("/cashback/?country=DE")
    assert "payout_account" not in page.content.decode()
    assert marks(page, "data-cashback") == ["applies"]
    asked = browser.post("/cashback/", claim(license))
    assert asked["Location"] == f"{code_page(order)}?next=%2Fcashback%2F%3Fcountry%3DDE"
    assert asked["Location"] in page.content.decode()
    assert not CashbackClaim.objects.exists()
    confirmed = confirm(browser, order, "/cashback/?country=DE")
    assert confirmed["Location"] == "/cashback/?country=DE"
    assert "payout_account" in browser.get(confirmed["Location"]).content.decode()
    browser.post("/cashback/", claim(license))
    assert CashbackClaim.objects.get().payout_method == "bank"


@pytest.mark.parametrize("method", ["original", ""])
def test_a_refund_to_the_original_payment_method_needs_no_code(license: License, order: Order, method: str) -> None:
    by_card().post("/cashback/", claim(license, payout_method=method))
    assert CashbackClaim.objects.get().payout_details == b""


def test_a_claim_with_a_mistyped_serial_number_names_no_account_either(license: License, order: Order) -> None:
    answer = by_card().post("/cashback/", claim(license, serial="XZZZ-0000-0000-0000-0000"))
    assert answer.status_code == 422
    assert not CashbackClaim.objects.exists()


def test_a_return_by_card_is_left_to_staff_and_by_code_it_is_approved_at_once(order: Order) -> None:
    policy = ReturnPolicy.objects.create(store=order.store, in_force_from=order.placed_at)
    AutoApprovalLimit.objects.create(policy=policy, currency="EUR", up_to=Decimal("1000.00"))
    page, browser = f"/orders/{order.public_id}/return/", by_card()
    form = {f"line-{order.lines.get().pk}-quantity": 1, "reason": make_reason().pk}
    assert "We’ll approve it right away" not in text(browser.post(page, form))
    sent = browser.post(page, form | {"confirm": "1", "submission_id": "one"})
    case = Return.objects.get()
    assert (sent["Location"], case.status) == (case.path, "received")
    assert not RefundTransaction.objects.exists()
    browser.post(f"{case.path}cancel/")
    confirm(browser, order)
    assert "We’ll approve it right away" in text(browser.post(page, form))
    browser.post(page, form | {"confirm": "1", "submission_id": "two"})
    assert Return.objects.latest("pk").status == "approved"


def test_a_withdrawal_needs_no_code(order: Order) -> None:
    stated = {"name": "Bea Buyer", "order_number": order.number, "email": "buyer@example.com", "confirm": "1"}
    assert by_card().post("/withdraw/", stated)["Location"].startswith("/withdraw/W-")


@pytest.mark.parametrize("next_path", ["//evil.example/", "https://evil.example/", "/admin/", "/cashback/?a=//x", "c"])
def test_the_code_leads_to_no_other_page(order: Order, next_path: str) -> None:
    browser = by_card()
    page = browser.get(code_page(order), {"next": next_path})
    assert f'value="{next_path}"' not in page.content.decode()
    assert confirm(browser, order, next_path)["Location"] == f"/orders/{order.public_id}/"
    assert browser.get(code_page(order), {"next": next_path})["Location"] == f"/orders/{order.public_id}/"


def test_strangers_reach_no_code_page_and_cause_no_email(order: Order) -> None:
    for answer in (Client().get(code_page(order)), Client().post(f"{code_page(order)}again/")):
        assert answer["Location"].startswith("/orders/find/")
    assert not Message.objects.filter(kind="lookup_code").exists()


def test_a_wrong_code_confirms_nothing(device: Device, order: Order) -> None:
    browser = by_card()
    browser.post(f"{code_page(order)}again/")
    wrong = f"{(int(latest_digits()) + 1) % 10**6:06}"
    answer = browser.post(code_page(order), {"code": wrong, "next": release_page(device)})
    assert (answer.status_code, result(answer)) == (422, "not-found")
    assert f'name="next" value="{release_page(device)}"' in answer.content.decode()
    assert browser.get(release_page(device)).status_code == 302


def test_too_many_codes_are_refused_with_the_time_of_the_next(order: Order) -> None:
    browser = by_card()
    for _code in range(CODE_RATE.short + 1):
        sent = browser.post(f"{code_page(order)}again/")
    assert Message.objects.filter(kind="lookup_code").count() == CODE_RATE.short
    assert "get another in 15 minutes (" in text(browser.get(sent["Location"]))


def test_an_order_without_an_address_is_a_matter_for_support(device: Device, order: Order) -> None:
    browser = by_card()
    Order.objects.filter(pk=order.pk).update(store_email="", contact_email="", email_key="")
    page = browser.get(browser.get(release_page(device))["Location"])
    assert "Contact support" in text(page)
    browser.post(f"{code_page(order)}again/")
    assert not Message.objects.filter(kind="lookup_code").exists()
