"""A small shop to search in."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.test import Client

from licenses.models import SerialPrefix
from notifications.models import Message
from orders.models import Order
from support.models import Thread
from tests.factories import make_article, make_license, make_line, make_order, make_product, make_store

PEOPLE = {
    "A-100234": ("Ann Archer", "ann.archer@example.com", "50667", "4242", "visa", "79.95"),
    "A-100871": ("Annika Arnold", "annika@arnold.example", "10115", "1881", "mastercard", "59.90"),
    "SHOP-2026-55102": ("Jürgen Müller", "j.mueller@posteo.example", "80331", "0005", "amex", "129.00"),
    "SHOP-2026-77310": ("Maria Clara Fuentes", "mclara@correo.example", "28013", "9424", "visa", "34.50"),
    "#77120945": ("Tom O’Brien", "tom.obrien@mail.example", "SW1A 1AA", "3222", "visa", "24.99"),
    "W90-6631": ("Søren Kjær", "soren@kjaer.example", "2100", "6011", "mastercard", "499.00"),
    "FS-88-2231-X": ("Zofia Łuczak", "zluczak@poczta.example", "00-950", "7777", "visa", "64.20"),
    "B-300415": ("Bea Buyer", "bea.buyer@example.org", "20095", "5556", "visa", "45.10"),
}
SERIAL = "XAAB-7391-5527-0146-8830"
REFERENCE = "M-7K3M9Q2P"
CODE = "7K3M9Q2P4TXA"


def make_shop() -> dict[str, Order]:
    """Orders of different people by their numbers, with a license, a thread, an email and an article for the first."""
    store = make_store()
    orders = {}
    for index, (number, (name, email, postcode, last4, brand, total)) in enumerate(PEOPLE.items()):
        orders[number] = make_order(
            store=store,
            number=number,
            number_key=number.removeprefix("#"),
            billing_name=name,
            store_email=email,
            billing_postcode=postcode,
            billing_city="Cologne" if index == 0 else "Elsewhere",
            card_last4=last4,
            card_brand=brand,
            total=Decimal(total),
            placed_at=datetime(2026, 10, 1, tzinfo=UTC) + timedelta(days=index),
        )
    first = orders["A-100234"]
    product = make_product()
    SerialPrefix.objects.create(product=product, prefix="XAAB")
    make_license(make_line(first), serial=SERIAL, product=product)
    Thread.objects.create(
        reference=REFERENCE, kind=Thread.Kind.CONTACT, subject="Question", email=first.email, order=first
    )
    Message.objects.create(
        kind="order_confirmation", object_id=first.pk, order_id=first.pk, recipient=first.email, code=CODE
    )
    make_article("cancel-renewal", title="Cancel the renewal of a subscription")
    return orders


def found(browser: Client, typed: str) -> dict[str, Any]:
    response = browser.get("/admin/desk/search/", {"q": typed})
    assert response.status_code == 200
    answer: dict[str, Any] = response.json()
    return answer


def first(answer: dict[str, Any], group: str) -> str:
    return answer[group][0]["title"] if answer[group] else ""
