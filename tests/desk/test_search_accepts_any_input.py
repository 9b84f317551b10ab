"""Any input is answered: nonsense with nothing, without an error, and within a fixed number of queries."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from desk import limits
from desk.search import search
from desk.search.orders import MAX_SIMILAR
from tests.desk.searching import found, make_shop
from tests.desk.staff import signed_in
from tests.factories import make_agent, make_license, make_line, make_order, make_store
from tests.pages import text

pytestmark = pytest.mark.django_db

HOSTILE = [
    "",
    " ",
    "\x00",
    "ann\x00archer",
    "x" * 10_000,
    "9" * 10_000,
    "a b " * 2500,
    "a@" * 5000,
    "@",
    "@@@@",
    "%",
    "%%%%%",
    "_____",
    "%s %d %(low)s {sql}",
    "\\",
    "\\\\' OR 1=1 --",
    "'; DROP TABLE orders_order; --",
    "😀😀😀😀",
    "ann😀archer@example.com",
    "شركة البرمجيات",
    "\u202eann@example.com",
    "\u200f4242",
    "١٢٣٤",
    "１２３４",
    "Ⅷ½²",
    "İIıi",
    "a\u0301" * 90,
    "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
    "\U0010ffff",
    "4111 1111 1111 1111",
    "-",
    "--------",
    "M-",
    "0" * 64,
    "1e999999",
    "999999999999999999999999.99",
    "1.1.1.1,1,1",
    "€",
    "€€",
    "59.90.59",
    "null",
    "<script>alert(1)</script>",
]


@pytest.mark.parametrize("typed", HOSTILE, ids=lambda typed: ascii(typed[:20]))
def test_hostile_input_is_answered(typed: str) -> None:
    make_shop()
    browser = signed_in(make_agent())
    answer = found(browser, typed)
    assert not answer["incomplete"]
    page = browser.get("/admin/desk/search/", {"q": typed}, headers={"accept": "text/html"})
    assert page.status_code == 200
    assert "<script>alert" not in page.content.decode()
    assert browser.get("/admin/search/", {"s": typed, "extended": "1", "page": "x"}).status_code == 200
    assert browser.get("/admin/search/", {"s": typed}).status_code == 200


def test_wildcards_match_nothing_but_themselves() -> None:
    make_shop()
    for typed in ("%", "%%%%", "_________", "A-______", "%ann.archer%"):
        answer = found(signed_in(make_agent()), typed)
        assert not answer["orders"], typed


def test_bytes_that_are_no_text_are_answered() -> None:
    assert signed_in(make_agent()).get("/admin/desk/search/?q=%ff%fe%00").status_code == 200


def test_a_card_number_is_not_repeated() -> None:
    make_shop()
    page = signed_in(make_agent()).get(
        "/admin/desk/search/", {"q": "4242 4242 4242 4242"}, headers={"accept": "text/html"}
    )
    assert "4242 4242" not in text(page)
    assert "4242424242424242" not in page.content.decode()
    assert "A-100234" in text(page)  # found by the last 4 digits


def test_other_methods_are_refused() -> None:
    assert signed_in(make_agent()).post("/admin/desk/search/", {"q": "ann"}).status_code == 405


@pytest.mark.parametrize(
    "typed", ["ann.archer@example.com", "ann.acher@example.com", "Archer", "Archr", "A-100", "visa 4242", "79.95"]
)
def test_the_number_of_queries_does_not_grow_with_the_rows(typed: str) -> None:
    user = make_agent()

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            search(typed, user)
        return len(queries)

    make_shop()
    count()  # loads permissions
    before = count()
    store = make_store()
    for number in range(60):
        order = make_order(
            store=store,
            number=f"A-100{number}-9",
            store_email="ann.archer@example.com",
            billing_name="Ann Archer",
            placed_at=datetime(2026, 10, 1, tzinfo=UTC) + timedelta(hours=number),
        )
        make_license(make_line(order))
    assert count() <= before
    assert before <= 40


def test_more_results_are_announced() -> None:
    store = make_store()
    for number in range(MAX_SIMILAR + 5):
        make_order(store=store, store_email=f"ann{number}@example.com", billing_name="Ann Archer")
    browser = signed_in(make_agent())
    answer = found(browser, "Ann Archer")
    assert [len(answer[group]) for group in ("people", "orders")] == [5, 5]
    assert {"people", "orders"} <= set(answer["more"])
    page = browser.get("/admin/desk/search/", {"q": "Ann Archer"}, headers={"accept": "text/html"})
    assert "There are more results" in text(page)


def test_a_search_that_takes_too_long_is_stopped_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    make_shop()
    browser = signed_in(make_agent())
    monkeypatch.setattr(limits, "SEARCH_SECONDS", -1.0)
    answer = found(browser, "Ann Archer")
    assert answer["incomplete"] is True
    page = browser.get("/admin/desk/search/", {"q": "Ann Archer"}, headers={"accept": "text/html"})
    assert "took too long" in text(page)


def test_a_stopped_query_leaves_the_others_working(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STATEMENT_SECONDS", 0.05)

    def sleep() -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(5)")
            return cursor.fetchall()

    def setting() -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout')")
            return cursor.fetchall()

    before = setting()
    with limits.time_limit() as limit:
        assert limit.load(sleep) == []
        assert limit.was_exceeded
        assert limit.load(setting) == [("50ms",)]
    assert setting() == before


@pytest.mark.django_db(transaction=True)
def test_the_time_limit_ends_with_the_search_outside_of_a_transaction() -> None:
    search("ann", make_agent())
    assert not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout'), current_setting('enable_seqscan')")
        assert cursor.fetchone() == ("0", "on")


def test_what_was_typed_is_in_no_log_and_in_no_link(caplog: pytest.LogCaptureFixture) -> None:
    make_shop()
    browser = signed_in(make_agent())
    caplog.set_level(logging.DEBUG)
    page = browser.get("/admin/desk/search/", {"q": "ann.archer@example.com"}, headers={"accept": "text/html"})
    found(browser, "ann.archer@example.com")
    browser.post("/admin/desk/search/?q=ann.archer@example.com")  # refused, which Django logs
    messages = [each.getMessage() for each in caplog.records if each.name != "django.db.backends"]
    assert not any("archer" in message for message in messages)
    links = [part.partition('"')[0] for part in page.content.decode().split('href="')[1:]]
    assert not any("archer" in link for link in links)
    answer = found(browser, "ann.archer@example.com")
    urls = [each["url"] for group in ("people", "orders", "licenses", "cases", "emails") for each in answer[group]]
    assert len(urls) == 5
    assert not any("archer" in url or "7391" in url for url in urls)


def test_gunicorn_writes_no_access_log() -> None:
    settings: dict[str, Any] = {}
    exec(Path("gunicorn.conf.py").read_text(encoding="utf-8"), settings)
    assert "accesslog" not in settings
