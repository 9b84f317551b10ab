"""An unknown word for a status: its row is rejected, staff are asked once, and the answer is kept."""

from pathlib import Path

import pytest
from django.core.management import call_command

from intake.models import StatusMeaning
from orders.models import Order

HEADER = "Name,Email,Created at,Financial Status,Currency,Total,Lineitem name,Lineitem price\n"
ROW = "#1001,ann@example.com,2026-11-01 10:00:00 +0100,{word},EUR,10.00,Maximum Security,10.00\n"

pytestmark = pytest.mark.django_db


def import_row(folder: Path, word: str, *options: str) -> int:
    """Import one order with this status. Returns the exit status."""
    path = folder / "orders.csv"
    path.write_text(HEADER + ROW.format(word=word))
    try:
        call_command("import_orders", str(path), "--store", "acme", *options)
    except SystemExit as exit:
        return int(exit.code or 0)
    return 0


def test_an_unknown_word_is_rejected_and_asked_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert import_row(tmp_path, "Storniert") == 1
    assert import_row(tmp_path, "storniert ") == 1
    assert "“Storniert”" in capsys.readouterr().err
    asked = StatusMeaning.objects.get()
    assert (asked.store.slug, asked.format, asked.word, asked.meaning) == ("acme", "shopify", "storniert", "")
    assert not Order.objects.exists()


def test_the_answer_of_staff_is_kept(tmp_path: Path) -> None:
    import_row(tmp_path, "Storniert")
    StatusMeaning.objects.update(meaning=Order.Status.CANCELLED)
    assert import_row(tmp_path, "Storniert") == 0
    assert Order.objects.get().status == Order.Status.CANCELLED


def test_rows_that_are_no_orders_are_skipped_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import_row(tmp_path, "auto-draft")
    StatusMeaning.objects.update(meaning=StatusMeaning.NOT_AN_ORDER)
    assert import_row(tmp_path, "auto-draft", "--json") == 0
    assert '"skipped": 1' in capsys.readouterr().out
    assert not Order.objects.exists()


def test_a_dry_run_asks_nothing(tmp_path: Path) -> None:
    assert import_row(tmp_path, "Storniert", "--dry-run") == 1
    assert not StatusMeaning.objects.exists()
