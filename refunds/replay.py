"""Apply a new policy to past returns, to show which of them it would have decided differently. Writes nothing.

Only accepted requests can be replayed. Refused requests aren't stored, so it can't show what a more generous policy
would have accepted.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from licenses.models import Product, Sku
from orders.models import Order, OrderLine, Store
from refunds.auto_approval import Payout, is_approved_automatically, load_payouts
from refunds.models import AutoApprovalLimit, Return, ReturnException, ReturnPolicy
from refunds.policy import PolicyTerms, StorePolicies, return_until, was_activated
from refunds.waiting_times import WaitingTime, extend_return_deadlines, load_waiting_times

CHUNK_SIZE = 500  # returns
ALL_STORES = "*"


class InvalidPolicyFile(Exception):
    """The file is not a valid policy; `str()` says where and why."""


class StrictModel(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class ExceptionEntry(StrictModel):
    """An entry of `exceptions` in a policy file; see ReturnException."""

    product: str = ""
    kind: OrderLine.Kind | None = None
    days: Annotated[int, Field(ge=0, le=3650)] | None


class PolicyFile(StrictModel):
    """The JSON format of a policy. Omitted fields have the portal's defaults."""

    store: str = ALL_STORES
    days: Annotated[int, Field(ge=0, le=3650)] = 30
    activated_may_return: bool = True
    exceptions: list[ExceptionEntry] = []
    auto_approve: dict[Annotated[str, Field(pattern="^[A-Z]{3}$")], Annotated[Decimal, Field(gt=0)]] = {}


class Outcome(StrEnum):
    REFUSED = "refused"
    AUTO_APPROVED = "approved by itself"
    MANUAL = "decided by people"


@dataclass(frozen=True)
class ReplayResult:
    """The outcome of a return under some terms, with the reason if it is refused."""

    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True)
class ChangedOutcome:
    """A return that the new policy would decide differently."""

    case: Return
    before: ReplayResult
    after: ReplayResult

    def as_dict(self) -> dict[str, Any]:
        case = self.case
        return {
            "reference": case.reference,
            "order": case.order.number,
            "store": case.order.store.slug,
            "sent_at": case.created_at.isoformat(),
            "amount": str(case.amount),
            "currency": case.currency,
            "before": str(self.before.outcome),
            "after": str(self.after.outcome),
            "why": self.after.reason or self.before.reason,
        }


def load_policy_file(path: Path) -> tuple[PolicyTerms, Store | None]:
    """Return the terms in a file, and its store or None for all stores. Raises InvalidPolicyFile."""
    try:
        parsed = PolicyFile.model_validate(json.loads(path.read_bytes()))
    except OSError as error:
        raise InvalidPolicyFile(_("It can’t be read: %(why)s.") % {"why": error.strerror}) from error
    except ValidationError as error:
        first = error.errors()[0]
        location = ".".join(str(part) for part in first["loc"]) or gettext("the whole file")
        raise InvalidPolicyFile(f"{location}: {first['msg']}") from error
    except (ValueError, RecursionError) as error:
        raise InvalidPolicyFile(_("It isn’t valid JSON: %(why)s.") % {"why": error}) from error
    store = None
    if parsed.store != ALL_STORES:
        store = Store.objects.filter(slug=parsed.store).first()
        if store is None:
            raise InvalidPolicyFile(_("No store is named %(store)s.") % {"store": parsed.store})
    policy = ReturnPolicy(days=parsed.days, activated_may_return=parsed.activated_may_return)
    exceptions = [_build_exception(each) for each in parsed.exceptions]
    limits = [AutoApprovalLimit(currency=currency, up_to=up_to) for currency, up_to in parsed.auto_approve.items()]
    return PolicyTerms(policy, exceptions, {limit.currency: limit.up_to for limit in limits}), store


def _build_exception(parsed: ExceptionEntry) -> ReturnException:
    product = None
    if parsed.product:
        product = Product.objects.filter(slug=parsed.product).first()
        if product is None:
            raise InvalidPolicyFile(_("No product is named %(product)s.") % {"product": parsed.product})
    if product is None and parsed.kind is None:
        raise InvalidPolicyFile(_("An exception needs a product, a kind, or both."))
    return ReturnException(product=product, kind=parsed.kind or "", days=parsed.days)


