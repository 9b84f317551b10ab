"""Staff can allow downloads of a product without an order. All other downloads need one."""

from datetime import timedelta

import pytest
import time_machine
from django.core import signing
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from licenses.download_links import public_download_path
from licenses.models import Download, Product, Release
from licenses.views.public_downloads import CLIENT_RATE
from tests.factories import make_product, make_release
from tests.licenses.installers import CONTENT, body, bought, link_to
from tests.pages import marks, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def release() -> Release:
    return make_release(make_product(slug="trial", name="Trial", public_download=True), CONTENT)


def link(release: Release, **options: str) -> str:
    answer = Client(**options).get(f"/downloads/{release.pk}/")
    assert answer.status_code == 302
    assert "no-store" in answer["Cache-Control"]
    return str(answer["Location"])


def test_the_page_offers_allowed_products_and_otherwise_links_to_the_order(release: Release) -> None:
    closed = make_release(make_product(slug="closed", name="Closed"))
    page = Client().get("/downloads/")
    assert f'href="/downloads/{release.pk}/"' in page.content.decode()
    assert f"/downloads/{closed.pk}/" not in page.content.decode()
    assert "Download it from your order." in text(page)


def test_it_is_off_by_default() -> None:
    assert make_product().public_download is False
    assert Product._meta.get_field("public_download").db_default is not None


def test_the_link_serves_the_file_and_supports_resuming(release: Release) -> None:
    answer = Client().get(link(release))
    assert body(answer) == CONTENT
    assert answer["Content-Disposition"] == 'attachment; filename="Setup.exe"'
    part = Client().get(link(release), headers={"Range": "bytes=100-"})
    assert part.status_code == 206
    assert body(part) == CONTENT[100:]
    assert not Download.objects.exists()


def test_every_other_release_is_as_unknown_as_one_that_does_not_exist(release: Release) -> None:
    closed = make_release(make_product())
    old = make_release(release.product, platform="macos", replaced_at=timezone.now())
    withdrawn = make_release(release.product, platform="linux", withdrawn_at=timezone.now())
    answers = [Client().get(f"/downloads/{pk}/") for pk in (closed.pk, old.pk, withdrawn.pk, 987654)]
    assert {answer.status_code for answer in answers} == {404}
    assert len({text(answer) for answer in answers}) == 1
    assert marks(answers[0], "data-refused") == ["not_public"]


def test_a_link_ends_after_fifteen_minutes(release: Release) -> None:
    issued = link(release)
    with time_machine.travel(timezone.now() + timedelta(minutes=15, seconds=2)):
        answer = Client().get(issued)
    assert answer.status_code == 410
    assert 'href="/downloads/"' in answer.content.decode()


def test_a_link_ends_when_staff_withdraw_the_release_or_the_permission(release: Release) -> None:
    issued = link(release)
    Product.objects.update(public_download=False)
    assert Client().get(issued).status_code == 404
    Product.objects.update(public_download=True)
    Release.objects.update(withdrawn_at=timezone.now())
    assert Client().get(issued).status_code == 410


def test_a_link_cannot_be_forged_or_used_for_another_purpose(release: Release) -> None:
    order, sold = bought()
    public, private = link(release), link_to(order, sold)
    token = public.rstrip("/").rpartition("/")[2]
    assert Client().get(f"/d/{token}/").status_code == 404
    assert Client().get(f"/d/public/{private.rstrip('/').rpartition('/')[2]}/").status_code == 404
    for forged in (
        token.replace(str(release.pk), str(sold.pk), 1),
        signing.TimestampSigner(salt="other").sign(str(release.pk)),
        "x",
        f"{token}x",
    ):
        assert Client().get(f"/d/public/{forged}/").status_code == 404
    assert Client().get(public_download_path(sold)).status_code == 404  # signed, but not public


def test_links_are_limited_for_each_client(release: Release) -> None:
    for _link in range(CLIENT_RATE.short):
        link(release)
    refused = Client().get(f"/downloads/{release.pk}/")
    assert refused.status_code == 429
    assert refused["Retry-After"]
    assert marks(refused, "data-refused") == ["too_many"]
    link(release, REMOTE_ADDR="192.0.2.9")


def test_a_place_is_left_for_people_with_an_order(settings: Settings, release: Release) -> None:
    settings.DOWNLOADS_AT_ONCE = 2
    order, sold = bought()
    public, private = link(release), link_to(order, sold)
    slow = Client().get(public)
    busy = Client().get(public)
    assert busy.status_code == 503
    assert busy["Retry-After"] == "60"
    assert body(Client().get(private)) == CONTENT
    assert body(slow) == CONTENT
    settings.DOWNLOADS_AT_ONCE = 1
    assert body(Client().get(public)) == CONTENT


def test_only_reading_is_possible(release: Release) -> None:
    assert Client().post(f"/downloads/{release.pk}/").status_code == 405
    assert Client().post(link(release)).status_code == 405
