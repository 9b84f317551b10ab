"""A product has a guide for each platform, and for versions that are installed differently."""

import pytest
from django.test import Client

from licenses.models import InstallGuide
from tests.factories import make_product
from tests.pages import text

pytestmark = pytest.mark.django_db


def test_each_platform_and_version_has_its_guide_in_the_readers_language() -> None:
    product = make_product(slug="maximum")
    for platform, version, language, title in (
        ("macos", "", "en", "On a Mac"),
        ("windows", "9", "en", "Old Windows"),
        ("windows", "17.10", "en", "New Windows"),
        ("windows", "17.10", "de", "Neues Windows"),
        ("windows", "", "en", "Any Windows"),
        ("", "", "en", "Everywhere"),
    ):
        InstallGuide.objects.create(
            product=product, platform=platform, version=version, language=language, title=title, body="Go."
        )
    page = text(Client().get("/guides/maximum/")).partition("Everywhere")[2]
    titles = ["Any Windows", "New Windows", "Old Windows", "On a Mac"]
    assert [page.rindex(title) for title in titles] == sorted(page.rindex(title) for title in titles)
    assert "Version 17.10" in page
    german = text(Client(headers={"accept-language": "de"}).get("/guides/maximum/"))
    assert "Neues Windows" in german
    assert "New Windows" not in german
    assert "Old Windows" in german


def test_the_guide_leads_to_the_order_and_back_to_the_downloads() -> None:
    product = make_product(slug="maximum")
    InstallGuide.objects.create(product=product, title="Install it", body="Go.")
    page = Client().get("/guides/maximum/").content.decode()
    assert 'class="back" href="/downloads/"' in page
    assert 'class="btn btn-primary" href="/orders/find/"' in page
