"""The panel of the order page that lists the order's requests and offers a return."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from cases.models import DecidedCase
from cases.progress import ProgressStep, StatusBadge, progress_steps, status_badge
from orders import formats
from orders.models import Order, OrderLine
from orders.panels import Panel, Task, register
from refunds.amounts import is_cost, paid_per_line
from refunds.eligibility import REFUSED_ORDER_STATUSES
from refunds.models import CashbackClaim, Return, ReturnLine, Swap, Withdrawal
from refunds.policy import days_left, last_moment_before
from refunds.waiting_times import WAITING_TIMES_SQL, WaitingTime, extend_return_deadlines, waiting_times_parameters
from refunds.withdrawal_rights import has_withdrawal_right


class _CaseKind(NamedTuple):
    case_type: type[DecidedCase]
    name: Any
    url_name: str  # of its status page; empty if it has none

    @property
    def admin_url_name(self) -> str:
        return f"admin:refunds_{self.case_type._meta.model_name}_change"

    @property
    def view_permission(self) -> str:
        return f"refunds.view_{self.case_type._meta.model_name}"


_KINDS = {
    "return": _CaseKind(Return, _("Return"), "refunds:return_status"),
    "withdrawal": _CaseKind(Withdrawal, _("Withdrawal"), ""),
    "swap": _CaseKind(Swap, _("Product swap"), "refunds:swap_status"),
    "cashback": _CaseKind(CashbackClaim, _("Cashback claim"), "refunds:cashback_status"),
}


@dataclass(frozen=True)
class PanelCase:
    """A case as the panel lists it."""

    name: Any
    url_name: str  # of its status page; empty if it has none
    admin_url_name: str
    view_permission: str
    pk: int
    reference: str
    badge: StatusBadge
    at: datetime
    steps: list[ProgressStep]
    has_question: bool  # which the buyer should answer
    is_closed: bool


@dataclass
class RequestsPanel:
    """The content of the panel of one order."""

    cases: list[PanelCase] = field(default_factory=list)  # newest first
    can_request_return: bool = False
    is_period_over: bool = False
    are_items_unknown: bool = False  # the store reported no items, so it is unknown what can be returned
    last_moment: datetime | None = None  # for a return, if all lines have a stored deadline
    days_left: int = 0
    has_withdrawal_right: bool = False

    @property
    def open_cases(self) -> list[PanelCase]:
        return [case for case in self.cases if not case.is_closed]

    @property
    def closed_cases(self) -> list[PanelCase]:
        return [case for case in self.cases if case.is_closed]


WAITING = "waiting"  # the kind of rows that are a WaitingTime; the status is the kind of that


class _Row(NamedTuple):
    """A row of the query below: a case, one line of a return, or a waiting time that begins at `at`."""

    order_id: int
    kind: str
    pk: int
    reference: str
    status: str
    at: datetime
    line_id: int | None
    units: int
    end: datetime | None
    was_ended_by_buyer: bool

    @property
    def waiting_time(self) -> WaitingTime:
        assert self.end is not None
        return WaitingTime(self.status, self.line_id, self.at, self.end, self.was_ended_by_buyer)


# One SQL statement for all tables instead of one query each, because every order page runs it.
_CASES_OF_ORDERS = f"""
SELECT request.order_id, 'return', request.id, reference, status, created_at AS at,
    item.line_id, coalesce(item.quantity, 0), NULL::timestamptz, false
