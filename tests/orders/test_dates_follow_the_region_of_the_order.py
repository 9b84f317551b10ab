"""Date order and clock follow the country of the order. Words and numbers follow the language.
Zones have short names.
"""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import translation

from orders import formats
from orders.localities import Locality
from orders.models import Order
from orders.money import format_money
from tests.factories import make_license, make_line, make_order, make_store
from tests.pages import inside, text

AFTERNOON = datetime(2026, 11, 15, 13, 5, tzinfo=UTC)
SUMMER = datetime(2026, 7, 15, 13, 5, tzinfo=UTC)


def shown(language: str, zone: str, country: str, moment: datetime = AFTERNOON) -> str:
    """Return the time with ordinary spaces, because Babel uses a narrow one before PM."""
    with translation.override(language):
        return formats.local_time(moment, Locality(ZoneInfo(zone), country)).replace("\N{NARROW NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("language", "zone", "country", "expected"),
    [
        ("en", "Europe/Berlin", "DE", "15 November 2026, 14:05 CET"),
        ("en", "Europe/Berlin", "GR", "15 November 2026, 14:05 CET"),  # Babel has no English for Greece
        ("en", "Europe/London", "GB", "15 November 2026, 13:05 GMT"),
        ("en", "Europe/London", "UK", "15 November 2026, 13:05 GMT"),
        ("en", "America/New_York", "US", "November 15, 2026, 8:05 AM EST"),
        ("en", "America/Los_Angeles", "US", "November 15, 2026, 5:05 AM PST"),
        ("en", "Europe/Berlin", "US", "November 15, 2026, 2:05 PM CET"),
        ("en", "Asia/Tokyo", "JP", "November 15, 2026, 10:05 PM JST"),
        ("en", "Australia/Sydney", "AU", "16 November 2026, 12:05 am AEDT"),
        ("en", "Europe/Berlin", "?!", "November 15, 2026, 2:05 PM CET"),
        ("de", "Europe/Berlin", "DE", "15. November 2026, 14:05 MEZ"),
        ("de", "America/New_York", "US", "15. November 2026, 08:05 EST"),  # no German for the US
        ("fr", "Europe/Paris", "FR", "15 novembre 2026, 14:05 CET"),
        ("en", "Asia/Shanghai", "CN", "November 15, 2026, 9:05 PM UTC+8"),  # CST is read as US Central Time
        ("en", "Asia/Kathmandu", "NP", "November 15, 2026, 6:50 PM UTC+5:45"),
        ("en", "America/Sao_Paulo", "BR", "November 15, 2026, 10:05 AM UTC−3"),
        ("en", "UTC", "", "November 15, 2026, 1:05 PM UTC"),
    ],
)
def test_a_time_is_written_for_the_reader(language: str, zone: str, country: str, expected: str) -> None:
    assert shown(language, zone, country) == expected


def test_summer_time_has_its_own_name() -> None:
    assert shown("en", "Europe/Berlin", "DE", SUMMER) == "15 July 2026, 15:05 CEST"
    assert shown("en", "America/New_York", "US", SUMMER) == "July 15, 2026, 9:05 AM EDT"


def test_zones_with_the_same_offset_keep_their_own_names() -> None:
    assert shown("en", "Europe/Berlin", "DE").endswith(" CET")
    assert shown("en", "Africa/Lagos", "DE").endswith(" UTC+1")


def test_money_is_written_by_the_language_alone() -> None:
    with translation.override("en"):
        assert format_money(Decimal("1234.5"), "EUR") == "€1,234.50"
    with translation.override("de"):
        assert format_money(Decimal("1234.5"), "EUR") == "1.234,50\N{NO-BREAK SPACE}€"


def page_of(order: Order) -> str:
    return text(inside(order).get(f"/orders/{order.public_id}/"))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("country", "zone", "expected"),
    [("DE", "America/New_York", "15 November"), ("", "Europe/Berlin", "15 November"), ("", "UTC", "November 15")],
)
def test_the_billing_country_comes_before_that_of_the_store(country: str, zone: str, expected: str) -> None:
    order = make_order(placed_at=AFTERNOON, billing_country=country, store=make_store(time_zone=zone))
    assert expected in page_of(order)


@pytest.mark.django_db
def test_all_dates_of_an_order_have_the_same_order_of_day_and_month() -> None:
    order = make_order(billing_country="DE", store=make_store(time_zone="Europe/Berlin"))
    make_license(make_line(order), "XAAB-1234-5678-9012-3456", expires_on=date(2027, 11, 1))
    page = page_of(order)
    assert "1 November 2026" in page
    assert "1 November 2027" in page
    assert not re.search(r"November \d+, 20", page)


@pytest.mark.django_db
def test_a_date_without_an_order_is_written_for_the_region_of_the_browser(client: Client) -> None:
    def days(header: str) -> list[str]:
        page = text(client.get("/help/contact/", headers={"Accept-Language": header}))
        return re.findall(r"\d+ [A-Z][a-z]+ 20\d\d", page)

    assert days("en-GB")
    assert not days("en-US")
