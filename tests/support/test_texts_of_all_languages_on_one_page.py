"""Editors write all languages of an article side by side. Buyers see a text from its time of publication on."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from support.models import Article, ArticleVersion, FailedSearch
from support.search import search_articles
from tests.desk.staff import staff_with_role
from tests.factories import make_article, make_article_version
from tests.pages import text
from tests.support.article_texts import buyer, later, loaded, save, states, texts_url

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def two_languages(settings: Settings) -> None:
    """A vendor who has switched the other languages off."""
    settings.LANGUAGES = [("en", "English"), ("de", "German")]


@pytest.fixture
def editor() -> Client:
    return staff_with_role("editor")


@pytest.fixture
def article() -> Article:
    """Published in English; German is missing."""
    return make_article("install", title="How to install", body="Open the file.", topics=["download"])


def test_all_languages_are_on_one_page(editor: Client, article: Article) -> None:
    make_article_version(article, language="de", title="So installieren Sie", body="Öffnen Sie sie.")
    page = editor.get(texts_url(article))
    assert states(page) == {"en": "published", "de": "published"}
    for written in ("How to install", "Open the file.", "So installieren Sie", "Öffnen Sie sie."):
        assert written in page.content.decode()
    for name in ("change/", ""):
        assert (
            texts_url(article).removesuffix("texts/")
            in editor.get(
                f"/admin/support/article/{article.pk}/{name}" if name else "/admin/support/article/"
            ).content.decode()
        )


def test_a_new_article_leads_to_its_texts(editor: Client) -> None:
    added = editor.post("/admin/support/article/add/", {"slug": "renew", "position": "1"} | NO_VERSIONS)
    article = Article.objects.get()
    assert added["Location"] == texts_url(article)
    values = loaded(editor, article, start_empty="en")
    page = save(editor, article, values, en__title="Renew", en__body="Here is how.", en__publish="now")
    assert states(page) == {"en": "published", "de": "missing"}
    assert "Here is how." in text(buyer("/help/renew/"))


NO_VERSIONS = {"versions-TOTAL_FORMS": "0", "versions-INITIAL_FORMS": "0"}


def test_a_change_is_a_draft_until_it_is_published(editor: Client, article: Article) -> None:
    page = save(editor, article, loaded(editor, article), en__body="Double-click the file.")
    assert "Saved: English." in text(page)
    assert states(page)["en"] == "draft"
    assert "Open the file." in text(buyer())
    draft = ArticleVersion.objects.latest("pk")
    assert draft.created_by is not None
    page = save(editor, article, loaded(editor, article), en__publish="now")
    assert states(page)["en"] == "published"
    assert "Double-click the file." in text(buyer())
    assert ArticleVersion.objects.count() == 2  # publishing a draft copies nothing
    assert LogEntry.objects.filter(object_id=str(article.pk), change_message__contains="English").count() == 2


def test_both_languages_are_saved_at_once(editor: Client, article: Article) -> None:
    values = loaded(editor, article, start="de")
    assert values["de-body"] == "Open the file."
    page = save(editor, article, values, en__title="Install", de__title="Installieren", de__body="Öffnen.")
    assert "Saved: English, German." in text(page)
    assert states(page) == {"en": "draft", "de": "draft"}


def test_saving_without_a_change_adds_nothing(editor: Client, article: Article) -> None:
    ArticleVersion.objects.update(body="One.\n\nTwo.\n")
    values = loaded(editor, article)
    values["en-body"] = "One.\r\n\r\nTwo.\r\n"  # as browsers submit it
    assert "Nothing has changed." in text(save(editor, article, values))
    assert ArticleVersion.objects.count() == 1


def test_a_missing_language_starts_with_the_english_text_that_is_typed(editor: Client, article: Article) -> None:
    values = loaded(editor, article) | {"en-title": "Unsaved title", "start": "de"}
    page = editor.post(texts_url(article), values)
    content = page.content.decode()
    assert content.count("Unsaved title") == 2
    assert states(page) == {"en": "published", "de": "missing"}
    assert ArticleVersion.objects.count() == 1
    # What was typed is still recognized as a change.
    saved = save(editor, article, loaded(editor, article, **values))
    assert "Saved: English, German." in text(saved)


def test_a_language_that_was_started_and_left_empty_is_not_saved(editor: Client, article: Article) -> None:
    page = save(editor, article, loaded(editor, article, start_empty="de"), en__body="Changed.")
    assert "Saved: English." in text(page)
    assert states(page) == {"en": "draft", "de": "missing"}


def test_an_earlier_draft_stays_in_the_history(editor: Client, article: Article) -> None:
    for body in ("First.", "Second."):
        save(editor, article, loaded(editor, article), en__body=body)
    first, second = ArticleVersion.objects.filter(publish_at=None).order_by("pk")
    assert (first.body, second.body) == ("First.", "Second.")
    assert first.discarded_at is not None
    assert second.discarded_at is None
    assert "earlier draft" in text(editor.get("/admin/support/articleversion/"))
    editor.post("/admin/support/articleversion/", {"action": "copy_to_draft", "_selected_action": [first.pk]})
    assert loaded(editor, article)["en-body"] == "First."


def test_a_draft_is_discarded_and_the_published_text_is_back(editor: Client, article: Article) -> None:
    save(editor, article, loaded(editor, article), en__body="Changed.")
    values = loaded(editor, article) | {"discard": "en"}
    page = editor.post(texts_url(article), values, follow=True)
    assert "The draft was discarded. It’s still in the history." in text(page)
    assert loaded(editor, article)["en-body"] == "Open the file."
    assert ArticleVersion.objects.count() == 2
    again = editor.post(texts_url(article), loaded(editor, article) | {"discard": "en"}, follow=True)
    assert "There’s no draft in this language." in text(again)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"en__title": ""}, "This field is required."),
        ({"en__title": "x" * 201}, "at most 200 characters"),
        ({"en__body": "\0"}, "Null characters are not allowed."),
        ({"en__body": "4242 4242 4242 4242"}, "Remove the full card number."),
        ({"en__publish": "x"}, "Select a valid choice."),
        ({"en__publish": "later"}, "Enter when to publish it."),
        ({"en__publish": "later", "en__publish_at": "2020-01-01T10:00"}, "This time has passed. Enter a later one."),
        ({"en__publish": "later", "en__publish_at": "99999-01-01T10:00"}, "Enter a valid date/time."),
        ({"en__publish": "later", "en__publish_at": "9999-12-31T23:59"}, None),
        ({"en__title": "x", "en__token": "\0"}, "A colleague has saved this language"),
    ],
)
def test_errors_are_shown_at_their_field_and_keep_what_was_typed(
    editor: Client, article: Article, changed: dict[str, str], said: str | None
) -> None:
    page = save(editor, article, loaded(editor, article), **{"en__summary": "What I typed"} | changed)
    assert page.status_code == (422 if said else 200)
    assert "What I typed" in page.content.decode()
    if said:
        assert said in text(page)
        assert ArticleVersion.objects.count() == 1


def test_an_error_in_one_language_does_not_stop_the_other(editor: Client, article: Article) -> None:
    values = loaded(editor, article, start="de")
    page = save(editor, article, values, en__title="", de__title="Installieren")
    assert page.status_code == 422
    assert "Saved: German." in text(page)
    assert ArticleVersion.objects.get(language="de").title == "Installieren"
    assert states(page)["de"] == "draft"


# --- Publishing later ------------------------------------------------------------------------------------------


def test_a_text_with_a_later_date_is_nowhere_until_then(editor: Client, article: Article) -> None:
    make_article("other", topics=["download"], title="Other")
    page = save(
        editor,
        article,
        loaded(editor, article),
        en__title="Zebra guide",
        en__body="Zebra stripes.",
        en__publish="later",
        en__publish_at=later(days=2),
    )
    assert states(page)["en"] == "scheduled"
    new = Article.objects.create(slug="new", topics=["download"])
    page = save(
        editor,
        new,
        loaded(editor, new, start_empty="en"),
        en__title="Zebra news",
        en__body="New stripes.",
        en__publish="later",
        en__publish_at=later(days=2),
    )
    assert states(page)["en"] == "scheduled"
    scheduled = list(ArticleVersion.objects.filter(title__startswith="Zebra"))
    for path in (
        "/help/",
        "/help/?topic=download",
        "/help/search/?q=zebra",
        "/help/install/",
        "/help/other/",
        "/help/new/",
    ):
        assert "Zebra" not in text(buyer(path)), path
    assert buyer("/help/new/").status_code == 404
    assert search_articles("zebra", "en", timezone.now()) == []
    assert FailedSearch.objects.get().term == "zebra"
    for version in scheduled:
        assert Client().get(f"/help/preview/{version.pk}/").status_code == 404
    Client().post("/help/new/vote/", {"helped": "yes"})
    Client().post("/help/install/vote/", {"helped": "yes"})
    assert [version.votes.count() for version in scheduled] == [0, 0]
    with time_machine.travel(timezone.now() + timedelta(days=2, minutes=1)):
        assert "Zebra stripes." in text(buyer())
        assert "New stripes." in text(buyer("/help/new/"))
        assert text(buyer("/help/search/?q=zebra")).count("Zebra") >= 2


def test_changing_a_scheduled_text_keeps_its_date_and_leaves_no_second_one(editor: Client, article: Article) -> None:
    at = later(days=2)
    save(editor, article, loaded(editor, article), en__body="One.", en__publish="later", en__publish_at=at)
    values = loaded(editor, article)
    assert (values["en-publish"], values["en-publish_at"]) == ("later", at)
    assert "Nothing has changed." in text(save(editor, article, values))
    page = save(editor, article, values, en__body="Two.")
    assert states(page)["en"] == "scheduled"
    scheduled = ArticleVersion.objects.filter(publish_at__gt=timezone.now())
    assert [version.body for version in scheduled] == ["Two."]
    save(editor, article, loaded(editor, article), en__publish="draft")
    assert not scheduled.all().exists()
    assert loaded(editor, article)["en-body"] == "Two."


def test_another_scheduled_version_is_named(editor: Client, article: Article) -> None:
    for title in ("Spring", "Summer"):
        make_article_version(article, title=title, publish_at=timezone.now() + timedelta(days=9))
    page = text(editor.get(texts_url(article)))
    assert "Also scheduled: Spring" in page
    assert loaded(editor, article)["en-title"] == "Summer"


def test_an_unpublished_text_is_published_again(editor: Client, article: Article) -> None:
    version = article.versions.get()
    editor.post("/admin/support/articleversion/", {"action": "withdraw", "_selected_action": [version.pk]})
    assert states(editor.get(texts_url(article)))["en"] == "unpublished"
    assert buyer().status_code == 404
    assert "Nothing has changed." in text(save(editor, article, loaded(editor, article)))
    assert states(save(editor, article, loaded(editor, article), en__publish="now"))["en"] == "published"
    assert "Open the file." in text(buyer())


def test_a_discarded_version_is_never_published(article: Article) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        article.versions.update(discarded_at=timezone.now())


# --- Two editors -----------------------------------------------------------------------------------------------
