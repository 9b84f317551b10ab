"""What was asked back for an order, and what still can be: this room's part of the order page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models import DecidedCase
from cases.progress import Words, words
from orders.models import Order, OrderLine
from orders.panels import Panel, register
from refunds.countries import may_withdraw
from refunds.eligibility import NOT_RETURNABLE
from refunds.models import CashbackClaim, Return, Swap, Withdrawal
from refunds.policy import days_left, moment_before


class _Kind(NamedTuple):
    case_type: type[DecidedCase]
    name: Any
    page: str  # the name of its URL; empty where it has none

    @property
    def admin_page(self) -> str:
        return f"admin:refunds_{self.case_type._meta.model_name}_change"


_KINDS = {
    "return": _Kind(Return, _("Return"), "refunds:return_status"),
    "withdrawal": _Kind(Withdrawal, _("Withdrawal"), ""),
    "swap": _Kind(Swap, _("Product swap"), "refunds:swap_status"),
    "cashback": _Kind(CashbackClaim, _("Cashback claim"), "refunds:cashback_status"),
}


@dataclass(frozen=True)
class ShownCase:
    """Something that the buyer asked for."""

    name: Any
    page: str
    admin_page: str  # ... and of its page for staff
    pk: int
    reference: str
    words: Words
    at: datetime


@dataclass
class Requests:
    """What an order's page says about money back."""

    cases: list[ShownCase] = field(default_factory=list)  # newest first
    can_ask: bool = False
    is_over: bool = False
    last_moment: datetime | None = None  # to ask, where it is known without asking the policy
    days_left: int = 0
    may_withdraw: bool = False


class _Row(NamedTuple):
    """A case; a return once for each of its lines."""

    order_id: int
    kind: str
    pk: int
    reference: str
    status: str
    at: datetime
    line_id: int | None
    units: int


# By hand, because every order page asks it: one statement for four tables, made once.
_CASES_OF_ORDERS = """
SELECT asked.order_id, 'return', asked.id, reference, status, created_at AS at, item.line_id, coalesce(item.quantity, 0)
FROM refunds_return AS asked LEFT JOIN refunds_returnline AS item ON item.return_case_id = asked.id
WHERE asked.order_id = ANY(%(orders)s)
UNION ALL
SELECT order_id, 'withdrawal', id, reference, status, created_at, NULL, 0
FROM refunds_withdrawal WHERE order_id = ANY(%(orders)s)
UNION ALL
SELECT order_id, 'swap', id, reference, status, created_at, NULL, 0
FROM refunds_swap WHERE order_id = ANY(%(orders)s)
UNION ALL
SELECT order_id, 'cashback', id, reference, status, created_at, NULL, 0
FROM refunds_cashbackclaim WHERE order_id = ANY(%(orders)s)
ORDER BY at DESC
"""


def load(orders: Sequence[Order]) -> Mapping[int, Requests]:
    """What each order shows, with one query for all."""
    rows: dict[int, list[_Row]] = {order.pk: [] for order in orders}
    with connection.cursor() as cursor:
        cursor.execute(_CASES_OF_ORDERS, {"orders": list(rows)})
        for row in map(_Row._make, cursor.fetchall()):
            rows[row.order_id].append(row)
    now = timezone.now()
    shown = {order.pk: _requests(order, rows[order.pk], now) for order in orders}
    return {order_id: each for order_id, each in shown.items() if each.cases or each.can_ask or each.is_over}


def _requests(order: Order, rows: Sequence[_Row], now: datetime) -> Requests:
    requests = Requests(cases=list({row.reference: _case(row) for row in rows}.values()))
    if order.is_test or order.status in NOT_RETURNABLE or _has_withdrawn(rows):
        return requests
    requests.may_withdraw = may_withdraw(order.billing_country)
    untils = [line.return_until for line in _free(order, rows)]
    known = [until for until in untils if until is not None]
    latest = max(known, default=None)
    requests.can_ask = len(known) < len(untils) or (latest is not None and now < latest)
    requests.is_over = not requests.can_ask and latest is not None
    if latest is not None and len(known) == len(untils):
        requests.last_moment = moment_before(latest)
        requests.days_left = days_left(latest, order.store.tzinfo, now)
    return requests


def _case(row: _Row) -> ShownCase:
    kind = _KINDS[row.kind]
    return ShownCase(kind.name, kind.page, kind.admin_page, row.pk, row.reference, words(row.status), row.at)


def _has_withdrawn(rows: Sequence[_Row]) -> bool:
    declined = Withdrawal.Status.DECLINED
    return any(row.kind == "withdrawal" and row.status != declined for row in rows)


def _free(order: Order, rows: Sequence[_Row]) -> list[OrderLine]:
    """The items of which some can go back, once or still: not returned, not asked for, not ruled out."""
    held: dict[int, int] = {}
    for row in rows:
        if row.line_id is not None and row.status not in Return.CLOSED:
            held[row.line_id] = held.get(row.line_id, 0) + row.units
    return [
        line
        for line in order.items
        if line.quantity_returned + held.get(line.pk, 0) < line.quantity and line.return_until != order.placed_at
    ]


def orders_with_reference(word: str) -> QuerySet[Any, int]:
    """The orders of the case with this reference, of whichever kind its letter says."""
    reference = word.strip().upper()
    kinds = (kind.case_type for kind in _KINDS.values() if reference.startswith(f"{kind.case_type.REFERENCE_PREFIX}-"))
    cases: Any = next(kinds, Return)
    return cases.objects.filter(reference=reference, order__isnull=False).values_list("order_id", flat=True)


register(
    Panel(
        name="requests",
        position=20,  # below the serial numbers
        load=load,
        template="refunds/_panel.html",
        admin_template="refunds/_panel_admin.html",
        search=orders_with_reference,
    )
)
