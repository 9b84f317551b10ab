"""Rooms import downwards only, and their links follow: what a lower room leads to is named in settings.SITE_PAGES."""

import re
from pathlib import Path

from django.conf import settings
from django.test import Client
from django.urls import reverse

FLOORS = {
    "notifications": 0,
    "files": 0,
    "orders": 1,
    "cases": 2,
    "licenses": 3,
    "refunds": 4,
    "support": 4,
    "intake": 5,
}
URL_NAME = re.compile(rf"""["'](?:admin:({"|".join(FLOORS)})_\w+|({"|".join(FLOORS)}):\w+)["']""")


def test_neither_code_nor_templates_of_a_room_name_a_higher_one() -> None:
    found = [
        f"{file.relative_to(settings.BASE_DIR)}: {named[0]}"
        for room, floor in FLOORS.items()
        for folder in (Path(settings.BASE_DIR, room), Path(settings.BASE_DIR, "templates", room))
        for file in folder.rglob("*.*")
        if file.suffix in (".py", ".html", ".txt") and "migrations" not in file.parts
        for named in URL_NAME.finditer(file.read_text(encoding="utf-8"))
        if FLOORS[named[1] or named[2]] >= floor and room != (named[1] or named[2])
    ]
    assert found == []


def test_every_page_that_is_named_for_them_answers(db: None, client: Client) -> None:
    assert {client.get(reverse(name)).status_code for name in settings.SITE_PAGES.values()} == {200}
