"""Finds the orders that a charge claim may be about, each with a score and the reasons for it.

A few bounded, indexed queries collect the orders: exact matches of order number, serial number and email address
on any day, and similar orders placed around the day of the charge. At most MAX_IN_WINDOW + 3 * MAX_EXACT_MATCHES
orders are then scored in Python.
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

MAX_CANDIDATES = 10
MAX_EXACT_MATCHES = 20  # orders with the same order number, serial number or address
MAX_IN_WINDOW = 200
WINDOW_DAYS = 2  # before and after the day of the charge
MAX_UTC_OFFSET = timedelta(hours=14)  # the largest offset of any time zone; each store has its own
WINDOW_WITHOUT_DAY = timedelta(days=30)  # before the claim, if the day of the charge is not known
MAX_FEE_SHARE = Decimal("0.03")  # of the amount, added by banks
MIN_TRIGRAM_SIMILARITY = 0.4  # of addresses and order numbers; typos stay above it
MIN_TYPO_RATIO = 0.8  # difflib's ratio of a word and its mistyped form
MIN_SCORE = 15  # orders below it are not shown

NUMBER_POINTS, SERIAL_POINTS = 60, 60
NUMBER_TYPO_POINTS = 25
EMAIL_POINTS, EMAIL_TYPO_POINTS, EMAIL_SIMILAR_POINTS = 35, 25, 12
AMOUNT_POINTS, AMOUNT_WITH_FEES_POINTS = 25, 18
LAST4_POINTS, BRAND_POINTS, OTHER_LAST4_POINTS, OTHER_BRAND_POINTS = 25, 5, -15, -5
POINTS_BY_DAYS_APART = {0: 15, 1: 12, 2: 8}


@dataclass(frozen=True)
class MatchReason:
    text: str
    points: int


@dataclass
class Candidate:
    order: Order
    reasons: list[MatchReason] = field(default_factory=list)

    @property
    def score(self) -> int:
        return sum(reason.points for reason in self.reasons)

    def add_reason(self, text: str, points: int) -> None:
        self.reasons.append(MatchReason(text, points))


@dataclass(frozen=True)
class ClaimFacts:
    """A claim with its addresses and numbers normalized for comparison."""

    claim: ChargeClaim
    emails: list[str]  # in the form of Order.email_key
    number: str
    serial: str

    @classmethod
    def from_claim(cls, claim: ChargeClaim) -> "ClaimFacts":
        emails = {address_subject(email) for email in [claim.thread.email, *claim.other_emails]}
        number, serial = normalize_order_number(claim.order_number), normalize_serial(claim.serial)
        return cls(claim, sorted(emails), number, serial)


def find_candidates(claim: ChargeClaim) -> list[Candidate]:
    """Return up to MAX_CANDIDATES orders that the claim may be about, highest score first. Four queries."""
    facts = ClaimFacts.from_claim(claim)
    with_serial = set(_order_ids_with_serial(facts.serial))
    exact = _orders().filter(Q(pk__in=with_serial) | Q(number_key=facts.number, number_key__gt=""))
    found = {order.pk: order for order in exact.order_by("-placed_at")[: 2 * MAX_EXACT_MATCHES]}
    found |= {order.pk: order for order in _orders_with_emails(facts.emails)}
    found |= {order.pk: order for order in _orders_in_window(facts)}
    scored = [_score(order, facts, order.pk in with_serial) for order in found.values()]
    likely = [candidate for candidate in scored if candidate.score >= MIN_SCORE]
    likely.sort(key=lambda each: (-each.score, -each.order.placed_at.timestamp(), each.order.pk))
    return likely[:MAX_CANDIDATES]


# --- Queries -------------------------------------------------------------------------------------------------


def _orders() -> QuerySet[Order]:
    return Order.objects.filter(is_test=False).select_related("store")


def _order_ids_with_serial(serial: str) -> Iterable[int]:
    if not serial:
        return []
    ids = Order.objects.filter(licensed_lines__license__serial_key=serial).values_list("pk", flat=True)
    return ids.order_by("-pk")[:MAX_EXACT_MATCHES]


def _orders_with_emails(emails: list[str]) -> QuerySet[Order]:
    return _orders().filter(email_key__in=emails).order_by("-placed_at")[:MAX_EXACT_MATCHES]


def purchase_window(claim: ChargeClaim) -> tuple[datetime, datetime]:
    """Start and end of the time in which the order was placed, in any store's time zone."""
    if claim.charged_on is None:
        return claim.thread.created_at - WINDOW_WITHOUT_DAY, claim.thread.created_at + MAX_UTC_OFFSET
    day = datetime.combine(claim.charged_on, time(), UTC)
    margin = timedelta(days=WINDOW_DAYS) + MAX_UTC_OFFSET
    return day - margin, day + timedelta(days=1) + margin


