"""Labels before their values."""

from django.utils.translation import gettext


def with_colon(label: object) -> str:
    """Return the label with a colon. Some languages put a space before it."""
    return gettext("%(label)s:") % {"label": label}
