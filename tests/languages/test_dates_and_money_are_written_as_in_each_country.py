"""Dates, times, amounts and percentages on pages and in emails are written as the main country of each language does.

The expected texts are written by hand. NBSP is the space that doesn't break a line, NNBSP the narrow one.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from html import unescape

import pytest
from django.conf import settings
from django.utils import translation

from licenses.download_panel import file_size
from notifications import kinds, rendering
from notifications.models import Message
from notifications.services import send
from orders import formats
from orders.localities import make_locality
from orders.models import Order
from orders.money import format_money
from tests.factories import make_line, make_order, make_store
from tests.pages import inside

NBSP, NNBSP, MINUS = "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}", "\N{MINUS SIGN}"
MOMENT = datetime(2026, 11, 21, 13, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Written:
    """How a country writes the moment, the first of November, 12,345.60 and -79.95 of its currency, and 5.5 percent."""

    language: str
    zone: str
    country: str
    currency: str
    day: str
    first: str
    time: str
    amount: str
    negative: str
    rate: str

    def __str__(self) -> str:
        return f"{self.language}-{self.country}"


# fmt: off
COUNTRIES = [
    Written("de", "Europe/Berlin", "DE", "EUR", "21. November 2026", "1. November 2026", "14:05",
            f"12.345,60{NBSP}€", f"-79,95{NBSP}€", f"5,5{NBSP}%"),
    Written("fr", "Europe/Paris", "FR", "EUR", "21 novembre 2026", "1er novembre 2026", "14:05",
            f"12{NNBSP}345,60{NBSP}€", f"-79,95{NBSP}€", f"5,5{NBSP}%"),
    Written("es", "Europe/Madrid", "ES", "EUR", "21 de noviembre de 2026", "1 de noviembre de 2026", "14:05",
            f"12.345,60{NBSP}€", f"-79,95{NBSP}€", f"5,5{NBSP}%"),
    Written("it", "Europe/Rome", "IT", "EUR", "21 novembre 2026", "1º novembre 2026", "14:05",
            f"12.345,60{NBSP}€", f"-79,95{NBSP}€", "5,5%"),
    Written("nl", "Europe/Amsterdam", "NL", "EUR", "21 november 2026", "1 november 2026", "14:05",
            f"€{NBSP}12.345,60", f"€{NBSP}-79,95", "5,5%"),
    Written("da", "Europe/Copenhagen", "DK", "DKK", "21. november 2026", "1. november 2026", "14.05",
            f"12.345,60{NBSP}kr.", f"-79,95{NBSP}kr.", f"5,5{NBSP}%"),
    Written("nb", "Europe/Oslo", "NO", "NOK", "21. november 2026", "1. november 2026", "14:05",
            f"12{NBSP}345,60{NBSP}kr", f"{MINUS}79,95{NBSP}kr", f"5,5{NBSP}%"),
    Written("sv", "Europe/Stockholm", "SE", "SEK", "21 november 2026", "1 november 2026", "14:05",
            f"12{NBSP}345,60{NBSP}kr", f"{MINUS}79,95{NBSP}kr", f"5,5{NBSP}%"),
    Written("en", "Europe/London", "GB", "GBP", "21 November 2026", "1 November 2026", "13:05",
            "£12,345.60", "-£79.95", "5.5%"),
    Written("en", "America/New_York", "US", "USD", "November 21, 2026", "November 1, 2026", f"8:05{NNBSP}AM",
            "$12,345.60", "-$79.95", "5.5%"),
]
# fmt: on


def make_written_order(written: Written) -> Order:
    store = make_store(time_zone=written.zone, is_time_zone_assumed=False)
    order = make_order(
        store=store,
        placed_at=MOMENT,
        billing_country=written.country,
        currency=written.currency,
        discount=Decimal("79.95"),
        tax=Decimal("643.59"),
        total=Decimal("12345.60"),
    )
    make_line(order, tax_rate=Decimal("5.5"), tax=Decimal("643.59"), total=Decimal("12345.60"))
    return order


def test_every_language_is_here() -> None:
    assert {each.language for each in COUNTRIES} == {code for code, _name in settings.LANGUAGES}


@pytest.mark.django_db
@pytest.mark.parametrize("written", COUNTRIES, ids=str)
def test_the_pages_of_an_order(written: Written) -> None:
    order = make_written_order(written)
    buyer = inside(order)

    def page(path: str) -> str:
        answer = buyer.get(path, headers={"Accept-Language": written.language})
        return unescape(answer.content.decode())

    opened = page(f"/orders/{order.public_id}/")
    assert f">{written.day}, {written.time} " in opened
    assert f">{written.amount}<" in opened
    invoice = page(f"/orders/{order.public_id}/invoice/")
    assert f">{written.day}<" in invoice
    assert f">{written.amount}<" in invoice
    assert f">{written.negative}<" in invoice
    assert invoice.count(written.rate) == 2  # beside the item, and in the sum


@pytest.mark.django_db
@pytest.mark.parametrize("written", COUNTRIES, ids=str)
def test_the_email_about_an_order(written: Written) -> None:
    order = make_written_order(written)
    send("order_confirmation", order, order.store_email, order_id=order.pk)
    message = Message.objects.get()
    message.language = written.language
    email = rendering.build(message, kinds.get("order_confirmation"))
    for text in (email.body, unescape(str(email.alternatives[0][0]))):
        assert written.day in text
        assert written.amount in text
        assert written.negative in text


@pytest.mark.parametrize("written", COUNTRIES, ids=str)
def test_the_first_of_a_month(written: Written) -> None:
    with translation.override(written.language):
        place = make_locality(written.zone, written.country, is_zone_known=True)
        assert formats.day(date(2026, 11, 1), place) == written.first
        assert formats.day(date(2026, 11, 21), place) == written.day
        assert formats.day(date(2026, 11, 11), place) == written.day.replace("21", "11")


@pytest.mark.parametrize("written", COUNTRIES, ids=str)
def test_an_amount_has_the_sign_of_its_language(written: Written) -> None:
    with translation.override(written.language):
        assert format_money(Decimal("12345.6"), written.currency) == written.amount
        assert format_money(Decimal("-79.95"), written.currency) == written.negative


@pytest.mark.django_db
def test_only_french_has_a_space_before_a_colon() -> None:
    order = make_order()
    make_line(order, quantity=2)
    for language, label in (("en", "Quantity:"), ("es", "Cantidad:"), ("fr", f"Quantité{NBSP}:")):
        answer = inside(order).get(f"/orders/{order.public_id}/", headers={"Accept-Language": language})
        assert f'data-label="{label}">2<' in unescape(answer.content.decode())
    send("order_confirmation", order, order.store_email, order_id=order.pk)
    message = Message.objects.get()
    for language, label in (("en", "Order number:"), ("es", "Número de pedido:"), ("fr", f"Numéro de commande{NBSP}:")):
        message.language = language
        body = rendering.build(message, kinds.get("order_confirmation")).body
        assert f"{label} {order.number}\n" in body
    assert re.findall(r"[^\W\d]:(?= |$)", body, re.MULTILINE) == []  # the last one is French


def test_the_size_of_a_file_has_the_unit_of_its_language() -> None:
    for language, sizes in (
        ("en", ("67.1_MB", "1.4_GB", "12_byte")),
        ("de", ("67,1_MB", "1,4_GB", "12_Byte")),
        ("fr", ("67,1_Mo", "1,4_Go", "12_o")),
    ):
        with translation.override(language):
            written = tuple(file_size(size) for size in (67_108_864, 1_400_000_000, 12))
        assert written == tuple(size.replace("_", NBSP) for size in sizes)
