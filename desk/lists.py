"""Lists of the admin that stay fast and small with millions of rows.

The admin site applies this to every list, so that no app has to.
"""

import re
from typing import Any

from django.contrib.admin import ModelAdmin, ShowFacets
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.template.response import TemplateResponse
from django.utils.functional import cached_property
from unfold.templatetags.unfold_list import CHECKBOX_CLASSES, LINK_CLASSES, ROW_CLASSES

from desk.limits import time_limit

PER_PAGE = 40
MAX_ROWS = 10_000  # that can be reached by page; others by filter or search
# unfold writes up to 30 classes into each cell and row. static/css/admin.css has short ones that look the same. If a
# newer unfold writes others, they stay as they are.
_SHORT_CLASSES = {
    " ".join(ROW_CLASSES): "list-cell",
    " ".join(CHECKBOX_CLASSES): "action-checkbox list-cell",
    f' class="{" ".join(LINK_CLASSES)}" >': ' class="list-link">',
    'class="block relative lg:table-row-group " x-data="{rowOpen: false}" >': 'class="list-row">',
    'class="block relative lg:table-row-group bg-base-50 dark:bg-white/[.02]" x-data="{rowOpen: false}" >': (
        'class="list-row list-row-even">'
    ),
    "data-row block border border-base-200 mb-3 relative rounded-default lg:table-row lg:border-none lg:mb-0"
    " lg:rounded-none dark:border-base-800": "data-row",
    # The links of the sidebar, and the choices of the filters.
    "flex h-[38px] items-center -mx-3 px-3 rounded-default hover:text-primary-600 dark:hover:text-primary-500 ": (
        "nav-link "
    ),
    "border-b border-base-200 last:border-b-0 dark:border-base-700 hover:text-base-700 dark:hover:text-base-200": (
        "filter-choice"
    ),
    "block px-3 py-2 hover:text-primary-600 dark:hover:text-primary-500": "filter-link",
}
_CHECKBOX = re.compile(r'class="[^"]* action-select"')
_INDENTATION = re.compile(r"\s*\n\s*")


class BoundedPaginator(Paginator):
    """Counts at most MAX_ROWS rows, and not for long. `has_more` is whether there are, or may be, more."""

    template_name = "desk/admin/_pagination.html"  # used by unfold
    has_more = False

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if not isinstance(rows, QuerySet):
            return super().count
        with time_limit() as limit:
            counted = limit.load(lambda: [rows.order_by().values("pk")[: MAX_ROWS + 1].count()])
        self.has_more = not counted or counted[0] > MAX_ROWS
        return MAX_ROWS if self.has_more else counted[0]


def make_bounded(model_admin: Any) -> None:
    """Let the list of this admin count and show a limited number of rows, unless its class has other settings."""
    model_admin.paginator = BoundedPaginator
    model_admin.show_full_result_count = False
    model_admin.show_facets = ShowFacets.NEVER  # would count the rows of every filter
    if type(model_admin).list_per_page == ModelAdmin.list_per_page:
        model_admin.list_per_page = PER_PAGE


def shorten(response: TemplateResponse) -> None:
    """Shorten the HTML of a rendered list to a fifth: no indentation, and short classes."""
    text = _INDENTATION.sub("\n", response.content.decode())
    # Rows that can be opened need their attributes.
    model_admin = (response.context_data or {})["cl"].model_admin
    if not getattr(model_admin, "list_sections", ()):
        for long, short in _SHORT_CLASSES.items():
            text = text.replace(long, short)
        text = _CHECKBOX.sub('class="list-checkbox action-select"', text)
    response.content = text.encode()
