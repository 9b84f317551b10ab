from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from licenses.models import InstallGuide
from orders.passwords import portal_password
from tests.factories import make_line, make_release
from tests.licenses.installers import bought

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CONTENT = bytes(range(256)) * 5000


@pytest.mark.parametrize("with_scripts", [True, False])
def test_the_downloaded_file_is_the_one_shown_on_the_page(open_page: Callable[..., Page], with_scripts: bool) -> None:
    order, release = bought(CONTENT)
    make_line(order, kind="extended_download", sku="EDS-2Y", name="Extended Download Service")
    release.file_name = "Größe Setup.exe"
    release.replaced_at = timezone.now()
    release.save()
    newer = make_release(release.product, CONTENT[::-1], version="18.1", file_name="Größe Setup.exe")
    InstallGuide.objects.create(product=release.product, title="Install it", body="1. Open it.\n2. **Done.**")
    page = open_page("/orders/find/", java_script_enabled=with_scripts)
    form = page.locator("form[action='/orders/find/number/']")
    form.locator("[name=order_number]").fill(order.number)
    form.locator("[name=password]").fill(portal_password(order) or "")
    form.locator("[type=submit]").click()
    with page.expect_download() as started:
        page.get_by_role("link", name="Download 18.1 for Windows").click()
    saved = Path(started.value.path())
    assert started.value.suggested_filename == "Größe Setup.exe"
    shown = page.locator("[data-sha256]").first.get_attribute("data-sha256")
    assert sha256(saved.read_bytes()).hexdigest() == shown == newer.sha256
    page.get_by_text("Older versions").click()
    with page.expect_download() as started:
        page.get_by_role("link", name=f"Download {release.version}").click()
    assert Path(started.value.path()).read_bytes() == CONTENT
    page.get_by_role("link", name="How to install").click()
    assert page.get_by_role("heading", name="Install it").is_visible()
