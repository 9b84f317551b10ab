"""Of two editors who change the same text, the later one gets a message, and nothing is lost."""

import pytest
from django.test import Client

from support.models import Article, ArticleVersion
from tests.desk.staff import staff_with_role
from tests.factories import make_article, make_article_version
from tests.pages import text
from tests.support.article_texts import loaded, save, submitted

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor() -> Client:
    return staff_with_role("editor")


@pytest.fixture
def article() -> Article:
    """Published in English; German is missing."""
    return make_article("install", title="How to install", body="Open the file.", topics=["download"])


def test_the_later_of_two_editors_gets_a_message_and_nothing_is_lost(editor: Client, article: Article) -> None:
    ben = staff_with_role("editor")
    mine, his = loaded(editor, article), loaded(ben, article)
    save(ben, article, his, en__body="Ben’s text.")
    page = save(editor, article, mine, en__body="My text.")
    assert page.status_code == 422
    content = text(page)
    assert "A colleague has saved this language in the meantime. Your text wasn’t saved." in content
    assert "Ben’s text." in content
    assert "My text." in page.content.decode()
    assert not ArticleVersion.objects.filter(body="My text.").exists()
    # Saving what is on this page now takes the place of the colleague's text, which stays in the history.
    save(editor, article, submitted(page))
    assert loaded(editor, article)["en-body"] == "My text."
    assert ArticleVersion.objects.get(body="Ben’s text.").discarded_at is not None


def test_publishing_by_a_colleague_is_noticed(editor: Client, article: Article) -> None:
    save(editor, article, loaded(editor, article), en__body="Draft.")
    mine = loaded(editor, article)
    save(staff_with_role("editor"), article, loaded(editor, article), en__publish="now")
    assert "A colleague has saved this language" in text(save(editor, article, mine, en__body="My text."))


def test_editors_of_different_languages_do_not_disturb_each_other(editor: Client, article: Article) -> None:
    make_article_version(article, language="de", title="Alt", body="Alt.")
    mine = loaded(editor, article)
    save(staff_with_role("editor"), article, loaded(editor, article), de__body="Neu.")
    page = save(editor, article, mine, en__body="My text.")
    assert "Saved: English." in text(page)
    assert loaded(editor, article)["de-body"] == "Neu."


def test_two_editors_who_start_the_same_language_get_a_message(editor: Client, article: Article) -> None:
    mine, his = loaded(editor, article, start="de"), loaded(editor, article, start="de")
    save(staff_with_role("editor"), article, his, de__title="Seins")
    assert "A colleague has saved this language" in text(save(editor, article, mine, de__title="Meins"))


@pytest.mark.parametrize("token", ["", "x", "1-2", "0-0-0", "9" * 30 + "-0-0", "-1--1--1"])
def test_a_made_up_token_overwrites_nothing(editor: Client, article: Article, token: str) -> None:
    page = save(editor, article, loaded(editor, article), en__body="Mine.", en__token=token)
    assert "A colleague has saved this language" in text(page)
    assert ArticleVersion.objects.count() == 1
