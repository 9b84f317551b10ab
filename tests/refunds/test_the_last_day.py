"""Until when a return can be sent: the purchase day is day 0, and day 30 counts whole, where the store is."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import time_machine

from orders.models import Order
from refunds.countries import may_withdraw
from refunds.models import Return, ReturnException, ReturnPolicy
from tests.factories import make_line, make_order, make_reason, make_store
from tests.pages import inside, marks, text

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
RIGHT_TO_WITHDRAW = "a right of consumers in the European Union, apart from returns"


def page_of(order: Order) -> str:
    return f"/orders/{order.public_id}/return/"


def bought(zone: str, *local: int) -> Order:
    """An order placed at this time on the wall of a store."""
    placed_at = datetime(*local, tzinfo=ZoneInfo(zone))  # type: ignore[arg-type]
    return make_order(store=make_store(time_zone=zone), placed_at=placed_at.astimezone(UTC))


EDGES = [
    # zone, bought at, the first moment that is too late, in UTC
    ("UTC", (2026, 11, 1, 9, 0), datetime(2026, 12, 2, tzinfo=UTC)),
    ("UTC", (2026, 11, 1, 0, 0), datetime(2026, 12, 2, tzinfo=UTC)),
    ("UTC", (2026, 11, 1, 23, 59, 59), datetime(2026, 12, 2, tzinfo=UTC)),
    # Clocks go back on 25 October 2026, and forward on 29 March 2026: the last day is as long as it is.
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
    # 13 hours before the server: bought in the morning of the 2nd, while the server's date is the 1st.
    ("Pacific/Auckland", (2026, 11, 2, 8, 0), datetime(2026, 12, 2, 11, 0, tzinfo=UTC)),
    ("Pacific/Honolulu", (2026, 11, 1, 20, 0), datetime(2026, 12, 2, 10, 0, tzinfo=UTC)),
]


@pytest.mark.parametrize(("zone", "local", "too_late"), EDGES)
def test_second_by_second(zone: str, local: tuple[int, ...], too_late: datetime) -> None:
    order, reason = bought(zone, *local), make_reason()
    line = make_line(order)
    form = {f"line-{line.pk}-quantity": "1", "reason": reason.pk, "comment": "", "confirm": "1"}
    for late in (SECOND, timedelta(0)):
        with time_machine.travel(too_late + late, tick=False):
            browser = inside(order)
            for answer in (browser.get(page_of(order)), browser.post(page_of(order), form)):
                assert answer.status_code == 200
                assert marks(answer, "data-days-left") == ["0"]
                assert "The days in which this could be returned are over." in text(answer)
                assert "form_return" not in answer.content.decode()
            assert not Return.objects.exists()
    with time_machine.travel(too_late - SECOND, tick=False):
        browser = inside(order)
        asked = browser.get(page_of(order))
        assert marks(asked, "data-days-left") == ["0"]
        assert "Today is the last day." in text(asked)
        assert browser.post(page_of(order), form).status_code == 302
    assert Return.objects.count() == 1


def test_the_days_that_are_left_are_counted_where_the_store_is() -> None:
    order = bought("Pacific/Auckland", 2026, 11, 2, 8, 0)
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
            answer = inside(order).get(page_of(order))
        assert marks(answer, "data-days-left") == [left]
        assert "until the end of December 2, 2026 (New Zealand Daylight Time)" in text(answer)


def test_what_was_promised_at_the_purchase_stands() -> None:
    order = make_order(placed_at=datetime(2026, 11, 1, 9, 0, tzinfo=UTC))
    make_line(order, return_until=datetime(2027, 1, 1, tzinfo=UTC))
    ReturnPolicy.objects.create(store=order.store, in_force_from=datetime(2026, 11, 5, tzinfo=UTC), days=7)
    with time_machine.travel(datetime(2026, 12, 30, 12, 0, tzinfo=UTC), tick=False):
        assert marks(inside(order).get(page_of(order)), "data-days-left") == ["1"]


def test_items_with_days_of_their_own() -> None:
    order = make_order(placed_at=datetime(2026, 11, 1, 9, 0, tzinfo=UTC), total=Decimal("319.80"))
    policy = ReturnPolicy.objects.create(store=order.store, in_force_from=datetime(2026, 1, 1, tzinfo=UTC))
    ReturnException.objects.create(policy=policy, kind="extended_download", days=None)
    ReturnException.objects.create(policy=policy, kind="renewal", days=14)
    ReturnException.objects.create(policy=policy, kind="upgrade", days=5)
    for kind in ("new", "extended_download", "renewal", "upgrade"):
        make_line(order, kind=kind, name=f"A {kind}")
    with time_machine.travel(datetime(2026, 11, 10, 12, 0, tzinfo=UTC), tick=False):
        answer = inside(order).get(page_of(order))
    said = text(answer)
    assert marks(answer, "data-days-left") == ["21"]
    assert "This item cannot be returned." in said
    assert "The days in which this could be returned are over." in said
    assert "Until the end of November 15, 2026." in said
    assert answer.content.decode().count('type="number"') == 2


def page_after_the_deadline(country: str) -> str:
    order = make_order(placed_at=datetime(2026, 1, 1, tzinfo=UTC), billing_country=country)
    make_line(order)
    return text(inside(order).get(page_of(order)))


def test_afterwards_the_page_says_what_else_is_possible() -> None:
    said = page_after_the_deadline("US")
    assert "The last day was January 31, 2026." in said
    assert "Go back to the order" in said
    assert "Contact support" in said
    assert RIGHT_TO_WITHDRAW not in said


@pytest.mark.parametrize("country", ["DE", "IS", ""])
def test_afterwards_the_page_points_to_the_right_to_withdraw_where_there_is_one(country: str) -> None:
    assert may_withdraw(country)
    assert RIGHT_TO_WITHDRAW in page_after_the_deadline(country)
