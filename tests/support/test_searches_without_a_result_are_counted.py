"""Searches without a result are counted for staff, without personal data."""

from datetime import timedelta
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from support.models import FailedSearch
from support.models import searches as searches_module
from support.views.help_pages import FAILED_SEARCH_RATE
from tests.factories import make_agent, make_article
from tests.pages import text

pytestmark = pytest.mark.django_db


def search(typed: str, **options: str) -> None:
    assert Client(**options).get("/help/search/", {"q": typed}).status_code == 200


def counted() -> dict[str, int]:
    return dict(FailedSearch.objects.values_list("term", "count"))


def test_a_term_is_counted_however_it_is_written() -> None:
    for typed in ("Family  plan", " family plan ", "FAMILY\u3000PLAN", "ｆａｍｉｌｙ plan"):
        search(typed)
    assert counted() == {"family plan": 4}
    row = FailedSearch.objects.get()
    assert row.language == "en"
    assert timezone.now() - row.last_at < timedelta(minutes=1)


def test_each_language_is_counted_by_itself() -> None:
    search("family plan")
    Client(headers={"accept-language": "de"}).get("/help/search/", {"q": "family plan"})
    assert sorted(FailedSearch.objects.values_list("language", "count")) == [("de", 1), ("en", 1)]


def test_searches_with_a_result_and_empty_ones_are_not_counted() -> None:
    make_article("refund", title="Money back")
    for typed in ("money", "", "  ", "\0", "?!", "…"):
        search(typed)
    Client().head("/help/search/", {"q": "family plan"})
    assert counted() == {}


@pytest.mark.parametrize(
    "typed",
    [
        "bea@example.com",
        "where is bea＠example.com",
        "bea at example dot com",
        "bea (at) example.com",
        "123456",
        "４１１１１１",
        "٤١١١١١",
        "4111 1111 1111 1111",
        "+49 (0) 221 / 82 82",
        "1-2-3-4-5-6",
        "1.2.3\u20114.5.6",
        "XVWG-1549-5436-2359-1879",
        "a1b2c3d4e5f6",
        "12_34_56",
        "order TE-20417",
        "te20417",
        "my name is a very long sentence about my life " * 2,
    ],
)
def test_terms_that_may_identify_someone_are_not_kept(typed: str) -> None:
    search(typed)
    assert counted() == {}


@pytest.mark.parametrize("typed", ["error 1603", "windows 11", "office 2019 windows 11", "c++", "at home", "x" * 60])
def test_terms_with_a_few_digits_are_kept(typed: str) -> None:
    search(typed)
    assert counted() == {typed: 1}


def test_one_client_cannot_fill_the_list() -> None:
    for number in range(FAILED_SEARCH_RATE.short + 5):
        search(f"nonsense {chr(97 + number)}")
    assert len(counted()) == FAILED_SEARCH_RATE.short
    search("family plan", REMOTE_ADDR="192.0.2.7")
    assert counted()["family plan"] == 1


def test_many_clients_cannot_fill_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searches_module, "MAX_TERMS", 2)
    for term in ("family plan", "gift card", "student discount", "family plan"):
        search(term)
    assert counted() == {"family plan": 2, "gift card": 1}


def test_old_terms_are_deleted() -> None:
    now = timezone.now()
    FailedSearch.record("old one", "en", now - settings.KEPT_FOR["failed_searches"] - timedelta(minutes=1))
    FailedSearch.record("newer one", "en", now - settings.KEPT_FOR["failed_searches"] + timedelta(minutes=1))
    call_command("retention", stdout=StringIO())
    assert counted() == {"newer one": 1}
    assert settings.KEPT_FOR["failed_searches"].days == 180


def test_staff_see_the_list_and_turn_a_term_into_synonyms() -> None:
    FailedSearch.record("rarely", "en", timezone.now())
    for _time in range(3):
        FailedSearch.record("often", "de", timezone.now())
    browser = Client()
    browser.force_login(make_agent())
    page = browser.get("/admin/support/failedsearch/")
    assert text(page).index("often") < text(page).index("rarely")
    assert "/admin/support/searchsynonyms/add/?language=de&amp;words=often" in page.content.decode()
    form = browser.get("/admin/support/searchsynonyms/add/?language=de&words=often").content.decode()
    assert ">often</textarea>" in "".join(form.split())
    assert browser.get("/admin/support/failedsearch/add/").status_code == 403
