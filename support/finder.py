"""The charge finder: which orders a charge claim may be about, each with its points and why.

Candidates come in by few bounded questions, each with an index behind it: the order number, the serial number
and the exact addresses whatever the day; all that is only similar among the orders of the days around the
charge. Points are given afterwards, to no more than WINDOW_MOST + 3 * FEW orders.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from difflib import SequenceMatcher
from functools import reduce

from django.contrib.postgres.search import TrigramSimilarity
from django.db.models import Case, F, FloatField, Q, QuerySet, Value, When
from django.db.models.functions import Greatest
from django.utils.translation import gettext as _

from licenses.models import normalize_serial
from notifications.addresses import address_subject
from orders import formats
from orders.models import LAST4, Order, normalize_order_number
from orders.money import format_money
from support.models import ChargeClaim

SHOWN = 10
FEW = 20  # orders of one number, serial number or address
WINDOW_MOST = 200
DAYS = 2  # before and after the day of the charge
ZONES = timedelta(hours=14)  # the world's clocks; stores have time zones of their own
RECENT = timedelta(days=30)  # looked through where the day is not known
FEES = Decimal("0.03")  # what banks add
SIMILAR = 0.4  # trigrams of an address; below it, nobody mistyped one for the other
NEARLY = 0.8  # of the characters in the same order
LEAST = 15  # points below which an order is not worth a look

NUMBER, SERIAL = 60, 60
NUMBER_NEARLY = 25
EMAIL, EMAIL_MISTYPED, EMAIL_SIMILAR = 35, 25, 12
AMOUNT, AMOUNT_FEES = 25, 18
LAST4_SAME, BRAND, OTHER_LAST4, OTHER_BRAND = 25, 5, -15, -5
DAY_POINTS = {0: 15, 1: 12, 2: 8}


@dataclass(frozen=True)
class Reason:
    words: str
    points: int


@dataclass
class Candidate:
    order: Order
    reasons: list[Reason] = field(default_factory=list)

    @property
    def score(self) -> int:
        return sum(reason.points for reason in self.reasons)

    def because(self, words: str, points: int) -> None:
        self.reasons.append(Reason(words, points))


@dataclass(frozen=True)
class Known:
    """What a claim says, in the forms under which it is compared."""

    claim: ChargeClaim
    emails: list[str]  # as keys
    number: str
    serial: str

    @classmethod
    def of(cls, claim: ChargeClaim) -> "Known":
        emails = {address_subject(email) for email in [claim.thread.email, *claim.other_emails]}
        number, serial = normalize_order_number(claim.order_number), normalize_serial(claim.serial)
        return cls(claim, sorted(emails), number, serial)


def candidates(claim: ChargeClaim) -> list[Candidate]:
    """The orders that a claim may be about, the likeliest first, at most SHOWN. Four queries, however many orders."""
    known = Known.of(claim)
    with_serial = set(_with_serial(known.serial))
    exact = _orders().filter(Q(pk__in=with_serial) | Q(number_key=known.number, number_key__gt=""))
    found = {order.pk: order for order in exact.order_by("-placed_at")[: 2 * FEW]}
    found |= {order.pk: order for order in _of_addresses(known.emails)}
    found |= {order.pk: order for order in _around(known)}
    judged = [_judge(order, known, order.pk in with_serial) for order in found.values()]
    likely = [candidate for candidate in judged if candidate.score >= LEAST]
    return sorted(likely, key=lambda each: (-each.score, -each.order.placed_at.timestamp(), each.order.pk))[:SHOWN]


# --- Which orders are looked at ------------------------------------------------------------------------------


def _orders() -> QuerySet[Order]:
    return Order.objects.filter(is_test=False).select_related("store")


def _with_serial(serial: str) -> Iterable[int]:
    if not serial:
        return []
    ids = Order.objects.filter(licensed_lines__license__serial_key=serial).values_list("pk", flat=True)
    return ids.order_by("-pk")[:FEW]


def _of_addresses(emails: list[str]) -> QuerySet[Order]:
    return _orders().filter(email_key__in=emails).order_by("-placed_at")[:FEW]


def window(claim: ChargeClaim) -> tuple[datetime, datetime]:
    """The days in which the purchase was, wherever its store is."""
    if claim.charged_on is None:
        return claim.thread.created_at - RECENT, claim.thread.created_at + ZONES
    day = datetime.combine(claim.charged_on, time(), UTC)
    return day - timedelta(days=DAYS) - ZONES, day + timedelta(days=DAYS + 1) + ZONES


def _around(known: Known) -> QuerySet[Order]:
    """Of the days around the charge, those that are like it in something; the likest, where they are many."""
    claim, (since, until) = known.claim, window(known.claim)
    similar = [TrigramSimilarity("email_key", email) for email in known.emails]
    alike = Greatest(*similar) if len(similar) > 1 else similar[0]
    same_card, same_amount = _same_card(claim), _same_amount(claim)
    hits = [Q(alike__gte=SIMILAR), *(q for q in (same_card, same_amount) if q is not None)]
    rank = F("alike") + _one_if(same_card) + _one_if(same_amount)
    if known.number:
        rank, near = rank + TrigramSimilarity("number_key", known.number), Q(number_alike__gte=SIMILAR)
        hits.append(near)
    rows = _orders().filter(placed_at__gte=since, placed_at__lt=until).annotate(alike=alike)
    if known.number:
        rows = rows.annotate(number_alike=TrigramSimilarity("number_key", known.number))
    return rows.filter(reduce(Q.__or__, hits)).order_by((rank).desc(), "-placed_at")[:WINDOW_MOST]


def _one_if(condition: Q | None) -> Case | Value:
    if condition is None:
        return Value(0.0, output_field=FloatField())
    return Case(When(condition, then=Value(1.0)), default=Value(0.0), output_field=FloatField())


def _same_card(claim: ChargeClaim) -> Q | None:
    if not LAST4.fullmatch(claim.card_last4):
        return None
    return Q(card_last4=claim.card_last4) | Q(device_last4=claim.card_last4)


def _same_amount(claim: ChargeClaim) -> Q | None:
    """With the bank's fees in it. Between currencies an amount says nothing."""
    if claim.amount is None:
        return None
    near = Q(total__gte=claim.amount / (1 + FEES), total__lte=claim.amount / (1 - FEES))
    return near & Q(currency=claim.currency) if claim.currency else near


