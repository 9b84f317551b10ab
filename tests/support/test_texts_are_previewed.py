"""Editors preview unsaved text on the page of buyers. Nothing is saved, and nothing in it is run."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from support.models import Article, ArticleVersion
from tests.desk.staff import staff_with_role
from tests.factories import make_article, make_article_version
from tests.support.article_texts import preview

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor() -> Client:
    return staff_with_role("editor")


@pytest.fixture
def article() -> Article:
    """Published in English; German is missing."""
    return make_article("install", title="How to install", body="Open the file.", topics=["download"])


def test_the_preview_of_unsaved_text_is_the_page_of_buyers_and_saves_nothing(editor: Client, article: Article) -> None:
    article.applies_to = "2026 and later"
    article.save()
    page = preview(editor, article, en__title="New title", en__summary="In short", en__body="# Part\n\n**bold**")
    assert page.status_code == 200
    assert "support/article.html" in [template.name for template in page.templates]
    content = page.content.decode()
    for shown in ("<h1>New title</h1>", "In short", "<strong>bold</strong>", 'id="part-part"', "2026 and later"):
        assert shown in content, shown
    assert "This is a preview. Only staff can see it." in content
    assert "/vote/" not in content
    assert ArticleVersion.objects.count() == 1
    assert not LogEntry.objects.filter(object_id=str(article.pk)).exists()


def test_the_preview_is_in_the_language_of_the_text(editor: Client, article: Article) -> None:
    page = preview(editor, article, preview="de", **{"de__title": "Titel", "de__body": "Text"})
    assert '<html lang="de"' in page.content.decode()
    version = make_article_version(article, language="de", title="Titel")
    assert '<html lang="de"' in editor.get(f"/help/preview/{version.pk}/").content.decode()


def test_a_preview_can_submit_no_form(editor: Client, article: Article) -> None:
    version = article.versions.get()
    for page in (preview(editor, article, en__title="x"), editor.get(f"/help/preview/{version.pk}/")):
        policy = [each.strip() for each in page["Content-Security-Policy"].split(";")]
        assert "sandbox allow-same-origin allow-scripts" in policy


@pytest.mark.parametrize("written", ["<script>alert(1)</script>", "[x](javascript:alert(1))", "<img src=x onerror=x>"])
def test_a_preview_is_sanitized_like_the_page(editor: Client, article: Article, written: str) -> None:
    page = preview(editor, article, en__title=written, en__summary=written, en__body=written).content.decode()
    body = page.partition("<main")[2].lower()
    for dangerous in ("<script>alert", 'href="javascript', "<img src=x"):
        assert dangerous not in body


@pytest.mark.parametrize(
    "typed", [{}, {"preview": "xx"}, {"preview": "\0"}, {"en__body": "\0"}, {"en__title": "x" * 9999}]
)
def test_any_preview_is_answered(editor: Client, article: Article, typed: dict[str, str]) -> None:
    assert preview(editor, article, **typed).status_code in (200, 302)
