"""Which cashback promotion applies to a license, or why none does. Dates are days in the store's time zone.

If the buyer couldn't claim because of the portal or staff, that time is added to the claim period: while a correction
of the order's address could be undone, and while a return, a withdrawal or an earlier claim was open that was declined
or canceled.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import F, OuterRef, Subquery
from django.utils.translation import gettext_lazy as _

from licenses.models import License, LicensedLine
from orders import formats
from orders.models import Order, Store
from refunds.models import CashbackClaim, CashbackEvent, CashbackPromotion, Return, ReturnLine, Withdrawal
from refunds.policy import end_of_day, last_moment_before
from refunds.waiting_times import WaitingTime, extend_deadline, load_waiting_times


class NoCashbackReason(NamedTuple):
    """Why no promotion applies: a code, a sentence, and a country or day that completes the sentence."""

    code: str
    sentence: Any
    country: str = ""
    day: date | None = None

    @property
    def text(self) -> str:
        """The whole sentence, in the active language."""
        if self.country:
            return f"{self.sentence} {formats.country(self.country)}."
        if self.day:
            return f"{self.sentence} {formats.day(self.day)}."
        return str(self.sentence)


CLAIMED = NoCashbackReason("claimed", _("Cashback was already claimed for this serial number."))
TEST_ORDER = NoCashbackReason("test-order", _("This is a test order. Nothing was paid, so there’s no cashback."))
NOT_PAID = NoCashbackReason("not-paid", _("The order with this serial number isn’t paid, or it was refunded."))
RETURNED = NoCashbackReason("returned", _("This item was returned, or a return was requested."))
REVOKED = NoCashbackReason("revoked", _("This serial number is no longer valid."))
OTHER_COUNTRY = NoCashbackReason("other-country", _("You bought it in another country:"))
NO_PROMOTION_IN_COUNTRY = NoCashbackReason(
    "no-promotion-in-country", _("There’s currently no promotion in this country.")
)
OTHER_STORE = NoCashbackReason("other-store", _("The promotions in this country are for other stores."))
OTHER_PRODUCT = NoCashbackReason("other-product", _("The promotions in this country are for other products."))
OUTSIDE_PURCHASE_PERIOD = NoCashbackReason("outside-purchase-period", _("You bought it outside the promotion period."))
CLAIM_PERIOD_ENDED = NoCashbackReason("claim-period-ended", _("The claim period has ended. The last day was:"))
ADDRESS_CORRECTED = NoCashbackReason(
    "address-corrected",
    _("The email address of this order was corrected recently. For your safety, you can claim cashback after:"),
)
ADDRESS_CORRECTED_UNTOLD = NoCashbackReason(
    "address-corrected",
    _(
        "The email address of this order was corrected recently. For your safety, cashback waits until 48 hours "
        "after we’ve emailed the previous address."
    ),
)
NOT_ACTIVATED = NoCashbackReason(
    "not-activated",
    _("A promotion applies, but this license isn’t activated yet. Install and activate the product first."),
)

_WAITING_KINDS = ("correction", "return", "withdrawal")  # a swap doesn't prevent a claim
_CLOSED_WITHOUT_PAYOUT = (CashbackClaim.Status.DECLINED, CashbackClaim.Status.CANCELLED)
_PAID_STATUSES = (Order.Status.COMPLETED, Order.Status.PARTIALLY_REFUNDED)


@dataclass(frozen=True)
class LoadedPromotion:
    """A promotion with the ids of its products and stores, loaded from the database."""

    promotion: CashbackPromotion
    product_ids: frozenset[int]
    store_ids: frozenset[int]  # empty: all stores

    def is_running(self, today: date) -> bool:
        """Whether claims are accepted on this day."""
        return self.promotion.bought_from <= today <= self.promotion.claim_until

    def covers_store(self, store_id: int) -> bool:
        return not self.store_ids or store_id in self.store_ids

    def covers_product(self, product_id: int | None) -> bool:
        return product_id in self.product_ids

    def covers_day(self, purchase_day: date) -> bool:
        return self.promotion.bought_from <= purchase_day <= self.promotion.bought_until


@dataclass
class PurchasedLicense:
    """A license on an order line, with the facts needed to decide about cashback."""

    license: License
    order: Order
    is_returned: bool = False
    claim: CashbackClaim | None = None  # an earlier claim for this license, if there is one
    waiting_times: list[WaitingTime] = field(default_factory=list)  # times during which it couldn't be claimed

    def last_claim_day(self, promotion: CashbackPromotion) -> date:
        """Return the last day on which cashback of a promotion can be claimed, extended by waiting times."""
        zone = self.order.store.tzinfo
        deadline = extend_deadline(end_of_day(promotion.claim_until, zone), self.waiting_times, zone)
        return last_moment_before(deadline).astimezone(zone).date()


@dataclass(frozen=True)
class LicenseCashback:
    """The promotion that applies to a purchased license now, or the reason why none does."""

    purchase: PurchasedLicense
    promotion: CashbackPromotion | None = None
    reason: NoCashbackReason | None = None


# --- Loading ----------------------------------------------------------------------------------------------


def promotions_in(country: str) -> list[LoadedPromotion]:
    """Return the active promotions of a country, including past and future ones. Makes three queries."""
    promotions = CashbackPromotion.objects.filter(is_active=True, countries__contains=[country])
    return [
        LoadedPromotion(
            promotion,
            product_ids=frozenset(product.pk for product in promotion.products.all()),
            store_ids=frozenset(store.pk for store in promotion.stores.all()),
        )
        for promotion in promotions.prefetch_related("products", "stores")
    ]


def running_promotions(promotions: Iterable[LoadedPromotion], now: datetime) -> list[LoadedPromotion]:
    """Return the promotions currently running in the time zone of at least one of their stores. Makes one query."""
    today_by_store = {store.pk: now.astimezone(store.tzinfo).date() for store in Store.objects.all()}
    return [
        each
        for each in promotions
        if any(each.covers_store(store_id) and each.is_running(today) for store_id, today in today_by_store.items())
    ]


def countries_with_promotions(now: datetime) -> list[str]:
    """Return countries in which a promotion is currently running in some time zone. Makes one query."""
    a_day = timedelta(days=1)
    rows = CashbackPromotion.objects.filter(
        is_active=True, bought_from__lte=now.date() + a_day, claim_until__gte=now.date() - a_day
    )
    return sorted({country for listed in rows.values_list("countries", flat=True) for country in listed})


def purchased_licenses(orders: Sequence[Order]) -> list[PurchasedLicense]:
    """Return the licenses of these orders, newest orders first. Makes seven queries for any number of orders."""
    orders_by_id = {order.pk: order for order in orders}
    links = LicensedLine.objects.filter(order_id__in=orders_by_id).select_related("line", "license__product")
    links = links.order_by("-order__placed_at", "line__position", "pk")
    license_ids = {link.license_id for link in links}
    claims = {
        claim.license_id: claim
        for claim in CashbackClaim.objects.filter(license_id__in=license_ids).exclude(status__in=_CLOSED_WITHOUT_PAYOUT)
    }
    in_returns = set(
        ReturnLine.objects.filter(line__order_id__in=orders_by_id, licenses__in=license_ids)
        .exclude(return_case__status__in=[Return.Status.CANCELLED, Return.Status.DECLINED])
        .values_list("line_id", "licenses")
    )
    withdrawn = set(
        Withdrawal.objects.filter(order_id__in=orders_by_id)
        .exclude(status=Withdrawal.Status.DECLINED)
        .values_list("order_id", flat=True)
    )
    waiting_times = load_waiting_times(orders_by_id)
    claim_times = _closed_claim_times(license_ids)
    return [
        PurchasedLicense(
            link.license,
            orders_by_id[link.order_id],
            is_returned=link.line.quantity_returned >= link.line.quantity
            or link.order_id in withdrawn
            or (link.line_id, link.license_id) in in_returns,
            claim=claims.get(link.license_id),
            waiting_times=[
                each
                for each in waiting_times[link.order_id]
                if each.kind in _WAITING_KINDS and each.concerns(link.line_id)
            ]
            + claim_times.get(link.license_id, []),
        )
        for link in links
    ]


def _closed_claim_times(license_ids: Collection[int]) -> dict[int, list[WaitingTime]]:
    """Return, by license id, when its claims were open that were later declined or canceled."""
    closing = CashbackEvent.objects.filter(case=OuterRef("pk"), to_status=OuterRef("status"))
    closing = closing.exclude(from_status=F("to_status")).order_by("-at", "-pk")
    claims = CashbackClaim.objects.filter(license_id__in=license_ids, status__in=_CLOSED_WITHOUT_PAYOUT)
    rows = claims.annotate(
        closed_at=Subquery(closing.values("at")[:1]), closed_by=Subquery(closing.values("actor")[:1])
    ).exclude(closed_at=None)
    times: dict[int, list[WaitingTime]] = {}
    for claim in rows:
        time = WaitingTime(
            "cashback", None, claim.created_at, claim.closed_at, claim.closed_by == CashbackEvent.Actor.BUYER
        )
        times.setdefault(claim.license_id, []).append(time)
    return times


# --- Deciding ---------------------------------------------------------------------------------------------


def find_cashback(
    purchase: PurchasedLicense, country: str, promotions: Sequence[LoadedPromotion], now: datetime
) -> LicenseCashback:
    """Return which of a country's promotions applies to a license now. If several do, it is the one with the highest
    amount.
    """
    order = purchase.order
    reason = permanent_reason(purchase) or _country_reason(purchase, country) or frozen_reason(order, now)
    if reason:
        return LicenseCashback(purchase, reason=reason)
    today = now.astimezone(order.store.tzinfo).date()
    purchase_day = order.placed_at.astimezone(order.store.tzinfo).date()
    covering = [each for each in promotions if _covers(each, purchase, purchase_day)]
    applicable = [
        each for each in covering if each.promotion.bought_from <= today <= purchase.last_claim_day(each.promotion)
    ]
    if not applicable:
        running = [each for each in promotions if each.is_running(today)]
        ended = [each for each in covering if today > purchase.last_claim_day(each.promotion)]
        return LicenseCashback(purchase, reason=_closest_reason(purchase, running, ended))
    if purchase.license.activated_at is None:
        return LicenseCashback(purchase, reason=NOT_ACTIVATED)
    # Amounts in different currencies can't be compared, so the order's own currency has priority.
    best = max(
        (each.promotion for each in applicable),
        key=lambda promotion: (promotion.currency == order.currency, promotion.amount, -promotion.pk),
    )
    return LicenseCashback(purchase, promotion=best)


def permanent_reason(purchase: PurchasedLicense) -> NoCashbackReason | None:
    """Return why no promotion can ever apply to this license, or None."""
    if purchase.claim is not None:
        return CLAIMED
    if purchase.order.is_test:
        return TEST_ORDER
    if purchase.order.status not in _PAID_STATUSES:
        return NOT_PAID
    if purchase.is_returned:
        return RETURNED
    return REVOKED if purchase.license.revoked_at is not None else None


def frozen_reason(order: Order, now: datetime) -> NoCashbackReason | None:
    """Return a reason while a correction of the order's email address can still be undone, or None."""
    if not order.is_frozen(now):
        return None
    until = order.freeze_ends_at
    if until is None:
        return ADDRESS_CORRECTED_UNTOLD
    return ADDRESS_CORRECTED._replace(day=until.astimezone(order.store.tzinfo).date())


def _country_reason(purchase: PurchasedLicense, country: str) -> NoCashbackReason | None:
    billing_country = purchase.order.billing_country.upper()
    if billing_country and billing_country != country:
        return OTHER_COUNTRY._replace(country=billing_country)
    return None


def _covers(promotion: LoadedPromotion, purchase: PurchasedLicense, day: date) -> bool:
    return (
        promotion.covers_store(purchase.order.store_id)
        and promotion.covers_product(purchase.license.product_id)
        and promotion.covers_day(day)
    )


def _closest_reason(
    purchase: PurchasedLicense, running: Sequence[LoadedPromotion], ended: Sequence[LoadedPromotion]
) -> NoCashbackReason:
    """Return the reason of the promotion that comes closest to applying."""
    if ended:
        return CLAIM_PERIOD_ENDED._replace(day=max(purchase.last_claim_day(each.promotion) for each in ended))
    if not running:
        return NO_PROMOTION_IN_COUNTRY
    of_store = [each for each in running if each.covers_store(purchase.order.store_id)]
    if not of_store:
        return OTHER_STORE
    if any(each.covers_product(purchase.license.product_id) for each in of_store):
        return OUTSIDE_PURCHASE_PERIOD
    return OTHER_PRODUCT
