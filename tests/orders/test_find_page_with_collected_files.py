"""Every state of the find page is rendered with production's storage of static files."""

from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django.fixtures import Settings

from orders.access import find_by_card
from portal.settings import STORAGES
from tests.factories import make_order
from tests.pages import marks, result
from tests.visitors import visit

pytestmark = pytest.mark.django_db

RIGHT_CARD = {"email": "buyer@example.com", "card_last4": "4242"}


@pytest.fixture
def _collected_files(settings: Settings, tmp_path: Path, _static_files_from_their_sources: None) -> None:
    settings.STATIC_ROOT = str(tmp_path)
    settings.STORAGES = settings.STORAGES | {"staticfiles": STORAGES["staticfiles"]}
    call_command("collectstatic", verbosity=0, interactive=False)


@pytest.mark.usefixtures("_collected_files")
def test_the_page_with_the_proof_of_work_and_its_refusals_find_their_files(settings: Settings) -> None:
    settings.SITE_FAILED_CARDS_PER_DAY = 1
    order = make_order()
    browser = Client()
    assert browser.get("/orders/find/").status_code == 200
    assert result(browser.post("/orders/find/card/", RIGHT_CARD | {"card_last4": "0000"})) == "not-found"
    page = browser.post("/orders/find/card/", RIGHT_CARD)
    assert (page.status_code, result(page)) == (422, "invalid")
    assert marks(page, "data-challenge")
    script = page.content.decode().partition("js/proof-of-work.")[2]
    assert script[:12].isalnum()  # named by its content
    for _try in range(10):
        find_by_card(visit(), "buyer@example.com", "0000", work_done=True)
        page = browser.post("/orders/find/number/", {"order_number": order.number, "password": "wrong"})
    assert (page.status_code, result(page)) == (429, "too-many")
