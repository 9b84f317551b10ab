"""One license on many orders: the order placed last determines it, and finding that one doesn't compare all of them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from intake.ingest.state import LicenseState
from licenses.models import License
from tests.intake.exports import Importer, portal_order

FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_orders = st.integers(1, 6)
_steps = st.lists(st.tuples(st.sampled_from(["add", "remove"]), _orders, st.integers(0, 8)), max_size=20)


@example(steps=[("add", 1, 1), ("add", 2, 1), ("add", 3, 2), ("add", 1, 0)], asked=3, day=0)
@given(steps=_steps, asked=_orders, day=st.integers(0, 8))
def test_the_latest_is_the_one_that_comparing_all_would_find(
    steps: list[tuple[str, int, int]], asked: int, day: int
) -> None:
    license = LicenseState({})
    for step, order_id, placed in steps:
        if step == "add":
            license.add_order(order_id, FIRST_DAY + timedelta(days=placed))
        else:
            license.remove_order(order_id)
        moment = FIRST_DAY + timedelta(days=day)
        expected = all(moment >= other for order_id, other in license.order_dates.items() if order_id != asked)
        assert license.is_latest(asked, moment) == expected


def order(day: int, expires_on: str, name: str = "Maximum Security") -> dict[str, object]:
    line = {
        "id": "1",
        "name": name,
        "licenses": [{"serial": "XAAB-1234-5678", "expires_on": expires_on}],
    }
    return portal_order(number=f"A-{day}", placed_at=f"2026-03-{day:02}T10:00:00+00:00", lines=[line])


@pytest.mark.django_db
def test_an_earlier_order_of_a_license_changes_nothing_that_a_later_one_set(importer: Importer) -> None:
    for day, expires_on in [(5, "2027-05-05"), (20, "2027-12-20"), (10, "2027-10-10")]:
        assert importer.orders(order(day, expires_on)).exit_status == 0
    importer.orders(order(5, "2030-01-01"), order(10, "2030-01-01", name="Maximum Security, renamed"))
    assert str(License.objects.get().expires_on) == "2027-12-20"
    importer.orders(order(20, "2028-12-20"))
    assert str(License.objects.get().expires_on) == "2028-12-20"
