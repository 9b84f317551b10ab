"""Entries about staff accounts in Django's log, for what isn't done in its forms."""

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType

REPR_LENGTH = 200  # of Django's column


def record(by: User, about: User, text: str) -> None:
    """Write that `by` did something to the account `about`."""
    LogEntry.objects.create(
        user_id=by.pk,
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(about.pk),
        object_repr=str(about)[:REPR_LENGTH],
        action_flag=CHANGE,
        change_message=text,
    )
