import gettext
import os
from pathlib import Path

from portal.translation.compiling import compile_stale

PO = """msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\\n"

msgid "Find my order"
msgstr "Bestellung finden"

#, fuzzy
msgid "Order number"
msgstr "not sure"
"""


def make_catalog(folder: Path) -> Path:
    source = folder / "de" / "LC_MESSAGES" / "django.po"
    source.parent.mkdir(parents=True)
    source.write_text(PO)
    return source


def test_a_new_catalog_is_compiled(tmp_path: Path) -> None:
    source = make_catalog(tmp_path)
    assert compile_stale(tmp_path) == [source.with_suffix(".mo")]
    with source.with_suffix(".mo").open("rb") as file:
        texts = gettext.GNUTranslations(file)
    assert texts.gettext("Find my order") == "Bestellung finden"
    assert texts.gettext("Order number") == "Order number"


def test_only_a_changed_catalog_is_compiled_again(tmp_path: Path) -> None:
    source = make_catalog(tmp_path)
    compile_stale(tmp_path)
    assert compile_stale(tmp_path) == []
    os.utime(source, (source.stat().st_atime, source.stat().st_mtime + 10))
    assert compile_stale(tmp_path) == [source.with_suffix(".mo")]


def test_a_folder_without_catalogs_is_accepted(tmp_path: Path) -> None:
    assert compile_stale(tmp_path) == []
    assert compile_stale(tmp_path / "nothing") == []
