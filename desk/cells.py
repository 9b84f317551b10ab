"""Cells of the desk's tables."""

from datetime import date, datetime

from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

EMPTY = "–"


def admin_url(row: Model) -> str:
    """The page of a row in the admin."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def link(url: str, text: object) -> SafeString:
    return format_html('<a class="text-primary-600 underline dark:text-primary-400" href="{}">{}</a>', url, text)


def minute(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M %Z") if moment else EMPTY


def day(on: date | None) -> str:
    return format_html('<span class="whitespace-nowrap">{}</span>', on.isoformat()) if on else EMPTY
