"""`--rejects` overwrites an earlier rejects file, and nothing else."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.intake.exports import portal_order

pytestmark = pytest.mark.django_db

TABLE = "Order number,Email\nA-1,kim@example.com\n"


def write_orders(path: Path, **values: object) -> Path:
    path.write_text(json.dumps(portal_order(currency="nothing", **values)) + "\n")
    return path


def import_rejecting(*files: Path, rejects: Path) -> None:
    with pytest.raises(SystemExit):  # rows were rejected
        call_command("import_orders", *map(str, files), "--rejects", str(rejects))


def test_another_file_is_not_overwritten(tmp_path: Path) -> None:
    orders, other = write_orders(tmp_path / "orders.jsonl"), tmp_path / "export.csv"
    other.write_text(TABLE)
    for options in ((), ("--dry-run",)):
        with pytest.raises(CommandError, match="Choose another file for rejects") as refused:
            call_command("import_orders", str(orders), "--rejects", str(other), *options)
        assert refused.value.returncode == 2
    assert other.read_text() == TABLE


def test_an_earlier_rejects_file_is_overwritten(tmp_path: Path) -> None:
    rejects = tmp_path / "rejects"
    rejects.touch()
    for number in ("A-1", "A-2"):
        import_rejecting(write_orders(tmp_path / "orders.jsonl", number=number), rejects=rejects)
        assert f'"{number}"' in rejects.read_text()
    assert '"A-1"' not in rejects.read_text()


def test_numbered_files_leave_out_what_is_taken(tmp_path: Path) -> None:
    second = write_orders(tmp_path / "rejects-2.csv", number="A-2")
    table = tmp_path / "rejects-3.csv"
    table.write_text(
        "Import problem,Name,Created at,Currency,Lineitem name,Lineitem quantity,Total\n,#1,x,EUR,Suite,1,1\n"
    )
    before = [path.read_text() for path in (second, table)]
    with pytest.raises(SystemExit):
        call_command(
            "import_orders", str(second), str(table), "--store", "acme", "--rejects", str(tmp_path / "rejects.csv")
        )
    assert [path.read_text() for path in (second, table)] == before
    assert "#1" in (tmp_path / "rejects-4.csv").read_text()
