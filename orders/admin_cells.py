"""Cells of tables in the admin: links, days, and times with their zone."""

from datetime import date, datetime

from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

EMPTY = "–"


def admin_url(row: Model) -> str:
    """Return the URL of a row's page in the admin."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def link(url: str, text: object) -> SafeString:
    return format_html('<a class="admin-link" href="{}">{}</a>', url, text)


def day(on: date | None) -> str:
    return format_html('<span class="whitespace-nowrap">{}</span>', on.isoformat()) if on else EMPTY


def minute(moment: datetime | None) -> str:
    """Return a time in the current time zone, with its name; see desk/middleware.py for which zone that is."""
    return date_format(timezone.localtime(moment), "DATETIME_FORMAT") if moment else EMPTY
