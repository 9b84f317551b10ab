"""The history of imports for staff: the list, the page of an import, and undoing it."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from intake.admin import runs
from intake.models import ImportRun
from intake.services import undo as undo_service
from intake.tasks import undo_requested_imports
from notifications.models import Message
from orders.models import Order
from tests.intake.exports import Importer, portal_order, the_order
from tests.pages import marks, text

pytestmark = pytest.mark.django_db

LIST = "/admin/intake/importrun/"


def staff(*codenames: str) -> Client:
    user = User.objects.create(username="-".join(codenames) or "nobody", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames, content_type__app_label="intake"))
    client = Client()
    client.force_login(user)
    return client


def supervisor() -> Client:
    return staff("view_importrun", "undo_importrun", "download_importreject")


def test_the_list_says_who_imported_what_with_which_result(importer: Importer) -> None:
    importer.orders(portal_order(), portal_order(number="B", currency="euro"))
    page = text(supervisor().get(LIST))
    run = ImportRun.objects.get()
    for expected in ("orders.jsonl", "portal", "1 created, 1 rejected", run.started_by_name, "finished"):
        assert expected in page
    assert "orders.jsonl" in text(supervisor_again().get(f"{LIST}?q={run.files.get().sha256}"))


def supervisor_again() -> Client:
    client = Client()
    client.force_login(User.objects.get(username__contains="undo_importrun"))
    return client


def test_the_list_needs_the_same_queries_for_many_imports(importer: Importer) -> None:
    client = supervisor()
    importer.orders(portal_order())
    client.get(LIST)
    with CaptureQueriesContext(
        connection,
    ) as one:
        client.get(LIST)
    for number in range(4):
        importer.orders(portal_order(number=f"A-{number}"))
    with CaptureQueriesContext(connection) as five:
        client.get(LIST)
    assert len(five) == len(one)


def test_the_page_shows_files_warnings_and_the_first_rejects(importer: Importer) -> None:
    importer.orders(portal_order(email="vİctim@gmail.com"), portal_order(number="B", currency="euro"))
    run = ImportRun.objects.get()
    answer = supervisor().get(f"{LIST}{run.pk}/change/")
    page = text(answer)
    for expected in (
        run.files.get().sha256,
        "1 × ambiguous_address",
        "1 × unknown_currency",
        "orders.jsonl line 2: currency",
    ):
        assert expected in page
    assert marks(answer, "data-action") == ["rejects", "undo"]


def test_buttons_are_for_those_who_may(importer: Importer) -> None:
    importer.orders(portal_order(), portal_order(number="B", currency="euro"))
    run = ImportRun.objects.get()
    viewer = staff("view_importrun")
    assert marks(viewer.get(f"{LIST}{run.pk}/change/"), "data-action") == []
    assert viewer.get(f"{LIST}{run.pk}/undo/").status_code == 403
    assert viewer.post(f"{LIST}{run.pk}/undo/").status_code == 403
    assert staff("undo_importrun").get(f"{LIST}999999/undo/").status_code == 404
    assert Client().post(f"{LIST}{run.pk}/undo/").status_code == 302
    assert Order.objects.count() == 1
    assert staff().get(LIST).status_code == 403
    assert viewer.get(f"{LIST}add/").status_code == 403
    assert viewer.post(f"{LIST}{run.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_supervisor_sees_what_would_happen_and_undoes_it(importer: Importer) -> None:
    importer.orders(portal_order(number="OLD"))
    importer.orders(
        portal_order(number="A"), portal_order(number="B"), portal_order(number="OLD", email="new@example.com")
    )
    run = ImportRun.objects.latest("pk")
    Message.objects.create(
        kind="order_confirmation", object_id=1, order_id=the_order("B").pk, status="sent", sent_at=timezone.now()
    )
    client = supervisor()
    shown = client.get(f"{LIST}{run.pk}/undo/")
    assert (marks(shown, "data-deleted"), marks(shown, "data-restored"), marks(shown, "data-kept")) == (
        ["1"],
        ["1"],
        ["1"],
    )
    assert marks(shown, "data-order") == ["B"]
    assert "an email about it was sent" in text(shown)
    assert Order.objects.count() == 3
    page = text(client.post(f"{LIST}{run.pk}/undo/", follow=True))
    assert "2 orders undone." in page
    assert "1 order couldn’t be undone." in page
    assert "partly undone" in page
    assert sorted(Order.objects.values_list("number", "store_email")) == [
        ("B", "ann@example.com"),
        ("OLD", "ann@example.com"),
    ]
    assert LogEntry.objects.filter(object_id=str(run.pk), user__username__contains="undo").exists()


def test_undone_again_it_says_so(importer: Importer) -> None:
    importer.orders(portal_order())
    run = ImportRun.objects.get()
    client = supervisor()
    client.post(f"{LIST}{run.pk}/undo/")
    assert "was already undone" in text(client.get(f"{LIST}{run.pk}/undo/"))
    assert "was already undone" in text(client.post(f"{LIST}{run.pk}/undo/", follow=True))
    assert marks(client.get(f"{LIST}{run.pk}/change/"), "data-action") == []


def test_a_large_import_is_undone_in_the_background(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "PAGE_TIME", timedelta(0))
    monkeypatch.setattr(undo_service, "BATCH_SIZE", 2)
    importer.orders(*[portal_order(number=f"A-{number}") for number in range(5)])
    run = ImportRun.objects.get()
    client = supervisor()
    assert "the first 2 orders" in text(client.get(f"{LIST}{run.pk}/undo/"))
    assert "in the background" in text(client.post(f"{LIST}{run.pk}/undo/", follow=True))
    assert Order.objects.count() == 3
    undo_requested_imports()
    assert not Order.objects.exists()
    run.refresh_from_db()
    assert (run.state, run.orders_deleted) == ("undone", 5)
    assert run.undone_by_name == User.objects.get().username


def test_after_30_days_there_is_nothing_to_undo_or_download(importer: Importer) -> None:
    importer.orders(portal_order(), portal_order(number="B", currency="euro"))
    ImportRun.objects.update(started_at=timezone.now() - timedelta(days=31))
    run = ImportRun.objects.get()
    client = supervisor()
    assert marks(client.get(f"{LIST}{run.pk}/change/"), "data-action") == []
    assert "30 days" in text(client.get(f"{LIST}{run.pk}/undo/", follow=True))
    assert client.get(f"{LIST}{run.pk}/rejects/").status_code == 404
    assert Order.objects.count() == 1


def test_a_download_of_rejected_rows_is_on_record(importer: Importer) -> None:
    importer.orders(portal_order(currency="euro"))
    run = ImportRun.objects.get()
    supervisor().get(f"{LIST}{run.pk}/rejects/")
    assert "rejected rows" in LogEntry.objects.get(object_id=str(run.pk)).change_message
