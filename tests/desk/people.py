"""People with data of every kind, and staff who may see some of it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils import timezone

from desk.person_keys import make_person_key
from licenses.models import Device
from notifications.models import Message, OptOut
from orders.models import Attempt, Order, Refund
from refunds.models import Return, Swap, Withdrawal
from support.models import ChargeClaim, Thread
from tests.factories import make_license, make_line, make_order, make_reason, make_store

ADDRESS = "ann@example.com"
PLACED_AT = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)


def person_url(address: str = ADDRESS) -> str:
    return reverse("admin:desk_person", args=[make_person_key(address)])


def make_busy_person(rows: int = 1, address: str = ADDRESS, name: str = "Ann Archer") -> list[Order]:
    """`rows` orders, each with a license in use, a request of each kind, threads, emails and attempts."""
    reason, store = make_reason(), make_store()
    return [_make_busy_order(address, name, index, store, reason) for index in range(rows)]


def _make_busy_order(address: str, name: str, index: int, store: Any, reason: Any) -> Order:
    placed_at = PLACED_AT + timedelta(hours=index)
    order = make_order(store=store, store_email=address, placed_at=placed_at, billing_name=name, language="de")
    line = make_line(order)
    license = make_license(line)
    Device.objects.create(
        license=license,
        vendor_id="d-1",
        name="Office",
        platform="Windows",
        activated_at=placed_at,
        last_seen_at=placed_at,
    )
    common = {"order": order, "created_at": placed_at}
    Return.objects.create(
        status=Return.Status.RECEIVED, reason=reason, currency="EUR", amount=Decimal("79.95"), **common
    )
    Withdrawal.objects.create(status=Withdrawal.Status.RECEIVED, name="Ann", email=address, **common)
    Swap.objects.create(status=Swap.Status.RECEIVED, line=line, wanted="Internet Security", currency="EUR", **common)
    Thread.objects.create(kind=Thread.Kind.CONTACT, subject=f"Question {index}", email=address, **common)
    claimed = Thread.objects.create(kind=Thread.Kind.CHARGE_CLAIM, subject="Charge", email=address, **common)
    ChargeClaim.objects.create(thread=claimed)
    Message.objects.create(kind="order_confirmation", object_id=order.pk, order_id=order.pk, recipient=address)
    Attempt.objects.create(
        method=Attempt.Method.CARD, outcome=Attempt.Outcome.REFUSED, subject=address, client="192.0.2.1"
    )
    return order


def refund(order: Order, amount: str) -> None:
    Refund.objects.create(order=order, store_refund_id=f"r-{order.pk}", amount=Decimal(amount))


def bounce(address: str = ADDRESS, at: datetime | None = None) -> None:
    Message.objects.create(
        kind="order_confirmation",
        object_id=0,
        key=address,
        recipient=address,
        status=Message.Status.BOUNCED,
        bounced_at=at or timezone.now(),
    )


def unsubscribe(address: str = ADDRESS) -> None:
    OptOut.objects.create(email_key=address, source=OptOut.Source.PAGE)
