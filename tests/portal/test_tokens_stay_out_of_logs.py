import logging

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from portal.logs import HideTokens, token_routes


def filtered(text: str, *args: object) -> str:
    record = logging.LogRecord("django.request", logging.WARNING, "", 0, text, args, None)
    assert HideTokens().filter(record)
    return record.getMessage()


def test_the_token_in_a_path_is_removed() -> None:
    assert filtered("Forbidden (%s): %s", "no cookie", "/access/abc.def:ghi/") == "Forbidden (no cookie): /access/…/"


def test_the_token_of_a_download_is_removed() -> None:
    assert filtered("Precondition Failed: %s", "/d/abc:def:ghi/") == "Precondition Failed: /d/…/"


def test_the_token_of_a_thread_is_removed() -> None:
    assert filtered("Forbidden: %s", "/help/threads/open/7.abc/renew/") == "Forbidden: /help/threads/open/…/renew/"


def test_the_token_that_resets_a_password_is_removed() -> None:
    path = "/admin/password-reset/MQ/abc-def/"
    assert filtered("Forbidden: %s", path) == "Forbidden: /admin/password-reset/MQ/…/"


def test_lines_without_a_token_are_not_changed() -> None:
    assert filtered("Not Found: %s", "/orders/find/%20/") == "Not Found: /orders/find/%20/"


def test_every_route_with_a_token_uses_the_token_converter() -> None:
    assert len(set(token_routes())) == 11
    free_text = [route for route in _public_routes() if "<str:" in route or "<path:" in route]
    assert free_text == []


@pytest.mark.parametrize("route", sorted(set(token_routes())))
def test_no_route_leaks_its_token(route: str) -> None:
    path = f"/{route.replace('<token:token>', 'abc.DEF-123:x')}"
    assert "abc" not in filtered("Forbidden: %s", path)


def _public_routes() -> list[str]:
    found: list[str] = []

    def collect(patterns: list[URLPattern | URLResolver], prefix: str) -> None:
        for each in patterns:
            route = f"{prefix}{each.pattern}"
            if route.startswith(("admin/", "demo/")):  # their parameters are not secret
                continue
            if isinstance(each, URLResolver):
                collect(each.url_patterns, route)
            else:
                found.append(route)

    collect(get_resolver().url_patterns, "")
    return found
