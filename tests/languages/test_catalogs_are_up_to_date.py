import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

from babel.messages.pofile import read_po
from django.conf import settings

from tests.languages.catalogs import TRANSLATED
from tests.programs import find_program

FUNCTIONS = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext"}
ROOT = Path(settings.BASE_DIR)
NOT_COPIED = shutil.ignore_patterns(".*", "var*", "tests", "bench", "docs", "htmlcov", "__pycache__", "*.mo")


def message_ids(root: Path, language: str) -> set[str]:
    with (root / "locale" / language / "LC_MESSAGES" / "django.po").open("rb") as file:
        catalog = read_po(file, locale=language)
    return {str(message.id) for message in catalog if message.id}


def test_each_catalog_has_exactly_the_texts_that_its_readers_see(tmp_path: Path) -> None:
    find_program("xgettext", package="gettext")
    copy = tmp_path / "copy"
    shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
    command = [sys.executable, "manage.py", "makemessages", "--all", "--no-location", "--no-obsolete"]
    environment = os.environ | {"VAR": str(tmp_path)}
    subprocess.run(command, cwd=copy, env=environment, check=True, capture_output=True)
    for language in TRANSLATED:
        assert message_ids(copy, language) == message_ids(ROOT, language), f"{language}: run `make messages`"


def test_every_text_can_be_extracted() -> None:
    """xgettext doesn't look into f-strings."""
    hidden = []
    for path in ROOT.rglob("[a-z]*.py"):
        if path.relative_to(ROOT).parts[0] in {".venv", "var", "tests", "bench"}:
            continue
        for string in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(string, ast.JoinedStr):
                calls = (node.func for node in ast.walk(string) if isinstance(node, ast.Call))
                if any(isinstance(name, ast.Name) and name.id in FUNCTIONS for name in calls):
                    hidden.append(f"{path.relative_to(ROOT)}:{string.lineno}")
    assert hidden == []
