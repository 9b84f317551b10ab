"""Erases the data of a person from the outbox."""

from collections.abc import Collection

from django.db.models import Q, QuerySet

from notifications.models import FollowUp, Message, OptOut


def messages_of(email_key: str, order_ids: Collection[int]) -> QuerySet[Message]:
    """Return the emails to an address, and those about these orders, which may have gone to an earlier address."""
    return Message.objects.filter(_is_to(email_key) | Q(order_id__in=order_ids))


def follow_ups_of(email_key: str, order_ids: Collection[int]) -> QuerySet[FollowUp]:
    return FollowUp.objects.filter(_is_to(email_key) | Q(order_id__in=order_ids))


def _is_to(email_key: str) -> Q:
    return Q(recipient_key=email_key) & ~Q(recipient_key="")  # many addresses have no key


def erase_emails(email_key: str, order_ids: Collection[int]) -> dict[str, int]:
    """Delete the emails of an address, of which waiting ones are then not sent. Returns how many rows of which model.

    If a worker is sending one at this moment, it is sent.
    """
    counts = {
        "notifications.FollowUp": follow_ups_of(email_key, order_ids).count(),
        "notifications.Message": messages_of(email_key, order_ids).count(),
        "notifications.OptOut": OptOut.objects.filter(email_key=email_key).count(),
    }
    follow_ups_of(email_key, order_ids).delete()
    messages_of(email_key, order_ids).delete()
    OptOut.objects.filter(email_key=email_key).delete()
    return counts
