"""Download periods: the store's window, the Extended Download Service, and the conditions that end both."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from licenses import entitlement, offers
from licenses.entitlement import BlockReason, Entitlement, EntitlementSource, PurchasedProduct, years_after
from licenses.models import DownloadWindow, License, LicensedLine, SerialPrefix
from orders.models import Order, OrderLine, Store
from tests.factories import make_license, make_line, make_order, make_product, make_store

PLACED = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
FIRST_SALE = datetime(2001, 1, 1, tzinfo=UTC)
ZONES = ["UTC", "Europe/Berlin", "America/Los_Angeles", "Pacific/Kiritimati", "America/Santiago", "Asia/Kathmandu"]


def an_order(
    placed_at: datetime = PLACED, zone: str = "UTC", kinds: tuple[str, ...] = ("new",), status: str = "completed"
) -> Order:
    """Return an unsaved order with lines of these kinds."""
    order = Order(store=Store(time_zone=zone), placed_at=placed_at, status=status)
    order.items = [OrderLine(pk=number, kind=kind, quantity=1) for number, kind in enumerate(kinds, start=1)]
    return order


def of(order: Order, now: datetime, days: int = 30) -> Entitlement:
    [result] = entitlement.product_entitlements(order, [PurchasedProduct(order.items[0], 7)], now, days)
    return result


# --- Dates, without a database -----------------------------------------------------------------------------


def test_the_purchase_day_is_day_0_and_the_last_day_counts_whole() -> None:
    order = an_order(datetime(2026, 11, 1, 23, 30, tzinfo=UTC), "Europe/Berlin")  # it is already 2 November there
    result = of(order, PLACED)
    assert (result.last_day, result.source) == (date(2026, 12, 2), EntitlementSource.WINDOW)
    last_moment = datetime(2026, 12, 2, 22, 59, 59, tzinfo=UTC)
    assert of(order, last_moment).is_open
    assert of(order, last_moment + timedelta(seconds=1)).block_reason is BlockReason.OVER


def test_the_service_lasts_two_years() -> None:
    order = an_order(kinds=("new", "extended_download"))
    result = of(order, PLACED)
    assert (result.last_day, result.source) == (date(2028, 11, 1), EntitlementSource.EXTENDED)
    assert of(order, datetime(2028, 11, 1, 23, 59, 59, tzinfo=UTC)).is_open
    assert of(order, datetime(2028, 11, 2, tzinfo=UTC)).block_reason is BlockReason.OVER


def test_two_years_after_29_february_is_28_february() -> None:
    order = an_order(datetime(2028, 2, 29, 12, tzinfo=UTC), kinds=("new", "extended_download"))
    assert of(order, PLACED).last_day == date(2030, 2, 28)


def test_a_longer_window_is_not_shortened_by_the_service() -> None:
    order = an_order(kinds=("new", "extended_download"))
    assert of(order, PLACED, days=1000).source is EntitlementSource.WINDOW


@given(
    placed_at=some.integers(0, 90 * 365 * 86400).map(lambda seconds: FIRST_SALE + timedelta(seconds=seconds)),
    zone=some.sampled_from(ZONES),
    days=some.integers(0, 4000),
    has_service=some.booleans(),
)
def test_it_ends_with_the_stores_day_wherever_and_whenever(
    placed_at: datetime, zone: str, days: int, has_service: bool
) -> None:
    order = an_order(placed_at, zone, ("new", "extended_download") if has_service else ("new",))
    result = of(order, placed_at, days)
    there = placed_at.astimezone(ZoneInfo(zone)).date()
    assert result.is_open
    assert result.last_day >= there + timedelta(days=days)
    if has_service:
        assert result.last_day >= years_after(there, 2)
    noon = datetime(result.last_day.year, result.last_day.month, result.last_day.day, 12, tzinfo=ZoneInfo(zone))
    assert of(order, noon, days).is_open
    assert of(order, noon + timedelta(days=1), days).block_reason is BlockReason.OVER


@given(some.dates(date(1, 1, 1), date(9000, 1, 1)), some.integers(1, 20))
def test_the_same_day_years_later(day: date, years: int) -> None:
    later = years_after(day, years)
    assert later.year == day.year + years
    assert later.month == day.month
    assert later.day == day.day or (day.day, later.day) == (29, 28)


@given(some.dictionaries(some.sampled_from(["quantity_returned", "revoked"]), some.booleans()), some.booleans())
def test_one_line_that_allows_is_enough(first: dict[str, bool], other_is_good: bool) -> None:
    order = an_order(kinds=("new", "renewal"))
    order.items[0].quantity_returned = int(first.get("quantity_returned", False))
    bought = [
        PurchasedProduct(order.items[0], 7, first.get("revoked", False)),
        PurchasedProduct(order.items[1], 7, not other_is_good),
    ]
    [result] = entitlement.product_entitlements(order, bought, PLACED)
    assert result.is_open == (other_is_good or not any(first.values()))


# --- The table ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "block_reason"),
    [
        ("completed", None),
        ("partially_refunded", None),
        ("pending", BlockReason.PENDING),
        ("cancelled", BlockReason.CANCELLED),
        ("refunded", BlockReason.REFUNDED),
        ("charged_back", BlockReason.CHARGED_BACK),
    ],
)
def test_availability_by_order_status(status: str, block_reason: BlockReason | None) -> None:
    assert of(an_order(status=status), PLACED).block_reason is block_reason
    assert of(an_order(status=status, kinds=("new", "extended_download")), PLACED).block_reason is block_reason


@pytest.mark.parametrize(
    ("quantity", "returned", "revoked", "block_reason"),
    [
        (1, 0, False, None),
        (2, 1, False, None),  # one unit is left
        (2, 2, False, BlockReason.RETURNED),
        (1, 1, True, BlockReason.RETURNED),
        (1, 0, True, BlockReason.REVOKED),
    ],
)
def test_returned_and_revoked_items_cannot_be_downloaded(
    quantity: int, returned: int, revoked: bool, block_reason: BlockReason | None
) -> None:
    order = an_order(kinds=("new", "extended_download"))
    order.items[0].quantity, order.items[0].quantity_returned = quantity, returned
    [result] = entitlement.product_entitlements(order, [PurchasedProduct(order.items[0], 7, revoked)], PLACED)
    assert result.block_reason is block_reason


def test_a_service_that_was_returned_gives_no_time() -> None:
    order = an_order(kinds=("new", "extended_download"))
    order.items[1].quantity_returned = 1
    assert of(order, PLACED).source is EntitlementSource.WINDOW
    assert of(order, PLACED + timedelta(days=40)).block_reason is BlockReason.OVER


pytest_db = pytest.mark.django_db
LATE = PLACED + timedelta(days=365)


def results(order: Order, now: datetime = PLACED) -> dict[str, Entitlement]:
    fresh = Order.objects.select_related("store").get(pk=order.pk)
    return {offer.slug: offer.entitlement for offer in offers.order_offers(fresh, now)}


@pytest_db
def test_the_service_is_for_all_products_of_its_order() -> None:
    order = make_order()
    products = [make_product(), make_product()]
    for product in products:
        make_license(make_line(order), product=product)
    make_line(order, kind="extended_download", sku="EDS-2Y")
    found = results(order, LATE)
    assert set(found) == {product.slug for product in products}
    assert all(result.is_open for result in found.values())


@pytest_db
def test_a_service_bought_on_another_order_is_not_for_this_one() -> None:
    order = make_order()
    product = make_product()
    make_license(make_line(order), product=product)
    later = make_order(store=order.store, placed_at=PLACED + timedelta(days=3))
    make_line(later, kind="extended_download", sku="EDS-2Y")
    assert results(order, LATE)[product.slug].block_reason is BlockReason.OVER
    assert results(later, LATE) == {}


@pytest_db
def test_a_service_that_a_later_import_adds_to_the_order_counts_from_the_order() -> None:
    order = make_order()
    product = make_product()
    make_license(make_line(order), product=product)
    assert results(order, LATE)[product.slug].block_reason is BlockReason.OVER
    make_line(order, kind="extended_download", sku="EDS-2Y")
    assert results(order, LATE)[product.slug].last_day == date(2028, 11, 1)


@pytest_db
def test_the_window_is_the_stores() -> None:
    store = make_store()
    DownloadWindow.objects.create(store=store, days=0)
    order, other = make_order(store=store), make_order()
    product = make_product()
    for each in (order, other):
        make_license(make_line(each), product=product)
    assert results(order)[product.slug].last_day == date(2026, 11, 1)
    assert results(other)[product.slug].last_day == date(2026, 12, 1)


@pytest_db
def test_the_licenses_product_decides_and_never_prefix_or_sku() -> None:
    antivirus, maximum = make_product(slug="antivirus"), make_product(slug="maximum")
    SerialPrefix.objects.create(product=antivirus, prefix="A")
    order = make_order()
    order.store.skus.create(code="AV-1", product=antivirus)
    line = make_line(order, kind="upgrade", sku="AV-1")
    make_license(line, serial="AAAB-1", product=maximum)  # upgraded: it kept its number
    assert set(results(order)) == {"maximum"}


@pytest_db
def test_a_renewal_gives_the_licenses_current_product() -> None:
    first, second = make_product(slug="first"), make_product(slug="second")
    license: License = make_license(make_line(make_order()), product=first)
    order = make_order(placed_at=PLACED + timedelta(days=300))
    line = make_line(order, kind="renewal", extends_serial=license.serial)
    LicensedLine.objects.create(line=line, order=order, license=license)
    License.objects.filter(pk=license.pk).update(product=second)
    assert set(results(order, LATE - timedelta(days=60))) == {"second"}


@pytest_db
def test_a_line_without_a_license_uses_its_sku() -> None:
    order, elsewhere = make_order(), make_store()
    product, foreign = make_product(slug="ours"), make_product(slug="theirs")
    order.store.skus.create(code="MAX", product=product)
    elsewhere.skus.create(code="MAX", product=foreign)
    order.store.skus.create(code="BAG", product=None)
    make_line(order, sku="MAX")
    make_line(order, sku="BAG")
    make_line(order, sku="")
    assert set(results(order)) == {"ours"}


@pytest_db
def test_a_line_is_revoked_when_all_its_licenses_are() -> None:
    order = make_order()
    product = make_product()
    line = make_line(order, quantity=2)
    licenses = [make_license(line, product=product) for _unit in range(2)]
    License.objects.filter(pk=licenses[0].pk).update(revoked_at=PLACED)
    assert results(order)[product.slug].is_open
    License.objects.filter(pk=licenses[1].pk).update(revoked_at=PLACED)
    assert results(order)[product.slug].block_reason is BlockReason.REVOKED


@pytest_db
def test_many_orders_cost_one_query_and_keep_apart(django_assert_num_queries) -> None:
    products = [make_product() for _order in range(4)]
    for product in products:
        make_license(make_line(make_order()), product=product)
    orders = list(Order.objects.select_related("store").order_by("pk"))
    for order in orders:
        order.items = list(order.lines.all())
    with django_assert_num_queries(1):
        loaded = offers.load_offers(orders, PLACED)
    assert [[offer.slug for offer in loaded[order.pk]] for order in orders] == [[each.slug] for each in products]
