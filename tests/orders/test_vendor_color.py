import re

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from notifications.colors import AA_CONTRAST, contrast
from orders import theme


@pytest.mark.parametrize("color", ["#0b5cad", "#ffffff", "#000000", "#ffd400", "#777777", "#e30613", "#0f0"])
def test_text_has_the_contrast_of_wcag_aa(settings: Settings, color: str) -> None:
    settings.VENDOR_COLOR = color
    sheet = theme.stylesheet()
    brand, text = re.search(r"--brand:(#\w+);--brand-text:(#\w+)", sheet).groups()
    light, dark = re.findall(r"--brand-ink:(#\w+)", sheet)
    assert brand == color
    assert contrast(brand, text) >= AA_CONTRAST
    assert contrast(light, theme.LIGHT_BACKGROUND) >= AA_CONTRAST
    assert contrast(dark, theme.DARK_BACKGROUND) >= AA_CONTRAST


def test_the_stylesheet_is_cached_until_the_color_changes(client: Client, settings: Settings) -> None:
    settings.VENDOR_COLOR = "#112233"
    before = theme.url()
    answer = client.get(before)
    assert answer["Content-Type"] == "text/css"
    assert "immutable" in answer["Cache-Control"]
    settings.VENDOR_COLOR = "#332211"
    assert theme.url() != before
    assert "no-cache" in client.get(before)["Cache-Control"]
    assert f'href="{theme.url()}"' in client.get("/orders/find/").content.decode()