# --- What speaks for each ------------------------------------------------------------------------------------


def _judge(order: Order, known: Known, has_serial: bool) -> Candidate:
    candidate = Candidate(order)
    if has_serial:
        candidate.because(_("It has the serial number."), SERIAL)
    _judge_number(candidate, known.number)
    _judge_address(candidate, known.emails)
    _judge_amount(candidate, known.claim)
    _judge_day(candidate, known.claim.charged_on)
    _judge_card(candidate, known.claim)
    return candidate


def _judge_number(candidate: Candidate, number: str) -> None:
    if not number:
        return
    if candidate.order.number_key == number:
        candidate.because(_("The order number is the same."), NUMBER)
    elif _nearly(candidate.order.number_key, number):
        words = _("The order number is nearly the same: %(number)s.") % {"number": candidate.order.number}
        candidate.because(words, NUMBER_NEARLY)


def _judge_address(candidate: Candidate, emails: list[str]) -> None:
    theirs = candidate.order.email_key
    if not theirs:
        return
    if theirs in emails:
        candidate.because(_("The address is the same."), EMAIL)
    elif any(_mistyped(theirs, email) for email in emails):
        words = _("The address differs in a letter or two: %(email)s.") % {"email": candidate.order.email}
        candidate.because(words, EMAIL_MISTYPED)
    elif any(_akin(theirs, email) for email in emails):
        words = _("The address is similar: %(email)s.") % {"email": candidate.order.email}
        candidate.because(words, EMAIL_SIMILAR)


def _judge_amount(candidate: Candidate, claim: ChargeClaim) -> None:
    order, amount = candidate.order, claim.amount
    if amount is None:
        return
    if claim.currency and order.currency != claim.currency:
        words = _("The order is in another currency: %(amount)s.")
        candidate.because(words % {"amount": format_money(order.total, order.currency)}, 0)
    elif order.total == amount:
        candidate.because(_("The amount is the same."), AMOUNT)
    elif amount / (1 + FEES) <= order.total <= amount / (1 - FEES):
        words = _("The amount is the same but for fees: %(amount)s.")
        candidate.because(words % {"amount": format_money(order.total, order.currency)}, AMOUNT_FEES)


def _judge_day(candidate: Candidate, charged_on: date | None) -> None:
    if charged_on is None:
        return
    apart = abs((candidate.order.placed_at.astimezone(candidate.order.store.tzinfo).date() - charged_on).days)
    if apart == 0:
        candidate.because(_("It was placed on the day of the charge."), DAY_POINTS[0])
    elif apart in DAY_POINTS:
        words = _("It was placed %(days)s day(s) away from the charge.") % {"days": apart}
        candidate.because(words, DAY_POINTS[apart])


def _judge_card(candidate: Candidate, claim: ChargeClaim) -> None:
    order, last4 = candidate.order, claim.card_last4
    if last4 and last4 == order.card_last4:
        candidate.because(_("The card ends in the same 4 digits."), LAST4_SAME)
    elif last4 and last4 == order.device_last4:
        candidate.because(_("The card in the wallet ends in the same 4 digits."), LAST4_SAME)
    elif last4 and order.card_last4 and not order.wallet:
        words = _("It was paid with another card, which ends in %(digits)s.") % {"digits": order.card_last4}
        candidate.because(words, OTHER_LAST4)
    if claim.card_brand and order.card_brand:
        if formats.card_brand(claim.card_brand) == formats.card_brand(order.card_brand):
            candidate.because(_("The card is of the same brand."), BRAND)
        else:
            candidate.because(
                _("The card is of another brand: %(brand)s.") % {"brand": formats.card_brand(order.card_brand)},
                OTHER_BRAND,
            )


# --- How alike two words are -----------------------------------------------------------------------------------


def _nearly(one: str, other: str) -> bool:
    return abs(len(one) - len(other)) <= 2 and SequenceMatcher(None, one, other, autojunk=False).ratio() >= NEARLY


def _mistyped(one: str, other: str) -> bool:
    """Whether one address is the other with a slip. Mailbox and domain each by themselves: domains are shared."""
    mailbox, _at, domain = one.rpartition("@")
    other_mailbox, _at, other_domain = other.rpartition("@")
    return _nearly(mailbox, other_mailbox) and _nearly(domain, other_domain)


def _akin(one: str, other: str) -> bool:
    """The same mailbox elsewhere, or one that is a part of the other: bea.buyer and bea.buyer1980."""
    mailbox, _at, domain = one.rpartition("@")
    other_mailbox, _at, other_domain = other.rpartition("@")
    if mailbox == other_mailbox:
        return True
    shorter, longer = sorted([mailbox, other_mailbox], key=len)
    return domain == other_domain and len(shorter) >= 4 and shorter in longer
