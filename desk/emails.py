"""The emails to staff about logins, and to people about their data. Registered with `notifications` at startup."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from desk.models import Erasure, ExportLink, PasswordReset, PersonRequest
from desk.password_reset import KIND, reset_path, staff_with_address
from desk.privacy.notices import ERASED, RELEASED, REQUESTED, address_of
from notifications.kinds import PRIORITY_NOW, EmailKind, register
from notifications.models import Message
from notifications.site import site_url


def password_reset(message: Message) -> dict[str, Any]:
    """Return the context with a link for each login with the address; usually there is one."""
    users = _users(message)
    return {
        "url": site_url(reset_path(users[0])),
        "minutes": settings.PASSWORD_RESET_TIMEOUT // 60,
        "username": users[0].get_username(),
        "links": [(user.get_username(), site_url(reset_path(user))) for user in users[1:]],
    }


def address_of_login(message: Message) -> str | None:
    """Return the address as the login has it, not as it was typed."""
    users = _users(message)
    return users[0].email if users else None


def _users(message: Message) -> list[Any]:
    asked = PasswordReset.objects.filter(pk=message.object_id).first()
    return staff_with_address(asked.email_key) if asked is not None else []


register(
    EmailKind(
        KIND,
        "desk/emails/staff_password_reset.html",
        password_reset,
        recipient=address_of_login,
        priority=PRIORITY_NOW,
        label=_("Link to reset a staff password"),
    )
)


# --- Data of a person -------------------------------------------------------------------------------------------------


def person_request(message: Message) -> dict[str, Any]:
    request = PersonRequest.objects.get(pk=message.object_id)
    return {
        "is_erasure": request.kind == PersonRequest.Kind.ERASURE,
        "url": site_url(reverse("desk:my_data_confirm", args=[request.make_token()])),
        "minutes": int(PersonRequest.LIFETIME.total_seconds() // 60),
    }


def address_of_request(message: Message) -> str | None:
    """Return the address as it is held; None if nothing is held about it, or the link was used.

    Only checked here, so that the page reveals nothing about unknown addresses.
    """
    request = PersonRequest.objects.filter(pk=message.object_id, used_at=None).first()
    return address_of(request.email_key) if request is not None else None


def person_export(message: Message) -> dict[str, Any]:
    link = ExportLink.objects.get(pk=message.object_id)
    return {
        "url": site_url(reverse("desk:my_data_download", args=[link.make_token()])),
        "days": ExportLink.LIFETIME.days,
    }


def address_of_export(message: Message) -> str | None:
    link = ExportLink.objects.select_related("request").filter(pk=message.object_id, used_at=None).first()
    return address_of(link.request.email_key) if link is not None else None


def person_erased(message: Message) -> dict[str, Any]:
    receipt = Erasure.objects.get(pk=message.object_id)
    return {"facts": [(gettext("Reference"), receipt.reference)]}


def forget_message(message: Message, status: Message.Status, at: datetime) -> None:
    """Delete the row of the last email to an address, because nothing else is held about it."""
    transaction.on_commit(lambda: Message.objects.filter(pk=message.pk).delete())


register(
    EmailKind(
        REQUESTED,
        "desk/emails/person_request.html",
        person_request,
        recipient=address_of_request,
        priority=PRIORITY_NOW,
        label=_("Link to confirm a request about personal data"),
    )
)
register(
    EmailKind(
        RELEASED,
        "desk/emails/person_export.html",
        person_export,
        recipient=address_of_export,
        priority=PRIORITY_NOW,
        label=_("Link to a copy of the data"),
    )
)
register(
    EmailKind(
        ERASED,
        "desk/emails/person_erased.html",
        person_erased,
        on_result=forget_message,
        uses_key=True,  # it isn't sent again
        label=_("Your data was erased"),
    )
)
