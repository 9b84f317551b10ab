"""Full card numbers are found and masked in any notation."""

import sys
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.card_numbers import contains_card_number, is_card_number, mask_card_numbers, passes_luhn

# First digits, and all lengths, by brand.
BRANDS = {
    "Visa": (["4"], [13, 16, 19]),
    "Mastercard": ([str(prefix) for prefix in (51, 52, 53, 54, 55, 2221, 2300, 2720)], [16]),
    "American Express": (["34", "37"], [15]),
    "Discover": (["6011", "65", "644", "649", "622126", "622925"], [16, 17, 18, 19]),
    "Diners Club": (["36", "38", "39", "300", "305", "3095"], [14, 15, 16, 17, 18, 19]),
    "JCB": (["3528", "3589"], [16, 17, 18, 19]),
    "UnionPay": (["62", "81"], [16, 17, 18, 19]),
    "Maestro": (["50", "56", "57", "58", "6304", "67"], [12, 13, 14, 15, 16, 17, 18, 19]),
    "Mir": (["2200", "2204"], [16, 17, 18, 19]),
    "RuPay": (["60", "65", "81", "82", "508"], [16]),
    "Elo": (["4011", "438935", "504175", "5067", "509", "627780", "636297", "6500"], [16]),
    "Hipercard": (["606282", "384100"], [16]),
    "Troy": (["9792"], [16]),
}
SEPARATORS = [
    *["", " ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u2007", "\u3000", " \n "],
    *[".", "/", "\\", "_", "-", "--", " - ", "‐", "‑", "–", "—", "―", "−", "ー", "－", "·", "⁄"],
    *["\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u0301", "\ufe0f\u20e3", "\u202e", "\x00", "\u2800"],
]
ZEROS = "0٠۰߀०০੦૦୦௦౦೦๐໐༠၀០᠐０𝟎𝟘𝟢𝟶"


def write_in(digits: str, zero: str) -> str:
    return "".join(chr(ord(zero) + int(digit)) for digit in digits)


@st.composite
def card_numbers(draw: st.DrawFn) -> str:
    prefixes, lengths = BRANDS[draw(st.sampled_from(sorted(BRANDS)))]
    digits = draw(st.sampled_from(prefixes))
    missing = draw(st.sampled_from(lengths)) - 1 - len(digits)
    digits += draw(st.text("0123456789", min_size=missing, max_size=missing))
    return next(digits + check for check in "0123456789" if passes_luhn(digits + check))


@st.composite
def written_numbers(draw: st.DrawFn) -> tuple[str, str]:
    """A card number, and one way to write it."""
    digits = draw(card_numbers())
    zero = draw(st.sampled_from(ZEROS))
    separators = [draw(st.sampled_from(SEPARATORS)) for _digit in digits[1:]]
    written = "".join(map("".join, zip(write_in(digits, zero), [*separators, ""], strict=True)))
    before, after = (
        draw(st.sampled_from(["", "card", "Karte: ", "№", "(", "4x "])),
        draw(st.sampled_from(["", "exp", " bis Ende", ").", "ü"])),
    )
    return digits, f"{before}{written}{after}"


def digits_in(text: str) -> str:
    return "".join(str(unicodedata.digit(each)) for each in text if unicodedata.digit(each, None) is not None)


@given(card_numbers())
def test_card_numbers_of_every_brand_are_found(digits: str) -> None:
    assert is_card_number(digits)
    assert mask_card_numbers(f"paid with {digits}.") == f"paid with ••••{digits[-4:]}."


@given(written_numbers())
def test_a_card_number_is_masked_in_every_script_with_everything_between_its_digits(written: tuple[str, str]) -> None:
    _digits, text = written
    assert contains_card_number(text)
    assert len(digits_in(mask_card_numbers(text).removeprefix("4x "))) <= 4


@given(st.lists(written_numbers(), min_size=2, max_size=3))
def test_several_card_numbers_in_one_text_are_all_masked(written: list[tuple[str, str]]) -> None:
    masked = mask_card_numbers(" and ".join(text for _digits, text in written))
    assert len(digits_in(masked.replace("4x ", ""))) <= 4 * len(written)


