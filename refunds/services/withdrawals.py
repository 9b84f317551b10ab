"""Actions on withdrawals, by the consumer and by staff.

Directive 2011/83/EU, Article 11a: a withdrawal takes effect when it is sent, even if its order is not found, and
is acknowledged without delay. docs/withdrawal.md lists how each requirement is met.
"""

import hashlib
import logging
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _

from cases.receipts import may_email_acknowledgement
from cases.refusals import NotPossible, WrongStatus
from cases.services import CALLED_OFF, require_text
from cases.submissions import find_submission
from cases.transitions import Actor, add_event, lock_order, locked, status_label, transition
from notifications.addresses import email_key
from orders.models import Order
from orders.money import format_money
from refunds.amounts import can_be_approved
from refunds.ledger import load_ledger
from refunds.models import Return, Withdrawal, WithdrawalPeriod
from refunds.models.policies import DEFAULT_WITHDRAWAL_DAYS
from refunds.policy import end_of_day, last_day
from refunds.public_holidays import public_holidays, store_country
from refunds.refusals import InvalidAmount
from refunds.services.approvals import counted_amount, is_first_of_two
from refunds.services.transactions import promise_refund

logger = logging.getLogger(__name__)

Status = Withdrawal.Status
# An identical statement within this time is a duplicate, such as a second click.
DUPLICATE_WINDOW = timedelta(days=1)
MATCHED_AT_ONCE = 100  # withdrawals whose orders are looked up in one run
SATURDAY, SUNDAY = 5, 6


@dataclass(frozen=True)
class WithdrawalStatement:
    """The content required by the directive: the name, the contract, and where to send the acknowledgement."""

    name: str
    order_number: str
    email: str


def withdraw(statement: WithdrawalStatement, language: str, submission_id: UUID | None = None) -> Withdrawal:
    """Record a withdrawal and email the acknowledgement. A duplicate of one that was not declined returns that one.

    Orders are not queried, so that neither the result nor its duration reveals whether there is such an order.
    `match_withdrawals` finds it afterwards.
    """
    with transaction.atomic():
        _lock_statement(statement)
        earlier, submission_id = find_submission(Withdrawal.objects.all(), submission_id, CALLED_OFF)
        earlier = earlier or _find_same_statement(statement)
        if earlier is not None:
            return earlier
        now = timezone.now()
        withdrawal = Withdrawal(
            name=statement.name,
            order_number=statement.order_number,
            email=statement.email,
            submission_id=submission_id,
            language=language,
            created_at=now,
        )
        may_email = may_email_acknowledgement(statement.email, now)  # otherwise, only the page acknowledges
        note = ""
        if not may_email:
            note = gettext(
                "No email was sent because this address already got too many today. The page confirmed the request."
            )
        transition(withdrawal, Status.RECEIVED, Actor.BUYER, note=note, notify_buyer=may_email)
    return withdrawal


def _lock_statement(statement: WithdrawalStatement) -> None:
    """Serialize identical statements with an advisory lock, because there may be no order row to lock."""
    text = "\x1f".join(astuple(statement)).lower().encode(errors="surrogatepass")
    key = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])


def _find_same_statement(statement: WithdrawalStatement) -> Withdrawal | None:
    key = email_key(statement.email)
    withdrawals = Withdrawal.objects.filter(
        name=statement.name,
        order_number=statement.order_number,
        email_key=key,
        created_at__gte=timezone.now() - DUPLICATE_WINDOW,
    )
    if not key:
        withdrawals = withdrawals.filter(email=statement.email)  # without a key, compare the addresses themselves
    return withdrawals.exclude(status__in=CALLED_OFF).order_by("pk").first()


# --- The order of a withdrawal ------------------------------------------------------------------------------


def match_withdrawals(address_key: str = "") -> int:
    """Find the orders of new withdrawals, of one address or of all. Returns how many were found.

    Called by a task every few seconds, and by code that needs current withdrawals. Must be called outside any
    transaction, because it locks orders one after the other.
    """
    waiting = Withdrawal.objects.filter(is_matching_due=True).order_by("pk")
    if address_key:
        waiting = waiting.filter(email_key=address_key)
    found = 0
    for withdrawal_id in list(waiting.values_list("pk", flat=True)[:MATCHED_AT_ONCE]):
        try:
            found += match_withdrawal(withdrawal_id)
        except DatabaseError:
            raise
        except Exception:  # an error in one must not block the others
            logger.exception("The order of withdrawal %s could not be looked up", withdrawal_id)
    return found


def match_withdrawal(withdrawal_id: int) -> bool:
    """Find the order of a new withdrawal, by number and address together. Returns whether it was found now.

    An order set by staff in the meantime is kept.
    """
    with transaction.atomic():
        order = find_order(Withdrawal.objects.get(pk=withdrawal_id))
        if order is not None:
            order = lock_order(order.pk)
        withdrawal = Withdrawal.objects.select_for_update(of=("self",)).get(pk=withdrawal_id)
        if not withdrawal.is_matching_due:
            return False
        withdrawal.is_matching_due = False
        is_open = withdrawal.order_id is None and withdrawal.is_undecided
        # The order's address may have been corrected before the order was locked.
        is_found = order is not None and is_open and order.email_key == withdrawal.email_key
        if order is not None and is_found:
            _set_order(withdrawal, order)
        withdrawal.save(update_fields=["is_matching_due", "order", "withdraw_until", "is_late"])
    return is_found


