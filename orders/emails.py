"""The emails about orders. Registered with `notifications` at startup; each context is created when
the email is sent.
"""

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications import kinds
from notifications.addresses import mask_address
from notifications.kinds import PRIORITY_NOW, EmailKind, Highlight, Item
from notifications.models import Message
from notifications.site import site_url
from orders import formats, lookup_codes, panels
from orders.models import UNDO_PERIOD, AccessLink, AddressCorrection, LookupCode, Order
from orders.money import format_money
from orders.passwords import portal_password
from orders.recipients import order_recipient
from orders.services.address_corrections import (
    CORRECTED,
    TO_OLD,
    UNDONE,
    UNDONE_FOR_SUPPORT,
    record_notice_result,
)
from orders.services.confirmations import CONFIRMATION
from orders.services.password_keys import PASSWORD_REPLACED
from orders.statuses import describe_status


def confirmation(message: Message) -> dict[str, Any]:
    order = Order.objects.select_related("store").get(pk=message.object_id)
    password = portal_password(order)
    facts = [
        (gettext("Order number"), order.number),
        (gettext("Order password"), password),
        (gettext("Ordered on"), formats.local_time(order.placed_at, order.locality)),
        (gettext("Status"), describe_status(order.status).name),
        (gettext("Paid with"), formats.payment_line(order)),
    ]
    highlights = [
        highlight
        for panel, content in panels.load_panels([order])[order.pk]
        if panel.email_highlights
        for highlight in panel.email_highlights(content)
    ]
    return {
        "order": order,
        "facts": [(label, value) for label, value in facts if value],
        "highlights": highlights,
        "has_serial": any(highlight.value for highlight in highlights),
        "url": site_url(reverse("orders:order", args=[order.public_id])),
        "how_to_open": how_to_open(order),
        "items": [
            Item(f"{line.quantity} × {line.name}", format_money(line.total, order.currency)) for line in order.items
        ],
        "totals": _totals(order),
        "reply_to": order.store.support_email,
    }


def _totals(order: Order) -> list[tuple[str, str]]:
    totals = [(gettext("Subtotal"), order.subtotal)]
    if order.discount:
        totals.append((gettext("Discount"), -order.discount))
    totals += [(gettext("Tax"), order.tax), (gettext("Total"), order.total)]
    return [(label, format_money(amount, order.currency)) for label, amount in totals]


def how_to_open(order: Order) -> str:
    """Return the context of an email that says how to open the order's page."""
    if order.card_last4 or order.device_last4:
        return gettext(
            "To open it, use your order number and order password, "
            "or this email address and the last 4 digits of your card."
        )
    return gettext("To open it, use your order number and order password, or get a link emailed to this address.")


def order_exists(message: Message) -> bool:
    return Order.objects.filter(pk=message.object_id).exists()


def password_replaced(message: Message) -> dict[str, Any]:
    """Return the context with the new order password, after the key of the earlier one leaked."""
    order = Order.objects.select_related("store").get(pk=message.object_id)
    return {
        "order": order,
        "facts": [
            (gettext("Order number"), order.number),
            (gettext("Order password"), portal_password(order) or ""),
        ],
        "how_to_open": how_to_open(order),
        "url": site_url(reverse("orders:order", args=[order.public_id])),
        "reply_to": order.store.support_email,
    }


def has_portal_password(message: Message) -> bool:
    return Order.objects.filter(pk=message.object_id, password_hash="").exists()


