"""Editors write all languages of an article side by side. Buyers see a text from its time of publication on."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.db import IntegrityError, connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from support.models import Article, ArticleVersion, FailedSearch
from support.search import search_articles
from tests.desk.staff import signed_in, staff_with, staff_with_role
from tests.factories import make_agent, make_article, make_article_version
from tests.pages import marks, text

pytestmark = pytest.mark.django_db

FIELDS = ("title", "summary", "keywords", "body", "token", "was", "publish", "publish_at")


@pytest.fixture
def editor() -> Client:
    return staff_with_role("editor")


@pytest.fixture
def article() -> Article:
    """Published in English; German is missing."""
    return make_article("install", title="How to install", body="Open the file.", topics=["download"])


def texts_url(article: Article) -> str:
    return f"/admin/support/article/{article.pk}/texts/"


def loaded(browser: Client, article: Article, **posted: str) -> dict[str, str]:
    """The values of the form as a browser would submit them; with `posted`, of the page that answers it."""
    page = browser.get(texts_url(article))
    if posted:
        page = browser.post(texts_url(article), submitted(page) | posted)
    return submitted(page)


def submitted(page: HttpResponse) -> dict[str, str]:
    forms = [card.form for card in page.context["cards"] if card.form is not None]  # type: ignore[index]
    return {form.add_prefix(name): str(form[name].value() or "") for form in forms for name in FIELDS}


def save(browser: Client, article: Article, values: dict[str, str], **changed: str) -> HttpResponse:
    prefixed = {name.replace("__", "-"): value for name, value in changed.items()}
    return browser.post(texts_url(article), values | prefixed | {"save": ""}, follow=True)


def states(page: HttpResponse) -> dict[str, str]:
    return dict(zip(marks(page, "data-language"), marks(page, "data-state"), strict=True))


def buyer(path: str = "/help/install/", language: str = "en") -> HttpResponse:
    return Client(headers={"accept-language": language}).get(path)


def later(**duration: int) -> str:
    return (timezone.now() + timedelta(**duration)).strftime("%Y-%m-%dT%H:%M")


# --- Writing ---------------------------------------------------------------------------------------------------


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
def test_errors_stand_at_their_field_and_keep_what_was_typed(
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


def test_the_later_of_two_editors_is_told_and_nothing_is_lost(editor: Client, article: Article) -> None:
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


def test_two_editors_who_start_the_same_language_are_told(editor: Client, article: Article) -> None:
    mine, his = loaded(editor, article, start="de"), loaded(editor, article, start="de")
    save(staff_with_role("editor"), article, his, de__title="Seins")
    assert "A colleague has saved this language" in text(save(editor, article, mine, de__title="Meins"))


@pytest.mark.parametrize("token", ["", "x", "1-2", "0-0-0", "9" * 30 + "-0-0", "-1--1--1"])
def test_a_made_up_token_overwrites_nothing(editor: Client, article: Article, token: str) -> None:
    page = save(editor, article, loaded(editor, article), en__body="Mine.", en__token=token)
    assert "A colleague has saved this language" in text(page)
    assert ArticleVersion.objects.count() == 1


# --- Preview ---------------------------------------------------------------------------------------------------


def preview(browser: Client, article: Article, **typed: str) -> HttpResponse:
    fields = {"preview": "en"} | {name.replace("__", "-"): value for name, value in typed.items()}
    return browser.post(f"/admin/support/article/{article.pk}/preview/", fields)


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


# --- Who may -----------------------------------------------------------------------------------------------------


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
