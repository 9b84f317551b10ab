"""Each `import_orders` command in README.md and docs/ works as written, and --help shows it."""

import io
import re
import shlex
from pathlib import Path

import pytest
from django.core.management import call_command

from intake.management.commands.import_orders import Command
from intake.models import TableMapping
from orders.models import Order
from tests.intake.exports import json_lines, portal_order, shopify_row, table
from tests.intake.mapped_tables import GERMAN_COLUMNS, german_row, make_mapping

ROOT = Path(__file__).parents[2]
PAPERS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_COMMAND = re.compile(r"(?:manage\.py|^\s*)\s?import_orders ([^`#\n]*)")
_PLACEHOLDER = re.compile(r"FILE|NAME|SLUG|…|\[")


def commands(text: str) -> list[str]:
    """Return the arguments of the commands in a text, except those with placeholders."""
    found = [match[1].split("   ")[0].strip() for match in re.finditer(_COMMAND.pattern, text, re.MULTILINE)]
    return [arguments for arguments in found if arguments and not _PLACEHOLDER.search(arguments)]


DOCUMENTED = [(paper.name, arguments) for paper in PAPERS for arguments in commands(paper.read_text())]


def write_files(folder: Path) -> None:
    """Write the files named in the commands, as exported by a store."""
    dates = ("13/11/2026 10:00", "01/11/2026 10:00")
    rows = [shopify_row(Name=f"#{number}", Created_at=at, Paid_at="") for number, at in enumerate(dates)]
    for name in ("orders_export.csv", "orders.csv"):
        (folder / name).write_text(table(shopify_row()))
    (folder / "rejects.csv").write_text(table({"Import problem": "line 2: unclear date"} | shopify_row()))
    (folder / "old.csv").write_bytes(table(*rows).encode("cp1252"))
    for name in ("sales.csv", "sales-2025.csv"):
        (folder / name).write_text(table(german_row(), delimiter=";"))
    for name in ("orders.jsonl", "first-orders.jsonl", "refunds.json"):
        (folder / name).write_text(json_lines(portal_order()))


def make_mappings() -> None:
    """Create the mapping of the store whose table the commands name."""
    if not TableMapping.objects.exists():
        for name in ("sales", "old-shop"):
            make_mapping(GERMAN_COLUMNS, name=name, statuses={"bezahlt": "completed"}, date_order="dmy")


def run(arguments: str) -> str:
    make_mappings()
    out = io.StringIO()
    call_command("import_orders", *shlex.split(arguments), stdout=out)
    return out.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize(("paper", "arguments"), DOCUMENTED)
def test_the_command_works_as_written(
    paper: str, arguments: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert "0 rejected" in run(arguments)
    assert Order.objects.exists() == ("--dry-run" not in arguments)


def test_the_readme_shows_a_dry_run_first() -> None:
    readme = [arguments for paper, arguments in DOCUMENTED if paper == "README.md"]
    assert "--dry-run" in readme[0]
    assert len(readme) >= 3


@pytest.mark.django_db
def test_help_teaches_with_examples_that_work_and_the_exit_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = Command().create_parser("manage.py", "import_orders").format_help()
    assert "exit status:" in text
    assert "windows-1250" in text
    monkeypatch.chdir(tmp_path)
    examples = commands(text.partition("examples:")[2])
    assert len(examples) == 6
    for arguments in examples:
        write_files(tmp_path)
        assert "0 rejected" in run(arguments)
