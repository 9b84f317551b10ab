"""The return period: the purchase day is day 0 and the last day counts in full, in the store's time zone."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import time_machine

from orders.models import Order
from refunds.models import Return, ReturnException, ReturnPolicy
from refunds.withdrawal_rights import has_withdrawal_right
from tests.factories import make_line, make_order, make_reason, make_store
from tests.pages import inside, marks, text

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
RIGHT_TO_WITHDRAW = "A legal right of consumers in the European Union"


def page_url(order: Order) -> str:
    return f"/orders/{order.public_id}/return/"


def make_order_at(zone: str, *local: int) -> Order:
    """An order placed at this local time of its store."""
    placed_at = datetime(*local, tzinfo=ZoneInfo(zone))
    return make_order(store=make_store(time_zone=zone), placed_at=placed_at.astimezone(UTC))


EDGES = [
    # zone, bought at, the first moment that is too late, in UTC
    ("UTC", (2026, 11, 1, 9, 0), datetime(2026, 12, 2, tzinfo=UTC)),
    ("UTC", (2026, 11, 1, 0, 0), datetime(2026, 12, 2, tzinfo=UTC)),
    ("UTC", (2026, 11, 1, 23, 59, 59), datetime(2026, 12, 2, tzinfo=UTC)),
    # Clocks change on 25 October 2026 and 29 March 2026: the last day has 25 or 23 hours.
    ("Europe/Berlin", (2026, 10, 1, 12, 0), datetime(2026, 10, 31, 23, 0, tzinfo=UTC)),
    ("Europe/Berlin", (2026, 9, 25, 12, 0), datetime(2026, 10, 25, 23, 0, tzinfo=UTC)),
    ("Europe/Berlin", (2026, 9, 24, 12, 0), datetime(2026, 10, 24, 22, 0, tzinfo=UTC)),
    ("Europe/Berlin", (2026, 2, 27, 23, 30), datetime(2026, 3, 29, 22, 0, tzinfo=UTC)),
    # Chile's clocks go forward at midnight: that day begins at 01:00.
    ("America/Santiago", (2026, 8, 6, 12, 0), datetime(2026, 9, 6, 4, 0, tzinfo=UTC)),
    # Leap years: bought on 29 February; and with it among the thirty days.
    ("UTC", (2028, 2, 29, 12, 0), datetime(2028, 3, 31, tzinfo=UTC)),
    ("UTC", (2028, 1, 30, 12, 0), datetime(2028, 3, 1, tzinfo=UTC)),
    ("UTC", (2027, 1, 30, 12, 0), datetime(2027, 3, 2, tzinfo=UTC)),
    # 13 hours ahead of the server: bought in the morning of the 2nd, while the server's date is the 1st.
    ("Pacific/Auckland", (2026, 11, 2, 8, 0), datetime(2026, 12, 2, 11, 0, tzinfo=UTC)),
    ("Pacific/Honolulu", (2026, 11, 1, 20, 0), datetime(2026, 12, 2, 10, 0, tzinfo=UTC)),
]


@pytest.mark.parametrize(("zone", "local", "too_late"), EDGES)
def test_the_deadline_to_the_second(zone: str, local: tuple[int, ...], too_late: datetime) -> None:
    order, reason = make_order_at(zone, *local), make_reason()
    line = make_line(order)
    form = {f"line-{line.pk}-quantity": "1", "reason": reason.pk, "comment": "", "confirm": "1"}
    for late in (SECOND, timedelta(0)):
        with time_machine.travel(too_late + late, tick=False):
            browser = inside(order)
            for response in (browser.get(page_url(order)), browser.post(page_url(order), form)):
                assert response.status_code == 200
                assert marks(response, "data-days-left") == ["0"]
                assert "The return period has ended." in text(response)
                assert "form_return" not in response.content.decode()
            assert not Return.objects.exists()
    with time_machine.travel(too_late - SECOND, tick=False):
        browser = inside(order)
        asked = browser.get(page_url(order))
        assert marks(asked, "data-days-left") == ["0"]
        assert "Today is the last day." in text(asked)
        assert browser.post(page_url(order), form).status_code == 302
    assert Return.objects.count() == 1


def test_days_left_are_counted_in_the_stores_time_zone() -> None:
    order = make_order_at("Pacific/Auckland", 2026, 11, 2, 8, 0)
    make_line(order)
    # The server's 1 November, 12:00: one hour into 2 November over there, the day of the purchase.
    for at, left in [
        (datetime(2026, 11, 1, 19, 0, tzinfo=UTC), "30"),
        (datetime(2026, 11, 2, 10, 59, 59, tzinfo=UTC), "30"),
        (datetime(2026, 11, 2, 11, 0, tzinfo=UTC), "29"),
        (datetime(2026, 12, 1, 10, 59, 59, tzinfo=UTC), "1"),
        (datetime(2026, 12, 1, 11, 0, tzinfo=UTC), "0"),
    ]:
        with time_machine.travel(at, tick=False):
            response = inside(order).get(page_url(order))
        assert marks(response, "data-days-left") == [left]
        assert "until the end of 2 December 2026 (NZDT)" in text(response)


def test_a_stored_deadline_outlasts_policy_changes() -> None:
    order = make_order(placed_at=datetime(2026, 11, 1, 9, 0, tzinfo=UTC))
    make_line(order, return_until=datetime(2027, 1, 1, tzinfo=UTC))
    ReturnPolicy.objects.create(store=order.store, in_force_from=datetime(2026, 11, 5, tzinfo=UTC), days=7)
    with time_machine.travel(datetime(2026, 12, 30, 12, 0, tzinfo=UTC), tick=False):
        assert marks(inside(order).get(page_url(order)), "data-days-left") == ["1"]


def test_items_with_different_return_periods() -> None:
    order = make_order(placed_at=datetime(2026, 11, 1, 9, 0, tzinfo=UTC), total=Decimal("319.80"))
    policy = ReturnPolicy.objects.create(store=order.store, in_force_from=datetime(2026, 1, 1, tzinfo=UTC))
    ReturnException.objects.create(policy=policy, kind="extended_download", days=None)
    ReturnException.objects.create(policy=policy, kind="renewal", days=14)
    ReturnException.objects.create(policy=policy, kind="upgrade", days=5)
    for kind in ("new", "extended_download", "renewal", "upgrade"):
        make_line(order, kind=kind, name=f"A {kind}")
    with time_machine.travel(datetime(2026, 11, 10, 12, 0, tzinfo=UTC), tick=False):
        response = inside(order).get(page_url(order))
    page_text = text(response)
    assert marks(response, "data-days-left") == ["21"]
    assert "This item can’t be returned." in page_text
    assert "The return period has ended." in page_text
    assert "Until the end of 15 November 2026." in page_text
    assert response.content.decode().count('type="checkbox"') == 2


def page_after_the_deadline(country: str) -> str:
    order = make_order(placed_at=datetime(2026, 1, 1, tzinfo=UTC), billing_country=country)
    make_line(order)
    return text(inside(order).get(page_url(order)))


def test_after_the_deadline_the_page_lists_alternatives() -> None:
    page_text = page_after_the_deadline("US")
    assert "The last day was January 31, 2026." in page_text
    assert "Go back to your order" in page_text
    assert "Contact support" in page_text
    assert RIGHT_TO_WITHDRAW not in page_text


@pytest.mark.parametrize("country", ["DE", "IS", ""])
def test_after_the_deadline_the_page_mentions_withdrawal_where_the_law_applies(country: str) -> None:
    assert has_withdrawal_right(country)
    assert RIGHT_TO_WITHDRAW in page_after_the_deadline(country)
