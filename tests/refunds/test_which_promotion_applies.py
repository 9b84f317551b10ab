"""Which cashback promotion applies to a license, or why none does."""

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
from refunds.promotions import LoadedPromotion, PurchasedLicense, find_cashback, promotions_in, running_promotions
from refunds.services import cashback, returns
from refunds.services.returns import RequestedLine
from tests.factories import make_license, make_line, make_order, make_product, make_reason, make_store
from tests.refunds.cashback import make_claim, make_promotion, make_purchased_license, order_of

TODAY = timezone.now().date()


def days(number: int) -> date:
    return TODAY + timedelta(days=number)


def cashback_result(license: License, country: str = "DE") -> str:
    (result,) = cashback.check_licenses([order_of(license)], country, timezone.now())
    return result.promotion.name if result.promotion else result.reason.code


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("promotion", "license", "order", "expected"),
    [
        ({}, {}, {}, "Autumn cashback"),
        ({"countries": ["AT", "DE"]}, {}, {}, "Autumn cashback"),
        ({"countries": ["AT"]}, {}, {}, "no-promotion-in-country"),
        ({"is_active": False}, {}, {}, "no-promotion-in-country"),
        ({"bought_from": days(2), "bought_until": days(9), "claim_until": days(9)}, {}, {}, "no-promotion-in-country"),
        ({"claim_until": days(-2), "bought_until": days(-1)}, {}, {}, "no-promotion-in-country"),
        ({"claim_until": days(-2)}, {}, {}, "claim-period-ended"),
        ({"bought_until": days(-2)}, {}, {}, "outside-purchase-period"),
        ({}, {"product": None}, {}, "other-product"),
        ({}, {"activated_at": None}, {}, "not-activated"),
        ({"countries": ["AT"]}, {"activated_at": None}, {}, "no-promotion-in-country"),
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
def test_which_promotion_or_reason_applies(
    promotion: dict[str, Any], license: dict[str, Any], order: dict[str, Any], expected: str
) -> None:
    product = make_product()
    make_promotion(product, **promotion)
    placed = make_order(**{"placed_at": timezone.now()} | order)
    purchased = make_license(make_line(placed), **{"product": product, "activated_at": timezone.now()} | license)
    assert cashback_result(purchased) == expected


@pytest.mark.django_db
def test_reasons_distinguish_other_products_and_other_stores() -> None:
    license = make_purchased_license()
    assert license.product
    assert cashback_result(license) == "no-promotion-in-country"
    make_promotion(license.product, stores=[make_store()])
    assert cashback_result(license) == "other-store"
    make_promotion(make_product())
    assert cashback_result(license) == "other-product"
    make_promotion(license.product, stores=[order_of(license).store], name="Ours")
    assert cashback_result(license) == "Ours"


@pytest.mark.django_db
def test_claimed_and_returned_licenses_get_no_cashback() -> None:
    product = make_product()
    make_promotion(product)
    claimed, asked_back, returned, withdrawn = (make_purchased_license(product) for _number in range(4))
    claim = make_claim(claimed)
    returns.request_return(order_of(asked_back), [RequestedLine(order_of(asked_back).lines.get().pk, 1)], make_reason())
    order_of(returned).lines.update(quantity_returned=1)
    order_of(withdrawn).withdrawals.create(status="received", name="Bea", order_number="1", email="bea@example.com")
    assert [cashback_result(each) for each in (claimed, asked_back, returned, withdrawn)] == ["claimed"] + [
        "returned"
    ] * 3
    cashback.cancel(claim)
    assert cashback_result(claimed) == "Autumn cashback"


@pytest.mark.django_db
def test_returning_one_of_two_licenses_keeps_the_other_eligible() -> None:
    product, order = make_product(), make_order(placed_at=timezone.now())
    make_promotion(product)
    line = make_line(order, quantity=2)
    gone, kept = (make_license(line, product=product, activated_at=timezone.now()) for _number in range(2))
    returns.request_return(order, [RequestedLine(line.pk, 1, frozenset([gone.pk]))], make_reason())
    results = {each.purchase.license: each for each in cashback.check_licenses([order], "DE", timezone.now())}
    assert results[gone].reason.code == "returned"
    assert results[kept].promotion


@pytest.mark.django_db
def test_the_highest_amount_in_the_orders_currency_wins() -> None:
    license = make_purchased_license()
    assert license.product
    for name, currency, amount in [("Yen", "JPY", "900"), ("Five", "EUR", "5.00"), ("Seven", "EUR", "7.00")]:
        make_promotion(license.product, name=name, currency=currency, amount=Decimal(amount))
    assert cashback_result(license) == "Seven"


@pytest.mark.django_db
def test_a_promotion_is_running_while_it_is_in_the_time_zone_of_one_of_its_stores() -> None:
    west, east = make_store(time_zone="Pacific/Honolulu"), make_store(time_zone="Pacific/Auckland")
    over = date(2026, 11, 10)
    for store in (west, east):
        make_promotion(make_product(), stores=[store], bought_from=date(2026, 11, 1), claim_until=over)
    moment = datetime(2026, 11, 10, 12, tzinfo=UTC)  # the 11th in Auckland
    (only,) = running_promotions(promotions_in("DE"), moment)
    assert only.store_ids == {west.pk}


# --- Days, in the store's time zone ------------------------------------------------------------------------

YEAR_BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
ZONES = ["UTC", "Europe/Berlin", "Pacific/Auckland", "Pacific/Honolulu", "America/Sao_Paulo", "Asia/Kathmandu"]


def promotion(first: date, last: date, claim: date) -> LoadedPromotion:
    row = CashbackPromotion(
        pk=1, name="P", bought_from=first, bought_until=last, claim_until=claim, currency="EUR", amount=Decimal(1)
    )
    return LoadedPromotion(row, product_ids=frozenset([7]), store_ids=frozenset())


def make_purchase(placed_at: datetime, zone: str) -> PurchasedLicense:
    store = Store(pk=1, time_zone=zone)
    order = Order(pk=1, store=store, placed_at=placed_at, status=Order.Status.COMPLETED, currency="EUR")
    return PurchasedLicense(License(pk=1, product=Product(pk=7), activated_at=placed_at), order)


@pytest.mark.parametrize("zone", ZONES)
def test_the_first_and_last_moments_to_the_second(zone: str) -> None:
    first, last, claim = date(2026, 10, 20), date(2026, 10, 25), date(2027, 3, 28)  # clocks change on both in Berlin
    promotions = [promotion(first, last, claim)]
    here, second = ZoneInfo(zone), timedelta(seconds=1)

    def outcome(placed_at: datetime, now: datetime) -> str:
        result = find_cashback(make_purchase(placed_at.astimezone(UTC), zone), "DE", promotions, now.astimezone(UTC))
        return "applies" if result.promotion else result.reason.code

    def begin(day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=here).astimezone(UTC)

    soon = begin(date(2026, 10, 26))
    assert outcome(begin(first), soon) == "applies"
    assert outcome(begin(first) - second, soon) == "outside-purchase-period"
    after_last = begin(last + timedelta(days=1))
    assert outcome(after_last - second, soon) == "applies"
    assert outcome(after_last, soon) == "outside-purchase-period"
    too_late = begin(claim + timedelta(days=1))
    assert outcome(begin(first), too_late - second) == "applies"
    assert outcome(begin(first), too_late) == "claim-period-ended"


@given(
    placed_at=st.integers(0, 730 * 24 * 3600).map(lambda seconds: YEAR_BEGINS + timedelta(seconds=seconds)),
    waited=st.timedeltas(timedelta(0), timedelta(days=200)),
    zone=st.sampled_from(ZONES),
    first=st.dates(date(2026, 1, 1), date(2027, 12, 31)),
    length=st.integers(0, 90),
    longer=st.integers(0, 90),
)
def test_a_promotion_applies_exactly_within_its_periods(
    placed_at: datetime, waited: timedelta, zone: str, first: date, length: int, longer: int
) -> None:
    last = first + timedelta(days=length)
    claim = last + timedelta(days=longer)
    now = placed_at + waited
    result = find_cashback(make_purchase(placed_at, zone), "DE", [promotion(first, last, claim)], now)
    day, today = (moment.astimezone(ZoneInfo(zone)).date() for moment in (placed_at, now))
    assert (result.promotion is not None) == (first <= day <= last and today <= claim)
    assert (result.promotion is None) == (result.reason is not None)
