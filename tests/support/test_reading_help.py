from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from licenses.models import Product
from support.models import Article, ArticleVersion
from tests.factories import make_agent, make_article, make_article_version
from tests.pages import marks, text

pytestmark = pytest.mark.django_db
GERMAN = {"accept-language": "de"}


def test_an_article_is_shown_in_the_language_of_the_visitor(client: Client) -> None:
    article = make_article("refund", title="Money back")
    make_article_version(article, language="de", title="Geld zurück")
    assert "Money back" in text(client.get("/help/refund/"))
    answer = client.get("/help/refund/", headers=GERMAN)
    assert "Geld zurück" in text(answer)
    assert "Money back" not in text(answer)


def test_an_untranslated_article_is_shown_in_english_with_a_notice(client: Client) -> None:
    make_article("refund", title="Money back")
    answer = client.get("/help/refund/", headers=GERMAN)
    assert "Money back" in text(answer)
    assert '<article class="sheet article" lang="en"' in answer.content.decode()
    assert "notice" in answer.content.decode()


def test_the_version_published_last_is_in_force(client: Client) -> None:
    article = make_article("refund", title="The new one")
    make_article_version(article, title="The old one", publish_at=datetime(2026, 10, 1, tzinfo=UTC))
    make_article_version(article, title="The coming one", publish_at=timezone.now() + timedelta(days=9))
    page = text(client.get("/help/refund/"))
    assert "The new one" in page
    assert "The old one" not in page
    assert "The coming one" not in page


@pytest.mark.parametrize("publish_in", [None, timedelta(minutes=1)], ids=["draft", "to come"])
def test_visitors_do_not_see_unpublished_versions(client: Client, publish_in: timedelta | None) -> None:
    article = Article.objects.create(slug="secret", topics=["return"])
    moment = publish_in and timezone.now() + publish_in
    version = make_article_version(article, title="Secret plans", body="Secret", publish_at=moment)
    for address in (
        "/help/",
        "/help/?topic=return",
        "/help/secret/",
        "/help/search/?q=secret",
        f"/help/preview/{version.pk}/",
        f"/help/secret/?version={version.pk}",
    ):
        assert "Secret plans" not in client.get(address).content.decode(), address
    assert client.get("/help/secret/").status_code == 404
    assert client.get(f"/help/preview/{version.pk}/").status_code == 404


def test_only_staff_with_the_permission_can_preview_a_draft(client: Client) -> None:
    version = make_article_version(Article.objects.create(slug="plan"), title="Soon", publish_at=None)
    client.force_login(make_agent())
    answer = client.get(f"/help/preview/{version.pk}/")
    assert "Soon" in text(answer)
    assert "no-store" in answer["Cache-Control"]
    assert client.get("/help/preview/987654/").status_code == 404
    client.force_login(make_agent(is_superuser=False))
    assert client.get(f"/help/preview/{version.pk}/").status_code == 404


def test_a_withdrawn_article_is_not_found_and_the_page_offers_a_search(client: Client) -> None:
    article = make_article("refund", title="Money back")
    make_article("refund-of-tax", title="Refund of tax")
    make_article_version(article, title="Money back", body="", is_withdrawal=True, publish_at=timezone.now())
    answer = client.get("/help/refund/")
    assert answer.status_code == 404
    assert marks(answer, "data-article") == ["refund-of-tax"]
    assert 'name="q"' in answer.content.decode()
    assert marks(client.get("/help/"), "data-article") == ["refund-of-tax"]


def test_withdrawing_the_german_version_leaves_the_english_one(client: Client) -> None:
    article = make_article("refund", title="Money back")
    make_article_version(article, language="de", title="Geld zurück")
    make_article_version(article, language="de", title="Geld zurück", is_withdrawal=True, publish_at=timezone.now())
    assert "Money back" in text(client.get("/help/refund/", headers=GERMAN))


def test_the_help_page_lists_each_article_once_with_the_requested_topic_first(client: Client) -> None:
    make_article("a-card", topics=["payment", "download"])
    make_article("b-installer", topics=["download"])
    make_article("c-order", topics=["find_order"])
    make_article("d-rest")
    plain = client.get("/help/")
    assert marks(plain, "data-article") == ["c-order", "b-installer", "a-card", "d-rest"]
    wanted = client.get("/help/?topic=download")
    assert marks(wanted, "data-article") == ["a-card", "b-installer", "c-order", "d-rest"]
    for unknown in ("nothing", "%00", "x" * 5000, "download'--"):
        assert client.get("/help/", {"topic": unknown}).status_code == 200


def test_an_article_shows_its_products_and_related_articles(client: Client) -> None:
    article = make_article("a-card", topics=["payment"], applies_to="2025 and later")
    article.products.add(Product.objects.create(slug="mac", name="Antivirus for Mac"))
    article.products.add(Product.objects.create(slug="max", name="Maximum Security"))
    make_article("b-card", title="Another card", topics=["cashback", "payment"])
    make_article("c-order", title="An order", topics=["find_order"])
    page = text(client.get("/help/a-card/"))
    assert "Antivirus for Mac, Maximum Security – 2025 and later" in page
    assert "Another card" in page
    assert "An order" not in page


def test_the_number_of_queries_does_not_grow_with_the_articles(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        article = make_article(f"article-{number}", topics=["payment"], title=f"Question {number}")
        make_article_version(article, language="de", title=f"Frage {number}")
    with django_assert_num_queries(1):
        client.get("/help/", headers=GERMAN)
    with django_assert_num_queries(2):
        client.get("/help/article-7/", headers=GERMAN)
    with django_assert_num_queries(2):  # synonyms, articles
        client.get("/help/search/?q=frage", headers=GERMAN)


def test_an_article_cannot_replace_a_page_with_the_same_path(client: Client) -> None:
    for slug in ("search", "charged", "contact"):
        make_article(slug, title="Captured")
        assert "Captured" not in client.get(f"/help/{slug}/").content.decode().partition("<main")[2].partition("<h2")[0]


def test_other_methods_are_refused(client: Client) -> None:
    make_article("refund")
    for address in ("/help/", "/help/search/", "/help/refund/"):
        assert client.post(address).status_code == 405
    assert client.get("/help/refund/vote/").status_code == 405
    assert ArticleVersion.objects.count() == 1
