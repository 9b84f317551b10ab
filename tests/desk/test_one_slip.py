"""One slip is one character removed, added or changed, or two neighboring characters swapped."""

import string

from hypothesis import given
from hypothesis import strategies as st

from desk.one_slip import MAX_VARIED_LENGTH, is_one_slip_apart, one_slip_apart


def test_each_kind_of_slip_is_found() -> None:
    for typed in ("archr", "archeer", "arhcer", "arcjer", "rcher", "archerx", "archre"):
        assert is_one_slip_apart(typed, "archer"), typed
        assert "archer" in one_slip_apart(typed, string.ascii_lowercase), typed


def test_two_slips_are_too_many() -> None:
    for typed in ("archer", "achr", "rachre", "arx", "ercher1", "raecher"):
        assert not is_one_slip_apart(typed, "archer"), typed


@given(st.text("ab", max_size=6), st.text("ab", max_size=6))
def test_both_ways_to_ask_agree(text: str, other: str) -> None:
    if text and text != other:
        assert is_one_slip_apart(text, other) == (other in one_slip_apart(text, "ab"))


def test_a_long_text_has_no_variants() -> None:
    assert list(one_slip_apart("a" * (MAX_VARIED_LENGTH + 1), "ab")) == []
    assert list(one_slip_apart("", "ab")) == []
