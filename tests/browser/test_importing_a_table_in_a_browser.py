"""A supervisor uploads a table that no feed knows, says what its columns mean, previews, imports and undoes it."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.test import Client
from playwright.sync_api import Page, expect

from intake.models import ImportRun, TableMapping
from intake.tasks import work_on_uploaded_files
from orders.models import Order, Store
from tests.browser.conftest import Open
from tests.intake.exports import table
from tests.intake.mapped_tables import GERMAN_COLUMNS, german_row, make_mapping

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DESKTOP = {"width": 1280, "height": 800}


@pytest.fixture
def supervisor() -> User:
    user = User.objects.create(username="supervisor", is_staff=True)
    names = ("add_importupload", "view_importrun", "undo_importrun", "download_importreject")
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    return user


def signed_in(open_page: Open, user: User, path: str, **options: Any) -> Page:
    browser = Client()
    browser.force_login(user)
    page = open_page("/admin/login/", viewport=DESKTOP, **options)
    session = browser.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": page.url.partition("/admin")[0]}]
    )
    page.goto(path)
    return page


def german_file(folder: Path) -> Path:
    rows = [german_row(Bestellnummer=f"R-{number}", Seriennummer=f"XAAB-1234-{number:04}") for number in range(1, 13)]
    rows += [german_row(Bestellnummer="R-90", Status="storniert", Seriennummer="")]
    rows += [german_row(Bestellnummer="R-91", Status="kurios", Seriennummer="")]
    path = folder / "verkäufe.csv"
    path.write_bytes(table(*rows, delimiter=";").encode("utf-8-sig"))
    return path


@pytest.mark.parametrize("script", [True, False])
def test_an_unknown_table_is_mapped_previewed_imported_and_undone(
    open_page: Open, supervisor: User, tmp_path: Path, script: bool
) -> None:
    Store.objects.create(slug="old-shop", name="Old shop", time_zone="Europe/Berlin")
    page = signed_in(
        open_page, supervisor, "/admin/intake/importupload/add/", java_script_enabled=script, locale="en-GB"
    )
    page.set_input_files("input[type=file]", german_file(tmp_path))
    page.select_option("select[name=store]", label="Old shop")
    page.get_by_role("button", name="Upload", exact=True).click()

    page.wait_for_url("**/map/")
    expect(page.locator("tr[data-column=Bestellnummer] select")).to_have_value("number")
    expect(page.locator("tr[data-column=Gesamtbetrag]")).to_contain_text("All 14 values are amounts.")
    expect(page.locator("tr[data-column=Seriennummer] select")).to_have_value("serials")
    expect(page.locator("tr[data-word=bezahlt] select")).to_have_value("completed")
    expect(page.locator("tr[data-word=storniert] select")).to_have_value("cancelled")
    expect(page.locator("tr[data-word=kurios] select")).to_have_value("")
    expect(page.locator("[name=date_order]")).to_have_value("dmy")
    page.fill("[name=name]", "verkaeufe")
    page.get_by_role("button", name="Save and continue").click()

    page.wait_for_url("**/preview/")
    expect(page.locator("[data-state=checking]")).to_be_visible()
    work_on_uploaded_files()
    page.reload()
    expect(page.locator("[data-count=created]")).to_have_text("13")
    expect(page.locator("[data-count=rejected]")).to_have_text("1")
    expect(page.locator("[data-reject=unknown_status]")).to_contain_text("kurios")
    expect(page.locator("[data-sum='EUR completed']")).to_contain_text("12")
    expect(page.locator("[data-order]")).to_have_count(10)
    sample = page.frame_locator("iframe")
    expect(sample.locator("[data-order-number=R-1]")).to_be_visible()
    page.get_by_role("link", name="R-2", exact=True).click()
    expect(sample.locator("[data-order-number=R-2]")).to_be_visible()
    expect(sample.get_by_text("XAAB-1234-0002").first).to_be_visible()
    assert not Order.objects.exists()
    page.get_by_role("button", name="Import 13 orders").click()

    expect(page.locator("[data-state=importing]")).to_be_visible()
    work_on_uploaded_files()
    page.reload()
    page.wait_for_url("**/importrun/**")
    run = ImportRun.objects.get()
    assert (run.created, run.rejected, run.started_by) == (13, 1, supervisor)
    assert Order.objects.count() == 13
    assert TableMapping.objects.get().name == "verkaeufe"
    with page.expect_download() as download:
        page.locator("[data-action=rejects]").click()
    assert "kurios" in Path(download.value.path()).read_text()

    page.locator("[data-action=undo]").click()
    page.get_by_role("button", name="Undo the import").click()
    expect(page.get_by_text("13 orders undone.")).to_be_visible()
    assert not Order.objects.exists()


def test_a_file_is_dropped_and_an_unusable_one_is_refused_on_the_spot(
    open_page: Open, supervisor: User, browser_errors: list[str]
) -> None:
    Store.objects.create(slug="old-shop", name="Old shop")
    page = signed_in(open_page, supervisor, "/admin/intake/importupload/add/")
    data = page.evaluate_handle(
        "() => { const data = new DataTransfer(); data.items.add(new File(['%PDF-1.7'], 'orders.csv')); return data; }"
    )
    page.dispatch_event("[data-drop]", "drop", {"dataTransfer": data})
    expect(page.locator("[data-status]")).to_have_text("orders.csv")
    page.select_option("select[name=store]", label="Old shop")
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("It’s a PDF")
    expect(page.locator("select[name=store]")).to_be_visible()


def test_the_next_file_with_this_header_is_recognized(open_page: Open, supervisor: User, tmp_path: Path) -> None:
    make_mapping(GERMAN_COLUMNS, statuses={"bezahlt": "completed"})
    page = signed_in(open_page, supervisor, "/admin/intake/importupload/add/")
    page.set_input_files("input[type=file]", german_file(tmp_path))
    page.select_option("select[name=store]", label="old-shop")
    page.get_by_role("button", name="Upload", exact=True).click()
    page.wait_for_url("**/read/")
    expect(page.locator("[data-recognized=table]")).to_contain_text("sales (version 1)")
    page.get_by_role("button", name="Continue to the preview").click()
    expect(page.locator("[data-state=checking]")).to_be_visible()
