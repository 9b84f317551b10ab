"""Approvals of amounts: by one person up to a limit, above it by two.

`ApprovalLimit` has one row per currency. An agent approves up to `up_to`. Above it, the approval is recorded as the
first one, and a second person with the permission `refunds.approve_above_limit` (supervisors) approves or declines.
Supervisors approve any amount alone, or need a second person as well if it is above `two_people_above`.

Without any limit, staff approve any amount. As soon as there is one, supervisors decide on amounts in currencies
without a limit. Otherwise, a limit in EUR could be forgotten for USD.
"""

from decimal import Decimal

from django.contrib.auth.models import User
from django.utils.translation import gettext

from cases.models import DecidedCase
from cases.transitions import Actor, add_event
from orders.money import format_money
from refunds.amounts import ZERO
from refunds.ledger import Ledger
from refunds.models import ApprovalLimit

APPROVE_ABOVE_LIMIT = "refunds.approve_above_limit"


def counted_amount(amount: Decimal, ledger: Ledger) -> Decimal:
    """Return the amount that is compared with the limit: everything that this approval would bring the order to.

    Otherwise, several small requests for one order would pass below the limit.
    """
    return amount + ledger.refunded + ledger.promised


def _needs_second_person(case: DecidedCase, by: User, amount: Decimal, currency: str, counted: Decimal) -> bool:
    """Whether an approval of this amount by this person isn't enough."""
    limits = {limit.currency: limit for limit in ApprovalLimit.objects.all()}
    limit = limits.get(currency)
    if not limits or counted <= (limit.up_to if limit else ZERO):
        return False
    if not by.has_perm(APPROVE_ABOVE_LIMIT):
        return True
    if limit is None or limit.two_people_above is None or counted <= limit.two_people_above:
        return False
    is_second = case.first_approved_by_id not in (None, by.pk)
    return not is_second or case.first_approved_amount is None or amount > case.first_approved_amount


def is_first_of_two(
    case: DecidedCase, by: User, amount: Decimal, currency: str, counted: Decimal, *, text: str = "", note: str = ""
) -> bool:
    """Whether this approval needs a second person. If so, it is recorded as the first one, and the buyer isn't told.

    `counted` is the amount that the limit applies to; see `counted_amount`. `text` is the message to the buyer, which
    the second person can send or change. The caller holds the lock of the case.
    """
    if not _needs_second_person(case, by, amount, currency, counted):
        return False
    if (case.first_approved_by_id, case.first_approved_amount, case.first_approved_text) == (by.pk, amount, text):
        return True  # a second click
    case.first_approved_by, case.first_approved_amount, case.first_approved_text = by, amount, text
    case.assigned_to = case.assigned_to or by
    case.save()
    sentence = gettext("First approval of %(amount)s. A second person has to approve it as well.")
    sentence %= {"amount": format_money(amount, currency)}
    add_event(case, case.status, Actor.STAFF, by=by, note=f"{sentence}\n{note}".strip())
    return True