@given(st.text() | written_numbers().map(lambda each: each[1]))
def test_a_masked_text_is_masked_already(text: str) -> None:
    masked = mask_card_numbers(text)
    assert mask_card_numbers(masked) == masked
    assert not contains_card_number(masked)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("visa 4242-4242-4242-4242 12/28 cvc 123", "visa ••••4242 12/28 cvc 123"),
        ("4242 4242 4242 4242 5555 5555 5555 4444", "••••4242 ••••4444"),
        ("4242,4242,4242,4242", "••••4242"),
        ("4242 | 4242 | 4242 | 4242", "••••4242"),
        ("(4242) (4242) (4242) (4242)", "(••••4242)"),
        ("4️⃣2️⃣4️⃣2️⃣4️⃣2️⃣4️⃣2️⃣4️⃣2️⃣4️⃣2️⃣4️⃣2️⃣4️⃣2️⃣", "••••4242\ufe0f⃣"),
        ("㊷㊷㊷㊷㊷㊷㊷㊷", "••••4242"),
        ("４２４２ー４２４２ー４２４２ー４２４２", "••••4242"),
        ("四二四二四二四二四二四二四二四二", "••••4242"),
        ("%B4242424242424242^BUYER/BEA^2812101", "%B••••4242^BUYER/BEA^2812101"),
        ("VISA-4242-4242-4242-4242", "VISA-••••4242"),
        ("3782 822463 10005", "••••0005"),
    ],
)
def test_the_last_four_digits_stay(text: str, masked: str) -> None:
    assert mask_card_numbers(text) == masked


@given(card_numbers(), st.integers(0, 9))
def test_a_wrong_check_digit_makes_it_no_card_number(digits: str, check: int) -> None:
    wrong = digits[:-1] + str(check)
    assert is_card_number(wrong) is (wrong == digits)


@pytest.mark.parametrize(
    "part", ["4", "4 ", "4242 4242 4242 4242 ", "4\n", "٤ ", "AB12-", "1-", "30.11.2026", "+4", "a1"]
)
def test_the_work_grows_with_the_length_of_the_text_and_no_faster(part: str) -> None:
    """Counts the steps of the search, instead of measuring time."""
    counts = []
    for length in (2_000, 20_000):
        text = (part * length)[:length]
        counts.append(count_lines(lambda text=text: mask_card_numbers(text)))
    assert counts[1] <= 12 * counts[0] + 1_000


def count_lines(run: Callable[[], object]) -> int:
    """How many lines of the module run."""
    lines = 0

    def trace(frame: Any, event: str, _argument: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        return trace if "/orders/card_numbers/" in frame.f_code.co_filename else None

    previous = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(previous)
    return lines


def test_a_card_number_after_a_date_is_not_taken_for_a_time() -> None:
    assert mask_card_numbers("Paid on 28.11.2026 2223 0031 2200 3222, please") == "Paid on 28.11.2026 ••••3222, please"


def test_a_card_number_of_which_only_a_part_looks_like_a_time_is_found() -> None:
    assert mask_card_numbers("28.11.2026T2223 0031 2200 3222") == "28.11.2026T••••3222"


@pytest.mark.parametrize("separator", ["%20", "%2D", "%2d", "%C2%A0", "%E2%80%93", "%2520", "%20-%20"])
def test_separators_may_be_encoded_as_in_a_url(separator: str) -> None:
    assert mask_card_numbers(separator.join(["4242"] * 4) + ".png") == "••••4242.png"


@pytest.mark.parametrize("separator", ["&nbsp;", "&#32;", "&#x20;", "&#160;", "&ndash;", "&shy;", "&amp;nbsp;"])
def test_separators_may_be_html_entities(separator: str) -> None:
    assert mask_card_numbers(f"<b>{separator.join(['4242'] * 4)}</b>") == "<b>••••4242</b>"


def test_a_card_number_after_bullets_is_found() -> None:
    assert mask_card_numbers("•••• 4242 4242 4242 4242") == "•••• ••••4242"


@pytest.mark.parametrize("after", ["123", "1234", "1228"])
def test_a_security_code_or_expiry_date_directly_after_the_number_is_masked_with_it(after: str) -> None:
    assert mask_card_numbers(f"my card: 4242424242424242{after}.") == "my card: ••••4242."