def _orders_in_window(facts: ClaimFacts) -> QuerySet[Order]:
    """Orders placed around the charge with a similar address or number, or the same card or amount; best first."""
    since, until = purchase_window(facts.claim)
    similarities = [TrigramSimilarity("email_key", email) for email in facts.emails]
    email_similarity = Greatest(*similarities) if len(similarities) > 1 else similarities[0]
    orders = _orders().filter(placed_at__gte=since, placed_at__lt=until).annotate(email_similarity=email_similarity)
    same_card, same_amount = _has_same_card(facts.claim), _has_same_amount(facts.claim)
    conditions = [Q(email_similarity__gte=MIN_TRIGRAM_SIMILARITY)]
    conditions += [condition for condition in (same_card, same_amount) if condition is not None]
    rank = F("email_similarity") + _one_if(same_card) + _one_if(same_amount)
    if facts.number:
        orders = orders.annotate(number_similarity=TrigramSimilarity("number_key", facts.number))
        conditions.append(Q(number_similarity__gte=MIN_TRIGRAM_SIMILARITY))
        rank += F("number_similarity")
    return orders.filter(reduce(Q.__or__, conditions)).order_by(rank.desc(), "-placed_at")[:MAX_IN_WINDOW]


def _one_if(condition: Q | None) -> Case | Value:
    """1.0 for rows that meet the condition, else 0.0."""
    if condition is None:
        return Value(0.0, output_field=FloatField())
    return Case(When(condition, then=Value(1.0)), default=Value(0.0), output_field=FloatField())


def _has_same_card(claim: ChargeClaim) -> Q | None:
    if not LAST4.fullmatch(claim.card_last4):
        return None
    return Q(card_last4=claim.card_last4) | Q(device_last4=claim.card_last4)


def _has_same_amount(claim: ChargeClaim) -> Q | None:
    """Whether the totals differ by a bank's fees at most. Amounts in different currencies are not compared."""
    if claim.amount is None:
        return None
    near = Q(total__gte=claim.amount / (1 + MAX_FEE_SHARE), total__lte=claim.amount / (1 - MAX_FEE_SHARE))
    return near & Q(currency=claim.currency) if claim.currency else near


# --- Scoring -------------------------------------------------------------------------------------------------


def _score(order: Order, facts: ClaimFacts, has_serial: bool) -> Candidate:
    candidate = Candidate(order)
    if has_serial:
        candidate.add_reason(_("The serial number is the same."), SERIAL_POINTS)
    _score_number(candidate, facts.number)
    _score_address(candidate, facts.emails)
    _score_amount(candidate, facts.claim)
    _score_day(candidate, facts.claim.charged_on)
    _score_card(candidate, facts.claim)
    return candidate


def _score_number(candidate: Candidate, number: str) -> None:
    if not number:
        return
    if candidate.order.number_key == number:
        candidate.add_reason(_("The order number is the same."), NUMBER_POINTS)
    elif _is_typo(candidate.order.number_key, number):
        text = _("The order number is similar: %(number)s.") % {"number": candidate.order.number}
        candidate.add_reason(text, NUMBER_TYPO_POINTS)


