"""What can be done with a withdrawal, by whoever makes the statement and by staff.

Directive 2011/83/EU, Article 11a: the statement counts when it is sent, whatever the portal knows of its
order, and is acknowledged at once. docs/withdrawal.md says how each of its wishes is met.
"""

import hashlib
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _

from cases.refusals import NotPossible, WrongStatus
from cases.steps import required
from cases.transitions import Actor, lock_order, locked, record, status_label, transition
from notifications.addresses import address_subject, email_key
from orders.models import Order
from orders.money import smallest_unit
from orders.rate_limits import Rate, RateLimit, consume
from refunds.amounts import ZERO
from refunds.models import Return, Withdrawal, WithdrawalPeriod
from refunds.models.policies import DEFAULT_WITHDRAWAL_DAYS
from refunds.policy import end_of, last_day
from refunds.refusals import WrongAmount
from refunds.services.money import promise, unpromised

Status = Withdrawal.Status
# The same statement within this time is the same one: a second click, a second window.
SAME_WITHIN = timedelta(days=1)
# Acknowledgements to one address; above it, the page is the acknowledgement, so that nobody's mailbox is flooded.
ADDRESS_RATE = Rate(short=5, long=10)
SATURDAY, SUNDAY = 5, 6


@dataclass(frozen=True)
class Statement:
    """What the law asks a withdrawal to say: who, which contract, and where the acknowledgement goes."""

    name: str
    order_number: str
    email: str


def withdraw(statement: Statement, language: str, submission_id: UUID | None = None) -> Withdrawal:
    """Record a statement and acknowledge it. The same submission, or the same words within a day, find the first.

    Its order is found by number and address together; whether it was found is nobody's to see but staff's.
    """
    with transaction.atomic():
        _wait_for_the_same(statement)
        if earlier := _same(statement, submission_id):
            return earlier
        now = timezone.now()
        withdrawal = Withdrawal(
            name=statement.name,
            order_number=statement.order_number,
            email=statement.email,
            submission_id=submission_id or uuid4(),
            language=language,
            created_at=now,
        )
        if (order := _order_of(statement)) is not None:
            _attach(withdrawal, lock_order(order.pk))
        told = consume([RateLimit("withdrawal", address_subject(statement.email), ADDRESS_RATE)], now)
        note = "" if told else gettext("No email went out: too many to this address today. The page acknowledged it.")
        transition(withdrawal, Status.RECEIVED, Actor.BUYER, note=note, notified=told)
    return withdrawal


def _wait_for_the_same(statement: Statement) -> None:
    """Two of the same statement at once take turns, whether or not there is an order to lock."""
    words = "\x1f".join(astuple(statement)).lower().encode(errors="surrogatepass")
    key = int.from_bytes(hashlib.blake2b(words, digest_size=8).digest(), signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])


def _same(statement: Statement, submission_id: UUID | None) -> Withdrawal | None:
    key = email_key(statement.email)
    words = Q(
        name=statement.name,
        order_number=statement.order_number,
        email_key=key,
        created_at__gte=timezone.now() - SAME_WITHIN,
    )
    if not key:
        words &= Q(email=statement.email)  # two addresses without a key are not the same
    same = words | Q(submission_id=submission_id) if submission_id else words
    return Withdrawal.objects.filter(same).order_by("pk").first()


def _order_of(statement: Statement) -> Order | None:
    """The one order that number and address name together; of several, none."""
    found = list(Order.objects.for_number(statement.order_number).for_email(statement.email)[:2])
    return found[0] if len(found) == 1 else None


def _attach(withdrawal: Withdrawal, order: Order) -> None:
    withdrawal.order = order
    withdrawal.withdraw_until = withdraw_until(order)
    withdrawal.is_late = withdrawal.created_at >= withdrawal.withdraw_until


def withdraw_until(order: Order) -> datetime:
    """The first moment at which a statement is late.

    So many days after the day of the contract, in the store's time zone; a period that would end on a Saturday
    or Sunday ends on the Monday (Regulation 1182/71, Article 3(4); public holidays are not known here).
    """
    last = last_day(order.placed_at, order.store.tzinfo, period_days(order))
    if last.weekday() in (SATURDAY, SUNDAY):
        last += timedelta(days=7 - last.weekday())
    return end_of(last, order.store.tzinfo)


def period_days(order: Order) -> int:
    """The days of the most exact row: for this store and country, the country, the store, or everybody."""
    rows = WithdrawalPeriod.objects.filter(
        Q(store_id=order.store_id) | Q(store=None), country__in=["", order.billing_country]
    )
    most_exact = max(rows, key=lambda row: (row.country != "", row.store_id is not None), default=None)
    return DEFAULT_WITHDRAWAL_DAYS if most_exact is None else most_exact.days


# --- Staff -----------------------------------------------------------------------------------------------


def attach_order(case: Withdrawal, order: Order, by: User) -> None:
    """Say which order a statement is about. Raises NotPossible once it is decided."""
    with transaction.atomic():
        order = lock_order(order.pk)
        with locked(case) as current:
            if not current.is_undecided:
                raise NotPossible(_("This withdrawal is decided already, so its order stays."))
            _attach(current, order)
            current.save()
            record(current, current.status, Actor.STAFF, by=by, note=gettext("Order %(number)s.") % {"number": order})


def approve(case: Withdrawal, by: User, amount: Decimal | None = None, text: str = "", note: str = "") -> None:
    """Accept it and promise the money: all that is left of what was paid, or so much.

    An undecided return of the same order ends with it, so that nothing is paid twice. Raises NotPossible
    without an order, WrongAmount, or WrongStatus.
    """
    with locked(case) as current:
        order = current.order
        if not current.is_undecided:
            raise WrongStatus(status_label(current))
        if order is None:
            raise NotPossible(_("Please say first which order this is about."))
        if order.pk != case.order_id:  # named since the caller looked: another order than this one is locked
            raise NotPossible(_("The order of this withdrawal has changed meanwhile. Please look at it again."))
        left = unpromised(order)
        wanted = left if amount is None else amount
        if not ZERO < wanted <= left or wanted != wanted.quantize(smallest_unit(order.currency)):
            raise WrongAmount(
                _("Please enter an amount above zero and at most %(most)s, in whole cents."), most=max(left, ZERO)
            )
        for wish in order.returns.undecided().select_for_update(of=("self",)):
            _end(wish, current)
        transition(current, Status.APPROVED, Actor.STAFF, by=by, text=text, note=note, amount_approved=wanted)
        promise(current, wanted)


def _end(wish: Return, withdrawal: Withdrawal) -> None:
    with override(wish.language):
        why = gettext("You withdrew from the contract (%(reference)s), so this return is not needed any more.")
    transition(wish, Return.Status.CANCELLED, Actor.PORTAL, text=why % {"reference": withdrawal.reference})


def note_answer(case: Withdrawal, by: User, text: str) -> None:
    """What the buyer answered to a question, by email or on the phone."""
    answer = required(text, _("Please write what the buyer answered."))
    with locked(case) as current:
        transition(current, Status.IN_REVIEW, Actor.STAFF, by=by, note=answer)
