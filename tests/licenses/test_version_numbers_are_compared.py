import pytest
from hypothesis import given
from hypothesis import strategies as st

from licenses.versions import compare_versions


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("17.8", "17.10"),
        ("17.8", "17.8.1"),
        ("9", "10"),
        ("2.0-beta1", "2.0"),
        ("2.0-beta1", "2.0-beta2"),
        ("2.0-alpha", "2.0-rc1"),
        ("17.8", "17.8a"),
        ("v1.2", "1.3"),
        ("2025.1", "2026"),
    ],
)
def test_the_older_version_comes_first(older: str, newer: str) -> None:
    assert compare_versions(older, newer) == -1
    assert compare_versions(newer, older) == 1


@pytest.mark.parametrize(("one", "other"), [("17.8", "17.8.0"), ("17.08", "17.8"), ("V17.8", "17.8"), ("17-8", "17.8")])
def test_two_spellings_of_a_version_are_the_same(one: str, other: str) -> None:
    assert compare_versions(one, other) == 0


@given(st.text(max_size=64), st.text(max_size=64))
def test_any_text_is_compared(one: str, other: str) -> None:
    assert compare_versions(one, other) == -compare_versions(other, one)
    assert compare_versions(one, one) == 0
