"""An order's links and the requests with them are limited, whoever uses them; other orders are not affected."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from licenses import download_limits
from licenses.models import Download
from orders.rate_limits import Rate
from tests.licenses.installers import CONTENT, body, bought, link_to
from tests.pages import inside, marks, text

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def low_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_limits, "LINK_RATE", Rate(short=3, long=5))
    monkeypatch.setattr(download_limits, "REQUEST_RATE", Rate(short=4, long=6))


def test_links_of_an_order_are_limited_and_the_page_says_until_when() -> None:
    order, release = bought()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _link in range(3):
            link_to(order, release)
        clock.shift(timedelta(minutes=5))
        refused = inside(order).get(f"/orders/{order.public_id}/download/{release.pk}/")
        assert refused.status_code == 429
        assert refused["Retry-After"] == "600"
        assert marks(refused, "data-refused") == ["too_many_of_order"]
        assert "again in 10 minutes" in text(refused).replace("\N{NO-BREAK SPACE}", " ")
        assert Download.objects.count() == 3
        clock.shift(timedelta(minutes=10, seconds=1))
        link_to(order, release)


def test_a_link_that_was_passed_around_stops_working_for_all() -> None:
    order, release = bought()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        link = link_to(order, release)
        for number in range(4):
            assert body(Client(REMOTE_ADDR=f"192.0.2.{number}").get(link)) == CONTENT
        for headers in ({}, {"HTTP_RANGE": "bytes=0-9"}):
            refused = Client(REMOTE_ADDR="192.0.2.9", **headers).get(link)
            assert refused.status_code == 429
            assert marks(refused, "data-refused") == ["too_many_of_order"]
        clock.shift(timedelta(minutes=14))
        assert Client().get(link).status_code == 429


def test_the_limit_of_a_day_counts_too() -> None:
    order, release = bought()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _link in range(5):
            link_to(order, release)
            clock.shift(timedelta(minutes=10))
        clock.shift(timedelta(minutes=20))
        refused = inside(order).get(f"/orders/{order.public_id}/download/{release.pk}/")
        assert refused.status_code == 429
        assert int(refused["Retry-After"]) > 20 * 3600


def test_other_orders_are_not_affected() -> None:
    order, release = bought()
    for _link in range(3):
        link_to(order, release)
    other, its_release = bought()
    assert body(Client().get(link_to(other, its_release))) == CONTENT


def test_only_the_order_itself_can_use_up_its_limit() -> None:
    """Requests that are refused anyway count for nothing."""
    order, release = bought()
    other, _its_release = bought()
    link = link_to(order, release)
    for _request in range(10):
        Client().get(f"/orders/{order.public_id}/download/{release.pk}/")
        inside(other).get(f"/orders/{order.public_id}/download/{release.pk}/")
        Client().get(f"{link[:-2]}x/")
        Client().head(link)
    assert body(Client().get(link)) == CONTENT


def test_nginx_sends_nothing_above_the_limit(settings: Settings) -> None:
    settings.ACCEL_REDIRECT_PREFIX = "/installers/"
    order, release = bought()
    link = link_to(order, release)
    for _request in range(4):
        assert Client().get(link)["X-Accel-Redirect"]
    refused = Client().get(link)
    assert refused.status_code == 429
    assert "X-Accel-Redirect" not in refused
