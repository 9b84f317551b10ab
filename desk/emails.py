"""The emails to staff about their logins. Registered with `notifications` at startup."""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from desk.models import PasswordReset
from desk.password_reset import KIND, reset_path, staff_with_address
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
