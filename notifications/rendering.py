"""Making the mail of a message: subject, text and HTML from its kind's sibling templates."""

from email.utils import formataddr, parseaddr
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.utils import translation
from django.utils.translation import gettext as _

from notifications import opt_outs
from notifications.colors import readable_on, text_on
from notifications.frames import render
from notifications.kinds import MailKind
from notifications.models import Message
from notifications.site import page_path, site_host, site_url

# The sheet that mail stands on, in light and in dark mode; the same values as in emails/_base.html.
LIGHT_SHEET = "#ffffff"
DARK_SHEET = "#1d2127"


class UnmailableError(Exception):
    """No mail can be made of this message, now or later. Says why, for staff."""


def build(message: Message, kind: MailKind) -> EmailMultiAlternatives:
    """The mail, in the message's language.

    Raises whatever the kind's context or templates raise, and UnmailableError for an address that no mail can go to.
    """
    _check_recipient(message.recipient)
    language = supported_language(message.language)
    with translation.override(language):
        content = dict(kind.context(message))
        reply_to = content.pop("reply_to", "")
        around = _surroundings(message, language)
        if kind.follow_up:
            content["follow_ups_url"] = opt_outs.link_of(message)
        # A subject is one line, whatever stands in a name.
        subject = " ".join(render(f"{kind.template}.subject.txt", content, around, escape=False).split())
        # Django escapes text templates too; a name with an ampersand would then read &amp;.
        text = render(f"{kind.template}.txt", content, around, escape=False).strip() + "\n"
        html = render(f"{kind.template}.html", content, around, escape=True)
    mail = EmailMultiAlternatives(
        subject=subject,
        body=text,
        from_email=sender(),
        to=[message.recipient],
        reply_to=[reply_to] if reply_to else None,
        headers={
            "Message-ID": f"<{message.message_id}@{site_host()}>",
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
            **(opt_outs.headers(message) if kind.follow_up else {}),
        },
    )
    mail.attach_alternative(html, "text/html")
    return mail


def supported_language(wanted: str) -> str:
    """The language of ours that is nearest to the wanted one, else the site's own."""
    try:
        return translation.get_supported_language_variant(wanted)
    except LookupError:
        return settings.LANGUAGE_CODE


def sender() -> str:
    """DEFAULT_FROM_EMAIL, under the vendor's name where it has no name of its own."""
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return formataddr((name or settings.VENDOR_NAME, address))


def _surroundings(message: Message, language: str) -> dict[str, Any]:
    """What emails/_base.html and _base.txt need besides the kind's own content."""
    return {
        "vendor": {
            "name": settings.VENDOR_NAME,
            "color": settings.VENDOR_COLOR,
            "text_on_color": text_on(settings.VENDOR_COLOR),
            "color_on_light": readable_on(LIGHT_SHEET, settings.VENDOR_COLOR),
            "color_on_dark": readable_on(DARK_SHEET, settings.VENDOR_COLOR),
            "support_url": settings.SUPPORT_URL,
            "support_email": settings.SUPPORT_EMAIL,
        },
        "site_url": site_url(),
        "language": language,
        "right_to_left": translation.get_language_bidi(),
        "mail_code": message.grouped_code,
        "genuine_url": site_url(page_path("genuine")),
    }


def _check_recipient(recipient: str) -> None:
    try:
        validate_email(recipient)
    except ValidationError:
        raise UnmailableError(_("This is not an address that mail can go to.")) from None
