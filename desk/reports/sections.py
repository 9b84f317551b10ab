"""What a report consists of: a section of the page with figures, charts and tables."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import (
    Model,
)
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext

from desk.access import may_view
from desk.charts import Cell, DailyChart, Table
from desk.days import with_query
from orders import formats
from orders.admin_cells import EMPTY

CHART_DAYS = 14
RATE_DAYS = 30  # of everything that isn't shown by day
TWO_HOURS, TWO_DAYS = timedelta(hours=2), timedelta(days=2)

Figure = tuple[str | Promise, Cell]


@dataclass(frozen=True)
class Section:
    """A part of the page: single figures, charts, tables, and how they are counted."""

    name: str
    title: str | Promise
    note: str | Promise
    figures: list[Figure] = field(default_factory=list)
    charts: list[DailyChart] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    alert: str = ""


@dataclass(frozen=True)
class Report:
    """A section, and the models of which the user must be allowed to view all, or one if `any_of`."""

    load: Callable[[HttpRequest], Section]
    models: tuple[type[Model], ...]
    any_of: bool = False

    def is_visible_to(self, user: Any) -> bool:
        visible = (may_view(user, model) for model in self.models)
        return any(visible) if self.any_of else all(visible)


def list_url(model: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def number_cell(number: int, model: Any, query: dict[str, str]) -> Cell:
    return Cell(formats.count(number), with_query(list_url(model), query))


def rate(part: int, whole: int) -> str:
    return formats.percent(round(Decimal(part) * 100 / whole, 1)) if whole else EMPTY


def duration(length: timedelta | None) -> str:
    if length is None:
        return EMPTY
    if length < TWO_HOURS:
        return gettext("%(minutes)d min") % {"minutes": length.total_seconds() // 60}
    if length < TWO_DAYS:
        return gettext("%(hours)d h") % {"hours": length.total_seconds() // 3600}
    return gettext("%(days)d d") % {"days": length.days}
