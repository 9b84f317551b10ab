"""A mistyped serial number is corrected by its product's format, and the page says what was changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licenses.models import Product, SerialPrefix, normalize_serial
from licenses.serials import Change, SerialFormat, repair

PATTERN = "AAAA-0000-0000"


def prefix(text: str, pattern: str = PATTERN) -> SerialPrefix:
    return SerialPrefix(prefix=text, product=Product(slug=text.lower(), name=text, serial_pattern=pattern))


PREFIXES = [prefix("X"), prefix("XQ"), prefix("P", pattern="")]


@pytest.mark.parametrize(
    ("typed", "serial", "changes"),
    [
        ("XAAB-1234-5678", "XAAB-1234-5678", ()),
        ("xaab 1234 5678", "XAAB-1234-5678", ()),
        ("  xaab12345678.".rstrip("."), "XAAB-1234-5678", ()),
        ("XAAB–1234—5678", "XAAB-1234-5678", ()),
        ("ＸＡＡＢ－１２３４－５６７８", "XAAB-1234-5678", ()),
        ("XAAB-I2O4-5678", "XAAB-1204-5678", (Change.ZERO, Change.ONE)),
        ("XAAB-l234-5678", "XAAB-1234-5678", (Change.ONE,)),
        ("X0A1-1234-5678", "XOAI-1234-5678", (Change.ZERO, Change.ONE)),
        ("ХААВ-1234-5678", "XAAB-1234-5678", (Change.ALPHABET,)),  # the letters are Cyrillic
        ("ΧΑΑΒ-1234-5678", "XAAB-1234-5678", (Change.ALPHABET,)),  # and here Greek
    ],
)
def test_mistyped_serial_numbers_are_corrected(typed: str, serial: str, changes: tuple[Change, ...]) -> None:
    repaired = repair(typed, PREFIXES)
    assert (repaired.serial, repaired.changes, repaired.format) == (serial, changes, SerialFormat.VALID)
    assert len(repaired.change_texts) == len(changes)


@pytest.mark.parametrize(
    ("typed", "format"),
    [
        ("", SerialFormat.EMPTY),
        (" - – — ", SerialFormat.EMPTY),
        ("\x00", SerialFormat.EMPTY),
        ("XAAB-1234-567", SerialFormat.TOO_SHORT),
        ("XAAB-1234-56789", SerialFormat.TOO_LONG),
        ("XAAB-1234-56Z8", SerialFormat.WRONG_CHARACTERS),
        ("XAAB-1234-56%8", SerialFormat.INVALID),
        ("<script>", SerialFormat.INVALID),
        ("漢字", SerialFormat.INVALID),
        ("X" * 10_000, SerialFormat.INVALID),
        ("P123", SerialFormat.NO_PATTERN),
        ("Z123", SerialFormat.NO_PATTERN),
    ],
)
def test_the_format_is_checked(typed: str, format: SerialFormat) -> None:
    assert repair(typed, PREFIXES).format == format


def test_how_many_characters_are_missing_or_too_many() -> None:
    assert repair("XAAB-1234-56", PREFIXES).missing == 2
    assert repair("XAAB-1234-56789", PREFIXES).too_many == 1


@pytest.mark.parametrize(
    ("typed", "product"), [("X1", "X"), ("XQ1", "XQ"), ("xq", "XQ"), ("p", "P"), ("Z", None), ("Х", "X")]
)
def test_the_longest_prefix_wins(typed: str, product: str | None) -> None:
    found = repair(typed, PREFIXES).product
    assert (found.name if found else None) == product


def test_a_prefix_with_a_digit_is_found_by_the_letter_that_looks_like_it() -> None:
    found = repair("OA-1", [prefix("0A")]).product
    assert found is not None


def test_without_a_known_form_the_groups_stay_as_typed() -> None:
    assert repair("p12–345 6", PREFIXES).serial == "P12-345-6"


@given(st.text(max_size=300))
def test_anything_typed_has_an_answer_which_is_its_own_answer(typed: str) -> None:
    first = repair(typed, PREFIXES)
    again = repair(first.serial, PREFIXES)
    assert again.serial == first.serial
    assert normalize_serial(first.serial).isascii()