def replay_returns(terms: PolicyTerms, store: Store | None, since: datetime) -> Iterator[ChangedOutcome | None]:
    """Yield for each return since then its changed outcome, or None if the outcome is the same.

    Works in chunks, with the same number of queries for each. Returns that some terms approve automatically count
    against later returns of the same buyer under these terms, regardless of the actual decision.
    """
    cases = Return.objects.filter(created_at__gte=since).order_by("created_at", "pk")
    if store is not None:
        cases = cases.filter(order__store=store)
    rows = (
        cases.select_related("order__store")
        .prefetch_related("lines__line__licensed_lines", "lines__licenses")
        .iterator(chunk_size=CHUNK_SIZE)
    )
    approved_before, approved_after = _AutoApproved(), _AutoApproved()
    while chunk := list(islice(rows, CHUNK_SIZE)):
        policies = StorePolicies({case.order.store_id for case in chunk})
        products = _product_ids(chunk)
        waiting_times = load_waiting_times({case.order_id for case in chunk})
        payouts = _PayoutsByBuyer(load_payouts({case.order for case in chunk}))
        for case in chunk:
            waited = [each for each in waiting_times[case.order_id] if each.start < case.created_at]
            terms_before = policies.in_force_at(case.order.store_id, case.order.placed_at)
            before, after = (
                _find_refusal(case, applied, products, waited) or _decide(case, applied, payouts, approved)
                for applied, approved in ((terms_before, approved_before), (terms, approved_after))
            )
            yield ChangedOutcome(case, before, after) if before.outcome != after.outcome else None


class _PayoutsByBuyer:
    """Payouts, found by order and by email address."""

    def __init__(self, payouts: Iterable[Payout] = ()) -> None:
        self._by_order: dict[int, list[Payout]] = {}
        self._by_email: dict[str, list[Payout]] = {}
        for each in payouts:
            self.add(each)

    def add(self, payout: Payout) -> None:
        self._by_order.setdefault(payout.order_id, []).append(payout)
        if payout.email_key:
            self._by_email.setdefault(payout.email_key, []).append(payout)

    def get(self, order: Order) -> list[Payout]:
        """Return the payouts of this order and of its address, each once."""
        of_address = self._by_email.get(order.email_key, [])
        return of_address or self._by_order.get(order.pk, [])


class _AutoApproved(_PayoutsByBuyer):
    """The returns that some terms approved automatically, each as a payout at the time it was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.return_ids: set[int] = set()

    def add_return(self, case: Return) -> None:
        self.return_ids.add(case.pk)
        self.add(
            Payout(
                order_id=case.order_id,
                email_key=case.order.email_key,
                currency=case.currency,
                amount=case.amount,
                promised_at=case.created_at,
                moved_at=case.created_at,
                return_id=case.pk,
            )
        )


def _product_ids(chunk: list[Return]) -> dict[tuple[int, str], int | None]:
    codes = {line.line.sku for case in chunk for line in case.lines.all()}
    rows = Sku.objects.filter(store_id__in={case.order.store_id for case in chunk}, code__in=codes)
    return {(store_id, code): product for store_id, code, product in rows.values_list("store_id", "code", "product_id")}


def _find_refusal(
    case: Return,
    terms: PolicyTerms,
    products: dict[tuple[int, str], int | None],
    waited: list[WaitingTime],
) -> ReplayResult | None:
    """Return why these terms refuse a return, as of the moment it was sent, or None. `waited` began before it."""
    order = case.order
    for each in case.lines.all():
        days = terms.days(products.get((order.store_id, each.line.sku)), each.line.kind)
        if days is None:
            return ReplayResult(Outcome.REFUSED, gettext("%(item)s can’t be returned") % {"item": each.line.name})
        deadline = return_until(order.placed_at, order.store.tzinfo, days)
        if case.created_at >= extend_return_deadlines(order, {each.line_id: deadline}, waited)[each.line_id]:
            return ReplayResult(
                Outcome.REFUSED,
                gettext("%(item)s: requested after %(days)s days") % {"item": each.line.name, "days": days},
            )
        if not terms.policy.activated_may_return and any(
            was_activated(license, order, case.created_at) for license in each.licenses.all()
        ):
            return ReplayResult(Outcome.REFUSED, gettext("%(item)s was activated") % {"item": each.line.name})
    return None


def _decide(case: Return, terms: PolicyTerms, payouts: _PayoutsByBuyer, approved: _AutoApproved) -> ReplayResult:
    """Decide a return that these terms do not refuse, as of the moment it was sent."""
    order = case.order
    earlier = [
        each for each in payouts.get(order) if each.return_id != case.pk and each.return_id not in approved.return_ids
    ]
    licenses = {license_id for line in case.lines.all() for license_id in line.license_ids()}
    earlier += approved.get(order)
    if is_approved_automatically(terms, order, case.amount, licenses, earlier, case.created_at):
        approved.add_return(case)
        return ReplayResult(Outcome.AUTO_APPROVED)
    return ReplayResult(Outcome.MANUAL)
