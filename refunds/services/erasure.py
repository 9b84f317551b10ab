"""Erases the data of a person from returns, withdrawals, swaps and cashback claims.

The cases stay with their amounts and dates, as long as they belong to an order. What people wrote goes.
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext

from cases.models import DecidedCase
from files.models import Upload
from files.services import delete_upload
from refunds.models import CashbackClaim, RefundTransaction, Return, Swap, Withdrawal

KINDS: tuple[Any, ...] = (Return, Withdrawal, Swap, CashbackClaim)


def cases_of(kind: Any, order_ids: Collection[int], email_key: str = "") -> Any:
    """Return the cases about these orders, and the withdrawals sent with this address."""
    own = Q(order__in=order_ids)
    if kind is Withdrawal and email_key:
        own |= Q(email_key=email_key)
    return kind._default_manager.filter(own)


def find_obstacles(order_ids: Collection[int], email_key: str) -> Iterator[str]:
    """Yield a sentence for each case that isn't closed, and for each refund that isn't made yet."""
    for kind in KINDS:
        for case in cases_of(kind, order_ids, email_key).open().order_by("pk"):
            yield _case_sentence(case)
    transactions = RefundTransaction.objects.filter(order__in=order_ids)
    for row in transactions.filter(Q(status__in=RefundTransaction.OPEN) | transactions.is_unresolved()).order_by("pk"):
        text = gettext("A refund of %(amount)s is promised for %(case)s. Make it first, or revoke the approval.")
        yield text % {"amount": row, "case": row.case.reference}


def _case_sentence(case: DecidedCase) -> str:
    values = {"case": case.reference, "status": case.get_status_display()}  # type: ignore[attr-defined]
    if case.is_undecided:
        return gettext("%(case)s is undecided (%(status)s). Decide on it first.") % values
    if isinstance(case, CashbackClaim):
        return gettext("The cashback of %(case)s isn’t paid yet. Pay it first, or decline the claim.") % values
    return gettext("%(case)s is approved, but not completed yet. Complete it first, or revoke the approval.") % values


def erase_cases(order_ids: Collection[int], email_key: str) -> dict[str, int]:
    """Erase what was written in closed cases, proofs of purchase, and withdrawals that never had an order.

    The caller has locked the orders. Returns how many rows of which model.
    """
    counts = {}
    for kind in KINDS:
        cases = cases_of(kind, order_ids, email_key).filter(status__in=kind.CLOSED)
        counts[kind._meta.label] = _erase(kind, list(cases.order_by("pk").values_list("pk", flat=True)))
    answers = RefundTransaction.objects.filter(order__in=order_ids).exclude(last_answer="")
    counts[RefundTransaction._meta.label] = answers.update(last_answer="")
    return counts


def old_cases(kind: Any, before: datetime) -> Any:
    """Return the closed cases decided before this time in which something is still written."""
    events = kind.event_model()._default_manager.filter(case=OuterRef("pk")).exclude(text="", note="")
    written = Q(Exists(events)) | ~Q(comment="") | ~Q(first_approved_text="") | ~Q(tags=[])
    if kind is Withdrawal:
        written |= ~Q(name="") | ~Q(email="") | ~Q(order_number="")
    return kind._default_manager.filter(written, status__in=kind.CLOSED, decided_at__lt=before)


def erase_old_cases(before: datetime, limit: int) -> int:
    """Erase what was written in at most this many cases of each kind decided before this time. Returns how many."""
    erased = 0
    for kind in KINDS:
        with transaction.atomic():
            ids = old_cases(kind, before).order_by("pk").select_for_update(skip_locked=True, of=("self",))
            erased += _erase(kind, list(ids.values_list("pk", flat=True)[:limit]))
    return erased


def _erase(kind: Any, ids: list[int]) -> int:
    cases = kind._default_manager.filter(pk__in=ids)
    kind.event_model()._default_manager.filter(case__in=ids).update(text="", note="")
    columns: dict[str, Any] = {"comment": "", "first_approved_text": "", "tags": []}
    if kind is Withdrawal:
        columns |= {"name": "", "email": "", "email_key": "", "order_number": "", "is_matching_due": False}
    if kind is Swap:
        columns["wanted"] = ""
    if kind is CashbackClaim:
        for upload in Upload.objects.filter(pk__in=cases.exclude(proof=None).values("proof")):
            delete_upload(upload)
    cases.update(**columns)
    if kind is Withdrawal:
        cases.filter(order=None, transactions=None).delete()
    return len(ids)


def uploads_of(order_ids: Collection[int]) -> QuerySet[Upload]:
    """Return the proofs of purchase for these orders."""
    claims = CashbackClaim.objects.filter(order__in=order_ids).exclude(proof=None)
    return Upload.objects.filter(pk__in=claims.values("proof"))