def find_order(withdrawal: Withdrawal) -> Order | None:
    """Return the order with the stated number and email address; None if there are several."""
    orders = Order.objects.for_number(withdrawal.order_number).for_email(withdrawal.email).select_related("store")
    found = list(orders[:2])
    return found[0] if len(found) == 1 else None


def _set_order(withdrawal: Withdrawal, order: Order) -> None:
    withdrawal.order = order
    set_deadline(withdrawal)


def set_deadline(withdrawal: Withdrawal) -> None:
    """Set the deadline of a withdrawal whose order is known, and whether the statement is late, without saving."""
    assert withdrawal.order is not None
    withdrawal.withdraw_until = withdraw_until(withdrawal.order)
    withdrawal.is_late = withdrawal.created_at >= withdrawal.withdraw_until


def withdraw_until(order: Order) -> datetime:
    """Return the exclusive deadline: from this moment on, a withdrawal is late.

    The period counts from the day after the purchase, in the store's time zone. If it would end on a Saturday, a Sunday
    or a public holiday of the buyer's country, it ends with the next working day (Regulation 1182/71, Article 3(4)).
    Without a billing country, the store's is used.
    """
    country = order.billing_country.upper() or store_country(order.store)
    last = last_day(order.placed_at, order.store.tzinfo, period_days(order))
    while last.weekday() in (SATURDAY, SUNDAY) or last in public_holidays(country, last.year):
        last += timedelta(days=1)
    return end_of_day(last, order.store.tzinfo)


def period_days(order: Order) -> int:
    """Return the days of the most specific row: store and country, then country, then store, then neither."""
    rows = WithdrawalPeriod.objects.filter(
        Q(store_id=order.store_id) | Q(store=None), country__in=["", order.billing_country]
    )
    most_specific = max(rows, key=lambda row: (row.country != "", row.store_id is not None), default=None)
    return DEFAULT_WITHDRAWAL_DAYS if most_specific is None else most_specific.days


# --- Staff -----------------------------------------------------------------------------------------------


def attach_order(case: Withdrawal, order: Order, by: User) -> None:
    """Set the order of an undecided withdrawal. Raises NotPossible once it is decided."""
    with transaction.atomic():
        order = lock_order(order.pk)
        with locked(case) as current:
            if not current.is_undecided:
                raise NotPossible(_("This withdrawal was already decided, so you can’t change its order."))
            _set_order(current, order)
            current.forget_first_approval()
            current.save()
            add_event(
                current, current.status, Actor.STAFF, by=by, note=gettext("Order %(number)s.") % {"number": order}
            )


def approve(case: Withdrawal, by: User, amount: Decimal | None = None, text: str = "", note: str = "") -> bool:
    """Accept a withdrawal and queue the refund of `amount`, by default everything that is left of what was paid.

    Undecided returns of the order are canceled, so that nothing is refunded twice. Returns False if a second person has
    to approve it as well; see approvals.py. Raises NotPossible without an order, InvalidAmount, or WrongStatus.
    """
    with locked(case) as current:
        order = current.order
        if not current.is_undecided:
            raise WrongStatus(status_label(current))
        if order is None:
            raise NotPossible(_("Assign an order first."))
        if order.pk != case.order_id:  # a colleague has set the order since; `locked` has not locked it
            raise NotPossible(_("The order of this withdrawal has changed. Load the page again and check it."))
        ledger = load_ledger(order)
        ledger.require_payable()
        left = ledger.left
        approved = left if amount is None else amount
        if not can_be_approved(approved, left, order.currency):
            raise InvalidAmount(
                _("Enter an amount above zero, up to %(most)s."),
                most=format_money(left, order.currency),
            )
        if is_first_of_two(
            current, by, approved, order.currency, counted_amount(approved, ledger), text=text, note=note
        ):
            return False
        for return_case in order.returns.undecided().select_for_update(of=("self",)):
            _cancel_return(return_case, current)
        transition(current, Status.APPROVED, Actor.STAFF, by=by, text=text, note=note, amount_approved=approved)
        promise_refund(current, approved)
    return True


def _cancel_return(return_case: Return, withdrawal: Withdrawal) -> None:
    with override(return_case.language):
        reason = gettext("You withdrew from the contract (%(reference)s), so this return is no longer needed.")
    text = reason % {"reference": withdrawal.reference}
    transition(return_case, Return.Status.CANCELLED, Actor.PORTAL, text=text)


def record_answer(case: Withdrawal, by: User, text: str) -> None:
    """Record an answer that the buyer gave by email or phone. Withdrawals have no page to answer on."""
    answer = require_text(text, _("Enter the buyer’s answer."))
    with locked(case) as current:
        transition(current, Status.IN_REVIEW, Actor.STAFF, by=by, note=answer)
