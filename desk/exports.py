"""Lists of the admin as CSV: what a list shows under its filters and its search, to staff who may export lists."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from html import unescape
from itertools import islice
from operator import attrgetter
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.utils import get_fields_from_path, label_for_field, lookup_field
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import FieldDoesNotExist
from django.db.models import DateTimeField, QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import yesno
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.html import strip_tags
from django.utils.safestring import SafeData
from django.utils.text import capfirst, slugify
from django.utils.translation import gettext, ngettext

from desk.roles import EXPORT_LISTS
from intake.formulas import escape_formula
from orders.admin_cells import EMPTY
from orders.card_numbers import mask_card_numbers
from orders.money import plain_amount

MAX_ROWS = 100_000
ROWS_AT_ONCE = 500
MAX_FILTER_LENGTH = 1000  # characters of the filter in the record of an export

# Every list of the admin is in one of these two tables. A test compares them with the admin.
EXPORTED = frozenset(
    {
        "admin.LogEntry",
        "auth.Group",
        "auth.User",
        "axes.AccessAttempt",
        "axes.AccessLog",
        "desk.Erasure",
        "desk.LookRecord",
        "desk.PersonRequest",
        "files.DownloadRecord",
        "files.Upload",
        "intake.ImportRun",
        "intake.ImportUpload",
        "intake.SkuMapping",
        "intake.StatusMeaning",
        "intake.StoreEvent",
        "intake.TableMapping",
        "licenses.Download",
        "licenses.DownloadWindow",
        "licenses.InstallGuide",
        "licenses.License",
        "licenses.LineWithoutSerial",
        "licenses.Product",
        "licenses.Release",
        "licenses.Sku",
        "notifications.FollowUp",
        "notifications.Message",
        "notifications.OptOut",
        "orders.AddressCorrection",
        "orders.Attempt",
        "orders.Order",
        "orders.Store",
        "refunds.ApprovalLimit",
        "refunds.CashbackClaim",
        "refunds.CashbackPromotion",
        "refunds.RefundTransaction",
        "refunds.Return",
        "refunds.ReturnPolicy",
        "refunds.ReturnReason",
        "refunds.StoreGateway",
        "refunds.Swap",
        "refunds.SwapOffer",
        "refunds.Withdrawal",
        "refunds.WithdrawalPeriod",
        "support.AnswerTemplate",
        "support.Article",
        "support.ArticleVersion",
        "support.CardRegion",
        "support.ChargeClaim",
        "support.FailedSearch",
        "support.PhoneNumber",
        "support.SearchSynonyms",
        "support.StoreRegion",
        "support.Thread",
    }
)
NOT_EXPORTED = {"intake.WebhookSecret": "its rows are secrets of stores, which are only added and deleted"}

# Columns that only link to another page.
LINKS = frozenset({"add_synonyms", "download_link", "preview"})


class TooManyRows(Exception):
    """The list has more than MAX_ROWS rows."""


@dataclass(frozen=True)
class Column:
    """A column of the file. `value` returns what the list shows for a row."""

    header: str
    value: Callable[[Any], object]


def may_export(request: HttpRequest, model_admin: admin.ModelAdmin) -> bool:
    """Whether the user may see the list and may export lists."""
    return (
        model_admin.model._meta.label in EXPORTED
        and request.user.has_perm(EXPORT_LISTS)
        and model_admin.has_view_or_change_permission(request)
    )


def export_url(request: HttpRequest, changelist: Any) -> str | None:
    """Return the URL that exports what the list shows; None if the user may not export it."""
    if changelist.is_popup or not may_export(request, changelist.model_admin):
        return None
    opts = changelist.opts
    query = changelist.get_query_string(remove=["p", "all", "e"])
    return reverse("admin:desk_export", args=[opts.app_label, opts.model_name]) + (query if query != "?" else "")


@dataclass(frozen=True)
class Export:
    """The rows of a list to export. `lines()` yields the file in parts."""

    model_admin: admin.ModelAdmin
    columns: list[Column]
    rows: QuerySet[Any]
    count: int

    @property
    def file_name(self) -> str:
        opts = self.model_admin.opts
        name = slugify(str(opts.verbose_name_plural)) or opts.model_name
        return f"{name}-{timezone.localdate().isoformat()}.csv"

    def lines(self) -> Iterator[str]:
        language = translation.get_language()
        write = csv.writer(_Echo()).writerow
        yield "\ufeff" + write([escape_formula(column.header) for column in self.columns])
        load_columns = getattr(self.model_admin, "load_columns", None)
        rows = self.rows.iterator(chunk_size=ROWS_AT_ONCE)
        while part := list(islice(rows, ROWS_AT_ONCE)):
            if load_columns is not None:
                load_columns(part)
            # The server sends the file after the view has returned, in the language of the next request.
            with translation.override(language):
                lines = [write([_cell(column.value(row)) for column in self.columns]) for row in part]
            yield "".join(lines)


def make_export(request: HttpRequest, model_admin: admin.ModelAdmin) -> Export:
    """Return what the list shows for this request, and record who exports it.

    Raises TooManyRows, and the exceptions of Django's change list if the filters are invalid.
    """
    changelist = model_admin.get_changelist_instance(request)
    rows = changelist.queryset
    count = rows.order_by()[: MAX_ROWS + 1].count()
    if count > MAX_ROWS:
        raise TooManyRows
    export = Export(model_admin, list(_columns(request, model_admin)), rows[:MAX_ROWS], count)
    _record(request, export)
    return export


def _record(request: HttpRequest, export: Export) -> None:
    done = ngettext("Exported %(count)d row as CSV.", "Exported %(count)d rows as CSV.", export.count)
    message = done % {"count": export.count}
    if request.GET:
        filters = ", ".join(f"{name}={value}" for name, value in request.GET.items())[:MAX_FILTER_LENGTH]
        message += " " + gettext("Filter: %(filter)s") % {"filter": mask_card_numbers(filters.replace("\0", ""))}
    opts = export.model_admin.opts
    assert isinstance(request.user, User)
    LogEntry.objects.create(
        user=request.user,
        content_type=ContentType.objects.get_for_model(export.model_admin.model, for_concrete_model=False),
        object_repr=str(opts.verbose_name_plural)[:200],
        action_flag=CHANGE,
        change_message=message,
    )


def _columns(request: HttpRequest, model_admin: admin.ModelAdmin) -> Iterator[Column]:
    zone = timezone.get_current_timezone_name()
    for name in model_admin.get_list_display(request):
        if name in LINKS:
            continue
        label, attribute = label_for_field(name, model_admin.model, model_admin, return_attr=True)
        money = getattr(attribute, "money", None)
        if money is not None:
            field, currency = money
            yield Column(capfirst(label), _amount(field, currency))
            yield Column(capfirst(gettext("currency")), attrgetter(currency))
            continue
        if _is_moment(model_admin, name, attribute):
            label = f"{label} ({zone})"
        yield Column(capfirst(label), _value(name, model_admin, is_field=attribute is None))


def _amount(field: str, currency: str) -> Callable[[Any], object]:
    def value(row: Any) -> object:
        amount = getattr(row, field)
        return None if amount is None else Decimal(plain_amount(amount, attrgetter(currency)(row)))

    return value


def _value(name: Any, model_admin: admin.ModelAdmin, *, is_field: bool) -> Callable[[Any], object]:
    """Return the function for a column. What it does was looked up before, because it runs for each row."""
    if is_field:
        choices = dict(getattr(model_admin.opts.get_field(name), "flatchoices", None) or ())
        read = attrgetter(name)
        return (lambda row: choices.get(read(row), read(row))) if choices else read
    method = name if callable(name) else getattr(model_admin, name, None)
    if callable(method) and name != "__str__":
        return method
    return lambda row: lookup_field(name, row, model_admin)[2]


def _is_moment(model_admin: admin.ModelAdmin, name: Any, attribute: Any) -> bool:
    """Whether a column contains dates with times. Methods say by their ordering which field they show."""
    path = name if attribute is None else getattr(attribute, "admin_order_field", None)
    try:
        return isinstance(path, str) and isinstance(get_fields_from_path(model_admin.model, path)[-1], DateTimeField)
    except FieldDoesNotExist:
        return False


def _cell(value: object) -> str:
    """Return the text of a cell. Numbers stay numbers; any other text is no formula."""
    if value is None or value == EMPTY:
        return ""
    if isinstance(value, bool):
        return str(yesno(value))
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, datetime):
        return timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):  # the value and the text of a colored label
        value = value[-1] if value else ""
    text = unescape(strip_tags(str(value))) if isinstance(value, SafeData) else str(value)
    return escape_formula(text)


class _Echo:
    """A file whose `write` returns what is written, so that `writerow` returns it, too."""

    def write(self, text: str) -> str:
        return text
