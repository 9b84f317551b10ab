import pytest
from django.contrib.auth.models import User

from files.services import store_file
from tests.browser.conftest import Open
from tests.files import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_staff_download_an_upload(open_page: Open) -> None:
    User.objects.create_superuser("agent", password="a long password")
    store_file(factories.upload(factories.pdf_bytes(), "statement.pdf"))
    page = open_page("/admin/", viewport={"width": 1280, "height": 800})
    page.fill("[name=username]", "agent")
    page.fill("[name=password]", "a long password")
    page.click("button[type=submit]")
    page.goto("/admin/files/upload/")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download", exact=True).click()
    assert download.value.suggested_filename == "statement.pdf"
