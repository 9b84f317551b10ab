from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from portal.sample_content import help_articles
from support.markdown import render_markdown
from support.models import Article, ArticleVersion
from support.models.articles import Topic
from tests.factories import make_agent
from tests.pages import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor() -> Client:
    browser = Client()
    browser.force_login(make_agent())
    return browser


def make_version(**fields: object) -> ArticleVersion:
    article, _new = Article.objects.get_or_create(slug="install")
    defaults = {"language": "en", "title": "How to install", "body": "Open the file.", "publish_at": timezone.now()}
    return ArticleVersion.objects.create(article=article, **defaults | fields)


def test_an_article_is_drafted_previewed_and_published(editor: Client) -> None:
    article = Article.objects.create(slug="install")
    form = {"article": article.pk, "language": "en", "title": "How to install", "body": "Open it."}
    assert editor.post("/admin/support/articleversion/add/", form).status_code == 302
    draft = ArticleVersion.objects.get()
    assert draft.created_by is not None
    assert Client().get("/help/install/").status_code == 404
    assert Client().get(f"/help/preview/{draft.pk}/").status_code == 404
    assert "Open it." in text(editor.get(f"/help/preview/{draft.pk}/"))
    draft.publish_at = timezone.now()
    draft.save()
    assert "Open it." in text(Client().get("/help/install/"))


def test_a_published_version_cannot_be_changed(editor: Client) -> None:
    version = make_version()
    changed = {"article": version.article_id, "language": "en", "title": "Other", "body": "Other"}
    assert editor.post(f"/admin/support/articleversion/{version.pk}/change/", changed).status_code == 403
    assert editor.post(f"/admin/support/articleversion/{version.pk}/delete/", {"post": "yes"}).status_code == 403
    version.refresh_from_db()
    assert version.title == "How to install"


def test_copying_a_version_creates_a_draft(editor: Client) -> None:
    version = make_version()
    data = {"action": "copy_to_draft", "_selected_action": [version.pk]}
    editor.post("/admin/support/articleversion/", data)
    draft = ArticleVersion.objects.exclude(pk=version.pk).get()
    assert (draft.title, draft.publish_at) == ("How to install", None)
    assert "How to install" in text(Client().get("/help/install/"))


def test_an_article_is_withdrawn_immediately_and_its_history_stays(editor: Client) -> None:
    version = make_version(publish_at=timezone.now() - timedelta(days=1))
    data = {"action": "withdraw", "_selected_action": [version.pk]}
    editor.post("/admin/support/articleversion/", data)
    assert Client().get("/help/install/").status_code == 404
    again = editor.post("/admin/support/articleversion/", data, follow=True)
    assert "This version isn’t published, so it can’t be unpublished." in text(again)
    history = text(editor.get(f"/admin/support/article/{version.article_id}/change/"))
    assert history.count("How to install") >= 2


def test_votes_are_counted_for_staff(editor: Client) -> None:
    make_version()
    for answer in ("yes", "yes", "no"):
        Client().post("/help/install/vote/", {"helped": answer})
    row = Article.objects.get()
    listed = editor.get("/admin/support/article/").content.decode()
    assert row.versions.get().votes.filter(helped=True).count() == 2
    assert "field-helped" in listed or "2" in listed


def test_staff_without_the_permission_cannot_write_articles() -> None:
    reader = make_agent(is_superuser=False)
    reader.user_permissions.add(Permission.objects.get(codename="view_articleversion"))
    browser = Client()
    browser.force_login(reader)
    assert browser.get("/admin/support/articleversion/").status_code == 200
    assert browser.post("/admin/support/articleversion/add/", {}).status_code == 403
    assert Client().get("/admin/support/articleversion/").status_code == 302


@pytest.mark.parametrize(
    "written",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,AAAA)",
        '<img src=x onerror="alert(1)">',
        "[x](vbscript:x)",
        "<a href='javascript:x'>x</a>",
        "![x](https://tracker.example/x.png)",
        "](((**[[ ```\n> # 1. -\n" * 50,
        "&lt;script&gt;",
    ],
)
def test_markdown_cannot_run_scripts_or_break_the_page(written: str) -> None:
    shown = str(render_markdown(written)).lower()
    for dangerous in ("<script", "<img", 'href="javascript', 'href="data', 'href="vbscript'):
        assert dangerous not in shown
    make_version(body=written)
    assert Client().get("/help/install/").status_code == 200


def test_demo_articles_exist_in_every_language_and_are_loaded_once() -> None:
    added = help_articles.load_help_articles()
    assert added == ArticleVersion.objects.count() == len(settings.LANGUAGES) * Article.objects.count()
    assert all(article.topics and set(article.topics) <= set(Topic.values) for article in Article.objects.all())
    ArticleVersion.objects.filter(language="en", article__slug="install").update(title="Mine")
    assert help_articles.load_help_articles() == 0
    assert ArticleVersion.objects.filter(title="Mine").exists()
    for article in Article.objects.all():
        for language in ("en", "de"):
            page = Client(headers={"accept-language": language}).get(f"/help/{article.slug}/")
            assert page.status_code == 200
            assert "data-preview" not in page.content.decode()


@pytest.mark.parametrize(
    ("language", "typed", "slug"),
    [
        ("en", "serail nubmer", "serial-number-missing"),
        ("en", "clear cache", "download-fails"),
        ("en", "refund", "wrong-product"),
        ("de", "Seriennumer fehlt", "serial-number-missing"),
        ("de", "falsches Produkt", "wrong-product"),
    ],
)
def test_the_search_tolerates_typos(language: str, typed: str, slug: str) -> None:
    help_articles.load_help_articles()
    page = Client(headers={"accept-language": language}).get("/help/search/", {"q": typed}).content.decode()
    assert slug in [part.split('"')[0] for part in page.split('data-article="')[1:4]]


@pytest.mark.parametrize("typed", ["'", '"', "%", "_%_", "a' OR 1=1 --", "\x00", "x" * 10_000, "", "&|!():*", "𝒳 漢字"])
def test_any_search_text_is_answered(typed: str) -> None:
    help_articles.load_help_articles()
    assert Client().get("/help/search/", {"q": typed}).status_code == 200
