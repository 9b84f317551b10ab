"""The tabs of a person's page: their content, and the permission that they require."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max, Model, Prefetch, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from desk.person import Person
from licenses.models import Device, License, LicensedLine
from notifications import kinds
from notifications.models import Message
from orders.admin_cells import EMPTY, admin_url, day, link, minute
from orders.models import Attempt, Order
from orders.money import format_money
from refunds.models import CashbackClaim, Return, Swap, Withdrawal
from support.models import Thread

ROWS = 50  # rows of a tab, and of a page of the full list
MAX_DEVICES = 5  # products named for a license


@dataclass(frozen=True)
class Source:
    """Rows of one model, which require the permission to view it.

    `of_person` returns the rows of a person, `moment` is the field by which they are sorted, newest first, and `cells`
    returns a line of the table.
    """

    model: type[Model]
    of_person: Callable[[Person], QuerySet[Any]]
    moment: str
    cells: Callable[[Any, Person], list[Any]]

    def newest(self, person: Person, limit: int) -> Iterator[tuple[datetime, list[Any]]]:
        rows = self.of_person(person).order_by(f"-{self.moment}", "-pk")[:limit]
        return ((getattr(row, self.moment), self.cells(row, person)) for row in rows)


@dataclass(frozen=True)
class Tab:
    """A table, filled by one source or by several, of which some may be hidden from the user."""

    name: str
    label: str | Promise
    headers: tuple[str | Promise, ...]
    sources: tuple[Source, ...]

    def visible_sources(self, person: Person) -> list[Source]:
        return [source for source in self.sources if person.may_view(source.model)]

    def load(self, person: Person, page: int = 1) -> "TabPage":
        """Load one page, newest first. Makes one query for each visible source, and those for the
        content of its rows.
        """
        end = page * ROWS
        lines = [line for source in self.visible_sources(person) for line in source.newest(person, end + 1)]
        lines.sort(key=lambda line: line[0], reverse=True)
        shown = [cells for _moment, cells in lines[end - ROWS : end]]
        return TabPage(self, shown, page, has_more=len(lines) > end)


@dataclass(frozen=True)
class TabPage:
    """Some rows of a tab."""

    tab: Tab
    rows: list[list[Any]]
    number: int
    has_more: bool

    @property
    def title(self) -> str:
        """The label with the number of rows, for the first page."""
        return f"{self.tab.label} ({len(self.rows)}{'+' if self.has_more else ''})"

    @property
    def previous(self) -> int:
        return self.number - 1

    @property
    def next(self) -> int:
        return self.number + 1

    @property
    def link(self) -> dict[str, Any]:
        """The format for unfold's list of tabs."""
        return {"title": self.title, "link": "", "inline": self.tab.name, "has_permission": True}

    @property
    def table(self) -> dict[str, Any]:
        """The format for unfold's component `table`."""
        return {"headers": self.tab.headers, "rows": self.rows}


# --- Orders and licenses --------------------------------------------------------------------------------------------


def _order_cells(order: Order, person: Person) -> list[Any]:
    status = order.get_status_display()
    return [
        link(admin_url(order), order.number),
        minute(order.placed_at),
        gettext("%(status)s (test order)") % {"status": status} if order.is_test else status,
        format_money(order.total, order.currency),
        order.billing_name or EMPTY,
        order.store,
    ]


def _licenses(person: Person) -> QuerySet[License]:
    of_person = Q(licensed_lines__order__email_key=person.email_key)
    lines = LicensedLine.objects.filter(order__email_key=person.email_key).select_related("order")
    found = License.objects.filter(of_person).annotate(bought_at=Max("licensed_lines__order__placed_at"))
    if person.may_view(Order):
        found = found.prefetch_related(
            Prefetch("licensed_lines", lines.order_by("-order__placed_at"), "lines_of_person")
        )
    if person.may_view(Device):
        in_use = Device.objects.in_use().order_by("-last_seen_at")
        found = found.prefetch_related(Prefetch("devices_in_use", in_use, "loaded_devices"))
    return found.select_related("product")


def _license_cells(license: Any, person: Person) -> list[Any]:
    lines = license.lines_of_person if person.may_view(Order) else []
    return [
        link(admin_url(license), license.serial),
        license.product or EMPTY,
        gettext("revoked") if license.revoked_at else day(license.expires_on),
        _devices(license) if person.may_view(Device) else EMPTY,
        link(admin_url(lines[0].order), lines[0].order.number) if lines else EMPTY,
    ]


