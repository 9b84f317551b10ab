"""A filled database of each released version is migrated to the current tables, and everything in it still works."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from intake.models import ImportRun
from licenses.models import Product, Release
from licenses.models.downloads import releases_storage
from notifications import kinds, rendering
from notifications.models import Message
from orders.models import Order
from portal import schema
from refunds.models import CashbackClaim, Return, Swap, Withdrawal
from support.models import ArticleVersion
from tests.factories import make_agent
from tests.pages import inside
from tests.production.addresses import ADDRESSES, Shop
from tests.upgrade.released_versions import MAX_BYTES, ReleasedVersion, count_rows, load_versions, migration_digests

pytestmark = pytest.mark.xdist_group("upgrade")

FILLED_BY_MIGRATIONS = {"auth_group", "auth_group_permissions"}  # with the roles of staff


@pytest.fixture
def database(upgraded: ReleasedVersion, db: None) -> ReleasedVersion:
    """The upgraded database; each test restores it."""
    return upgraded


@pytest.fixture
def staff(database: ReleasedVersion) -> Client:
    browser = Client()
    browser.force_login(make_agent())
    return browser


def test_every_released_version_has_a_small_dump() -> None:
    versions = load_versions()
    assert "0.1.0" in [released.version for released in versions]
    assert all(released.dump.stat().st_size <= MAX_BYTES for released in versions)


@pytest.mark.parametrize("released", load_versions(), ids=lambda released: released.version)
def test_no_released_migration_was_edited(released: ReleasedVersion) -> None:
    today = migration_digests()
    assert {path: today.get(path) for path in released.migrations} == released.migrations


def test_tables_are_what_the_models_say(database: ReleasedVersion) -> None:
    assert schema.find_differences() == []


def test_no_row_is_lost(database: ReleasedVersion) -> None:
    today, before = count_rows(), database.rows
    assert {table: today.get(table) for table in before.keys() - FILLED_BY_MIGRATIONS} == {
        table: count for table, count in before.items() if table not in FILLED_BY_MIGRATIONS
    }
    assert all(today[table] >= before[table] for table in FILLED_BY_MIGRATIONS & before.keys())


def test_what_was_published_stays_published(database: ReleasedVersion) -> None:
    assert Release.objects.exists()
    assert not Release.objects.drafts().exists()
    assert Release.objects.current().exists()
    assert not ArticleVersion.objects.filter(discarded_at__isnull=False).exists()
    assert ArticleVersion.objects.in_force(database.moment).filter(is_withdrawal=False).exists()


@pytest.fixture
def installers(database: ReleasedVersion) -> None:
    """The files of the releases, which are not in a dump."""
    Product.objects.update(public_download=True)
    for release in Release.objects.all():
        releases_storage().save(release.stored_name, ContentFile(b"an installer"))


@pytest.mark.usefixtures("installers")
def test_the_owner_opens_every_page(database: ReleasedVersion) -> None:
    order = Order.objects.filter(status=Order.Status.COMPLETED, licensed_lines__isnull=False).newest_first().first()
    assert order is not None
    browser = inside(order)
    paths = {name: make(Shop(order)) for name, make in ADDRESSES.items() if name != "orders:sign_out"}
    answers = {path: browser.get(path).status_code for each in paths.values() for path in each}
    assert {path: status for path, status in answers.items() if status >= 500} == {}
    assert answers[f"/orders/{order.public_id}/"] == 200


def test_every_order_opens_with_its_password(database: ReleasedVersion) -> None:
    orders = Order.objects.filter(password_hash="").order_by("-pk")[:25]
    assert len(orders) == 25
    for number, order in enumerate(orders):
        browser = inside(order, Client(REMOTE_ADDR=f"198.51.100.{number}"))
        assert browser.get(f"/orders/{order.public_id}/").status_code == 200


def admin_pages() -> Iterator[str]:
    """The list of each model, and the page of its first and last row."""
    for model in filter(admin.site.is_registered, apps.get_models()):
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        ordered = model._default_manager.order_by("pk")
        for row in {each.pk for each in (ordered.first(), ordered.last()) if each is not None}:
            yield reverse(f"{name}_change", args=[row])


def test_staff_open_every_page(staff: Client) -> None:
    answers = {path: staff.get(path).status_code for path in admin_pages()}
    assert len(answers) > 50
    assert {path: status for path, status in answers.items() if status not in (200, 302)} == {}


def test_every_email_can_be_written_again(database: ReleasedVersion) -> None:
    written = set()
    with time_machine.travel(database.moment + timedelta(hours=1)):  # most are wanted only for a limited time
        for message in Message.objects.order_by("pk"):
            kind = kinds.find(message.kind)
            assert kind is not None, f"the kind {message.kind} is gone"
            if kind.still_wanted(message):
                assert rendering.build(message, kind).subject
                written.add(message.kind)
    assert len(written) > 20


def test_an_import_of_that_version_can_be_undone(database: ReleasedVersion) -> None:
    run = ImportRun.objects.filter(state=ImportRun.State.FINISHED, created__gt=0, rejected=0).latest("pk")
    with time_machine.travel(database.moment + timedelta(hours=1)):
        call_command("undo_import", str(run.pk), verbosity=0)
    run.refresh_from_db()
    assert (run.state, run.orders_deleted) == (ImportRun.State.UNDONE, run.created)


def test_requests_are_assigned_to_who_worked_on_them(database: ReleasedVersion) -> None:
    if database.version != "0.1.0":
        pytest.skip("Later versions assign requests themselves.")
    for requests in (Return.objects, Withdrawal.objects, Swap.objects, CashbackClaim.objects):
        assert not requests.filter(events__by__isnull=False, assigned_to=None).exists()
        assert requests.filter(assigned_to__username="upgrade").exists()


def test_staff_accounts_are_there(database: ReleasedVersion) -> None:
    assert User.objects.filter(username="upgrade", is_staff=True).exists()
