"""The rules by which a license is derived from its order lines (licenses/services/worth.py)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from licenses.models import License, LicensedLine, SerialPrefix
from licenses.services.staff_decisions import decide_license
from licenses.services.worth import LineTerms, derive, recompute
from orders.models import Order, OrderLine
from tests.factories import make_agent, make_license, make_line, make_order, make_product, make_store

BOUGHT, UNTIL = date(2026, 11, 1), date(2027, 11, 1)
ORIGINAL = LineTerms(False, BOUGHT, product_id=1, devices=3, starts_on=BOUGHT, expires_on=UNTIL)


def renewal(placed_on: date, expires_on: date, **changes: Any) -> LineTerms:
    return LineTerms(True, placed_on, expires_on=expires_on, **changes)


def test_the_latest_line_determines_the_end_if_nothing_was_returned() -> None:
    worth = derive([ORIGINAL, renewal(date(2027, 10, 1), date(2028, 11, 1), devices=5)])
    assert (worth.starts_on, worth.expires_on) == (BOUGHT, date(2028, 11, 1))
    assert (worth.product_id, worth.devices) == (1, 5)


def test_a_returned_renewal_takes_its_own_time_away_and_later_ones_keep_theirs() -> None:
    first = renewal(date(2027, 10, 1), date(2028, 11, 1))
    second = renewal(date(2028, 10, 1), date(2029, 11, 1))
    returned_first = LineTerms(True, first.placed_on, expires_on=first.expires_on, counts=False)
    assert derive([ORIGINAL, returned_first]).expires_on == UNTIL
    # It was bought during the refunded time, so its year begins with its purchase.
    assert derive([ORIGINAL, returned_first, second]).expires_on == date(2028, 10, 1) + timedelta(days=365)


def test_a_renewal_bought_at_once_keeps_exactly_its_year_if_the_original_is_returned() -> None:
    original = LineTerms(False, BOUGHT, starts_on=BOUGHT, expires_on=UNTIL, counts=False)
    worth = derive([original, renewal(date(2026, 11, 10), date(2028, 11, 1))])
    assert worth.is_valid
    assert worth.expires_on == date(2026, 11, 10) + (date(2028, 11, 1) - UNTIL)


def test_a_returned_upgrade_falls_back_to_the_earlier_product_and_devices() -> None:
    upgrade = LineTerms(True, date(2026, 12, 1), product_id=2, devices=10, expires_on=UNTIL, counts=False)
    worth = derive([ORIGINAL, upgrade])
    assert (worth.product_id, worth.devices, worth.expires_on) == (1, 3, UNTIL)


def test_all_lines_ended_is_revoked_and_shows_what_it_was() -> None:
    worth = derive([LineTerms(False, BOUGHT, devices=3, expires_on=UNTIL, counts=False)])
    assert (worth.is_valid, worth.devices, worth.expires_on) == (False, 3, UNTIL)


def test_a_returned_renewal_of_a_license_bought_elsewhere_does_not_revoke_it() -> None:
    worth = derive([renewal(BOUGHT, UNTIL, devices=3, counts=False)])
    assert (worth.is_valid, worth.devices, worth.expires_on) == (True, None, None)


_days = st.dates(date(2026, 1, 1), date(2030, 1, 1))
_terms = st.builds(LineTerms, st.booleans(), _days, expires_on=_days, counts=st.booleans())


@given(lines=st.lists(_terms, min_size=1, max_size=6).map(lambda lines: sorted(lines, key=lambda line: line.placed_on)))
def test_returns_never_extend_a_license(lines: list[LineTerms]) -> None:
    """With one original and plausible renewals, each of which ends later than the line before."""
    chain = []
    until = lines[0].placed_on
    for number, line in enumerate(lines):
        until = max(until, line.placed_on) + timedelta(days=365)
        chain.append(LineTerms(number > 0, line.placed_on, expires_on=until, counts=line.counts))
    worth = derive(chain)
    counting = [line for line in chain if line.counts]
    assert worth.is_valid == bool(counting) or all(line.is_extension for line in chain)
    if counting:
        assert worth.expires_on is not None
        assert worth.expires_on <= until
        assert worth.expires_on >= counting[-1].placed_on + timedelta(days=365)
        assert worth.expires_on - counting[0].placed_on >= timedelta(days=365) * 1
        if len(counting) == len(chain):
            assert worth.expires_on == until


# --- Stored licenses -----------------------------------------------------------------------------------------


def carry(license: License, order: Order, **fields: Any) -> LicensedLine:
    """Put a license on a renewal in this order."""
    line = make_line(order, kind=OrderLine.Kind.RENEWAL, extends_serial=license.serial)
    return LicensedLine.objects.create(line=line, order=order, license=license, ends_with_refund=True, **fields)


@pytest.fixture
def license(db: None) -> License:
    """Bought on 1 November 2026 for a year, in a store whose refunds end licenses."""
    license = make_license(make_line(make_order()), product=make_product(), starts_on=BOUGHT, expires_on=UNTIL)
    LicensedLine.objects.update(ends_with_refund=True)
    return license


@pytest.mark.parametrize("status", ["refunded", "cancelled", "charged_back"])
def test_a_closed_order_ends_its_license_and_a_won_dispute_revives_it(license: License, status: str) -> None:
    for current, is_revoked in [(status, True), ("completed", False)]:
        Order.objects.update(status=current)
        recompute([license.pk])
        license.refresh_from_db()
        assert (license.revoked_at is not None, license.devices, license.expires_on) == (is_revoked, 3, UNTIL)


def test_a_paid_renewal_makes_a_revoked_license_valid_again(license: License) -> None:
    Order.objects.update(status="refunded")
    recompute([license.pk])
    carry(license, make_order(placed_at=datetime(2027, 1, 5, tzinfo=UTC)), expires_on=date(2028, 11, 1))
    recompute([license.pk])
    license.refresh_from_db()
    assert license.revoked_at is None
    assert license.expires_on == date(2027, 1, 5) + (date(2028, 11, 1) - UNTIL)


def test_the_time_of_the_first_revocation_stays(license: License) -> None:
    Order.objects.update(status="refunded")
    first = datetime(2026, 12, 1, tzinfo=UTC)
    recompute([license.pk], first)
    recompute([license.pk])
    license.refresh_from_db()
    assert license.revoked_at == first


def test_without_a_product_on_a_line_the_longest_prefix_decides(license: License) -> None:
    LicensedLine.objects.update(product=None)
    product = make_product()
    SerialPrefix.objects.create(product=make_product(), prefix="X")
    SerialPrefix.objects.create(product=product, prefix="XA")
    recompute([license.pk])
    license.refresh_from_db()
    assert license.product == product


def test_a_decision_of_staff_takes_precedence_over_the_orders(license: License) -> None:
    decide_license(license, "revoked", None)
    carry(license, make_order(placed_at=datetime(2027, 1, 5, tzinfo=UTC)), expires_on=date(2028, 11, 1))
    recompute([license.pk])
    license.refresh_from_db()
    assert license.revoked_at is not None
    Order.objects.update(status="refunded")
    decide_license(license, "valid", date(2030, 1, 1))
    license.refresh_from_db()
    assert (license.revoked_at, license.expires_on) == (None, date(2030, 1, 1))
    decide_license(license, "", None)
    license.refresh_from_db()
    assert license.revoked_at is not None
    assert license.expires_on == date(2028, 11, 1)


def test_staff_extend_and_revoke_in_the_admin(license: License, client: Client) -> None:
    client.force_login(make_agent())
    page = f"/admin/licenses/license/{license.pk}/change/"
    inlines = {f"{name}-{field}": "0" for name in ("licensed_lines", "devices_in_use") for field in _MANAGEMENT}
    client.post(page, inlines | {"staff_decision": "revoked", "staff_expires_on": "2029-01-01", "devices": "99"})
    license.refresh_from_db()
    assert license.revoked_at is not None
    assert (license.devices, license.expires_on) == (3, date(2029, 1, 1))


_MANAGEMENT = ("TOTAL_FORMS", "INITIAL_FORMS")


def test_a_license_of_several_stores_uses_each_stores_clock(license: License) -> None:
    store = make_store(time_zone="Pacific/Auckland")
    Order.objects.update(status="refunded")
    placed = datetime(2027, 1, 4, 20, tzinfo=UTC)  # 5 January there
    carry(license, make_order(store=store, placed_at=placed), expires_on=date(2028, 11, 1))
    recompute([license.pk])
    license.refresh_from_db()
    assert license.expires_on == date(2027, 1, 5) + (date(2028, 11, 1) - UNTIL)