def access_link(message: Message) -> dict[str, Any]:
    link = AccessLink.objects.get(pk=message.object_id)
    return {
        "url": site_url(reverse("orders:access", args=[link.make_token()])),
        "minutes": int(AccessLink.LIFETIME.total_seconds() // 60),
    }


def address_has_orders(message: Message) -> bool:
    """Whether the address has orders. Only checked here, so that the page reveals nothing about unknown addresses."""
    return bool(newest_address(message))


def newest_address(message: Message) -> str | None:
    """Return the address of a requested link, as spelled on its newest order; None if it has no orders, or was used.

    The typed address isn't used, because its spelling may lead to someone else's mailbox.
    """
    link = AccessLink.objects.filter(pk=message.object_id).first()
    if link is None or link.used_at is not None:
        return None
    order = Order.objects.for_email_key(link.email_key).newest_first().first()
    return order.email if order is not None else None


def start_link_lifetime(message: Message, status: Message.Status, at: datetime) -> None:
    """Start the link's lifetime when its email is sent, not when it is first rendered."""
    if status == Message.Status.SENT:
        AccessLink.objects.filter(pk=message.object_id).update(first_sent_at=at)


def lookup_code(message: Message) -> dict[str, Any]:
    code = LookupCode.objects.select_related("order").get(pk=message.object_id)
    return {
        "number": code.order.number,
        "highlights": [Highlight(gettext("Code"), lookup_codes.code_digits(code))],
        "minutes": int(lookup_codes.LIFETIME.total_seconds() // 60),
    }


def code_is_live(message: Message) -> bool:
    """Whether the code is still valid. If the order's address has changed since, the person requests a new code."""
    code = LookupCode.objects.filter(pk=message.object_id).first()
    return code is not None and lookup_codes.is_valid(code, timezone.now()) and bool(code_address(message))


def code_address(message: Message) -> str | None:
    """Return the address of the code's order, if it is still the one that the code was created for."""
    code = LookupCode.objects.select_related("order").filter(pk=message.object_id).first()
    return code.order.email if code is not None and code.order.email_key == code.email_key else None


def address_corrected(message: Message) -> dict[str, Any]:
    """Return what was changed and, for the address from before the first correction, how to undo it."""
    correction = AddressCorrection.objects.select_related("order__store", "root").get(pk=message.object_id)
    shown = _about_correction(correction) | {"by_support": correction.made_by_id is not None}
    if message.key != TO_OLD:
        return shown
    link = (correction.root or correction).links.latest("pk")
    return shown | {
        "url": site_url(reverse("orders:undo_correction", args=[link.make_token()])),
        # The 48 hours begin when this email is sent (see `record_notice_result`).
        "until": timezone.now() + UNDO_PERIOD,
    }


def correction_undone(message: Message) -> dict[str, Any]:
    """Sent to both addresses. The mistyped one only learns that it gets no more emails about the order."""
    correction = AddressCorrection.objects.select_related("order__store").get(pk=message.object_id)
    return _about_correction(correction) | {
        "is_restored": message.key == TO_OLD,
        "url": site_url(reverse("orders:find")),
    }


def correction_undone_for_support(message: Message) -> dict[str, Any]:
    """Tell support what happened and where to look, because someone may have had access to someone else's order."""
    correction = AddressCorrection.objects.select_related("order__store", "made_by", "undone_by").get(
        pk=message.object_id
    )
    order, zone = correction.order, correction.order.locality
    undone_at = correction.undone_at or timezone.now()
    facts = [
        (gettext("Order number"), order.number),
        (gettext("Address now"), order.email or gettext("none")),
        (gettext("Corrected to"), correction.new_email),
        (gettext("Corrected on"), formats.local_time(correction.made_at, zone)),
        (gettext("Corrected by"), str(correction.made_by or correction.client)),
        (gettext("Undone on"), formats.local_time(undone_at, zone)),
        (gettext("Undone by"), str(correction.undone_by or gettext("the link in the email"))),
    ]
    return {
        "order": order,
        "facts": [(label, value) for label, value in facts if value],
        "url": site_url(reverse("admin:orders_order_change", args=[order.pk])),
        "reply_to": order.store.support_email,
    }


def _about_correction(correction: AddressCorrection) -> dict[str, Any]:
    order = correction.order
    return {
        "order": order,
        "zone": order.locality,
        "new": mask_address(correction.new_email),
        "facts": [(gettext("Order number"), order.number)],
        "reply_to": order.store.support_email,
    }


def correction_stands(message: Message) -> bool:
    """Sent regardless of its age, because the time to undo begins with this email."""
    return AddressCorrection.objects.active().filter(pk=message.object_id).exists()


def correction_is_known(message: Message) -> bool:
    return AddressCorrection.objects.filter(pk=message.object_id).exists()


TEMPLATES = "orders/emails"

kinds.register(
    EmailKind(
        CONFIRMATION,
        f"{TEMPLATES}/order_confirmation.html",
        confirmation,
        order_exists,
        recipient=order_recipient,
        label=_("Order confirmation"),
    )
)
kinds.register(
    EmailKind(
        PASSWORD_REPLACED,
        f"{TEMPLATES}/{PASSWORD_REPLACED}.html",
        password_replaced,
        has_portal_password,
        recipient=order_recipient,
        label=_("New order password"),
    )
)
kinds.register(
    EmailKind(
        "access_link",
        f"{TEMPLATES}/access_link.html",
        access_link,
        address_has_orders,
        recipient=newest_address,
        on_result=start_link_lifetime,
        priority=PRIORITY_NOW,
        label=_("Link to your orders"),
    )
)
kinds.register(
    EmailKind(
        "lookup_code",
        f"{TEMPLATES}/lookup_code.html",
        lookup_code,
        code_is_live,
        recipient=code_address,
        priority=PRIORITY_NOW,
        label=_("Code for your order"),
    )
)
kinds.register(
    EmailKind(
        CORRECTED,
        f"{TEMPLATES}/{CORRECTED}.html",
        address_corrected,
        correction_stands,
        on_result=record_notice_result,
        gives_up=False,
        priority=PRIORITY_NOW,
        label=_("Address corrected"),
    )
)
kinds.register(
    EmailKind(
        UNDONE,
        f"{TEMPLATES}/{UNDONE}.html",
        correction_undone,
        correction_is_known,
        uses_key=True,
        label=_("Address correction undone"),
    )
)
kinds.register(
    EmailKind(
        UNDONE_FOR_SUPPORT,
        f"{TEMPLATES}/{UNDONE_FOR_SUPPORT}.html",
        correction_undone_for_support,
        correction_is_known,
        label=_("Address correction undone, for support"),
    )
)
