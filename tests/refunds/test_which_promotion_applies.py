"""Which promotion applies to a license, and why none does: by country, store, product, days, activation."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from licenses.models import License, Product
from orders.models import Order, Store
from refunds.models import CashbackPromotion
from refunds.promotions import Bought, Promotion, judge, promotions_in, running
from refunds.services import cashback, returns
from refunds.services.returns import Wanted
from tests.factories import make_license, make_line, make_order, make_product, make_reason, make_store
from tests.refunds.promoted import make_bought, make_claim, make_promotion, order_of

TODAY = timezone.now().date()


def days(number: int) -> date:
    return TODAY + timedelta(days=number)


def verdict_of(license: License, country: str = "DE") -> str:
    (verdict,) = cashback.verdicts([order_of(license)], country, timezone.now())
    return verdict.promotion.name if verdict.promotion else verdict.reason.code  # type: ignore[union-attr]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("promotion", "license", "order", "verdict"),
    [
        ({}, {}, {}, "Autumn cashback"),
        ({"countries": ["AT", "DE"]}, {}, {}, "Autumn cashback"),
        ({"countries": ["AT"]}, {}, {}, "none-there"),
        ({"is_active": False}, {}, {}, "none-there"),
        ({"bought_from": days(2), "bought_until": days(9), "claim_until": days(9)}, {}, {}, "none-there"),
        ({"claim_until": days(-2), "bought_until": days(-1)}, {}, {}, "none-there"),
        ({"claim_until": days(-2)}, {}, {}, "too-late"),
        ({"bought_until": days(-2)}, {}, {}, "not-in-time"),
        ({}, {"product": None}, {}, "other-product"),
        ({}, {"activated_at": None}, {}, "not-activated"),
        ({"countries": ["AT"]}, {"activated_at": None}, {}, "none-there"),
        ({}, {"revoked_at": timezone.now()}, {}, "revoked"),
        ({}, {}, {"billing_country": "CH"}, "other-country"),
        ({}, {}, {"billing_country": "de"}, "Autumn cashback"),
        ({}, {}, {"billing_country": ""}, "Autumn cashback"),
        ({}, {}, {"is_test": True}, "test-order"),
        ({}, {}, {"status": Order.Status.PENDING}, "not-paid"),
        ({}, {}, {"status": Order.Status.REFUNDED}, "not-paid"),
        ({}, {}, {"status": Order.Status.CHARGED_BACK}, "not-paid"),
        ({}, {}, {"status": Order.Status.PARTIALLY_REFUNDED}, "Autumn cashback"),
    ],
)
def test_the_verdict(promotion: dict[str, Any], license: dict[str, Any], order: dict[str, Any], verdict: str) -> None:
    product = make_product()
    make_promotion(product, **promotion)
    placed = make_order(**{"placed_at": timezone.now()} | order)
    bought = make_license(make_line(placed), **{"product": product, "activated_at": timezone.now()} | license)
    assert verdict_of(bought) == verdict


@pytest.mark.django_db
def test_other_products_and_other_stores_are_told_apart() -> None:
    license = make_bought()
    assert license.product
    assert verdict_of(license) == "none-there"
    make_promotion(license.product, stores=[make_store()])
    assert verdict_of(license) == "other-store"
    make_promotion(make_product())
    assert verdict_of(license) == "other-product"
    make_promotion(license.product, stores=[order_of(license).store], name="Ours")
    assert verdict_of(license) == "Ours"


@pytest.mark.django_db
@pytest.mark.usefixtures("kept")
def test_what_was_claimed_or_went_back_gets_nothing() -> None:
    product = make_product()
    make_promotion(product)
    claimed, asked_back, returned, withdrawn = (make_bought(product) for _number in range(4))
    claim = make_claim(claimed)
    returns.request_return(order_of(asked_back), [Wanted(order_of(asked_back).lines.get().pk, 1)], make_reason())
    order_of(returned).lines.update(quantity_returned=1)
    order_of(withdrawn).withdrawals.create(status="received", name="Bea", order_number="1", email="bea@example.com")
    assert [verdict_of(each) for each in (claimed, asked_back, returned, withdrawn)] == ["claimed"] + ["given-back"] * 3
    cashback.cancel(claim)
    assert verdict_of(claimed) == "Autumn cashback"


@pytest.mark.django_db
def test_one_of_two_serial_numbers_that_goes_back_leaves_the_other() -> None:
    product, order = make_product(), make_order(placed_at=timezone.now())
    make_promotion(product)
    line = make_line(order, quantity=2)
    gone, kept = (make_license(line, product=product, activated_at=timezone.now()) for _number in range(2))
    returns.request_return(order, [Wanted(line.pk, 1, frozenset([gone.pk]))], make_reason())
    verdicts = {each.bought.license: each for each in cashback.verdicts([order], "DE", timezone.now())}
    assert verdicts[gone].reason.code == "given-back"  # type: ignore[union-attr]
    assert verdicts[kept].promotion


@pytest.mark.django_db
def test_of_several_the_one_in_the_orders_currency_that_gives_most() -> None:
    license = make_bought()
    assert license.product
    for name, currency, amount in [("Yen", "JPY", "900"), ("Five", "EUR", "5.00"), ("Seven", "EUR", "7.00")]:
        make_promotion(license.product, name=name, currency=currency, amount=Decimal(amount))
    assert verdict_of(license) == "Seven"


@pytest.mark.django_db
def test_a_promotion_runs_while_it_does_in_one_of_its_stores() -> None:
    west, east = make_store(time_zone="Pacific/Honolulu"), make_store(time_zone="Pacific/Auckland")
    over = date(2026, 11, 10)
    for store in (west, east):
        make_promotion(make_product(), stores=[store], bought_from=date(2026, 11, 1), claim_until=over)
    moment = datetime(2026, 11, 10, 12, tzinfo=UTC)  # the 11th in Auckland
    (only,) = running(promotions_in("DE"), moment)
    assert only.store_ids == {west.pk}


# --- Days, in the store's time zone ------------------------------------------------------------------------

YEAR_BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
ZONES = ["UTC", "Europe/Berlin", "Pacific/Auckland", "Pacific/Honolulu", "America/Sao_Paulo", "Asia/Kathmandu"]


def promotion(first: date, last: date, claim: date) -> Promotion:
    row = CashbackPromotion(
        pk=1, name="P", bought_from=first, bought_until=last, claim_until=claim, currency="EUR", amount=Decimal(1)
    )
    return Promotion(row, product_ids=frozenset([7]), store_ids=frozenset())


def bought(placed_at: datetime, zone: str) -> Bought:
    store = Store(pk=1, time_zone=zone)
    order = Order(pk=1, store=store, placed_at=placed_at, status=Order.Status.COMPLETED, currency="EUR")
    return Bought(License(pk=1, product=Product(pk=7), activated_at=placed_at), order)


@pytest.mark.parametrize("zone", ZONES)
def test_the_edges_second_by_second(zone: str) -> None:
    first, last, claim = date(2026, 10, 20), date(2026, 10, 25), date(2027, 3, 28)  # clocks change on both in Berlin
    promotions = [promotion(first, last, claim)]
    here, second = ZoneInfo(zone), timedelta(seconds=1)

    def verdict(placed_at: datetime, now: datetime) -> str:
        given = judge(bought(placed_at.astimezone(UTC), zone), "DE", promotions, now.astimezone(UTC))
        return "applies" if given.promotion else given.reason.code  # type: ignore[union-attr]

    def begin(day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=here).astimezone(UTC)

    soon = begin(date(2026, 10, 26))
    assert verdict(begin(first), soon) == "applies"
    assert verdict(begin(first) - second, soon) == "not-in-time"
    after_last = begin(last + timedelta(days=1))
    assert verdict(after_last - second, soon) == "applies"
    assert verdict(after_last, soon) == "not-in-time"
    too_late = begin(claim + timedelta(days=1))
    assert verdict(begin(first), too_late - second) == "applies"
    assert verdict(begin(first), too_late) == "too-late"


@given(
    placed_at=st.integers(0, 730 * 24 * 3600).map(lambda seconds: YEAR_BEGINS + timedelta(seconds=seconds)),
    waited=st.timedeltas(timedelta(0), timedelta(days=200)),
    zone=st.sampled_from(ZONES),
    first=st.dates(date(2026, 1, 1), date(2027, 12, 31)),
    length=st.integers(0, 90),
    longer=st.integers(0, 90),
)
def test_a_promotion_applies_if_and_only_if_the_days_fit(
    placed_at: datetime, waited: timedelta, zone: str, first: date, length: int, longer: int
) -> None:
    last = first + timedelta(days=length)
    claim = last + timedelta(days=longer)
    now = placed_at + waited
    given_verdict = judge(bought(placed_at, zone), "DE", [promotion(first, last, claim)], now)
    day, today = (moment.astimezone(ZoneInfo(zone)).date() for moment in (placed_at, now))
    assert (given_verdict.promotion is not None) == (first <= day <= last and today <= claim)
    assert (given_verdict.promotion is None) == (given_verdict.reason is not None)
