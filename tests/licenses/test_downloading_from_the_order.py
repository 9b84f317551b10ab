"""The order page shows the available downloads, its button leads to the file, and strangers get nothing."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import signing
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from licenses.download_links import download_path
from licenses.models import Download, InstallGuide
from orders.models import Store
from tests.factories import make_line, make_order, make_product, make_release, make_store
from tests.licenses.installers import CONTENT, add_product, body, bought, link_to
from tests.pages import inside, marks, text

pytestmark = pytest.mark.django_db


def test_the_page_says_what_it_is_before_the_click() -> None:
    order, release = bought(b"x" * 1_400_000)
    InstallGuide.objects.create(product=release.product, title="Install it", body="Click.")
    answer = inside(order).get(f"/orders/{order.public_id}/")
    said = text(answer)
    assert f"Download {release.version} for Windows (1.4\N{NO-BREAK SPACE}MB)" in said.replace("1.4 MB", "1.4\xa0MB")
    assert marks(answer, "data-sha256") == [release.sha256]
    assert "How to install Maximum Security" in said
    assert f"/orders/{order.public_id}/download/{release.pk}/" in answer.content.decode()


def test_the_installer_for_windows_comes_first_although_the_one_for_macos_is_newer() -> None:
    order, release = bought()
    newer = make_release(release.product, platform="macos", released_at=release.released_at + timedelta(days=1))
    page = inside(order).get(f"/orders/{order.public_id}/").content.decode()
    assert page.index(f"/download/{release.pk}/") < page.index(f"/download/{newer.pk}/")


def test_the_button_leads_to_the_file_and_the_download_is_recorded() -> None:
    order, release = bought()
    link = link_to(order, release)
    download = Download.objects.get()
    assert (download.order, download.release, download.client, download.started_at) == (
        order,
        release,
        "127.0.0.1",
        None,
    )
    browser = Client()  # without the session: the signature is enough
    assert browser.head(link).status_code == 200
    download.refresh_from_db()
    assert download.started_at is None  # nothing was sent yet
    answer = browser.get(link)
    assert answer.status_code == 200
    assert body(answer) == CONTENT
    assert not answer.cookies
    download.refresh_from_db()
    assert download.started_at is not None


def test_without_the_open_order_nothing_is_issued() -> None:
    order, release = bought()
    wanted = f"/orders/{order.public_id}/download/{release.pk}/"
    answers = [Client().get(wanted), inside(make_order()).get(wanted)]
    answers.append(Client().get(f"/orders/{make_order().public_id}/download/{release.pk}/"))
    left = inside(order)
    left.post("/orders/sign-out/")
    answers.append(left.get(wanted))
    for answer in answers:
        assert answer.status_code == 302
        assert answer["Location"].startswith("/orders/find/?next=")
    assert not Download.objects.exists()


def test_an_ended_session_issues_no_link() -> None:
    order, release = bought()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        browser = inside(order)
        clock.shift(timedelta(minutes=30))
        answer = browser.get(f"/orders/{order.public_id}/download/{release.pk}/")
    assert answer["Location"].startswith("/orders/find/")
    assert not Download.objects.exists()


def test_while_an_emailed_code_is_awaited_nothing_is_issued() -> None:
    store = make_store(confirm_card_lookup=Store.ConfirmCardLookup.ALWAYS)
    order, release = bought(store=store)
    browser = Client()
    browser.post("/orders/find/card/", {"email": "buyer@example.com", "card_last4": "4242"})
    answer = browser.get(f"/orders/{order.public_id}/download/{release.pk}/")
    assert answer["Location"] == f"/orders/{order.public_id}/code/"
    assert marks(browser.get(f"/orders/{order.public_id}/"), "data-sha256") == []
    assert not Download.objects.exists()


def test_another_orders_installer_is_refused() -> None:
    order, _release = bought()
    _other, foreign = bought()
    for wanted in (foreign.pk, 10**17, 10**30):
        answer = inside(order).get(f"/orders/{order.public_id}/download/{wanted}/")
        assert answer.status_code == 404
        assert "doesn’t include this download" in text(answer)
    assert not Download.objects.exists()


def test_only_looking_is_allowed() -> None:
    order, release = bought()
    browser = inside(order)
    assert browser.post(f"/orders/{order.public_id}/download/{release.pk}/").status_code == 405
    assert Client().post(link_to(order, release, browser)).status_code == 405


def test_every_changed_character_of_a_link_is_refused() -> None:
    order, release = bought()
    link = link_to(order, release)
    token = link.removeprefix("/d/").removesuffix("/")
    assert len(token.split(":")) == 3
    for place, character in enumerate(token):
        other = "0" if character != "0" else "1"
        answer = Client().get(f"/d/{token[:place]}{other}{token[place + 1 :]}/")
        assert answer.status_code == 404, place
    parts = token.split(":")
    for forged in (":".join(parts[:2]), parts[0], "::", "x", token + "x", token.upper(), signing.dumps(parts[0])):
        assert Client().get(f"/d/{forged}/").status_code == 404
    assert Download.objects.get().started_at is None


def test_a_link_made_for_something_else_is_invalid() -> None:
    order, release = bought()
    link_to(order, release)
    token = signing.TimestampSigner(salt="something else").sign(Download.objects.get().pk.hex)
    answer = Client().get(f"/d/{token}/")
    assert answer.status_code == 404
    assert "isn’t one of our download links" in text(answer)


def test_a_link_is_good_for_fifteen_minutes_and_not_a_second_longer() -> None:
    order, release = bought()
    Download.objects.create(order=order, release=release)
    moment = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    with time_machine.travel(moment, tick=False) as clock:
        link = download_path(Download.objects.get())
        clock.move_to(moment + timedelta(minutes=15))
        assert body(Client().get(link)) == CONTENT
        clock.move_to(moment + timedelta(minutes=15, seconds=1))
        answer = Client().get(link)
    assert answer.status_code == 410
    assert "link has expired" in text(answer)
    assert f"/orders/{order.public_id}/" in answer.content.decode()  # where to get a new one


def test_a_withdrawn_release_is_unavailable_immediately() -> None:
    order, release = bought()
    browser = inside(order)
    link = link_to(order, release, browser)
    release.withdrawn_at = timezone.now()
    release.save()
    assert Client().get(link).status_code == 410
    answer = browser.get(f"/orders/{order.public_id}/download/{release.pk}/")
    assert answer.status_code == 410
    assert "no longer available" in text(answer)
    assert marks(browser.get(f"/orders/{order.public_id}/"), "data-sha256") == []


def test_withdrawn_releases_of_other_products_are_not_revealed() -> None:
    order, _release = bought()
    _other, foreign = bought()
    foreign.withdrawn_at = timezone.now()
    foreign.save()
    assert inside(order).get(f"/orders/{order.public_id}/download/{foreign.pk}/").status_code == 404


def test_a_replaced_release_stays_only_for_earlier_buyers() -> None:
    order, release = bought()
    newer = make_release(release.product, b"newer", version="18", platform="macos")
    release.replaced_at = timezone.now()
    release.save()
    page = inside(order).get(f"/orders/{order.public_id}/")
    assert marks(page, "data-sha256") == [newer.sha256, release.sha256]
    assert "Older versions" in text(page)
    assert link_to(order, release)
    late = make_order(placed_at=timezone.now() + timedelta(seconds=1))
    make_line(late, sku="OTHER")
    from_late = add_product(late)
    release.product.licenses.update(product=release.product)
    late.licensed_lines.update(license=release.product.licenses.get())
    assert from_late.licenses.exists()
    assert marks(inside(late).get(f"/orders/{late.public_id}/"), "data-sha256") == [newer.sha256]
    assert inside(late).get(f"/orders/{late.public_id}/download/{release.pk}/").status_code == 404


def test_an_ended_download_period_is_explained() -> None:
    order, release = bought(placed_at=timezone.now() - timedelta(days=32))
    browser = inside(order)
    page = browser.get(f"/orders/{order.public_id}/")
    assert "Your download period ended on" in text(page)
    assert "Extended Download Service" in text(page)
    assert marks(page, "data-sha256") == []
    answer = browser.get(f"/orders/{order.public_id}/download/{release.pk}/")
    assert answer.status_code == 403
    assert "Your download period ended on" in text(answer)
    assert not Download.objects.exists()


def test_the_service_alone_says_what_it_is_for() -> None:
    order = make_order(placed_at=timezone.now())
    make_line(order, kind="extended_download", sku="EDS", name="Extended Download Service")
    assert "If it was meant for another order, contact support with both order numbers." in text(
        inside(order).get(f"/orders/{order.public_id}/")
    )


def test_an_order_without_installers_says_nothing_of_downloads() -> None:
    order = make_order(placed_at=timezone.now())
    add_product(order)
    assert 'id="downloads"' not in inside(order).get(f"/orders/{order.public_id}/").content.decode()


def test_a_lost_or_truncated_file_is_reported_and_not_sent(releases_folder: object) -> None:
    order, release = bought()
    browser = inside(order)
    stored = releases_folder / release.stored_name
    stored.write_bytes(CONTENT[:-1])
    link = link_to(order, release, browser)
    answer = Client().get(link)
    assert answer.status_code == 503
    assert "and we’ve been notified" in text(answer)
    stored.unlink()
    assert Client().get(link).status_code == 503


def test_the_front_server_gets_the_file_to_send(settings: Settings) -> None:
    settings.ACCEL_REDIRECT_PREFIX = "/installers/"
    order, release = bought()
    answer = Client().get(link_to(order, release), headers={"Range": "bytes=0-1"})
    assert answer.status_code == 200  # the front server creates the 206
    assert answer["X-Accel-Redirect"] == f"/installers/{release.stored_name}"
    assert answer["Content-Disposition"] == 'attachment; filename="Setup.exe"'
    assert answer["Cache-Control"] == "no-store, private"
    assert answer.content == b""
    assert "ETag" not in answer
    assert Client().get("/d/forged/").status_code == 404


def test_guides_are_for_everybody_and_run_nothing() -> None:
    product = make_product(slug="maximum")
    InstallGuide.objects.create(
        product=product,
        title="Install it",
        body="# Start\n\n<script>alert(1)</script> [click](javascript:alert(1)) **now** ![x](http://evil.example/x.png)",
    )
    InstallGuide.objects.create(product=product, title="Installieren", body="Los.", language="de")
    page = Client().get("/guides/maximum/").content.decode()
    assert "Install it" in page
    assert "<h3>Start</h3>" in page
    assert "<strong>now</strong>" in page
    for bad in ("<script>alert", 'href="javascript', '<img src="http://evil'):
        assert bad not in page
    german = Client().get("/guides/maximum/", headers={"Accept-Language": "de"}).content.decode()
    assert "Installieren" in german
    assert "Install it" not in german
    assert Client().get("/guides/other/").status_code == 404
    assert Client().get(f"/guides/{make_product().slug}/").status_code == 404
