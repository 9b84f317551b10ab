"""What can be done with a cashback claim, by its buyer and by staff."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4, uuid5

from django.contrib.auth.models import User
from django.core.files.base import File
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases import steps
from cases.refusals import NotPossible
from cases.steps import required
from cases.transitions import Actor, lock_order, locked, record, transition
from files.services import store_file
from licenses.models import License, normalize_serial
from orders.card_numbers import contains_card_number
from orders.models import Order
from orders.services.confirmations import order_language
from refunds import payout_details
from refunds.models import CashbackClaim
from refunds.payout_details import PayoutDetails
from refunds.promotions import Reason, Verdict, bought_with, judge, promotions_in, why_frozen, why_none_ever

Status = CashbackClaim.Status
NO_DETAILS: dict[str, Any] = {"payout_details": b""}


class NotYours(NotPossible):
    """No order that is open has this serial number, whether or not another has it."""

    def __init__(self) -> None:
        super().__init__(_("None of your open orders has this serial number. Please open its order first."))


class NoCashback(NotPossible):
    """No promotion applies; `reason` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.sentence)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason.words


def verdicts(orders: Iterable[Order], country: str, now: datetime) -> list[Verdict]:
    """For each license of these orders which promotion of the country applies, or why none does.

    A license that stands on several of them appears once: with the order for which there is most to say.
    """
    promotions = promotions_in(country)
    best: dict[int, Verdict] = {}
    for bought in bought_with(list(orders)):
        verdict = judge(bought, country, promotions, now)
        known = best.get(bought.license.pk)
        if known is None or (known.promotion is None and verdict.promotion is not None):
            best[bought.license.pk] = verdict
    return list(best.values())


def request_cashback(
    orders: Iterable[Order],
    serial: str,
    country: str,
    proof: File,
    details: PayoutDetails | None = None,
    submission: str = "",
    language: str = "",
) -> CashbackClaim:
    """Take a claim in for a serial number of one of these orders, which are those open to the buyer.

    `details` say to which bank account; without them it goes the way the order was paid. The same submission,
    by the id of its form, finds the first. Raises NotYours, NoCashback, or files.services.FileRejected for the proof.
    """
    now = timezone.now()
    with transaction.atomic():
        verdict = _verdict_of(serial, list(orders), country, now)
        # The order first and then the license, which may stand on another order, too: two at once wait here.
        order = lock_order(verdict.bought.order.pk)
        License.objects.select_for_update(of=("self",)).get(pk=verdict.bought.license.pk)
        # Made from the order's, too, so that no other order's form can meet it.
        submission_id = uuid5(order.public_id, f"cashback {submission}") if submission else uuid4()
        if earlier := order.cashback_claims.filter(submission_id=submission_id).first():
            return earlier
        verdict = _verdict_of(serial, [order], country, now)
        if verdict.promotion is None:
            assert verdict.reason is not None
            raise NoCashback(verdict.reason)
        claim = CashbackClaim(
            promotion=verdict.promotion,
            order=order,
            license=verdict.bought.license,
            country=country,
            currency=verdict.promotion.currency,
            amount=verdict.promotion.amount,
            proof=store_file(proof),
            payout_method=CashbackClaim.PayoutMethod.BANK if details else CashbackClaim.PayoutMethod.ORIGINAL,
            payout_details=payout_details.encrypt(details) if details else b"",
            submission_id=submission_id,
            language=language or order_language(order),
        )
        transition(claim, Status.RECEIVED, Actor.BUYER)
    return claim


def _verdict_of(serial: str, orders: list[Order], country: str, now: datetime) -> Verdict:
    key = normalize_serial(serial)
    found = [each for each in verdicts(orders, country, now) if each.bought.license.serial_key == key]
    if not key or not found:
        raise NotYours
    return found[0]


def cancel(case: CashbackClaim) -> None:
    """The buyer's own change of mind, while nothing is decided. The bank details go."""
    steps.cancel(case, **NO_DETAILS)


# --- Staff -----------------------------------------------------------------------------------------------


def approve(case: CashbackClaim, by: User, text: str = "", note: str = "") -> None:
    """Say yes; the payout follows with `pay`. Raises NoCashback where the item went back in the meantime."""
    with locked(case) as current:
        if current.is_undecided and (reason := _why_not_any_more(current)):
            raise NoCashback(reason)
        transition(current, Status.APPROVED, Actor.STAFF, by=by, text=text, note=note)


def _why_not_any_more(claim: CashbackClaim) -> Reason | None:
    on_order = [each for each in bought_with([claim.order]) if each.license.pk == claim.license_id]
    reasons = [why_none_ever(replace(each, claim=None)) for each in on_order]
    return None if None in reasons or not reasons else reasons[0]


def decline(case: CashbackClaim, by: User, reason: str, note: str = "") -> None:
    """Say no; the reason is written to the buyer, and the bank details go."""
    steps.decline(case, by, reason, note, **NO_DETAILS)


def look_at_payout_details(case: CashbackClaim, by: User) -> PayoutDetails | None:
    """The buyer's bank details, for the payout; None where there are none. The look is put on record."""
    with locked(case) as current:
        if not current.payout_details:
            return None
        details = payout_details.decrypt(current.payout_details)
        record(current, current.status, Actor.STAFF, by=by, note=gettext("Looked at the bank details."))
    return details


def pay(case: CashbackClaim, by: User, reference: str, text: str = "", note: str = "") -> None:
    """Record the payout by its reference. The bank details go in the same moment."""
    reference = required(reference, _("Please enter the reference of the payout."))
    longest = CashbackClaim._meta.get_field("payout_reference").max_length or 0
    if len(reference) > longest or not reference.isprintable() or contains_card_number(reference):
        raise NotPossible(_("This is not a reference of a payout. Please check what you entered."))
    with locked(case) as current:
        if frozen := why_frozen(current.order, timezone.now()):
            raise NoCashback(frozen)
        columns = {"payout_reference": reference} | NO_DETAILS
        transition(current, Status.PAID, Actor.STAFF, by=by, text=text, note=note, **columns)
