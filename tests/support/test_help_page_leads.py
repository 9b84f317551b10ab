"""The help page: first a search, then the most common questions, then topics. Articles link to what comes next."""

import pytest
from django.test import Client

from support.markdown import render_markdown
from tests.factories import make_article

pytestmark = pytest.mark.django_db


def test_the_first_six_articles_are_the_common_questions() -> None:
    for number in range(8):
        make_article(f"article-{number}", title=f"Question {number}", topics=["payment"])
    page = Client().get("/help/").content.decode()
    search, common, topics = page.index('name="q"'), page.index('id="common-title"'), page.index('id="topics-title"')
    assert search < common < topics
    assert page[common:topics].count("/help/article-") == 6
    assert 'id="payment" open' not in page
    assert 'id="payment" open' in Client().get("/help/?topic=payment").content.decode()


def test_few_articles_are_shown_at_once() -> None:
    make_article("refund", title="Money back", topics=["return"])
    page = Client().get("/help/").content.decode()
    assert "common-title" not in page
    assert 'id="return" open' in page


def test_a_link_alone_in_a_paragraph_becomes_a_button_and_the_first_one_leads() -> None:
    html = render_markdown(
        "[Find **it**](/orders/find/)\n\nText with [a link](/help/).\n\n[Other](/stores/)\n\n"
        "- [In a list](/a/)\n\n> [In a quote](/b/)\n\n[One](/c/) [Two](/d/)"
    )
    assert '<a href="/orders/find/" class="btn btn-primary">Find <strong>it</strong></a>' in html
    assert '<a href="/stores/" class="btn btn-quiet">' in html
    assert html.count("btn-primary") == 1
    assert html.count('class="btn') == 2


def test_a_button_cannot_run_scripts_and_html_stays_text() -> None:
    html = render_markdown('[Press](javascript:alert(1))\n\n<a class="btn" href="/x/">x</a>\n\n[ok](data:text/html,x)')
    assert "javascript:" not in html.replace("(javascript:", "")
    assert "<a class" not in html
    assert 'href="data:' not in html
