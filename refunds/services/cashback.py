"""Actions on cashback claims, by the buyer and by staff."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.contrib.auth.models import User
from django.core.files.base import File
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases import services
from cases.refusals import NotPossible, WrongStatus
from cases.services import CALLED_OFF, require_text
from cases.submissions import find_submission
from cases.transitions import Actor, add_event, lock_order, locked, status_label, transition
from files.services import store_file
from licenses.models import License, normalize_serial
from orders.models import Order
from orders.services.confirmations import buyer_language
from refunds import payout_details
from refunds.ledger import load_ledger
from refunds.models import CashbackClaim
from refunds.payout_details import PayoutDetails
from refunds.promotions import (
    LicenseCashback,
    NoCashbackReason,
    find_cashback,
    frozen_reason,
    permanent_reason,
    promotions_in,
    purchased_licenses,
)
from refunds.services.approvals import is_first_of_two
from refunds.services.transactions import LOOKS_LIKE_CARD, is_rather_card_number

Status = CashbackClaim.Status
CLEARED_PAYOUT_DETAILS: dict[str, Any] = {"payout_details": b""}


class SerialNotInOpenOrders(NotPossible):
    """None of the accessible orders has this serial number. Says nothing about other orders."""

    def __init__(self) -> None:
        super().__init__(_("None of your open orders has this serial number. Open its order first."))


class DoubtfulAccount(NotPossible):
    """All access to the order was ended after the bank account was named, so it may not be the owner's."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "Access to the order was ended after this bank account was entered, so it may not be the buyer’s. "
                "Decline the claim and ask the buyer to claim again."
            )
        )


class NoCashback(NotPossible):
    """No promotion applies; `reason` says why."""

    def __init__(self, reason: NoCashbackReason) -> None:
        super().__init__(reason.sentence)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason.text


def check_licenses(orders: Iterable[Order], country: str, now: datetime) -> list[LicenseCashback]:
    """Return, for each license of these orders, which promotion of the country applies, or why none does.

    A license on several of the orders appears once, preferably with an order for which a promotion applies.
    """
    promotions = promotions_in(country)
    best: dict[int, LicenseCashback] = {}
    for purchase in purchased_licenses(list(orders)):
        result = find_cashback(purchase, country, promotions, now)
        earlier = best.get(purchase.license.pk)
        if earlier is None or (earlier.promotion is None and result.promotion is not None):
            best[purchase.license.pk] = result
    return list(best.values())


def find_submitted(licenses: Iterable[LicenseCashback], serial: str, submission: str) -> CashbackClaim | None:
    """Return the claim created by this submission for one of these licenses, unless it was canceled or declined."""
    key = normalize_serial(serial)
    order = next((each.purchase.order for each in licenses if key and each.purchase.license.serial_key == key), None)
    if order is None or not submission:
        return None
    return find_submission(order.cashback_claims.all(), _form_id(order, submission), CALLED_OFF)[0]


def _form_id(order: Order, submission: str) -> UUID:
    """Return an id for a submission. Clients choose `submission`, so it is hashed with the order to not match other
    orders'.
    """
    return uuid5(order.public_id, f"cashback {submission}")


def request_cashback(
    orders: Iterable[Order],
    serial: str,
    country: str,
    proof: File,
    details: PayoutDetails | None = None,
    submission: str = "",
    language: str = "",
    client: str | None = None,
) -> CashbackClaim:
    """Create a claim for a serial number of one of these orders, which are those the buyer has access to.

    `details` are the bank account for the payout. Without them, it uses the order's payment method. `submission` is the
    id of the form: the same id again returns the existing claim, unless that was canceled or declined. The proof counts
    against the limit of `client`, a network address, if given. Raises SerialNotInOpenOrders (also if access to the
    order has ended), NoCashback, or files.services.FileRejected for the proof.
    """
    now = timezone.now()
    with transaction.atomic():
        cashback = _check_serial(serial, list(orders), country, now)
        # Lock the license too: it may be on two orders, and there must not be simultaneous claims for it.
        order = lock_order(cashback.purchase.order.pk)
        if order.access_generation != cashback.purchase.order.access_generation:
            raise SerialNotInOpenOrders
        License.objects.select_for_update(of=("self",)).get(pk=cashback.purchase.license.pk)
        form_id = _form_id(order, submission) if submission else None
        earlier, submission_id = find_submission(order.cashback_claims.all(), form_id, CALLED_OFF)
        if earlier is not None:
            return earlier
        cashback = _check_serial(serial, [order], country, now)  # again, now under lock
        if cashback.promotion is None:
            assert cashback.reason is not None
            raise NoCashback(cashback.reason)
        claim = CashbackClaim(
            promotion=cashback.promotion,
            order=order,
            license=cashback.purchase.license,
            country=country,
            currency=cashback.promotion.currency,
            amount=cashback.promotion.amount,
            proof=store_file(proof, client=client),
            payout_method=CashbackClaim.PayoutMethod.BANK if details else CashbackClaim.PayoutMethod.ORIGINAL,
            payout_details=payout_details.encrypt(details) if details else b"",
            submission_id=submission_id,
            language=language or buyer_language(order),
        )
        transition(claim, Status.RECEIVED, Actor.BUYER)
    return claim


