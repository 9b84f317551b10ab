"""A store created by an import has no name for buyers and no time zone until staff set both."""

from datetime import UTC, datetime
from importlib import import_module
from io import StringIO

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from intake.ingest.loading import get_or_create_stores
from notifications import kinds
from notifications.models import Message
from notifications.rendering import build
from orders.models import Order, Store
from orders.services.confirmations import resend_confirmation
from tests.factories import make_line, make_order
from tests.pages import inside, text

pytestmark = pytest.mark.django_db

SLUG = "acme-eu-7"
FORM = {"name": "Acme Europe", "time_zone": "UTC", "language": "en", "confirm_card_lookup": "never"}


@pytest.fixture
def order() -> Order:
    get_or_create_stores([SLUG], set())
    order = make_order(
        store=Store.objects.get(slug=SLUG), placed_at=datetime(2026, 11, 1, 13, 47, tzinfo=UTC), billing_country="DE"
    )
    make_line(order)
    return order


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("agent", "agent@vendor.example", "a long password"))
    return client


def pages(order: Order) -> dict[str, str]:
    browser = inside(order)
    paths = ("", "invoice/", "return/", "swap/")
    shown = {path: text(browser.get(f"/orders/{order.public_id}/{path}")) for path in paths}
    shown |= {path: text(browser.get(path)) for path in ("/", "/orders/", "/cashback/", "/help/contact/")}
    resend_confirmation(order)
    message = Message.objects.latest("pk")
    email = build(message, kinds.get(message.kind))
    html = str(email.alternatives[0][0])
    return shown | {"subject": str(email.subject), "text": str(email.body), "html": html}


def doctor() -> str:
    out = StringIO()
    call_command("doctor", "stores", stdout=out)
    return out.getvalue()


def test_its_short_name_is_shown_nowhere(order: Order) -> None:
    for where, page in pages(order).items():
        assert SLUG not in page, where


def test_its_dates_have_no_time_and_no_zone(order: Order) -> None:
    for where, page in pages(order).items():
        assert "13:47" not in page, where
        assert "UTC" not in page, where
        assert "()" not in page, where
    assert "1 November 2026" in pages(order)[""]


def test_staff_choose_name_and_zone_and_buyers_see_both(order: Order, staff: Client) -> None:
    page = f"/admin/orders/store/{order.store_id}/change/"
    assert 'value="UTC"' not in staff.get(page).content.decode()  # it must be chosen, not confirmed by accident
    assert staff.post(page, FORM | {"time_zone": ""}).status_code == 200
    assert Store.objects.get(slug=SLUG).is_time_zone_assumed
    assert staff.post(page, FORM).status_code == 302
    shown = pages(order)[""]
    assert "1 November 2026, 13:47 UTC" in shown
    assert "Acme Europe" in shown


def test_a_zone_that_is_set_in_another_way_counts_as_well(order: Order) -> None:
    Store.objects.filter(slug=SLUG).update(time_zone="Europe/Berlin")
    order.refresh_from_db()
    assert "1 November 2026, 14:47 CET" in pages(order)[""]


@pytest.mark.django_db(transaction=True)  # its checks run in threads
def test_doctor_warns_about_it_and_does_not_fail(order: Order) -> None:
    warned = doctor()
    assert "WARNING" in warned
    assert f"without a name: {SLUG}" in warned
    assert f"without a time zone: {SLUG}" in warned
    Store.objects.filter(slug=SLUG).update(name="Acme", time_zone="Europe/Berlin")
    assert "all have a name and a time zone" in doctor()


def test_unnamed_stores_of_an_earlier_version_are_marked() -> None:
    for slug, name, zone in (("old", "old", "UTC"), ("named", "Acme", "UTC"), ("zoned", "zoned", "Europe/Berlin")):
        Store.objects.create(slug=slug, name=name, time_zone=zone)
    import_module("orders.migrations.0003_mark_imported_stores").mark_imported_stores(apps, None)
    assert list(Store.objects.without_time_zone().values_list("slug", flat=True)) == ["old"]
