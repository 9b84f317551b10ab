"""The tabs of an order's page: what each shows, and the permissions of which one opens it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Prefetch
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.models import Case
from desk.access import may_view
from desk.timeline import load_timeline
from licenses.download_panel import availability_text
from licenses.models import Device, DownloadExtension, LicensedLine, LineWithoutSerial, end_reason
from licenses.models.missing import ACTIVE_STATUSES, LICENSED_KINDS
from licenses.offers import order_offers
from notifications import kinds
from notifications.models import Message
from orders import formats
from orders.admin_cells import admin_url
from orders.models import AddressCorrection, Order, OrderLine, Refund
from orders.money import format_money
from orders.services.confirmations import order_language
from refunds.eligibility import check_eligibility
from refunds.ledger import load_ledger
from refunds.models import CashbackClaim, RefundTransaction, Return, Swap, Withdrawal
from refunds.policy import last_moment_before
from support.models import Thread

CASE_TYPES: tuple[Any, ...] = (Return, Withdrawal, Swap, CashbackClaim, Thread)


@dataclass(frozen=True)
class OrderTab:
    """A tab. `load(order, user)` returns the context of its template, desk/admin/order/_<name>.html."""

    name: str
    label: str | Promise
    load: Callable[[Order, Any], dict[str, Any]]
    permissions: tuple[str, ...] = ("orders.view_order",)

    @property
    def template(self) -> str:
        return f"desk/admin/order/_{self.name}.html"

    def is_visible_to(self, user: Any) -> bool:
        return any(user.has_perm(each) for each in self.permissions)


# --- Overview ---------------------------------------------------------------------------------------------------------


def _overview(order: Order, user: Any) -> dict[str, Any]:
    yes_or_no = {True: gettext("yes"), False: gettext("no")}
    zone = order.locality
    card = " ".join(part for part in (order.card_brand, order.card_last4 and f"•••• {order.card_last4}") if part)
    wallet = " ".join(part for part in (order.wallet, order.device_last4 and f"•••• {order.device_last4}") if part)
    invoice = order.invoice_number
    if invoice and order.invoice_issued_on:
        invoice = f"{invoice}, {formats.day(order.invoice_issued_on, zone)}"
    facts = [
        (
            _("Order"),
            [
                (_("Store"), [str(order.store)]),
                (_("Placed on"), [formats.exact_time(order.placed_at, zone)]),
                (_("Imported on"), [formats.exact_time(order.created_at, zone)]),
                (_("Language"), [order_language(order)]),
                (_("Test order"), [yes_or_no[order.is_test]]),
                (_("Invoice"), [invoice]),
                (_("Seller on the invoice"), order.invoice_seller.splitlines()),
            ],
        ),
        (
            _("Buyer"),
            [
                (_("Email address in use"), [order.email]),
                (_("Email address from the store"), [order.store_email]),
                (_("Corrected email address"), [order.contact_email]),
                (_("Billing address"), billing_lines(order)),
                (_("Returns frozen until"), [_frozen_until(order)]),
                (_("All access ended on"), [_moment(order.access_ended_at, order)]),
                (_("Personal data erased on"), [_moment(order.erased_at, order)]),
            ],
        ),
        (
            _("Payment"),
            [
                (_("Payment method"), [order.payment_method]),
                (_("Card"), [card]),
                (_("Wallet"), [wallet]),
                (_("Subtotal"), [format_money(order.subtotal, order.currency)]),
                (_("Discount"), [format_money(order.discount, order.currency)]),
                (_("Tax"), [format_money(order.tax, order.currency)]),
                (_("Total"), [format_money(order.total, order.currency)]),
            ],
        ),
    ]
    shown = [(title, [(label, [v for v in values if v]) for label, values in rows]) for title, rows in facts]
    corrections = []
    if may_view(user, AddressCorrection):
        corrections = [
            (each, admin_url(each), formats.exact_time(each.made_at, zone))
            for each in order.address_corrections.order_by("-made_at")
        ]
    return {"facts": [(title, [row for row in rows if row[1]]) for title, rows in shown], "corrections": corrections}


def billing_lines(order: Order) -> list[str]:
    return [
        line
        for line in (
            order.billing_name,
            order.billing_company,
            *order.billing_address.splitlines(),
            f"{order.billing_postcode} {order.billing_city}".strip(),
            formats.country(order.billing_country) if order.billing_country else "",
            order.billing_vat_id,
        )
        if line.strip()
    ]


def _frozen_until(order: Order) -> str:
    if not order.is_frozen(timezone.now()):
        return ""
    until = order.freeze_ends_at
    return gettext("48 hours after the notice was sent") if until is None else formats.exact_time(until, order.locality)


def _moment(at: datetime | None, order: Order) -> str:
    return formats.exact_time(at, order.locality) if at is not None else ""


# --- Items and licenses -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ItemLicense:
    """A license of an item, with its devices in use."""

    license: Any
    url: str
    notes: list[str]
    devices: list[Device]


@dataclass(frozen=True)
class Item:
    """An item of an order."""

    line: OrderLine
    total: str
    details: list[str]
    licenses: list[ItemLicense]
    is_missing: bool  # a unit should have a serial number and has none
    assign_url: str  # of the page on which staff assign one


def _items(order: Order, user: Any) -> dict[str, Any]:
    shows_licenses = user.has_perm("licenses.view_license")
    by_line: dict[int, list[LicensedLine]] = {}
    if shows_licenses:
        devices = Device.objects.in_use().with_releases().order_by("-last_seen_at")
        links = LicensedLine.objects.filter(order=order).select_related("license__product").order_by("pk")
        for link in links.prefetch_related(Prefetch("license__devices_in_use", devices, "loaded_devices")):
            by_line.setdefault(link.line_id, []).append(link)
    missing = set()
    if may_view(user, LineWithoutSerial):
        missing = set(LineWithoutSerial.lines.missing().filter(order=order).values_list("pk", flat=True))
    context: dict[str, Any] = {
        "items": [_item(order, line, by_line.get(line.pk, []), line.pk in missing, user) for line in order.items]
    }
    if user.has_perm("licenses.view_download"):
        context["downloads"] = [
            (offer.product, availability_text(offer, order.locality)) for offer in order_offers(order, timezone.now())
        ]
        context["extension"] = DownloadExtension.objects.filter(order=order).select_related("made_by").first()
    return context


def _item(order: Order, line: OrderLine, links: list[LicensedLine], is_missing: bool, user: Any) -> Item:
    details = [line.sku, line.get_kind_display()]
    price = gettext("%(price)s each") % {"price": format_money(line.unit_price, order.currency)}
    details += [price] if line.quantity > 1 else []
    if line.discount:
        details.append(gettext("%(amount)s discount") % {"amount": format_money(line.discount, order.currency)})
    details.append(gettext("%(amount)s tax") % {"amount": format_money(line.tax, order.currency)})
    if line.quantity_returned:
        details.append(gettext("%(count)d returned") % {"count": line.quantity_returned})
    if line.return_until is not None:
        last_moment = formats.local_day(last_moment_before(line.return_until), order.locality)
        details.append(gettext("can be returned until %(day)s") % {"day": last_moment})
    is_assignable = line.kind in LICENSED_KINDS and order.status in ACTIVE_STATUSES
    kept = [link for link in links if end_reason(order, line, link.unit_end) is None]
    url = ""
    if is_assignable and len(kept) < line.quantity - line.quantity_returned and may_view(user, LineWithoutSerial):
        url = reverse("admin:licenses_linewithoutserial_change", args=[line.pk])
    return Item(
        line,
        format_money(line.total, order.currency),
        [detail for detail in details if detail],
        [_item_license(order, line, link, user) for link in links],
        is_missing,
        url,
    )


def _item_license(order: Order, line: OrderLine, link: LicensedLine, user: Any) -> ItemLicense:
    license: Any = link.license
    reason = end_reason(order, line, link.unit_end)
    notes = [str(license.product)] if license.product else []
    if license.devices is not None:
        used = {"used": len(license.loaded_devices), "covered": license.devices}
        notes.append(gettext("%(used)d of %(covered)d devices") % used)
    if license.expires_on:
        notes.append(gettext("valid until %(day)s") % {"day": formats.day(license.expires_on, order.locality)})
    if license.revoked_at:
        notes.append(gettext("revoked"))
    if reason is not None:
        notes.append(str(reason.label))
    shown = license.loaded_devices if may_view(user, Device) else []
    return ItemLicense(license, admin_url(license), notes, shown)


# --- Money ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Movement:
    """A movement of money, or one that was promised."""

    at: datetime
    day: str
    what: str
    amount: Decimal
    status: str
    url: str = ""


def _money(order: Order, user: Any) -> dict[str, Any]:
    ledger = load_ledger(order)
    place = order.locality
    paid = gettext("Paid by the buyer")
    movements = [
        Movement(
            order.placed_at, formats.exact_time(order.placed_at, place), paid, order.total, order.get_status_display()
        )
    ]
    if may_view(user, Refund):
        for refund in order.refunds.select_related("transaction").order_by("pk"):
            text = gettext("Refund reported by the store")
            if getattr(refund, "transaction", None) is not None:
                text = gettext("Refund made by the portal")
            missing = gettext("missing in the store’s data") if refund.missing_since else gettext("refunded")
            day = formats.refund_day(refund, place)
            movements.append(Movement(refund.known_at, day, text, -refund.amount, missing))
    if may_view(user, RefundTransaction):
        open_ones = order.refund_transactions.exclude(status=RefundTransaction.Status.DONE).order_by("pk")
        for each in open_ones.select_related("return_case", "withdrawal"):
            text = gettext("Refund for %(case)s, %(gateway)s") % {
                "case": each.return_case or each.withdrawal,
                "gateway": each.get_gateway_display(),
            }
            status = each.get_status_display()
            at = formats.exact_time(each.created_at, place)
            movements.append(Movement(each.created_at, at, text, -each.amount, status, admin_url(each)))
    if may_view(user, CashbackClaim):
        for claim in order.cashback_claims.select_related("promotion").order_by("pk"):
            text = gettext("Cashback %(claim)s, outside this order’s money") % {"claim": claim.reference}
            status = claim.get_status_display()
            at = formats.exact_time(claim.created_at, place)
            movements.append(Movement(claim.created_at, at, text, -claim.amount, status, admin_url(claim)))
    movements.sort(key=lambda movement: movement.at)
    return {
        "ledger": ledger,
        "block_reason": ledger.block_reason.label if ledger.block_reason is not None else "",
        "movements": [(each, format_money(each.amount, order.currency)) for each in movements],
    }


# --- Cases, emails and the timeline -----------------------------------------------------------------------------------


def _cases(order: Order, user: Any) -> dict[str, Any]:
    now = timezone.now()
    found: list[Case] = []
    for case_type in CASE_TYPES:
        if may_view(user, case_type):
            found += case_type.objects.filter(order=order)
    found.sort(key=lambda case: case.created_at, reverse=True)
    rows = [
        (
            admin_url(case),
            case.reference,
            str(case._meta.verbose_name),
            case.get_status_display(),  # type: ignore[attr-defined]
            formats.exact_time(case.created_at, order.locality),
            formats.exact_time(case.due_at, order.locality) if case.is_undecided and not case.paused_at else "",
            case.is_overdue(now),
        )
        for case in found
    ]
    return {"cases": rows}


def _emails(order: Order, user: Any) -> dict[str, Any]:
    rows = []
    for email in Message.objects.about_order(order.pk).newest_first():
        kind = kinds.find(email.kind)
        at = email.sent_at or email.due_at
        is_final = email.status == Message.Status.SENT and (kind is None or not kind.can_repeat)
        rows.append(
            (
                email,
                kinds.label(email.kind),
                formats.exact_time(at, order.locality),
                not is_final and email.status != Message.Status.CANCELLED,
            )
        )
    return {"emails": rows}


def _timeline(order: Order, user: Any) -> dict[str, Any]:
    events, has_more = load_timeline(order, user)
    return {
        "events": [(event, formats.exact_time(event.at, order.locality)) for event in events],
        "has_more": has_more,
    }


TABS = (
    OrderTab("overview", _("Overview"), _overview),
    OrderTab("items", _("Items and licenses"), _items, ("orders.view_orderline",)),
    OrderTab("money", _("Money"), _money, ("orders.view_refund", "refunds.view_refundtransaction")),
    OrderTab(
        "cases",
        _("Cases"),
        _cases,
        tuple(f"{each._meta.app_label}.view_{each._meta.model_name}" for each in CASE_TYPES),
    ),
    OrderTab("emails", _("Emails"), _emails, ("notifications.view_message",)),
    OrderTab("timeline", _("Timeline"), _timeline),
)


@dataclass(frozen=True)
class OrderCard:
    """The most important facts, on top of every tab."""

    order: Order
    total: str
    payment: str
    returns: str
    billing: str


def load_card(order: Order) -> OrderCard:
    return OrderCard(
        order,
        format_money(order.total, order.currency),
        formats.payment_line(order),
        _returns(order),
        order.billing_name or order.billing_company,
    )


def _returns(order: Order) -> str:
    """How long items can be returned, or why they can't be."""
    eligibility = check_eligibility(order, timezone.now())
    if eligibility.refusal or eligibility.latest is None:
        return str(eligibility.refusal or "")
    values = {
        "days": eligibility.days_left,
        "until": formats.local_day(eligibility.latest.last_moment, order.locality),
    }
    return gettext("%(days)d days left, until %(until)s") % values


def order_url(order: Order, tab: str = "", **query: str) -> str:
    """The URL of an order's page, on this tab."""
    query = ({"tab": tab} if tab else {}) | query
    return reverse("admin:orders_order_change", args=[order.pk], query=query or None)
