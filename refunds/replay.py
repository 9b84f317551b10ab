"""What a new policy would have said to the returns of the past. Reads, and writes nothing.

Requests that the policy of their day refused were never recorded, so what a kinder policy would have taken
cannot be known: only returns that were taken are judged again.
"""

import json
from collections.abc import Iterator
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
from orders.models import OrderLine, Store
from refunds.models import AutoApprovalLimit, Return, ReturnException, ReturnPolicy
from refunds.policy import Policies, Terms, return_until

CHUNK = 500  # returns
EVERY_STORE = "*"


class Unusable(Exception):
    """The file is no policy; the text says where and why."""


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class ExceptionInFile(Strict):
    product: str = ""
    kind: OrderLine.Kind | None = None
    days: Annotated[int, Field(ge=0, le=3650)] | None


class PolicyInFile(Strict):
    """A policy as JSON; what is left out has the portal's defaults."""

    store: str = EVERY_STORE
    days: Annotated[int, Field(ge=0, le=3650)] = 30
    activated_may_return: bool = True
    exceptions: list[ExceptionInFile] = []
    auto_approve: dict[Annotated[str, Field(pattern="^[A-Z]{3}$")], Annotated[Decimal, Field(gt=0)]] = {}


class Verdict(StrEnum):
    REFUSED = "refused"
    BY_ITSELF = "approved by itself"
    BY_PEOPLE = "decided by people"


@dataclass(frozen=True)
class Judged:
    """What terms say to one return, and why where they refuse it."""

    verdict: Verdict
    why: str = ""


@dataclass(frozen=True)
class Flip:
    """One return whose verdict the new policy changes."""

    case: Return
    before: Judged
    after: Judged

    def as_dict(self) -> dict[str, Any]:
        case = self.case
        return {
            "reference": case.reference,
            "order": case.order.number,
            "store": case.order.store.slug,
            "sent_at": case.created_at.isoformat(),
            "amount": str(case.amount),
            "currency": case.currency,
            "before": str(self.before.verdict),
            "after": str(self.after.verdict),
            "why": self.after.why or self.before.why,
        }


def read(path: Path) -> tuple[Terms, Store | None]:
    """The policy of a file, and its store; None for every store. Raises Unusable."""
    try:
        said = PolicyInFile.model_validate(json.loads(path.read_bytes()))
    except OSError as error:
        raise Unusable(_("It cannot be read: %(why)s.") % {"why": error.strerror}) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or gettext("the whole file")
        raise Unusable(f"{where}: {first['msg']}") from error
    except (ValueError, RecursionError) as error:
        raise Unusable(_("It is not JSON: %(why)s.") % {"why": error}) from error
    store = None
    if said.store != EVERY_STORE:
        store = Store.objects.filter(slug=said.store).first()
        if store is None:
            raise Unusable(_("There is no store %(store)s.") % {"store": said.store})
    policy = ReturnPolicy(days=said.days, activated_may_return=said.activated_may_return)
    exceptions = [_exception(each) for each in said.exceptions]
    limits = [AutoApprovalLimit(currency=currency, up_to=up_to) for currency, up_to in said.auto_approve.items()]
    return Terms(policy, exceptions, {limit.currency: limit.up_to for limit in limits}), store


def _exception(said: ExceptionInFile) -> ReturnException:
    product = None
    if said.product:
        product = Product.objects.filter(slug=said.product).first()
        if product is None:
            raise Unusable(_("There is no product %(product)s.") % {"product": said.product})
    if product is None and said.kind is None:
        raise Unusable(_("An exception names a product, a kind, or both."))
    return ReturnException(product=product, kind=said.kind or "", days=said.days)


def flips(terms: Terms, store: Store | None, since: datetime) -> Iterator[Flip | None]:
    """One after the other, for each return sent since then: its flip, or None where the verdict stays.

    Constant memory, and the same few queries for each five hundred.
    """
    cases = Return.objects.filter(created_at__gte=since).order_by("created_at", "pk")
    if store is not None:
        cases = cases.filter(order__store=store)
    rows = (
        cases.select_related("order__store")
        .prefetch_related("lines__line", "lines__licenses")
        .iterator(chunk_size=CHUNK)
    )
    while chunk := list(islice(rows, CHUNK)):
        policies = Policies({case.order.store_id for case in chunk})
        products = _products(chunk)
        for case in chunk:
            before = _judge(case, policies.at(case.order.store_id, case.order.placed_at), products)
            after = _judge(case, terms, products)
            yield Flip(case, before, after) if before.verdict != after.verdict else None


def _products(chunk: list[Return]) -> dict[tuple[int, str], int | None]:
    codes = {line.line.sku for case in chunk for line in case.lines.all()}
    rows = Sku.objects.filter(store_id__in={case.order.store_id for case in chunk}, code__in=codes)
    return {(store_id, code): product for store_id, code, product in rows.values_list("store_id", "code", "product_id")}


def _judge(case: Return, terms: Terms, products: dict[tuple[int, str], int | None]) -> Judged:
    """By the return's own items, at the moment when it was sent."""
    order = case.order
    for each in case.lines.all():
        days = terms.days(products.get((order.store_id, each.line.sku)), each.line.kind)
        if days is None:
            return Judged(Verdict.REFUSED, gettext("%(item)s cannot be returned") % {"item": each.line.name})
        if case.created_at >= return_until(order.placed_at, order.store.tzinfo, days):
            return Judged(
                Verdict.REFUSED, gettext("%(item)s: after its %(days)s days") % {"item": each.line.name, "days": days}
            )
        activated = [license.activated_at for license in each.licenses.all() if license.activated_at]
        if not terms.policy.activated_may_return and any(moment <= case.created_at for moment in activated):
            return Judged(Verdict.REFUSED, gettext("%(item)s was activated") % {"item": each.line.name})
    if terms.approves_by_itself(case.amount, case.currency):
        return Judged(Verdict.BY_ITSELF)
    return Judged(Verdict.BY_PEOPLE)