def _score_address(candidate: Candidate, emails: list[str]) -> None:
    order_email = candidate.order.email_key
    if not order_email:
        return
    if order_email in emails:
        candidate.add_reason(_("The email address is the same."), EMAIL_POINTS)
    elif any(_is_email_typo(order_email, email) for email in emails):
        text = _("The email address differs by one or two letters: %(email)s.") % {"email": candidate.order.email}
        candidate.add_reason(text, EMAIL_TYPO_POINTS)
    elif any(_is_similar_email(order_email, email) for email in emails):
        text = _("The email address is similar: %(email)s.") % {"email": candidate.order.email}
        candidate.add_reason(text, EMAIL_SIMILAR_POINTS)


def _score_amount(candidate: Candidate, claim: ChargeClaim) -> None:
    order, amount = candidate.order, claim.amount
    if amount is None:
        return
    if claim.currency and order.currency != claim.currency:
        text = _("The order is in another currency: %(amount)s.")
        candidate.add_reason(text % {"amount": format_money(order.total, order.currency)}, 0)
    elif order.total == amount:
        candidate.add_reason(_("The amount is the same."), AMOUNT_POINTS)
    elif amount / (1 + MAX_FEE_SHARE) <= order.total <= amount / (1 - MAX_FEE_SHARE):
        text = _("The amount is the same except for fees: %(amount)s.")
        candidate.add_reason(text % {"amount": format_money(order.total, order.currency)}, AMOUNT_WITH_FEES_POINTS)


def _score_day(candidate: Candidate, charged_on: date | None) -> None:
    if charged_on is None:
        return
    days_apart = abs((candidate.order.placed_at.astimezone(candidate.order.store.tzinfo).date() - charged_on).days)
    if days_apart == 0:
        candidate.add_reason(_("It was placed on the day of the charge."), POINTS_BY_DAYS_APART[0])
    elif days_apart in POINTS_BY_DAYS_APART:
        text = _("It was placed %(days)s day(s) before or after the charge.") % {"days": days_apart}
        candidate.add_reason(text, POINTS_BY_DAYS_APART[days_apart])


def _score_card(candidate: Candidate, claim: ChargeClaim) -> None:
    order, last4 = candidate.order, claim.card_last4
    if last4 and last4 == order.card_last4:
        candidate.add_reason(_("The card ends with the same 4 digits."), LAST4_POINTS)
    elif last4 and last4 == order.device_last4:
        candidate.add_reason(_("The card in the wallet ends with the same 4 digits."), LAST4_POINTS)
    elif last4 and order.card_last4 and not order.wallet:
        text = _("It was paid with another card, ending in %(digits)s.") % {"digits": order.card_last4}
        candidate.add_reason(text, OTHER_LAST4_POINTS)
    if claim.card_brand and order.card_brand:
        if formats.card_brand(claim.card_brand) == formats.card_brand(order.card_brand):
            candidate.add_reason(_("The card brand is the same."), BRAND_POINTS)
        else:
            candidate.add_reason(
                _("The card brand is different: %(brand)s.") % {"brand": formats.card_brand(order.card_brand)},
                OTHER_BRAND_POINTS,
            )


# --- Comparing strings ---------------------------------------------------------------------------------------


def _is_typo(one: str, other: str) -> bool:
    if abs(len(one) - len(other)) > 2:
        return False
    return SequenceMatcher(None, one, other, autojunk=False).ratio() >= MIN_TYPO_RATIO


def _is_email_typo(one: str, other: str) -> bool:
    """Whether one address is the other mistyped. Mailbox and domain are compared separately, as domains are shared."""
    mailbox, _at, domain = one.rpartition("@")
    other_mailbox, _at, other_domain = other.rpartition("@")
    return _is_typo(mailbox, other_mailbox) and _is_typo(domain, other_domain)


def _is_similar_email(one: str, other: str) -> bool:
    """Whether the mailbox is the same at another domain, or part of the other's: bea.buyer and bea.buyer1980."""
    mailbox, _at, domain = one.rpartition("@")
    other_mailbox, _at, other_domain = other.rpartition("@")
    if mailbox == other_mailbox:
        return True
    shorter, longer = sorted([mailbox, other_mailbox], key=len)
    return domain == other_domain and len(shorter) >= 4 and shorter in longer
