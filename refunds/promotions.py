"""Which cashback promotion applies to a license, and why none does. Days are whole, in the store's time zone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _

from licenses.models import License, LicensedLine
from orders import formats
from orders.models import Order, Store
from refunds.models import CashbackClaim, CashbackPromotion, Return, ReturnLine, Withdrawal


class Reason(NamedTuple):
    """Why no promotion applies: a code, a sentence, and what is to be filled into it."""

    code: str
    sentence: Any
    country: str = ""
    day: date | None = None

    @property
    def words(self) -> str:
        """The whole sentence, in the active language."""
        filled = [formats.country(self.country)] if self.country else [formats.day(self.day)] if self.day else []
        return " ".join([str(self.sentence), *(f"{each}." for each in filled)])


CLAIMED = Reason("claimed", _("Cashback was claimed for this serial number already."))
TEST_ORDER = Reason("test-order", _("This is a test order: nothing was paid, so there is no cashback."))
NOT_PAID = Reason("not-paid", _("The order of this serial number is not paid, or the money for it went back."))
GIVEN_BACK = Reason("given-back", _("This item was given back, or is about to be."))
REVOKED = Reason("revoked", _("This serial number is not valid any more."))
OTHER_COUNTRY = Reason("other-country", _("It was bought in another country:"))
NONE_THERE = Reason("none-there", _("No promotion runs in this country now."))
OTHER_STORE = Reason("other-store", _("The promotions in this country are of other stores."))
OTHER_PRODUCT = Reason("other-product", _("The promotions in this country are for other products."))
NOT_IN_TIME = Reason("not-in-time", _("It was not bought within the days of the promotion."))
TOO_LATE = Reason("too-late", _("It is too late to claim for it. The last day was:"))
FROZEN = Reason(
    "frozen", _("The address of its order was corrected lately. For your safety, cashback waits until after:")
)
NOT_ACTIVATED = Reason(
    "not-activated", _("A promotion applies, but this license is not activated yet. Install and activate it first.")
)

_PAID = (Order.Status.COMPLETED, Order.Status.PARTIALLY_REFUNDED)


@dataclass(frozen=True)
class Promotion:
    """A promotion with what it is for, ready to be asked."""

    row: CashbackPromotion
    product_ids: frozenset[int]
    store_ids: frozenset[int]  # empty: all stores

    def runs(self, today: date) -> bool:
        """Whether something can be claimed on this day."""
        return self.row.bought_from <= today <= self.row.claim_until

    def is_over(self, today: date) -> bool:
        return today > self.row.claim_until

    def covers_store(self, store_id: int) -> bool:
        return not self.store_ids or store_id in self.store_ids

    def covers_product(self, product_id: int | None) -> bool:
        return product_id in self.product_ids

    def covers_day(self, bought: date) -> bool:
        return self.row.bought_from <= bought <= self.row.bought_until


@dataclass
class Bought:
    """A license on an order line, and what is known of it."""

    license: License
    order: Order
    is_given_back: bool = False
    claim: CashbackClaim | None = None  # the one that was made already


@dataclass(frozen=True)
class Verdict:
    """The promotion that applies to a license now, or why none does."""

    bought: Bought
    promotion: CashbackPromotion | None = None
    reason: Reason | None = None


# --- What is asked of the database ------------------------------------------------------------------------


def promotions_in(country: str) -> list[Promotion]:
    """The promotions of a country, over or not, but for those switched off. Three queries."""
    rows = CashbackPromotion.objects.filter(is_active=True, countries__contains=[country])
    return [
        Promotion(
            row,
            product_ids=frozenset(product.pk for product in row.products.all()),
            store_ids=frozenset(store.pk for store in row.stores.all()),
        )
        for row in rows.prefetch_related("products", "stores")
    ]


def running(promotions: Iterable[Promotion], now: datetime) -> list[Promotion]:
    """Those that run now in the time zone of at least one of their stores. One query."""
    todays = {store.pk: now.astimezone(store.tzinfo).date() for store in Store.objects.all()}
    return [
        each
        for each in promotions
        if any(each.covers_store(store_id) and each.runs(today) for store_id, today in todays.items())
    ]


def countries_with_promotions(now: datetime) -> list[str]:
    """Where promotions run, in whatever time zone. One query."""
    a_day = timedelta(days=1)
    rows = CashbackPromotion.objects.filter(
        is_active=True, bought_from__lte=now.date() + a_day, claim_until__gte=now.date() - a_day
    )
    return sorted({country for listed in rows.values_list("countries", flat=True) for country in listed})


def bought_with(orders: Sequence[Order]) -> list[Bought]:
    """The licenses of these orders, with what stands against cashback. Five queries, however many orders."""
    known = {order.pk: order for order in orders}
    links = LicensedLine.objects.filter(order_id__in=known).select_related("line", "license__product")
    links = links.order_by("-order__placed_at", "line__position", "pk")
    license_ids = {link.license_id for link in links}
    over = (CashbackClaim.Status.DECLINED, CashbackClaim.Status.CANCELLED)
    claims = {
        claim.license_id: claim
        for claim in CashbackClaim.objects.filter(license_id__in=license_ids).exclude(status__in=over)
    }
    asked_back = set(
        ReturnLine.objects.filter(line__order_id__in=known, licenses__in=license_ids)
        .exclude(return_case__status__in=[Return.Status.CANCELLED, Return.Status.DECLINED])
        .values_list("line_id", "licenses")
    )
    withdrawn = set(
        Withdrawal.objects.filter(order_id__in=known)
        .exclude(status=Withdrawal.Status.DECLINED)
        .values_list("order_id", flat=True)
    )
    return [
        Bought(
            link.license,
            known[link.order_id],
            is_given_back=link.line.quantity_returned >= link.line.quantity
            or link.order_id in withdrawn
            or (link.line_id, link.license_id) in asked_back,
            claim=claims.get(link.license_id),
        )
        for link in links
    ]


# --- The verdict -------------------------------------------------------------------------------------------


def judge(bought: Bought, country: str, promotions: Sequence[Promotion], now: datetime) -> Verdict:
    """Which of a country's promotions applies to a license now; of several, the one that gives most."""
    reason = why_none_ever(bought) or _why_not_there(bought, country)
    if reason:
        return Verdict(bought, reason=reason)
    order = bought.order
    if frozen := why_frozen(order, now):
        return Verdict(bought, reason=frozen)
    today, day = (moment.astimezone(order.store.tzinfo).date() for moment in (now, order.placed_at))
    wide = [each for each in promotions if _covers(each, bought, day)]
    fitting = [each for each in wide if each.runs(today)]
    if not fitting:
        current = [each for each in promotions if each.runs(today)]
        return Verdict(bought, reason=_why_none_now(bought, current, [each for each in wide if each.is_over(today)]))
    if bought.license.activated_at is None:
        return Verdict(bought, reason=NOT_ACTIVATED)
    # Amounts in several currencies cannot be compared: the order's own comes first.
    best = max(fitting, key=lambda each: (each.row.currency == order.currency, each.row.amount, -each.row.pk))
    return Verdict(bought, promotion=best.row)


