"""Building the email of a message: its kind's template, rendered as subject, as text and as HTML."""

import logging
import re
from dataclasses import dataclass
from email.utils import formataddr, parseaddr
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.db import DatabaseError, transaction
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from notifications import kinds, opt_outs
from notifications.colors import readable_on, text_on
from notifications.hidden_secrets import hidden_secrets
from notifications.kinds import EmailKind
from notifications.models import Message
from notifications.site import page_path, site_host, site_url

logger = logging.getLogger(__name__)

# Background of an email in light and in dark mode; the same values as in templates/notifications/emails/base.html.
LIGHT_BACKGROUND = "#ffffff"
DARK_BACKGROUND = "#14181d"
# Zero-width characters that fill the preview line of an inbox, so that it contains only our sentence.
PREVIEW_LENGTH = 90
PREVIEW_PADDING = "\N{NO-BREAK SPACE}\N{ZERO WIDTH NON-JOINER}" * PREVIEW_LENGTH


BASES = "notifications/emails/base"
BLANK_LINES = re.compile(r"\n\s*\n")


@dataclass(frozen=True)
class ReadableEmail:
    """What an email says, for staff."""

    subject: str
    text: str


class UnmailableError(Exception):
    """This message can never be sent. The text says why, for staff."""


def build(message: Message, kind: EmailKind) -> EmailMultiAlternatives:
    """Return the email, in the message's language.

    Raises the exceptions of the kind's context or template, and UnmailableError for an invalid recipient.
    """
    _check_recipient(message.recipient)
    language = supported_language(message.language)
    with translation.override(language):
        context = {**kind.context(message), **_common_context(message, language)}
        if kind.follow_up:
            context["follow_ups_url"] = opt_outs.opt_out_url(message)
        subject = " ".join(_render(kind, f"{BASES}.subject.txt", context).split())
        text = BLANK_LINES.sub("\n\n", _render(kind, f"{BASES}.txt", context)).strip() + "\n"
        context |= {"subject": subject, "preview": preview(kind, context), "preview_padding": PREVIEW_PADDING}
        html = _render(kind, f"{BASES}.html", context)
    email = EmailMultiAlternatives(
        subject=subject,
        body=text,
        from_email=sender(),
        to=[message.recipient],
        reply_to=[context.get("reply_to") or settings.SUPPORT_EMAIL],
        headers={
            "Message-ID": f"<{message.message_id}@{site_host()}>",
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
            **(opt_outs.headers(message) if kind.follow_up else {}),
        },
    )
    email.attach_alternative(html, "text/html")
    return email


def read_again(message: Message) -> ReadableEmail | None:
    """Return what an email says, made again from today's data and without its secrets.

    None if its kind is unknown, or what it is about no longer exists. Nothing that making it writes is kept, such as
    the beginning of a link's lifetime.
    """
    kind = kinds.find(message.kind)
    if kind is None:
        return None
    try:
        with transaction.atomic(), hidden_secrets():
            email = build(message, kind)
            transaction.set_rollback(True)
    except DatabaseError:
        raise
    except Exception:  # contexts raise whatever their data leads to, as in delivery
        logger.exception("Email %s can't be made again", message.pk)
        return None
    return ReadableEmail(str(email.subject), str(email.body))


def preview(kind: EmailKind, context: dict[str, Any]) -> str:
    """Return what inboxes show next to the subject: the preheader or, without one, the beginning of the lead."""
    paragraphs = _render(kind, f"{BASES}.preview.txt", context).strip().split("\n\n")
    return " ".join(paragraphs[0].split())


def _render(kind: EmailKind, base: str, context: dict[str, Any]) -> str:
    """Render the kind's template into the blocks of this base."""
    return render_to_string(kind.template, context | {"email_base": base})


def supported_language(wanted: str) -> str:
    """Return the supported language that is nearest to the requested one, otherwise the default language."""
    try:
        return translation.get_supported_language_variant(wanted.replace("_", "-").lower())
    except LookupError:
        return settings.LANGUAGE_CODE


def sender() -> str:
    """Return DEFAULT_FROM_EMAIL, with the vendor's name if it contains no name."""
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return formataddr((name or settings.VENDOR_NAME, address))


def _common_context(message: Message, language: str) -> dict[str, Any]:
    """Return the variables that the bases use in every email."""
    return {
        "vendor": {
            "name": settings.VENDOR_NAME,
            "color": settings.VENDOR_COLOR,
            "text_on_color": text_on(settings.VENDOR_COLOR),
            "color_on_light": readable_on(LIGHT_BACKGROUND, settings.VENDOR_COLOR),
            "color_on_dark": readable_on(DARK_BACKGROUND, settings.VENDOR_COLOR),
            "support_url": settings.SUPPORT_URL,
            "support_email": settings.SUPPORT_EMAIL,
        },
        "site_url": site_url(),
        "language": language,
        "right_to_left": translation.get_language_bidi(),
        "message_code": message.grouped_code,
        "genuine_url": site_url(page_path("genuine")),
    }


def _check_recipient(recipient: str) -> None:
    try:
        validate_email(recipient)
    except ValidationError:
        raise UnmailableError(_("This isn’t a valid email address.")) from None
