"""django-unfold brings no German, so its texts are in our catalog."""

from pathlib import Path

import pytest
import unfold
from django.test import Client
from django.utils.translation import gettext, override

from portal.translation.unfold_texts import TEXTS
from tests.desk.staff import signed_in
from tests.factories import make_agent
from tests.pages import text

SOURCES = Path(unfold.__file__).parent


def test_each_listed_text_is_one_of_django_unfold() -> None:
    sources = "\n".join(path.read_text() for path in SOURCES.rglob("*") if path.suffix in (".html", ".py"))
    assert [each for each in TEXTS if each not in sources] == []


def test_each_listed_text_is_translated() -> None:
    with override("de"):
        assert [each for each in TEXTS if gettext(each) == each] == []


@pytest.mark.django_db
def test_a_german_list_has_no_english_around_it() -> None:
    browser: Client = signed_in(make_agent())
    page = text(browser.get("/admin/refunds/return/", headers={"Accept-Language": "de"}))
    assert "Filter" in page
    for english in ("Filters", "Select all rows", "Search apps and models", "No results found", "Reset filters"):
        assert english not in page