def why_none_ever(bought: Bought) -> Reason | None:
    """Why there is no cashback for this license whatever runs; None where there can be."""
    if bought.claim is not None:
        return CLAIMED
    if bought.order.is_test:
        return TEST_ORDER
    if bought.order.status not in _PAID:
        return NOT_PAID
    if bought.is_given_back:
        return GIVEN_BACK
    return REVOKED if bought.license.revoked_at is not None else None


def why_frozen(order: Order, now: datetime) -> Reason | None:
    """While the address of its order, corrected lately, can still be undone."""
    until = order.returns_frozen_until
    if until is None or not order.is_frozen(now):
        return None
    return FROZEN._replace(day=until.astimezone(order.store.tzinfo).date())


def _why_not_there(bought: Bought, country: str) -> Reason | None:
    home = bought.order.billing_country.upper()
    return OTHER_COUNTRY._replace(country=home) if home and home != country else None


def _covers(promotion: Promotion, bought: Bought, day: date) -> bool:
    return (
        promotion.covers_store(bought.order.store_id)
        and promotion.covers_product(bought.license.product_id)
        and promotion.covers_day(day)
    )


def _why_none_now(bought: Bought, current: Sequence[Promotion], missed: Sequence[Promotion]) -> Reason:
    """The reason that is nearest to a yes."""
    if missed:
        return TOO_LATE._replace(day=max(each.row.claim_until for each in missed))
    if not current:
        return NONE_THERE
    of_store = [each for each in current if each.covers_store(bought.order.store_id)]
    if not of_store:
        return OTHER_STORE
    return NOT_IN_TIME if any(each.covers_product(bought.license.product_id) for each in of_store) else OTHER_PRODUCT
