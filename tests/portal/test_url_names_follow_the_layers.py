"""Apps link only to their own URLs or those of lower layers; settings.SITE_PAGES names the others."""

import re
from pathlib import Path

from django.conf import settings
from django.test import Client
from django.urls import reverse

LAYERS = {
    "notifications": 0,
    "files": 0,
    "orders": 1,
    "cases": 2,
    "licenses": 3,
    "refunds": 4,
    "support": 4,
    "intake": 5,
    "desk": 6,
}
URL_NAME = re.compile(rf"""["'](?:admin:({"|".join(LAYERS)})_\w+|({"|".join(LAYERS)}):\w+)["']""")


def test_no_app_links_to_urls_of_a_higher_layer() -> None:
    found = [
        f"{file.relative_to(settings.BASE_DIR)}: {match[0]}"
        for app, layer in LAYERS.items()
        for folder in (Path(settings.BASE_DIR, app), Path(settings.BASE_DIR, "templates", app))
        for file in folder.rglob("*.*")
        if file.suffix in (".py", ".html", ".txt") and "migrations" not in file.parts
        for match in URL_NAME.finditer(file.read_text(encoding="utf-8"))
        if LAYERS[match[1] or match[2]] >= layer and app != (match[1] or match[2])
    ]
    assert found == []


def test_every_page_in_site_pages_exists(db: None, client: Client) -> None:
    assert {client.get(reverse(name)).status_code for name in settings.SITE_PAGES.values()} == {200}
