"""The page that its person came for: where a lookup leads, once it found the order."""

from typing import Any
from uuid import UUID

from django import forms
from django.urls import Resolver404, ResolverMatch, resolve

NEXT_LENGTH = 200


def is_page_of_an_order(path: str) -> bool:
    """Whether a path is a page of ours that opens with an order only; whether there is such an order, nobody learns."""
    return _page_of_an_order(path) is not None


def order_of_page(path: str) -> UUID | None:
    """Which order a path of ours is about; None for every other path, and for other people's sites.

    Rooms above whose pages are not named by an order's public id say it themselves: their views carry
    `order_of`, which takes what the URL captured.
    """
    page = _page_of_an_order(path)
    if page is None:
        return None
    order_of = getattr(page.func, "order_of", None)
    return order_of(**page.kwargs) if order_of else page.kwargs.get("public_id")


def is_page_of_all_orders(path: str) -> bool:
    """Whether a path is a page that is about all orders that are open. Its view says so by `of_all_orders`."""
    page = _page_of_an_order(path)
    return page is not None and hasattr(page.func, "of_all_orders")


def _page_of_an_order(path: str) -> ResolverMatch | None:
    if len(path) > NEXT_LENGTH:
        return None
    try:
        page = resolve(path)
    except Resolver404:
        return None
    says_so = hasattr(page.func, "order_of") or hasattr(page.func, "of_all_orders")
    return page if says_so or isinstance(page.kwargs.get("public_id"), UUID) else None


class NextField(forms.CharField):
    """The page of an order that its person came for. Anything else is nothing, and no error of theirs."""

    widget = forms.HiddenInput

    def clean(self, value: Any) -> str:
        path = str(value or "")
        return path if is_page_of_an_order(path) else ""
