"""Every email has a title, a main landmark, one button, a preview line, the code, and the colors of the pages."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMultiAlternatives
from django.db import models
from django.test import Client
from django.utils import timezone

from desk.models import Erasure, ExportLink, PasswordReset, PersonRequest
from notifications import kinds, rendering
from notifications.models import Message
from notifications.rendering import PREVIEW_LENGTH, build
from orders.models import AccessLink, LookupCode, Order, Refund
from orders.services.address_corrections import correct_address, undo_correction
from orders.services.confirmations import resend_confirmation
from tests.factories import make_agent, make_license, make_line, make_order, make_product, make_store
from tests.support.submissions import submit_claim
from tests.upgrade.case_filling import CaseFilling

pytestmark = pytest.mark.django_db

ROOT = Path(settings.BASE_DIR)
COLOR = re.compile(r"#[0-9a-f]{6}\b")
# Emails about an address, not about one order or request.
WITHOUT_NUMBER = {"access_link", "staff_password_reset", "person_request", "person_export", "person_erased"}


MADE_BY_HAND = {
    *("serial_arrived", "serial_missing", "license_not_activated", "order_password_replaced", "downloads_end"),
    *("license_ends", "lookup_code", "access_link", "refund_arrived", "staff_password_reset"),
    *("person_request", "person_export", "person_erased"),
}


def queue(kind: str, about: models.Model, order: Order, key: str = "") -> None:
    Message.objects.create(kind=kind, object_id=about.pk, order_id=order.pk, key=key, recipient="buyer@example.com")


def queue_by_hand(agent: User) -> None:
    order = make_order(number="A-1001", store=make_store(time_zone="Europe/Berlin"))
    license = make_license(make_line(order), product=make_product(), expires_on=timezone.now().date())
    undo_correction(correct_address(order, "new@example.com", by=agent), agent)
    correct_address(make_order(), "new@example.com", by=agent)
    submit_claim(Client(), email="claim@example.com")
    resend_confirmation(order)
    refund = Refund.objects.create(order=order, amount=5, refunded_at=order.placed_at, store_refund_id="R-1")
    queue("refund_arrived", order, order, f"refund-{refund.pk}")
    for kind in ("serial_arrived", "serial_missing", "license_not_activated", "order_password_replaced"):
        queue(kind, order, order)
    queue("downloads_end", order, order, "2026-12-01")
    queue("license_ends", license, order, "2026-12-01")
    queue("lookup_code", LookupCode.objects.create(order=order, email_key=order.email_key), order)
    queue("access_link", AccessLink.objects.create(email_key=order.email_key), order)
    queue("staff_password_reset", PasswordReset.objects.create(email_key="agent@example.com"), order)
    asked = PersonRequest.objects.create(kind=PersonRequest.Kind.ERASURE, email_key=order.email_key)
    queue("person_request", asked, order)
    queue("person_export", ExportLink.objects.create(request=asked), order)
    queue("person_erased", Erasure.objects.create(), order)


@pytest.fixture
def emails() -> dict[str, EmailMultiAlternatives]:
    """An email of nearly every kind."""
    agent = make_agent(username="upgrade", email="agent@example.com")
    agent.set_password("a long password")
    agent.save()
    CaseFilling(agent).fill()
    queue_by_hand(agent)
    built = {}
    for message in Message.objects.order_by("pk"):
        kind = kinds.get(message.kind)
        message.recipient = "buyer@example.com"
        if message.kind in MADE_BY_HAND or kind.still_wanted(message):
            built[message.kind] = build(message, kind)
    missing = set(kinds.names()) - built.keys()
    assert len(missing) < 6, missing
    return built


def html_of(email: EmailMultiAlternatives) -> str:
    return str(email.alternatives[0][0])


def between(start: str, end: str, html: str) -> str:
    """The text between two pieces of markup; empty if they are not there."""
    found = re.search(f"{start}(.*?){end}", html, re.DOTALL)
    return (
        unescape(found[1]).replace("\N{ZERO WIDTH NON-JOINER}", "").replace("\N{NO-BREAK SPACE}", " ").strip()
        if found
        else ""
    )


def findings(kind: str, email: EmailMultiAlternatives) -> Iterator[str]:
    html, body, subject = html_of(email), str(email.body), str(email.subject)
    if between("<title>", "</title>", html) != subject:
        yield "its title is not its subject"
    if kind not in WITHOUT_NUMBER and not re.search(r"[A-Z0-9]+-[A-Z0-9]+", subject):
        yield "its subject names no order and no reference"
    if not html.count("<main") == html.count("<h1") == 1:
        yield "it has not one main landmark and one heading"
    if html.count('class="button"') > 1:
        yield "it has several buttons"
    preview = between('mso-hide: all">', "</div>", html)
    if not preview or preview in subject:
        yield "its preview line adds nothing to the subject"
    if not re.search(r"[.?!:…]", preview[: PREVIEW_LENGTH + 1]):
        yield f"its preview line is cut within the first sentence: {preview}"
    if not re.search(r"Email code: \S+\nCheck that this email is from us: http\S+\s*$", body):
        yield "its text does not end with the code"
    if html.rindex("Email code") < html.rindex("</h1>"):
        yield "its code is not at the end"
    if not body.startswith(between("<h1[^>]*>", "</h1>", html)):
        yield "its text does not begin with the heading"
    missing = [link for link in re.findall(r'href="([^"]+)"', html) if unescape(link) not in body]
    if missing:
        yield f"its text lacks {missing}"


def test_every_email_is_complete_and_buttons_renew_and_download(emails: dict[str, EmailMultiAlternatives]) -> None:
    found = {kind: list(findings(kind, email)) for kind, email in emails.items()}
    assert {kind: problems for kind, problems in found.items() if problems} == {}
    buttons = {kind: between('<a href="', '" class="button"', html_of(email)) for kind, email in emails.items()}
    for kind in ("serial_arrived", "license_not_activated", "downloads_end"):
        assert buttons[kind].endswith("#downloads"), kind
    assert buttons["license_ends"].endswith("http://testserver/stores/?country=DE")


def test_colors_are_those_of_the_pages() -> None:
    pages = set(COLOR.findall((ROOT / "static/css/portal.css").read_text())) | {"#ffffff"}
    for file in ("templates/notifications/emails/base.html", "notifications/templatetags/emails.py"):
        assert set(COLOR.findall((ROOT / file).read_text())) <= pages, file
    assert {rendering.LIGHT_BACKGROUND, rendering.DARK_BACKGROUND} <= pages
