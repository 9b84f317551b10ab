import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.colors import AA_CONTRAST, contrast, readable_on, text_on
from notifications.rendering import DARK_BACKGROUND, LIGHT_BACKGROUND

any_color = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@given(any_color)
def test_a_button_of_any_color_has_readable_text(color: str) -> None:
    assert contrast(text_on(color), color) >= AA_CONTRAST


@given(any_color)
def test_text_of_any_color_is_readable_on_light_and_dark(color: str) -> None:
    for sheet in (LIGHT_BACKGROUND, DARK_BACKGROUND):
        assert contrast(readable_on(sheet, color), sheet) >= AA_CONTRAST


def test_a_readable_color_is_unchanged() -> None:
    assert readable_on("#ffffff", "#0b5cad") == "#0b5cad"


def test_black_on_white_is_the_strongest_contrast() -> None:
    assert contrast("#000", "#fff") == pytest.approx(21)


@pytest.mark.parametrize("wrong", ["", "blue", "#12", "#12345g"])
def test_an_invalid_color_raises_an_error(wrong: str) -> None:
    with pytest.raises(ValueError, match="is not a color"):
        text_on(wrong)
