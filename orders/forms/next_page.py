"""The `next` parameter: the page to which a successful lookup leads."""

import re
from typing import Any
from uuid import UUID

from django import forms
from django.urls import Resolver404, ResolverMatch, resolve

NEXT_LENGTH = 200
QUERY = re.compile(r"[A-Za-z0-9_=&-]*")  # the characters in our own pages' paths; nothing that leads to another site


def is_order_page(path: str) -> bool:
    """Whether a path is a page of the portal that requires access to an order. Doesn't check
    whether the order exists.
    """
    return _resolve_order_page(path) is not None


def get_order_of_page(path: str) -> UUID | None:
    """Return the public id of the order that a path is about; None for any other path, and for other sites.

    A view whose URL doesn't contain the public id has an attribute `get_order_id`, a function that takes the arguments
    captured from the URL.
    """
    page = _resolve_order_page(path)
    if page is None:
        return None
    get_order_id = getattr(page.func, "get_order_id", None)
    return get_order_id(**page.kwargs) if get_order_id else page.kwargs.get("public_id")


def is_all_orders_page(path: str) -> bool:
    """Whether a path is a page about all open orders: its view has an attribute `covers_all_orders`."""
    page = _resolve_order_page(path)
    return page is not None and hasattr(page.func, "covers_all_orders")


def _resolve_order_page(path: str) -> ResolverMatch | None:
    path, question_mark, query = path.partition("?")
    if len(path) + len(query) > NEXT_LENGTH or not QUERY.fullmatch(query) or (question_mark and not query):
        return None
    try:
        page = resolve(path)
    except Resolver404:
        return None
    is_marked = hasattr(page.func, "get_order_id") or hasattr(page.func, "covers_all_orders")
    return page if is_marked or isinstance(page.kwargs.get("public_id"), UUID) else None


class NextField(forms.CharField):
    """A hidden field with the path of an order page. Any other value is replaced by an empty string, without error."""

    widget = forms.HiddenInput

    def clean(self, value: Any) -> str:
        path = str(value or "")
        return path if is_order_page(path) else ""
