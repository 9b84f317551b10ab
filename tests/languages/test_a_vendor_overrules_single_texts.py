from pathlib import Path

import pytest

from tests.portal.running_demo import manage
from tests.portal.test_a_missing_setting_stops_the_start import COMPLETE, assert_single_error_line

SHOW = (
    "from django.utils.translation import override, gettext, ngettext\n"
    "for code in ('en', 'de'):\n"
    "    with override(code):\n"
    "        print(gettext('Find my order'), '|', gettext('Contact support'), '|',"
    " ngettext('%(count)s minute', '%(count)s minutes', 2))\n"
)
HEADER = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'


def write(folder: Path, language: str, text: str, header: str = HEADER) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{language}.po").write_text(header + text)


def start(folder: Path, *arguments: str, **settings: str):
    return manage(*arguments, **COMPLETE | {"TRANSLATIONS_FOLDER": str(folder), "VAR": str(folder)} | settings)


def test_single_texts_are_overruled_in_each_language_and_all_others_stay(tmp_path: Path) -> None:
    write(tmp_path, "en", 'msgid "Find my order"\nmsgstr "Look up my order"\n')
    write(tmp_path, "de", 'msgid "Contact support"\nmsgstr "Schreiben Sie uns"\n', header="")
    completed = start(tmp_path, "shell", "--no-imports", "-c", SHOW)
    assert completed.stdout.splitlines() == [
        "Look up my order | Contact support | %(count)s minutes",
        "Meine Bestellung finden | Schreiben Sie uns | %(count)s Minuten",
    ]


def test_texts_that_staff_typed_are_translated(tmp_path: Path) -> None:
    write(tmp_path, "de", 'msgctxt "vendor"\nmsgid "Weekdays, 8 to 18"\nmsgstr "Werktags, 8 bis 18 Uhr"\n')
    show = (
        "from django.utils.translation import override\n"
        "from notifications.vendor_texts import vendor_text\n"
        "for code in ('de', 'fr'):\n"
        "    with override(code):\n"
        "        print(vendor_text('Weekdays, 8 to 18'), '|', vendor_text('Worldwide'),"
        " '|', vendor_text('Our words'))\n"
    )
    completed = start(tmp_path, "shell", "--no-imports", "-c", show)
    assert completed.stdout.splitlines() == [
        "Werktags, 8 bis 18 Uhr | Weltweit | Our words",
        "Weekdays, 8 to 18 | Monde entier | Our words",
    ]


def test_plural_forms_are_overruled(tmp_path: Path) -> None:
    english = 'msgid "%(count)s minute"\nmsgid_plural "%(count)s minutes"\n'
    write(tmp_path, "de", english + 'msgstr[0] "%(count)s Min."\nmsgstr[1] "%(count)s Min."')
    completed = start(tmp_path, "shell", "--no-imports", "-c", SHOW)
    assert completed.stdout.splitlines()[1].endswith("| %(count)s Min.")


def test_a_language_that_is_switched_off_is_ignored(tmp_path: Path) -> None:
    write(tmp_path, "de", 'msgid "Nothing like this"\nmsgstr "…"\n')
    assert start(tmp_path, "check", LANGUAGES="en").returncode == 0


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("de", 'msgid "Find my ordre"\nmsgstr "Bestellung"', "“Find my ordre” isn't a text of the portal"),
        (
            "de",
            'msgid "%(count)d more"\nmsgstr "%(zahl)d weitere"',
            "the placeholders, such as %(name)s, must be those",
        ),
        (
            "de",
            'msgid "%(count)d more"\nmsgstr "%(count)d % mehr %"',
            "the placeholders, such as %(name)s, must be those",
        ),
        ("de", 'msgid "Find my order\nmsgstr "Bestellung"', "de.po, line 4: “Find my orde” isn't a text"),
        ("de", "Find my order = Bestellung", "de.po can't be read:"),
        ("klingon", 'msgid "Find my order"\nmsgstr "x"', "klingon.po: the portal has no such language. It has "),
    ],
)
def test_an_unusable_catalog_stops_the_start_with_a_sentence(
    tmp_path: Path, file: str, text: str, complaint: str
) -> None:
    write(tmp_path, file, text)
    completed = start(tmp_path, "check")
    assert completed.returncode == 1
    assert_single_error_line(completed.stderr, "TRANSLATIONS_FOLDER")
    assert complaint in completed.stderr


def test_another_encoding_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "de", "")
    (tmp_path / "de.po").write_bytes((HEADER + 'msgid "Find my order"\nmsgstr "Für Sie"').encode("latin-1"))
    assert_single_error_line(start(tmp_path, "check").stderr, "TRANSLATIONS_FOLDER: de.po can't be read")
