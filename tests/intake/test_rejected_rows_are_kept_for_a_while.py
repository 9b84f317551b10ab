"""The rejected rows of an import: kept for 30 days, encrypted, downloaded as the file that --rejects writes."""

import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from intake.models import ImportChange, ImportedObject, ImportReject, ImportRun
from intake.services.history import write_rejects
from intake.tasks import delete_old_import_details
from tests.factories import make_agent
from tests.intake.exports import Importer, json_lines, portal_order, run_import, shopify_row, table
from tests.intake.import_runs import undo

pytestmark = pytest.mark.django_db

CARD = "4111 1111 1111 1111"


def the_run(result: Any) -> ImportRun:
    return ImportRun.objects.get(pk=result.counts["run"])


def test_they_are_written_as_the_command_writes_them(importer: Importer) -> None:
    first, second = importer.folder / "a.jsonl", importer.folder / "b.jsonl"
    first.write_text(json_lines(portal_order(currency="euro"), portal_order(number="=B", email="no")))
    second.write_text('{"store": broken\n' + json_lines(portal_order(number="C", billing={"name": CARD})))
    rejects = importer.folder / "rejects.jsonl"
    result = run_import(first, second, rejects=rejects)
    name, file = write_rejects(the_run(result), "lost")
    with file:
        assert file.read() == rejects.read_bytes()
    assert name == f"import-{result.counts['run']}-rejects.jsonl"


def test_tables_are_written_as_the_command_writes_them(importer: Importer) -> None:
    row = shopify_row(Created_at="", Paid_at="", Billing_Name="=HYPERLINK(1)", Notes=CARD)
    rejects = importer.folder / "rejects.csv"
    result = importer(table(row, delimiter=";"), name="orders.csv", store="shop", rejects=rejects)
    _name, file = write_rejects(the_run(result), "lost")
    with file:
        written = file.read()
    assert written == rejects.read_bytes()
    assert CARD.encode() not in written


def test_several_layouts_are_one_archive(importer: Importer) -> None:
    row = shopify_row(Created_at="", Paid_at="")
    first, second = importer.folder / "1.csv", importer.folder / "2.csv"
    first.write_text(table(row))
    second.write_text(table({key: row[key] for key in row if key != "Notes"}))
    name, file = write_rejects(the_run(run_import(first, second, store="shop")), "lost")
    with file, zipfile.ZipFile(file) as archive:
        assert len(archive.namelist()) == 2
    assert name.endswith(".zip")


def test_a_corrected_download_is_imported(importer: Importer) -> None:
    result = importer.orders(portal_order(currency="euro"))
    _name, file = write_rejects(the_run(result), "lost")
    with file:
        fixed = file.read().replace(b'"euro"', b'"EUR"')
    assert importer(fixed).tally == (1, 0, 0, 0)


def test_no_password_and_no_card_number_is_readable_in_the_database(importer: Importer) -> None:
    importer.orders(portal_order(password="open sesame", billing={"name": CARD}))
    reject = ImportReject.objects.get()
    with connection.cursor() as cursor:
        cursor.execute("SELECT row::text, encode(content, 'escape') FROM intake_importreject AS row")
        assert all("sesame" not in text and "4111" not in text for text in cursor.fetchone())
    assert "4111" not in reject.text + reject.word


def test_without_the_key_the_reasons_are_still_shown(importer: Importer, settings: Settings) -> None:
    result = importer.orders(portal_order(currency="euro"))
    settings.SECRET_KEY = "another-key-0123456789-abcdefghijklmnopqrstuvwxyz"
    _name, file = write_rejects(the_run(result), "The row can’t be read any more.")
    with file:
        assert "can’t be read" in file.read().decode()


def test_after_30_days_the_details_are_deleted_and_the_run_is_kept(importer: Importer) -> None:
    old = the_run(importer.orders(portal_order(), portal_order(number="B", currency="euro")))
    with time_machine.travel(timezone.now() + timedelta(days=29, hours=23), tick=False):
        delete_old_import_details()
        assert ImportReject.objects.filter(run=old).count() == 1
        new = the_run(importer.orders(portal_order(number="C"), portal_order(number="D", currency="euro")))
    with time_machine.travel(timezone.now() + timedelta(days=30, minutes=1), tick=False):
        delete_old_import_details()
    for model in (ImportReject, ImportChange, ImportedObject):
        assert not model.objects.filter(run=old).exists()
        assert model.objects.filter(run=new).exists()
    old.refresh_from_db()
    assert (old.rejected, old.state) == (1, "finished")
    assert undo(old).exit_status == 2


def supervisor(*names: str) -> Client:
    user = make_agent(is_superuser=False)
    user.user_permissions.set(Permission.objects.filter(codename__in=names, content_type__app_label="intake"))
    client = Client()
    client.force_login(user)
    return client


def test_only_who_may_downloads_them(importer: Importer, tmp_path: Path) -> None:
    run = the_run(importer.orders(portal_order(currency="euro")))
    url = f"/admin/intake/importrun/{run.pk}/rejects/"
    answer = supervisor("view_importrun", "download_importreject").get(url)
    assert b"".join(answer.streaming_content).startswith(b"# orders.jsonl")
    assert "attachment" in answer["Content-Disposition"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"].count("no-store") == 1
    assert supervisor("view_importrun", "undo_importrun").get(url).status_code == 403
    assert Client().get(url).status_code == 302
    assert supervisor("download_importreject").get("/admin/intake/importrun/999999/rejects/").status_code == 404
