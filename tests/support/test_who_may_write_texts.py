"""Only editors change the texts of articles, and any input is answered."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from support.models import Article, ArticleVersion
from tests.desk.staff import signed_in, staff_with, staff_with_role
from tests.factories import make_agent, make_article, make_article_version
from tests.pages import text
from tests.support.article_texts import loaded, preview, save, texts_url

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor() -> Client:
    return staff_with_role("editor")


@pytest.fixture
def article() -> Article:
    """Published in English; German is missing."""
    return make_article("install", title="How to install", body="Open the file.", topics=["download"])


@pytest.mark.parametrize("role", ["agent", "supervisor", "auditor"])
def test_other_roles_read_the_texts_and_change_nothing(role: str, article: Article, editor: Client) -> None:
    save(editor, article, loaded(editor, article), en__body="A draft of editors.")
    browser = staff_with_role(role)
    page = browser.get(texts_url(article))
    assert "A draft of editors." in text(page)
    assert "<textarea" not in page.content.decode()
    assert 'name="save"' not in page.content.decode()
    for fields in ({"save": ""}, {"discard": "en"}, {"start": "de"}):
        assert browser.post(texts_url(article), fields).status_code == 403
    assert preview(browser, article).status_code == 403


def test_all_others_see_nothing(article: Article, client: Client) -> None:
    finance = staff_with_role("finance")
    assert finance.get(texts_url(article)).status_code == 403
    assert staff_with("support.view_article").get(texts_url(article)).status_code == 403
    assert preview(finance, article).status_code == 403
    assert client.get(texts_url(article)).status_code == 302
    assert preview(client, article).status_code == 302


def test_saving_from_another_site_is_refused(article: Article) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = signed_in(make_agent()).cookies
    assert browser.post(texts_url(article), {"save": ""}).status_code == 403


@pytest.mark.parametrize("key", ["0", "9" * 30])
def test_an_unknown_article_is_not_found(editor: Client, key: str) -> None:
    assert editor.get(f"/admin/support/article/{key}/texts/").status_code == 404
    assert editor.post(f"/admin/support/article/{key}/preview/").status_code == 404


@pytest.mark.parametrize("fields", [{}, {"start": "xx"}, {"start": "\0"}, {"discard": "xx"}, {"en-token": "x"}])
def test_any_input_is_answered(editor: Client, article: Article, fields: dict[str, Any]) -> None:
    assert editor.post(texts_url(article), fields, follow=True).status_code in (200, 422)
    assert ArticleVersion.objects.count() == 1


def test_the_queries_grow_neither_with_versions_nor_with_articles(editor: Client, article: Article) -> None:
    def queries(url: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert editor.get(url).status_code == 200
        return len(captured)

    urls = (texts_url(article), f"/admin/support/article/{article.pk}/change/", "/admin/support/article/")
    make_article("second")
    for url in urls:
        queries(url)
    before = [queries(url) for url in urls]
    for number in range(5):
        make_article_version(article, title=f"Version {number}", created_by=make_agent())
        make_article(f"article-{number}")
    assert [queries(url) for url in urls] == before
