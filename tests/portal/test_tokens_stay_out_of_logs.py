"""A link that opens orders is a secret while it is young."""

import logging

from portal.logs import HideTokens


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
