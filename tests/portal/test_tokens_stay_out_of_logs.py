"""A link that opens orders is a secret while it is young."""

import logging

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from portal.logs import HideTokens, token_routes


def logged(text: str, *args: object) -> str:
    record = logging.LogRecord("django.request", logging.WARNING, "", 0, text, args, None)
    assert HideTokens().filter(record)
    return record.getMessage()


def test_the_token_of_a_path_is_cut_out() -> None:
    assert logged("Forbidden (%s): %s", "no cookie", "/access/abc.def:ghi/") == "Forbidden (no cookie): /access/…/"


def test_so_is_that_of_a_download() -> None:
    assert logged("Precondition Failed: %s", "/d/abc:def:ghi/") == "Precondition Failed: /d/…/"


def test_so_is_that_of_a_thread() -> None:
    assert logged("Forbidden: %s", "/help/threads/open/7.abc/renew/") == "Forbidden: /help/threads/open/…/renew/"


def test_other_lines_stay_as_they_are() -> None:
    assert logged("Not Found: %s", "/orders/find/%20/") == "Not Found: /orders/find/%20/"


def test_every_view_that_captures_a_token_says_so() -> None:
    assert len(set(token_routes())) == 7
    free_text = [route for route in _own_routes() if "<str:" in route or "<path:" in route]
    assert free_text == []


@pytest.mark.parametrize("route", sorted(set(token_routes())))
def test_no_such_view_leaks_its_token(route: str) -> None:
    path = f"/{route.replace('<token:token>', 'abc.DEF-123:x')}"
    assert "abc" not in logged("Forbidden: %s", path)


def _own_routes() -> list[str]:
    found: list[str] = []

    def collect(patterns: list[URLPattern | URLResolver], before: str) -> None:
        for each in patterns:
            route = f"{before}{each.pattern}"
            if route.startswith(("admin/", "demo/")):  # whose names open nothing
                continue
            if isinstance(each, URLResolver):
                collect(each.url_patterns, route)
            else:
                found.append(route)

    collect(get_resolver().url_patterns, "")
    return found
