"""Shared by tests of refused and unclear refunds."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from refunds.models import RefundTransaction, Return, Withdrawal


def newest(case: Return | Withdrawal) -> RefundTransaction:
    return case.transactions.latest("pk")


def notes(case: Return | Withdrawal) -> list[str]:
    """Return staff's entries in the history that change no status."""
    return [event.note for event in case.events.order_by("pk") if event.from_status == event.to_status]


def later() -> Any:
    return timezone.now() + timedelta(hours=2)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client