def _check_serial(serial: str, orders: list[Order], country: str, now: datetime) -> LicenseCashback:
    key = normalize_serial(serial)
    matching = [each for each in check_licenses(orders, country, now) if each.purchase.license.serial_key == key]
    if not key or not matching:
        raise SerialNotInOpenOrders
    return matching[0]


def cancel(case: CashbackClaim) -> None:
    """Cancel an undecided claim for its buyer, and delete the bank details."""
    services.cancel(case, **CLEARED_PAYOUT_DETAILS)


# --- Staff -----------------------------------------------------------------------------------------------


def approve(case: CashbackClaim, by: User, text: str = "", note: str = "") -> bool:
    """Approve a claim; `record_payout` follows.

    Returns False if a second person has to approve it as well; see approvals.py.
    Raises NoCashback if the item was returned in the meantime, OrderBlocked if the order may not be paid on,
    DoubtfulAccount.
    """
    with locked(case) as current:
        load_ledger(current.order).require_payable()
        if current.is_undecided and (reason := current_reason(current)):
            raise NoCashback(reason)
        _require_trusted_account(current)
        if not current.is_undecided:
            raise WrongStatus(status_label(current))
        if is_first_of_two(current, by, current.amount, current.currency, current.amount, text=text, note=note):
            return False
        transition(current, Status.APPROVED, Actor.STAFF, by=by, text=text, note=note)
    return True


def _require_trusted_account(claim: CashbackClaim) -> None:
    if claim.is_account_doubtful:
        raise DoubtfulAccount


def current_reason(claim: CashbackClaim) -> NoCashbackReason | None:
    """Return why the claimed license is no longer eligible, apart from this claim itself."""
    purchases = [each for each in purchased_licenses([claim.order]) if each.license.pk == claim.license_id]
    reasons = [permanent_reason(replace(each, claim=None)) for each in purchases]
    return None if None in reasons or not reasons else reasons[0]


def decline(case: CashbackClaim, by: User, reason: str, note: str = "") -> None:
    """Decline a claim: email the reason to the buyer, and delete the bank details."""
    services.decline(case, by, reason, note, **CLEARED_PAYOUT_DETAILS)


def take_back_approval(case: CashbackClaim, by: User, reason: str, note: str = "") -> None:
    """Decline an approved claim that is not paid: email the reason to the buyer, and delete the bank details."""
    reason = require_text(reason, _("Enter a reason for the buyer."))
    with locked(case) as current:
        if current.status != Status.APPROVED:
            raise WrongStatus(status_label(current))
        columns: dict[str, Any] = {"decided_at": timezone.now(), "decided_by": by} | CLEARED_PAYOUT_DETAILS
        transition(current, Status.DECLINED, Actor.STAFF, by=by, text=reason, note=note, **columns)


def reveal_payout_details(case: CashbackClaim, by: User) -> PayoutDetails | None:
    """Return the buyer's bank details, or None if there are none. Adds a note of who viewed them to the history.

    Raises DoubtfulAccount, because the account may be a stranger's.
    """
    with locked(case) as current:
        if not current.payout_details:
            return None
        _require_trusted_account(current)
        details = payout_details.decrypt(current.payout_details)
        add_event(current, current.status, Actor.STAFF, by=by, note=gettext("Viewed the bank details."))
    return details


def record_payout(case: CashbackClaim, by: User, reference: str, text: str = "", note: str = "") -> None:
    """Mark a claim as paid, with the reference of the payout, and delete the bank details. Raises DoubtfulAccount."""
    reference = require_text(reference, _("Enter the payout reference."))
    max_length = CashbackClaim._meta.get_field("payout_reference").max_length or 0
    if len(reference) > max_length or not reference.isprintable():
        raise NotPossible(_("This isn’t a payout reference. Check it and try again."))
    if is_rather_card_number(reference):
        raise NotPossible(LOOKS_LIKE_CARD)
    with locked(case) as current:
        load_ledger(current.order).require_payable()
        if reason := frozen_reason(current.order, timezone.now()):
            raise NoCashback(reason)
        _require_trusted_account(current)
        columns = {"payout_reference": reference} | CLEARED_PAYOUT_DETAILS
        transition(current, Status.PAID, Actor.STAFF, by=by, text=text, note=note, **columns)