FROM refunds_return AS request LEFT JOIN refunds_returnline AS item ON item.return_case_id = request.id
WHERE request.order_id = ANY(%(orders)s)
UNION ALL
SELECT order_id, 'withdrawal', id, reference, status, created_at, NULL, 0, NULL, false
FROM refunds_withdrawal WHERE order_id = ANY(%(orders)s)
UNION ALL
SELECT order_id, 'swap', id, reference, status, created_at, NULL, 0, NULL, false
FROM refunds_swap WHERE order_id = ANY(%(orders)s)
UNION ALL
SELECT order_id, 'cashback', id, reference, status, created_at, NULL, 0, NULL, false
FROM refunds_cashbackclaim WHERE order_id = ANY(%(orders)s)
UNION ALL
SELECT order_id, '{WAITING}', 0, '', kind, start, line_id, 0, until, was_ended_by_buyer
FROM ({WAITING_TIMES_SQL}) AS waiting
ORDER BY at DESC
"""  # noqa: S608 (made of constants)


def load_requests(orders: Sequence[Order]) -> Mapping[int, RequestsPanel]:
    """Load the panels of these orders, by order id, with one query. Orders with nothing to show are omitted."""
    rows: dict[int, list[_Row]] = {order.pk: [] for order in orders}
    with connection.cursor() as cursor:
        cursor.execute(_CASES_OF_ORDERS, waiting_times_parameters(rows.keys()))
        for row in map(_Row._make, cursor.fetchall()):
            rows[row.order_id].append(row)
    now = timezone.now()
    panels = {order.pk: _panel(order, rows[order.pk], now) for order in orders}
    return {
        order_id: each
        for order_id, each in panels.items()
        if each.cases or each.can_request_return or each.is_period_over or each.are_items_unknown
    }


def _panel(order: Order, rows: Sequence[_Row], now: datetime) -> RequestsPanel:
    waiting_times = [row.waiting_time for row in rows if row.kind == WAITING]
    rows = [row for row in rows if row.kind != WAITING]
    panel = RequestsPanel(cases=list({row.reference: _case(row) for row in rows}.values()))
    if order.is_test or order.status in REFUSED_ORDER_STATUSES or _has_withdrawn(rows):
        return panel
    panel.has_withdrawal_right = has_withdrawal_right(order.billing_country)
    if all(is_cost(line) for line in order.items):
        panel.are_items_unknown = True
        return panel
    lines = _returnable_lines(order, rows)
    stored = {line.pk: line.return_until for line in lines if line.return_until is not None}
    latest = max(extend_return_deadlines(order, stored, waiting_times).values(), default=None)
    panel.can_request_return = len(stored) < len(lines) or (latest is not None and now < latest)
    panel.is_period_over = not panel.can_request_return and latest is not None
    if latest is not None and len(stored) == len(lines):
        panel.last_moment = last_moment_before(latest)
        panel.days_left = days_left(latest, order.store.tzinfo, now)
    return panel


def _case(row: _Row) -> PanelCase:
    kind = _KINDS[row.kind]
    return PanelCase(
        kind.name,
        kind.url_name,
        kind.admin_url_name,
        kind.view_permission,
        row.pk,
        row.reference,
        status_badge(row.status),
        row.at,
        steps=progress_steps(row.status, kind.case_type.SUCCESS_STATUS),
        has_question=row.status == Return.Status.QUESTION_ASKED,
        is_closed=row.status in kind.case_type.CLOSED,
    )


def tasks(order: Order, panel: RequestsPanel) -> list[Task]:
    """The requests that the buyer can make."""
    offered = []
    if panel.can_request_return:
        url = reverse("refunds:request_return", args=[order.public_id])
        offered.append(Task(_("Request a return"), url, _return_detail(order, panel), position=10))
        url = reverse("refunds:swap", args=[order.public_id])
        offered.append(Task(_("Swap for another product"), url, position=20))
    elif panel.is_period_over and panel.last_moment is not None:
        url = reverse("refunds:request_return", args=[order.public_id])
        detail = gettext("The return period ended on %(day)s") % {
            "day": formats.local_day(panel.last_moment, order.locality)
        }
        offered.append(Task(_("Returns"), url, detail, position=10))
    if panel.has_withdrawal_right:
        url = f"{reverse('refunds:withdraw')}?order={order.public_id}"
        offered.append(Task(_("Withdraw from contract here"), url, position=70))
    offered.append(Task(_("Cashback"), reverse("refunds:cashback"), _("For promotions"), position=60))
    return offered


def _return_detail(order: Order, panel: RequestsPanel) -> str:
    if panel.last_moment is None:
        return ""
    if not panel.days_left:
        return gettext("Today is the last day")
    words = ngettext("%(days)d day left, until %(day)s", "%(days)d days left, until %(day)s", panel.days_left)
    return words % {"days": panel.days_left, "day": formats.local_day(panel.last_moment, order.locality)}


def _has_withdrawn(rows: Sequence[_Row]) -> bool:
    declined = Withdrawal.Status.DECLINED
    return any(row.kind == "withdrawal" and row.status != declined for row in rows)


def _returnable_lines(order: Order, rows: Sequence[_Row]) -> list[OrderLine]:
    """Return lines with units that are neither returned nor requested, except lines that are never returnable.

    Vouchers, shipping and fees are not returned on their own.
    """
    payments = paid_per_line(order, order.items)
    requested_units: dict[int, int] = {}
    for row in rows:
        if row.line_id is not None and row.status not in Return.CLOSED:
            requested_units[row.line_id] = requested_units.get(row.line_id, 0) + row.units
    return [
        line
        for line in order.items
        if line.quantity_returned + requested_units.get(line.pk, 0) < line.quantity
        and line.return_until != order.placed_at
        and not payments[line.pk].is_shared
    ]


def orders_with_reference(search_term: str) -> QuerySet[Any, int]:
    """Return the ids of orders of the case with this reference. Its prefix determines the kind of case."""
    reference = search_term.strip().upper()
    case_types = (kind.case_type for kind in _KINDS.values())
    matching = (each for each in case_types if reference.startswith(f"{each.REFERENCE_PREFIX}-"))
    case_type: Any = next(matching, Return)
    return case_type.objects.filter(reference=reference, order__isnull=False).values_list("order_id", flat=True)


def lines_given_back() -> QuerySet[OrderLine]:
    """Return items whose units are all returned or in open returns, and all items of orders with a withdrawal.

    A withdrawal without a matched order counts for all orders with its email address.
    """
    in_open_returns = (
        ReturnLine.objects.filter(line=OuterRef("pk"))
        .exclude(return_case__status__in=Return.CLOSED)
        .values("line")
        .annotate(units=Sum("quantity"))
        .values("units")
    )
    withdrawals = Withdrawal.objects.exclude(status__in=Withdrawal.CLOSED - {Withdrawal.SUCCESS_STATUS})
    same_address = Q(order=None, email_key=OuterRef("order__email_key"), email_key__gt="")
    return OrderLine.objects.filter(
        Exists(withdrawals.filter(Q(order=OuterRef("order")) | same_address))
        | Q(quantity__lte=F("quantity_returned") + Coalesce(Subquery(in_open_returns), 0))
    )


register(
    Panel(
        name="requests",
        position=20,  # below the serial numbers
        load=load_requests,
        template="refunds/_panel.html",
        search=orders_with_reference,
        permissions=tuple(kind.view_permission for kind in _KINDS.values()),
        lines_given_back=lines_given_back,
        tasks=tasks,
        leads=lambda panel: bool(panel.open_cases),
    )
)
