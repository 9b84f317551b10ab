"""The follow-up some days after a refund, with and without a date."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import time_machine

from notifications import follow_ups, kinds
from notifications.models import FollowUp, Message
from notifications.rendering import build
from orders.models import Refund
from tests.intake.exports import Importer, portal_order, shopify_row

pytestmark = pytest.mark.django_db

IMPORTED = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
Import = Callable[..., None]


@pytest.fixture
def import_shopify(tmp_path: Path) -> Import:
    """Return a function that imports a Shopify order at a time. Shopify exports the sum of its
    refunds, without dates.
    """

    def import_shopify(moment: datetime, refunded: str = "0.00") -> None:
        status = "paid" if refunded == "0.00" else "partially_refunded"
        with time_machine.travel(moment, tick=False):
            result = Importer(tmp_path).shopify(shopify_row(Financial_Status=status, Refunded_Amount=refunded))
        assert result.exit_status == 0, result.said

    return import_shopify


def import_portal(folder: Path, moment: datetime, *refunds: dict[str, Any]) -> None:
    with time_machine.travel(moment, tick=False):
        result = Importer(folder).orders(portal_order(updated_at=moment.isoformat(), refunds=list(refunds)))
    assert result.exit_status == 0, result.said


def asked_at(moment: datetime) -> bool:
    """Whether the follow-up was sent by then. Other kinds are excluded, because an address gets one follow-up a day."""
    with (
        time_machine.travel(moment, tick=False),
        patch.object(kinds, "_kinds", {"refund_arrived": kinds.get("refund_arrived")}),
    ):
        assert not follow_ups.run(moment).failures
    return FollowUp.objects.filter(kind="refund_arrived", status=FollowUp.Status.SENT).exists()


def test_an_undated_refund_is_asked_about_some_days_after_we_learned_of_it(import_shopify: Import) -> None:
    import_shopify(IMPORTED)
    learned = IMPORTED + timedelta(days=10)
    import_shopify(learned, "20.00")
    assert not asked_at(learned + timedelta(days=6, hours=23))
    assert asked_at(learned + timedelta(days=7))
    body = build(Message.objects.get(kind="refund_arrived"), kinds.get("refund_arrived")).body
    assert "before 12 November 2026" in body


def test_an_undated_refund_imported_with_its_order_gets_no_follow_up(import_shopify: Import) -> None:
    import_shopify(IMPORTED, "20.00")
    for days in range(30):
        assert not asked_at(IMPORTED + timedelta(days=days))
    assert Refund.objects.get().recorded_at == IMPORTED


def test_what_was_refunded_since_the_import_of_an_old_order_is_asked_about(import_shopify: Import) -> None:
    import_shopify(IMPORTED, "20.00")
    learned = IMPORTED + timedelta(days=10)
    import_shopify(learned, "50.00")
    assert asked_at(learned + timedelta(days=7))
    assert "€30.00" in build(Message.objects.get(kind="refund_arrived"), kinds.get("refund_arrived")).body


def test_a_dated_refund_is_asked_about_by_its_date_even_if_it_came_with_its_order(tmp_path: Path) -> None:
    refunded = IMPORTED - timedelta(hours=12)
    import_portal(tmp_path, IMPORTED, {"id": "R-1", "amount": "9.99", "at": refunded.isoformat()})
    assert not asked_at(refunded + timedelta(days=6, hours=23))
    assert asked_at(refunded + timedelta(days=7))


def test_a_refund_that_gets_its_date_later_is_asked_about_once(import_shopify: Import) -> None:
    import_shopify(IMPORTED)
    learned = IMPORTED + timedelta(days=10)
    import_shopify(learned, "20.00")
    assert asked_at(learned + timedelta(days=7))
    Refund.objects.update(refunded_at=learned - timedelta(days=1))
    assert asked_at(learned + timedelta(days=9))
    assert Message.objects.filter(kind="refund_arrived").count() == 1


def test_a_refund_that_the_store_no_longer_lists_gets_no_follow_up(import_shopify: Import) -> None:
    import_shopify(IMPORTED)
    learned = IMPORTED + timedelta(days=10)
    import_shopify(learned, "20.00")
    assert not asked_at(learned + timedelta(days=6, hours=1))
    Refund.objects.update(missing_since=learned + timedelta(days=6, hours=2))
    assert not asked_at(learned + timedelta(days=7))
