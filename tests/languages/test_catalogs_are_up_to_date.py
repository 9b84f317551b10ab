import os
import shutil
import subprocess
import sys
from pathlib import Path

from babel.messages.pofile import read_po
from django.conf import settings

from tests.languages.catalogs import TRANSLATED
from tests.programs import find_program

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
