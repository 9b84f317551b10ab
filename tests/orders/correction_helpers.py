"""Steps of an address correction in a browser, for tests."""

import re
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from notifications import kinds
from notifications.models import Message
from notifications.rendering import build
from orders.models import AddressCorrection, Order
from orders.passwords import portal_password
from orders.services.address_corrections import CORRECTED, TO_OLD, correct_address

START = "/orders/correct-email/"
DRAFT = "?draft=" + 32 * "0"  # the tests need one tab only
PAGE, CHECK = f"/orders/correct-email/{DRAFT}", f"/orders/correct-email/check/{DRAFT}"


def post_correction(order: Order, browser: Client | None = None, **fields: str) -> HttpResponse:
    """Post the first step with the right details, except for the given ones.

    Returns the page with the errors, or the redirect to the second step.
    """
    data = {
        "order_number": order.number,
        "password": portal_password(order) or "",
        "card_last4": order.card_last4,
        "new_email": "right@example.com",
    }
    plain = Client()
    if browser is not None:
        plain.cookies = browser.cookies
    answer = plain.post(PAGE, data | fields)
    assert answer.status_code == 303
    return plain.get(PAGE) if answer["Location"] == PAGE else answer


def correct_in_browser(order: Order, new_email: str = "right@example.com") -> Client:
    """Correct the address in a new browser, and return the browser."""
    browser = Client()
    assert post_correction(order, browser, new_email=new_email)["Location"] == CHECK
    assert browser.post(CHECK).status_code == 302
    order.refresh_from_db()
    return browser


def settle_notice(correction: AddressCorrection, status: Message.Status, at: datetime) -> None:
    """Store the result of the notice to the old address, as delivery does."""
    notice = Message.objects.get(kind=CORRECTED, object_id=correction.pk, key=TO_OLD)
    on_result = kinds.get(CORRECTED).on_result
    assert on_result is not None
    on_result(notice, status, at)
    sent_at = at if status != Message.Status.FAILED else None
    Message.objects.filter(pk=notice.pk).update(status=status, sent_at=sent_at)
    correction.refresh_from_db()


def correct_and_notify(order: Order, new_email: str) -> AddressCorrection:
    """Correct the address, and send the notice immediately."""
    correction = correct_address(order, new_email)
    settle_notice(correction, Message.Status.SENT, timezone.now())
    order.refresh_from_db()
    return correction


def sent_email(address: str, kind: str) -> Any:
    message = Message.objects.filter(kind=kind, recipient=address).latest("pk")
    return build(message, kinds.get(kind))


def undo_path(address: str = "buyer@example.com") -> str:
    """Return the path of the undo link in the email to the old address."""
    found = re.search(
        r"http://testserver(/orders/correct-email/undo/\S+/)", str(sent_email(address, "address_corrected_old").body)
    )
    assert found is not None
    return found[1]