def _devices(license: Any) -> str:
    """As in “2 of 3: Office (Windows), Laptop (macOS)”."""
    devices = license.loaded_devices
    names = [f"{device} ({device.platform})" if device.platform else str(device) for device in devices[:MAX_DEVICES]]
    names += ["…"] if len(devices) > MAX_DEVICES else []
    counted = str(len(devices))
    if license.devices is not None:
        counted = gettext("%(used)d of %(covered)d") % {"used": len(devices), "covered": license.devices}
    return f"{counted}: {', '.join(names)}" if names else counted


# --- Cases and threads ----------------------------------------------------------------------------------------------


def _request_source(model: Any) -> Source:
    """Requests about orders of the person, and withdrawals that they sent."""

    def of_person(person: Person) -> QuerySet[Any]:
        own = Q(order__email_key=person.email_key)
        if model is Withdrawal:
            own |= Q(email_key=person.email_key)
        return model.objects.filter(own).select_related("order")

    return Source(model, of_person, "created_at", _request_cells)


def _request_cells(case: Any, person: Person) -> list[Any]:
    order = case.order
    shows_order = order is not None and person.may_view(Order)
    return [
        link(admin_url(case), case.reference),
        str(case._meta.verbose_name).capitalize(),
        case.get_status_display(),
        minute(case.created_at),
        link(admin_url(order), order.number) if shows_order else EMPTY,
    ]


def _threads(person: Person) -> QuerySet[Thread]:
    return Thread.objects.filter(email_key=person.email_key).select_related("order", "assigned_to")


def _claims(person: Person) -> QuerySet[Thread]:
    return Thread.objects.filter(email_key=person.email_key, kind=Thread.Kind.CHARGE_CLAIM).select_related(
        "order", "charge_claim"
    )


def _claim_cells(thread: Thread, person: Person) -> list[Any]:
    cells = _request_cells(thread, person)
    cells[1:3] = [gettext("Charge claim"), thread.charge_claim.get_outcome_display()]
    return cells


def _thread_cells(thread: Thread, person: Person) -> list[Any]:
    return [
        link(admin_url(thread), thread.reference),
        thread.subject,
        thread.get_status_display(),
        minute(thread.created_at),
        thread.assigned_to or EMPTY,
    ]


# --- Emails and attempts --------------------------------------------------------------------------------------------


def _message_cells(message: Message, person: Person) -> list[Any]:
    return [
        link(admin_url(message), kinds.label(message.kind)),
        message.get_status_display(),
        minute(message.created_at),
        minute(message.sent_at),
        message.last_error or EMPTY,
    ]


def _attempts(person: Person) -> QuerySet[Attempt]:
    return Attempt.objects.filter(subject__in=[person.email_key, *person.number_keys])


def _attempt_cells(attempt: Attempt, person: Person) -> list[Any]:
    return [
        link(admin_url(attempt), minute(attempt.at)),
        attempt.get_method_display(),
        f"{attempt.get_outcome_display()}{f' (× {attempt.tries})' if attempt.tries > 1 else ''}",
        attempt.subject,
        attempt.client,
    ]


TABS = (
    Tab(
        "orders",
        _("Orders"),
        (_("order number"), _("placed at"), _("status"), _("total"), _("billing name"), _("store")),
        (Source(Order, lambda person: person.orders.select_related("store"), "placed_at", _order_cells),),
    ),
    Tab(
        "licenses",
        _("Licenses and devices"),
        (_("serial number"), _("product"), _("valid until"), _("devices in use"), _("newest order")),
        (Source(License, _licenses, "bought_at", _license_cells),),
    ),
    Tab(
        "cases",
        _("Cases"),
        (_("reference"), _("kind"), _("status"), _("received at"), _("order")),
        (
            *(_request_source(model) for model in (Return, Withdrawal, Swap, CashbackClaim)),
            Source(Thread, _claims, "created_at", _claim_cells),
        ),
    ),
    Tab(
        "threads",
        _("Threads"),
        (_("reference"), _("subject"), _("status"), _("received at"), _("assigned to")),
        (Source(Thread, _threads, "created_at", _thread_cells),),
    ),
    Tab(
        "emails",
        _("Emails"),
        (_("kind"), _("status"), _("created at"), _("sent at"), _("last error")),
        (
            Source(
                Message,
                lambda person: Message.objects.filter(recipient_key=person.email_key),
                "created_at",
                _message_cells,
            ),
        ),
    ),
    Tab(
        "attempts",
        _("Attempts"),
        (_("date"), _("method"), _("outcome"), _("address or order number"), _("client")),
        (Source(Attempt, _attempts, "at", _attempt_cells),),
    ),
)


def visible_tabs(person: Person) -> list[Tab]:
    """Return the tabs with at least one kind of row that the user may see."""
    return [tab for tab in TABS if tab.visible_sources(person)]
